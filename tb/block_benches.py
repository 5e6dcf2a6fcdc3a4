"""Which testbenches there are for the blocks of a design, whatever configuration it has."""

import dataclasses
import importlib
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from ..hw.emit.emitter import Block
from .bench import Bench

__all__ = ["BlockBench", "block_benches"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class BlockBench:
    """A testbench for one block.

    Attributes
    ----------
    name
        File and function.
    check
        The testbench: a coroutine of bench, configuration and random generator.
    config
        The block's configuration.
    """

    name: str
    check: Callable[[Bench, Any, Any], Awaitable[None]]
    config: Any


def block_benches(engine: str, blocks: Iterable[Block]) -> dict[str, list[BlockBench]]:
    """Testbenches of each block, by its name: those in ``tb/<engine>`` that play components of its class."""
    bundle = importlib.import_module(f".{engine}.bundle", __package__)
    kinds = {part: bundle.COMPONENTS[kind] for kind, parts in bundle.PARTS.items() for part in parts}
    checks: dict[type, dict[str, Any]] = {}
    for path in sorted((Path(__file__).parent / engine).glob("*.py")):
        for test in vars(importlib.import_module(f".{engine}.{path.stem}", __package__)).values():
            if hasattr(test, "check") and test.check.__module__.endswith(f".{path.stem}"):
                for part in test.parts:
                    checks.setdefault(kinds[part], {})[f"{path.stem}.{test.check.__name__}"] = test.check
    return {
        block.name: [
            BlockBench(name=name, check=check, config=block.config)
            for name, check in checks.get(block.component, {}).items()
        ]
        for block in blocks
    }
