"""The boards: device, clock and pins."""

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any

__all__ = ["BOARDS", "Board"]

Pin = tuple[str, int]
"""Name and number of a resource of the board's platform."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Board:
    """A board of amaranth-boards.

    Parameters
    ----------
    name, title
        Name on the command line, and what it is.
    platform
        ``module:class`` in amaranth_boards.
    device
        The FPGA.
    toolchain
        Name in `toolchains.TOOLCHAINS`; None if only the vendor's tool makes bitstreams.
    vendor_tool
        The vendor's tool, by its name in Amaranth.
    loader
        Command that loads a bitstream.
    capacity
        LUTs of four inputs (six on Xilinx), flip-flops, multipliers (DSP cells) and block RAMs of the device.
    clock, clock_hz, pll
        Clock resource, its frequency, and the PLL primitive, see `plls.PLLS`.
    leds
        Resource of each of `self_test.LEDS`, in their order.
    fault_button, reset_button
        Buttons that inject a fault and that reset. A board without a reset button is reset by loading it again.
    extra
        Attribute of the platform with further resources, such as a part of the board that can be broken off.
    """

    name: str
    title: str
    platform: str
    device: str
    toolchain: str | None
    vendor_tool: str
    loader: str = ""
    capacity: Mapping[str, int]
    clock: str
    clock_hz: int
    pll: str
    leds: Mapping[str, Pin]
    fault_button: Pin
    reset_button: Pin | None = None
    extra: str | None = None

    def make_platform(self, *, vendor: bool = False) -> Any:
        """A new platform object, for open tools or for the vendor's, with all resources that the board has."""
        module, _, name = self.platform.partition(":")
        options = {"toolchain": self.vendor_tool} if vendor else {}
        platform = getattr(importlib.import_module(f"amaranth_boards.{module}"), name)(**options)
        if self.extra is not None:
            platform.add_resources(getattr(platform, self.extra))
        return platform


def _leds(*numbers: int) -> dict[str, Pin]:
    return dict(zip(("running", "passed", "failed", "heartbeat"), (("led", number) for number in numbers), strict=True))


def _arty(**board: Any) -> Board:
    """A board of Digilent's Arty family."""
    return Board(
        **board,
        toolchain=None,
        vendor_tool="Vivado",
        pll="PLLE2_BASE",
        leds=_leds(0, 1, 2, 3),
        fault_button=("button", 0),
        reset_button=("button", 1),
    )


ALL_BOARDS = (
    Board(
        name="ulx3s-85f",
        title="Radiona ULX3S with LFE5U-85F",
        platform="ulx3s:ULX3S_85F_Platform",
        device="ECP5 LFE5U-85F-6BG381C",
        toolchain="ecp5",
        vendor_tool="Diamond",
        loader="openFPGALoader -b ulx3s {file}",
        capacity={"lut": 83_640, "ff": 83_640, "dsp": 156, "ram": 208},
        clock="clk25",
        clock_hz=25_000_000,
        pll="EHXPLLL",
        leds=_leds(0, 1, 2, 3),
        fault_button=("button_fire", 0),
        reset_button=("button_fire", 1),
    ),
    Board(
        name="icebreaker",
        title="1BitSquared iCEBreaker",
        platform="icebreaker:ICEBreakerPlatform",
        device="iCE40UP5K-SG48",
        toolchain="ice40",
        vendor_tool="LSE-iCECube2",
        loader="iceprog {file}",
        capacity={"lut": 5_280, "ff": 5_280, "dsp": 8, "ram": 30},
        clock="clk12",
        clock_hz=12_000_000,
        pll="SB_PLL40_PAD",
        leds={"running": ("led_g", 1), "passed": ("led_g", 0), "failed": ("led_r", 0), "heartbeat": ("led_g", 2)},
        fault_button=("button", 0),
        reset_button=("button", 1),
        extra="break_off_pmod",
    ),
    Board(
        name="tang-primer-20k",
        title="Sipeed Tang Primer 20K with Dock",
        platform="tang_primer_20k:TangPrimer20kDockPlatform",
        device="GW2A-LV18PG256C8/I7",
        toolchain="gowin",
        vendor_tool="Gowin",
        loader="openFPGALoader -b tangprimer20k {file}",
        capacity={"lut": 20_736, "ff": 15_552, "dsp": 48, "ram": 46},
        clock="clk27",
        clock_hz=27_000_000,
        pll="rPLL",
        leds=_leds(0, 1, 2, 3),
        fault_button=("button", 0),
    ),
    _arty(
        name="arty-a7",
        title="Digilent Arty A7-100T",
        platform="arty_a7:ArtyA7_100Platform",
        device="xc7a100ticsg324-1L",
        capacity={"lut": 63_400, "ff": 126_800, "dsp": 240, "ram": 135},
        clock="clk100",
        clock_hz=100_000_000,
    ),
    _arty(
        name="arty-z7",
        title="Digilent Arty Z7-20 (Zynq-7000)",
        platform="arty_z7:ArtyZ720Platform",
        device="xc7z020clg400-1",
        capacity={"lut": 53_200, "ff": 106_400, "dsp": 220, "ram": 140},
        clock="clk125",
        clock_hz=125_000_000,
    ),
)  # fmt: skip

BOARDS: dict[str, Board] = {board.name: board for board in ALL_BOARDS}
