"""The open tools of an FPGA family: options, commands, and what their cells cost."""

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from .synthesis import AFTER_READ, FLATTEN, NO_WIDE_MULTIPLEXERS, keep

__all__ = ["TOOLCHAINS", "Toolchain"]

STATISTICS = "tee -q -o stat.json stat -json"

ICE40_MULTIPLIERS = """
proc
opt -nodffe -nosdff
wreduce
techmap -map +/mul2dsp.v -map +/ice40/dsp_map.v -D DSP_A_MAXWIDTH=16 -D DSP_B_MAXWIDTH=16 -D DSP_A_MINWIDTH=2 \
-D DSP_B_MINWIDTH=2 -D DSP_Y_MINWIDTH=11 -D DSP_NAME=$__MUL16X16
select a:mul2dsp
setattr -unset mul2dsp
select -clear
chtype -set $mul t:$__soft_mul
"""
"""synth_ice40 makes $macc cells of a product and the sum after it, and these never become DSPs. So products first."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Toolchain:
    """Open tools for one family.

    Parameters
    ----------
    name
        Of the family.
    programs
        Environment variables of the tools: synthesis, place and route, pack.
    options
        Arguments of Amaranth's ``platform.build``.
    repeated_options
        Options of synthesis for designs whose repeated modules are mapped once.
    costs
        What cells of a synthesized netlist take: amounts of ``lut``, ``ff``, ``dsp``, ``ram`` by type.
    used
        Names in nextpnr's utilization of the resources that it counts better than synthesis.
    multipliers
        Cell types that are a multiplier.
    bitstream
        File that goes to the board.
    """

    name: str
    programs: tuple[str, str, str]
    options: Mapping[str, str]
    repeated_options: tuple[str, ...] = ()
    costs: Mapping[str, Mapping[str, float]]
    used: Mapping[str, tuple[str, ...]]
    multipliers: tuple[str, ...]
    bitstream: str

    def build_options(self, repeated: Sequence[str] = ()) -> dict[str, Any]:
        """Arguments of ``platform.build`` that make the statistics too.

        Parameters
        ----------
        repeated
            Modules to map once each; see `synthesis.keep`.
        """
        options: dict[str, str] = {"script_after_synth": STATISTICS} | dict(self.options)
        if repeated:
            options["script_after_read"] = f"{options.get('script_after_read', '')}\n{keep(repeated)}"
            options["script_after_synth"] = f"{FLATTEN}\n{STATISTICS}"
            options["synth_opts"] = " ".join([options.get("synth_opts", ""), *self.repeated_options]).strip()
        return options

    def commands(self, script: str, frequency_hz: float, seed: int) -> list[list[str]]:
        """Program and arguments of synthesis, place and route, pack, from the script of Amaranth's build plan.

        Programs have the names of their environment variables, such as ``NEXTPNR_ECP5``.
        """
        lines = [shlex.split(line) for line in script.splitlines() if line.startswith('"$')]
        commands = [[line[0].removeprefix("$"), *line[1:]] for line in lines]
        route = commands[1]
        # A miss of the timing is found in the report, which is only written if nextpnr doesn't stop at it.
        route += ["--report", "report.json", "--timing-allow-fail", "--seed", str(seed)]
        if self.name == "gowin":
            commands[1] = _himbaechel(route, frequency_hz)
        return commands


def _himbaechel(arguments: list[str], frequency_hz: float) -> list[str]:
    """Arguments of nextpnr-himbaechel for those of its predecessor nextpnr-gowin, which Amaranth writes."""
    result = ["NEXTPNR_HIMBAECHEL_GOWIN", "--freq", f"{frequency_hz / 1e6:g}"]
    values = iter(arguments[1:])
    for argument in values:
        if argument in ("--family", "--cst"):
            result += ["--vopt", f"{argument[2:]}={next(values)}"]
        else:
            result.append(argument)
    return result


def _cells(resource: str, amount: float, *names: str) -> dict[str, dict[str, float]]:
    return {name: {resource: amount} for name in names}


ECP5 = Toolchain(
    name="ecp5",
    programs=("YOSYS", "NEXTPNR_ECP5", "ECPPACK"),
    options={"script_after_read": AFTER_READ},
    repeated_options=(NO_WIDE_MULTIPLEXERS,),
    costs=_cells("lut", 1, "LUT4")
    | _cells("lut", 2, "CCU2C")
    | _cells("lut", 6, "TRELLIS_DPR16X4")  # four of memory, two for its write port
    | _cells("ff", 1, "TRELLIS_FF")
    | _cells("dsp", 1, "MULT18X18D")
    | _cells("ram", 1, "DP16KD", "PDPW16KD"),
    used={"lut": ("TRELLIS_COMB",), "ff": ("TRELLIS_FF",), "dsp": ("MULT18X18D",), "ram": ("DP16KD",)},
    multipliers=("MULT18X18D",),
    bitstream="top.bit",
)

ICE40 = Toolchain(
    name="ice40",
    programs=("YOSYS", "NEXTPNR_ICE40", "ICEPACK"),
    options={"script_after_read": ICE40_MULTIPLIERS, "synth_opts": "-dsp -device u"},
    costs=_cells("lut", 1, "SB_LUT4")
    | _cells("ff", 1, *(f"SB_DFF{kind}" for kind in ("", "E", "SR", "R", "SS", "S", "ESR", "ER", "ESS", "ES")))
    | _cells("dsp", 1, "SB_MAC16")
    | _cells("ram", 1, "SB_RAM40_4K"),
    used={"lut": ("ICESTORM_LC",), "dsp": ("ICESTORM_DSP",), "ram": ("ICESTORM_RAM",)},
    multipliers=("SB_MAC16",),
    bitstream="top.bin",
)

GOWIN = Toolchain(
    name="gowin",
    programs=("YOSYS", "NEXTPNR_HIMBAECHEL_GOWIN", "GOWIN_PACK"),
    options={"synth_opts": "-family gw2a"},
    costs=_cells("lut", 1, "LUT1", "LUT2", "LUT3", "LUT4", "ALU")
    | _cells("lut", 4, "RAM16SDP4")
    | _cells("ff", 1, *(f"DFF{kind}" for kind in ("", "E", "S", "SE", "R", "RE", "P", "PE", "C", "CE")))
    | _cells("dsp", 0.5, "MULT9X9")
    | _cells("dsp", 1, "MULT18X18")
    | _cells("ram", 1, "SP", "SPX9", "DPB", "DPX9B", "SDPB", "SDPX9B", "pROM", "pROMX9"),
    used={},
    multipliers=("MULT9X9", "MULT18X18"),
    bitstream="top.fs",
)

TOOLCHAINS: dict[str, Toolchain] = {toolchain.name: toolchain for toolchain in (ECP5, ICE40, GOWIN)}
