"""The engines there are: each is ``ENGINE`` in ``run/<engine>/engine.py``, found by its folder."""

import dataclasses
import importlib
from functools import cache
from pathlib import Path
from typing import Any

from .contract import Engine

__all__ = ["Design", "design_name", "engines", "find_preset", "preset_names"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Design:
    """A configuration of an engine.

    Parameters
    ----------
    name
        What it is called: the preset's name, followed by what was changed.
    """

    engine: Engine[Any, Any, Any]
    name: str
    config: Any


@cache
def engines() -> dict[str, Engine[Any, Any, Any]]:
    """All engines by name, in the order of their positions."""
    folders = sorted(path.parent for path in Path(__file__).parent.glob("*/engine.py"))
    found = [importlib.import_module(f".{folder.name}.engine", __package__).ENGINE for folder in folders]
    return {engine.name: engine for engine in sorted(found, key=lambda engine: engine.position)}


def preset_names() -> list[str]:
    """Presets of all engines."""
    return [name for engine in engines().values() for name in engine.presets]


def find_preset(name: str) -> Design | None:
    """The preset of that name, or the first preset of the engine of that name, if there is one."""
    for engine in engines().values():
        if name in engine.presets:
            return Design(engine=engine, name=name, config=engine.presets[name])
    return find_preset(next(iter(engines()[name].presets))) if name in engines() else None


def design_name(name: str, changes: dict[str, Any]) -> str:
    """The name of a design after some fields were changed."""
    return " ".join([name, *(f"{field}={value}" for field, value in _flat(changes).items())])


def _flat(changes: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for field, value in changes.items():
        flat |= _flat(value, f"{prefix}{field}.") if isinstance(value, dict) else {f"{prefix}{field}": value}
    return flat
