"""Verilator control file: lint waivers for the emitter's own habits, and hierarchical blocks."""

from collections.abc import Sequence

__all__ = ["STRICT", "WAIVERS", "verilator_control"]

WAIVERS = (
    ("PROCASSINIT", "Procedural assignment to declaration with initial value*", "registers have both"),
    ("UNUSEDSIGNAL", "*", "bits that a signed or sliced value does not need, and clk/rst of combinational modules"),
    (
        "WIDTH",
        "Operator * expects * on the ?HS, but ?HS's * generates *",
        "operands are written with their natural width, smaller than the result's",
    ),
    ("WIDTH", "Operator ASSIGNW expects * SHIFTR generates *", "a bit chosen by a number is a shift cut to one bit"),
    ("DECLFILENAME", "*", "all modules may be in one file"),
    ("UNOPTFLAT", "*", "up to 5.038, bits of one vector that depend on each other are taken for loops"),
)
"""Lint rules that emitted Verilog breaks by its nature: rule, message, and why that is harmless.

Verilator 5.006 is the oldest that takes the file. It knows WIDTH, which later versions divide into WIDTHEXPAND and
WIDTHTRUNC; the messages tell them apart.
"""

UNKNOWN = ("PROCASSINIT",)
"""Rules that old versions refuse to hear of: waived by their message alone."""

STRICT, DOUBTFUL = "TENSORLOOM_STRICT", ("UNOPTFLAT",)
"""A macro for versions that are known to judge these rules well: where it is defined, they are not waived."""


def verilator_control(files: Sequence[str], hierarchical: Sequence[str]) -> str:
    """Text of the ``.vlt`` file: everything that it does not name stays fatal under ``-Wall``."""
    lines = ["`verilator_config"]
    for rule, message, reason in WAIVERS:
        name = "" if rule in UNKNOWN else f" -rule {rule}"
        match = "" if message == "*" else f' -match "{message}"'
        # The name alone and below a folder, so that nobody else's file that ends like it is meant.
        waivers = [f'lint_off{name} -file "{path}"{match}' for file in files for path in (file, f"*/{file}")]
        if rule in DOUBTFUL:
            waivers = [f"`ifndef {STRICT}", *waivers, "`endif"]
        lines += [f"// {rule}: {reason}", *waivers]
    if hierarchical:
        lines.append("// verilated once and instantiated (used with --hierarchical)")
        lines += [f'hier_block -module "{name}"' for name in hierarchical]
    return "\n".join(lines) + "\n"
