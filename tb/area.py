"""Area without a foundry: NAND2-equivalents of an emitted design."""

import json

from ..hw.emit.yosys import run_yosys
from .sources import EmissionLike, Sources

__all__ = ["nand2_equivalents"]

NAND2_TRANSISTORS = 4


def nand2_equivalents(source: EmissionLike, *, tops: tuple[str, ...] | None = None) -> dict[str, float]:
    """Area by module, each with everything below it, in two-input NAND gates of CMOS (four transistors).

    Mapped to NAND, NOR, inverter (1, 1 and 0.5) and plain D flip-flops (4) by ``abc -g cmos2``; enables and resets are
    gates. A module that is used more often in a top counts as often.

    Parameters
    ----------
    source
        An emission.
    tops
        Modules to measure; by default all, which maps shared parts again and again.

    Raises
    ------
    YosysError
        If Yosys can't map the design.
    ValueError
        If a cell without a known number of transistors is left.
    """
    sources = Sources.load(source)
    result = {}
    for top in tops or tuple(module["name"] for module in sources.manifest["modules"]):
        script = "".join(f"read_verilog {name}\n" for name in sources.verilog)
        script += f"""
synth -flatten -noabc -top {top}
dfflegalize -cell $_DFF_P_ 01
abc -g cmos2
opt_clean
delete t:$scopeinfo
tee -q -o stat.json stat -json -tech cmos
"""
        text = run_yosys(script, files=sources.verilog, outputs=("stat.json",))["stat.json"]
        transistors = str(json.loads(text[text.index("{") :])["design"]["estimated_num_transistors"])
        if not transistors.isdecimal():
            raise ValueError(f"{top} must have cells with transistor counts only, not {transistors} transistors")
        result[top] = int(transistors) / NAND2_TRANSISTORS
    return result
