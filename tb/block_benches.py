"""Which testbenches there are for the blocks of a design, whatever configuration it has."""

import dataclasses
import importlib.util
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from ..hw.emit.emitter import Block
from .bench import Bench
from .tools import ToolError

__all__ = ["BlockBench", "bench_folders", "block_benches", "testbenches"]

Check = Callable[[Bench, Any, Any], Awaitable[None]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class BlockBench:
    """A testbench for one block.

    Attributes
    ----------
    check
        The testbench: a coroutine of bench, configuration and random generator.
    config
        The block's configuration.
    """

    check: Check
    config: Any


def testbenches(folders: Iterable[str]) -> dict[type, dict[str, Check]]:
    """Testbenches in some folders of ``tb``, by the class of the component that they play and by name.

    Raises
    ------
    ToolError
        If cocotb, which the testbenches are written with, is not installed.
    """
    if importlib.util.find_spec("cocotb") is None:
        raise ToolError(
            "the package cocotb is not installed, which testbenches are written with: pip install 'tensorloom[cocotb]'"
        )
    checks: dict[type, dict[str, Check]] = {}
    for folder in folders:
        bundle = importlib.import_module(f".{folder}.bundle", __package__)
        kinds = {part: bundle.COMPONENTS[kind] for kind, parts in bundle.PARTS.items() for part in parts}
        for path in sorted((Path(__file__).parent / folder).glob("*.py")):
            for test in vars(importlib.import_module(f".{folder}.{path.stem}", __package__)).values():
                if (
                    hasattr(test, "check")
                    and hasattr(test, "parts")
                    and test.check.__module__.endswith(f".{folder}.{path.stem}")
                ):
                    for part in test.parts:
                        checks.setdefault(kinds[part], {})[f"{path.stem}.{test.check.__name__}"] = test.check
    return checks


def bench_folders() -> list[str]:
    """All folders of ``tb`` with testbenches of components."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/bundle.py"))


def block_benches(engine: str, blocks: Iterable[Block]) -> dict[str, dict[str, BlockBench]]:
    """Testbenches of each block, by its name and theirs: all that play components of its class.

    They are in ``tb/<engine>`` and, for what engines share, in ``tb/common`` and ``tb/bus``.

    Raises
    ------
    ToolError
        If cocotb is not installed.
    """
    checks = testbenches((engine, "common", "bus"))
    return {
        block.name: {
            name: BlockBench(check=check, config=block.config)
            for name, check in checks.get(block.component, {}).items()
        }
        for block in blocks
    }
