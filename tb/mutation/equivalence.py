"""Mutants that change nothing: proven by Yosys' SAT solver."""

import re

from ...hw.emit.yosys import YosysError, run_yosys
from .mutants import Mutant, Mutants

__all__ = ["equivalent"]


CUT = """
flatten
dffunmap
{clean}
simplemap t:$dff
chtype -set register t:$_DFF_P_
rename -enumerate -pattern register_% t:register
rename -enumerate -pattern multiplier_% t:mul_*
expose -evert {block}/t:register {block}/t:mul_* {block}/t:mem_v2_*
"""
"""Yosys commands that cut boxes out; they need public names, and there are as many in the same order in any mutant."""

REGISTER = "(* blackbox *) module register(input C, input D, output Q); endmodule\n"


def equivalent(design: Mutants, block: str, mutant: Mutant, *, timeout_seconds: int = 20) -> bool:
    """Whether a block, with all that is in it, provably computes the same with a mutant, in every state.

    Registers, memories and multipliers are cut out: what they give becomes free inputs, what they are given becomes
    outputs. So equal is proven for ever, while a difference may be one that is never reached: no proof then.

    Parameters
    ----------
    block
        The mutant's own module, or one around it: there more is known of the inputs, and what no output depends on is
        left out.
    """
    cut = CUT.format(block=block, clean="" if block == mutant.block else "opt_clean")
    script = f"""
read_rtlil netlist.il
read_verilog register.v
hierarchy -top {block}
design -save whole
{cut}
rename {block} gold
design -stash gold
design -load whole
mutate {mutant.command}
{cut}
rename {block} gate
design -stash gate
design -copy-from gold -as gold gold
design -copy-from gate -as gate gate
miter -equiv -flatten gold gate miter
hierarchy -top miter
sat -timeout {timeout_seconds} -prove trigger 0 miter
"""
    try:
        log = run_yosys(script, files={"netlist.il": _boxed(design.netlist), "register.v": REGISTER})["log"]
    except YosysError:
        return False  # the mutant has other registers (one that it made needless, say): not comparable in this way
    return "SAT proof finished - no model found: SUCCESS!" in log


def _boxed(netlist: str) -> str:
    """Memories and multipliers as boxes whose inside nobody knows, with the same names and ports.

    What a multiplier computes makes SAT problems hard, and plays no part: a fault is never inside a cell.
    """
    boxes: dict[str, str] = {}

    def box(cell: re.Match[str]) -> str:
        number = {name: int(value) for name, value in re.findall(r"parameter \\(\w+) (\d+)$", cell[0], re.MULTILINE)}
        if cell[1] == "mul":
            widths = {port: number[f"{port}_WIDTH"] for port in "ABY"}
        else:
            reads, writes, width, address = (number[name] for name in ("RD_PORTS", "WR_PORTS", "WIDTH", "ABITS"))
            widths = dict.fromkeys(("RD_CLK", "RD_EN", "RD_ARST", "RD_SRST"), reads) | {"WR_CLK": writes}
            widths |= {"RD_ADDR": reads * address, "WR_ADDR": writes * address, "RD_DATA": reads * width}
            widths |= dict.fromkeys(("WR_EN", "WR_DATA"), writes * width)
        kind = f"{cell[1]}_" + "_".join(map(str, widths.values()))
        wires = [
            f"  wire width {width} {'output' if name in ('RD_DATA', 'Y') else 'input'} {index} \\{name}\n"
            for index, (name, width) in enumerate(widths.items(), 1)
        ]
        boxes[kind] = f"attribute \\blackbox 1\nmodule \\{kind}\n{''.join(wires)}end\n"
        return re.sub(r"    parameter [^\n]*\n", "", cell[0]).replace(f"${cell[1]} ", f"\\{kind} ")

    netlist = re.sub(r"^  cell \$(mul|mem_v2) .*?^  end$", box, netlist, flags=re.MULTILINE | re.DOTALL)
    return netlist + "".join(boxes.values())
