"""Mutants that change nothing: proven by Yosys' SAT solver."""

from ...hw.emit.yosys import YosysError, run_yosys
from .mutants import Mutant, Mutants

__all__ = ["equivalent"]


def equivalent(design: Mutants, block: str, mutant: Mutant, *, timeout_seconds: int = 20) -> bool:
    """Whether a block, with all that is in it, provably computes the same with a mutant, in every state.

    Registers and memories are cut: their contents become free inputs, what they are given next becomes outputs. So
    equal is proven for ever, while a difference may be one that is never reached: no proof then.

    Parameters
    ----------
    block
        The mutant's own module or one that holds it, where more is known of the inputs.
    """
    cut = "flatten\nopt_clean\nmemory_map\ndffunmap\nopt_clean\nexpose -evert-dff"
    script = f"""
read_rtlil netlist.il
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
        log = run_yosys(script, files={"netlist.il": design.netlist})["log"]
    except YosysError:
        return False  # the mutant has other registers (one that it made needless, say): not comparable in this way
    return "SAT proof finished - no model found: SUCCESS!" in log
