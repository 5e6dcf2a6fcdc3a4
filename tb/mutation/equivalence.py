"""Mutants that change nothing: proven by Yosys' SAT solver."""

import re
from functools import lru_cache

from ...hw.emit.yosys import YosysError, run_yosys
from .mutants import Mutant, Mutants

__all__ = ["equivalent"]

REGISTER_ROWS = 64
"""Rows of the largest memory that may be taken for registers."""


def equivalent(
    design: Mutants,
    block: str,
    mutant: Mutant,
    *,
    alone: bool = False,
    registers: bool = False,
    cpu_seconds: int = 20,
) -> bool:
    """Whether a block, with all that is in it, provably computes the same with a mutant, in every state.

    Registers, memories, multipliers and other engines' modules are cut out: what they give becomes free inputs, what
    they are given becomes outputs. So equal is proven for ever, while a difference may be one that is never reached: no
    proof then. What a mutant doesn't reach is merged before, which leaves the solver little.

    Parameters
    ----------
    block
        The mutant's own module, or one around it: there more is known of the inputs, and what no output depends on is
        left out.
    alone
        Cut out the blocks in it, too: what is large as a whole is proven at once if its own cells decide.
    registers
        Take small memories for registers, which is slower: so it doesn't matter what is read where nobody looks at it.
        Only a block that has a memory of its own is tried in this way.
    """
    if registers and not re.search(
        rf"^module \\{block}\n(?:(?!end\n).*\n)*?  cell \$mem_v2 ", design.netlist, re.MULTILINE
    ):
        return False
    netlist, names, widths = _with_boxes(_with_registers(design.netlist, block) if registers else design.netlist)
    cell = names.get((mutant.block, mutant.cell), mutant.cell)
    command = mutant.command.replace(f"-cell {mutant.cell} ", f"-cell {cell} ")
    clean = "" if block == mutant.block else "opt_clean"
    inner = sorted(design.below(block)) if alone else []
    named = "\n".join(f"chtype -set register_{width} t:$dff r:WIDTH={width} %i" for width in widths)
    cut = f"flatten\ndffunmap\n{clean}\n{named}\nexpose -evert {block}/t:register_* {block}/t:mul_* {block}/t:mem_*"
    cut += "".join(f" {block}/t:{name}" for name in [*design.foreign, *inner])
    boxes = "\n".join(f"blackbox {name}" for name in inner)
    script = f"""
read_rtlil netlist.il
hierarchy -top {block}
{boxes}
design -save whole
{cut}
rename {block} gold
design -stash gold
design -load whole
mutate {command}
{cut}
rename {block} gate
design -stash gate
design -copy-from gold -as gold gold
design -copy-from gate -as gate gate
miter -equiv -flatten gold gate miter
hierarchy -top miter
opt_merge
opt_clean
sat -prove trigger 0 miter
"""
    try:
        log = run_yosys(script, files={"netlist.il": netlist}, cpu_seconds=cpu_seconds)["log"]
    except YosysError:
        return False  # it takes too long, or the mutant has other registers (one that it made needless, say)
    return "SAT proof finished - no model found: SUCCESS!" in log


@lru_cache(4)
def _with_registers(netlist: str, block: str) -> str:
    """A block's netlist with registers for its small memories."""
    script = f"read_rtlil netlist.il\nhierarchy -top {block}\n"
    script += f"memory_map t:$mem_v2 r:SIZE<={REGISTER_ROWS} %i\nwrite_rtlil registers.il\n"
    return run_yosys(script, files={"netlist.il": netlist}, outputs=("registers.il",))["registers.il"]


@lru_cache(4)
def _with_boxes(netlist: str) -> tuple[str, dict[tuple[str, str], str], list[int]]:
    """Memories and multipliers as boxes whose inside nobody knows; registers, too, have names that can become ports'.

    What a multiplier computes makes SAT problems hard, and plays no part: a fault is never inside a cell. But which
    bits of multiples of a constant are always 0 does, and is easy.

    Returns
    -------
    netlist, names, widths
        The netlist, with modules for boxes of registers at its end; new names of cells by module and old name; and
        which widths registers have.
    """
    names: dict[tuple[str, str], str] = {}
    boxes: dict[str, str] = {}
    widths: set[int] = set()

    def cut(module: re.Match[str]) -> str:
        def box(cell: re.Match[str]) -> str:
            kind, old = cell[1], cell[2]
            if kind == "mul" and re.search(r"^    connect \\[AB] \d+'[01]+$", cell[0], re.MULTILINE):
                return cell[0]
            new = old if old.startswith("\\") else "\\box_" + re.sub(r"\W+", "_", old)
            names[module[1], old] = new
            found = re.findall(r"parameter \\(\w+) (\d+)$", cell[0], re.MULTILINE)
            number = {name: int(value) for name, value in found}
            text = cell[0].replace(f" {old}\n", f" {new}\n", 1)
            if "dff" in kind:
                widths.add(number["WIDTH"])
                return text
            if kind == "mul":
                ports = {port: number[f"{port}_WIDTH"] for port in "ABY"}
            else:
                reads, writes, width, address = (number[name] for name in ("RD_PORTS", "WR_PORTS", "WIDTH", "ABITS"))
                ports = dict.fromkeys(("RD_CLK", "RD_EN", "RD_ARST", "RD_SRST"), reads) | {"WR_CLK": writes}
                ports |= {"RD_ADDR": reads * address, "WR_ADDR": writes * address, "RD_DATA": reads * width}
                ports |= dict.fromkeys(("WR_EN", "WR_DATA"), writes * width)
            name = f"{kind}_" + "_".join(map(str, ports.values()))
            boxes[name] = _box(name, ports)
            return re.sub(r"    parameter [^\n]*\n", "", text).replace(f"${kind} ", f"\\{name} ")

        pattern = r"^  cell \$(mul|mem_v2|[as]*dff\w*) (\S+)$.*?^  end$"
        return re.sub(pattern, box, module[0], flags=re.MULTILINE | re.DOTALL)

    netlist = re.sub(r"^module \\(\S+)$.*?^end$", cut, netlist, flags=re.MULTILINE | re.DOTALL)
    for width in widths:
        boxes[f"register_{width}"] = _box(f"register_{width}", {"CLK": 1, "D": width, "Q": width})
    return netlist + "".join(boxes.values()), names, sorted(widths)


def _box(name: str, ports: dict[str, int]) -> str:
    """A module that says no more than which ports there are."""
    wires = [
        f"  wire width {width} {'output' if port in ('RD_DATA', 'Y', 'Q') else 'input'} {index} \\{port}\n"
        for index, (port, width) in enumerate(ports.items(), 1)
    ]
    return f"attribute \\blackbox 1\nmodule \\{name}\n{''.join(wires)}end\n"
