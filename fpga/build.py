"""Builds of bitstreams: synthesis, place and route, pack; kept by what went in."""

import contextlib
import dataclasses
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ..hw.errors import FailureError
from ..hw.folders import cache_folder
from ..tb.bulk.cache import Cache
from .boards import Board
from .plan import NAME, FpgaPlan
from .reports import Timing, check_mapping, fits, netlist_resources, read_timing, used_resources
from .toolchains import TOOLCHAINS, Toolchain
from .tools import program, run_tool, tool_version

__all__ = ["Build", "FpgaError", "bitstream_name", "build", "check_programs"]

Stages = Callable[[str], AbstractContextManager[Callable[[str], None]]]
"""Shows what is being done: ``with stages("Synthesis") as progress``."""

REPORTS = ("report.json", "stat.json", f"{NAME}.rpt", f"{NAME}.tim")
"""Files that tell about a build whether it succeeded or not."""


class FpgaError(FailureError):
    """A design doesn't fit, misses its timing, or was not mapped to the right resources."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Build:
    """A finished build.

    Parameters
    ----------
    folder
        Folder of the cache with its files.
    bitstream
        Name of the bitstream's file.
    resources
        Used ``lut``, ``ff``, ``dsp``, ``ram``.
    timing
        Clock and critical path.
    seconds
        What the build took.
    cached
        Whether it was taken from the cache.
    """

    folder: Path
    bitstream: str
    resources: dict[str, int]
    timing: Timing
    seconds: float
    cached: bool


def build(plan: FpgaPlan, stages: Stages, folder: Path, *, seed: int = 1, cache: Cache | None = None) -> Build:
    """Build a bitstream, or take it from the cache if nothing that matters has changed.

    Parameters
    ----------
    plan
        For a board with open tools.
    stages
        Shows progress.
    folder
        Where the results will be put. If the build fails, those of an earlier one are removed, and the tools' reports
        are put there.
    seed
        Of the placer.
    cache
        Where builds are kept.

    Raises
    ------
    FpgaError
        If the design doesn't fit, misses its timing, or memories or multipliers became something else.
    ToolError, ToolRunError
        If a tool is missing or fails.
    """
    assert plan.board.toolchain is not None
    toolchain = TOOLCHAINS[plan.board.toolchain]
    check_programs(plan.board)
    cache = cache or Cache(cache_folder("fpga"))
    commands = toolchain.commands(plan.script, plan.pll.output_hz, seed)
    versions = [tool_version(command[0]) for command in commands]
    key = hashlib.sha256(json.dumps([plan.digest, commands, versions]).encode()).hexdigest()[:32]
    if found := cache.find(key):
        return _from_cache(toolchain, *found)
    with cache.lock(key):
        if found := cache.find(key):  # by another process in the meantime
            return _from_cache(toolchain, *found)
        with cache.work_folder(key) as work, _keeping_reports(work, folder, bitstream_name(plan)):
            start = time.monotonic()
            plan.build.extract(work)
            resources, timing = _run(plan, toolchain, commands, work, stages)
            seconds = round(time.monotonic() - start, 1)
            files = [work / toolchain.bitstream, *(work / name for name in REPORTS)]
            entry = cache.publish(key, files, {"seconds": seconds})
    return Build(
        folder=entry, bitstream=toolchain.bitstream, resources=resources, timing=timing, seconds=seconds, cached=False
    )


def check_programs(board: Board) -> None:
    """Check, before work that takes long, that all tools of a board are there.

    Raises
    ------
    ToolError
        Naming the first that isn't.
    """
    if board.toolchain:
        for variable in TOOLCHAINS[board.toolchain].programs:
            program(variable)


def bitstream_name(plan: FpgaPlan) -> str:
    """What a user calls the bitstream's file."""
    assert plan.board.toolchain is not None
    return f"{plan.board.name}-{plan.engine}{Path(TOOLCHAINS[plan.board.toolchain].bitstream).suffix}"


def _from_cache(toolchain: Toolchain, entry: Path, meta: dict[str, Any]) -> Build:
    needs, _ = _netlist(toolchain, entry)
    timing, resources = _placed(toolchain, entry, needs)
    return Build(
        folder=entry, bitstream=toolchain.bitstream, resources=resources, timing=timing, seconds=meta["seconds"],
        cached=True,
    )  # fmt: skip


def _run(
    plan: FpgaPlan, toolchain: Toolchain, commands: list[list[str]], work: Path, stages: Stages
) -> tuple[dict[str, int], Timing]:
    capacity, name = plan.board.capacity, f"{plan.engine} on {plan.board.name}"
    with stages("Synthesis") as progress:
        run_tool(commands[0][0], commands[0][1:], work, makes=["stat.json"], log=f"{NAME}.rpt", progress=progress)
    needs, cells = _netlist(toolchain, work)
    if lacks := fits(needs, capacity):
        raise FpgaError(f"{name} does not fit: its netlist needs {', '.join(lacks)}")
    log = (work / f"{NAME}.rpt").read_text(encoding="utf-8", errors="replace")
    if faults := check_mapping(toolchain, cells, log, plan.config.multipliers):
        raise FpgaError(f"{name} was not mapped as it should be: {'; '.join(faults)}")
    with stages("Place and route") as progress:
        run_tool(commands[1][0], commands[1][1:], work, makes=["report.json"], log=f"{NAME}.tim", progress=progress)
    timing, resources = _placed(toolchain, work, needs)
    if timing.fmax_hz < plan.pll.output_hz:
        worst = timing.critical_path
        raise FpgaError(
            f"{name} misses its timing: {timing.fmax_hz / 1e6:.1f} of {plan.pll.output_hz / 1e6:.1f} MHz, from "
            f"{worst.get('from', 'a register')} to {worst.get('to', 'a register')}; choose a lower frequency or "
            "another seed"
        )
    with stages("Pack"):
        run_tool(commands[2][0], commands[2][1:], work, makes=[toolchain.bitstream])
    return resources, timing


def _netlist(toolchain: Toolchain, folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    """What the netlist needs, and its cells, from the files of a build."""
    with _reading("stat.json"):
        return netlist_resources(toolchain, (folder / "stat.json").read_text(encoding="utf-8"))


def _placed(toolchain: Toolchain, folder: Path, needs: dict[str, int]) -> tuple[Timing, dict[str, int]]:
    """Timing and resources of the placed design, from the files of a build."""
    with _reading("report.json"):
        timing, report = read_timing(folder / "report.json")
        return timing, used_resources(toolchain, needs, report)


@contextlib.contextmanager
def _reading(name: str) -> Iterator[None]:
    """Tell which of the tools' files can't be read."""
    try:
        yield
    except (ValueError, KeyError, TypeError) as error:
        raise FpgaError(f"the tools wrote a {name} that can't be read: is the disk full?") from error


@contextlib.contextmanager
def _keeping_reports(work: Path, folder: Path, bitstream: str) -> Iterator[None]:
    """Copy the tools' reports out of the work folder if the build fails; not if it is interrupted.

    No result of an earlier build stays beside them.
    """
    try:
        yield
    except (RuntimeError, OSError) as error:
        for name in (*REPORTS, bitstream):
            (folder / name).unlink(missing_ok=True)
        kept = [work / name for name in REPORTS if (work / name).exists()]
        if kept and isinstance(error, RuntimeError):
            folder.mkdir(parents=True, exist_ok=True)
            for path in kept:
                shutil.copy(path, folder)
            raise type(error)(f"{error} (reports in {folder})") from error
        raise
