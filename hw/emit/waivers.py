"""Verilator control file: lint waivers for the emitter's own habits, and hierarchical blocks."""

from collections.abc import Sequence

__all__ = ["WAIVERS", "verilator_control"]

WAIVERS = (
    ("PROCASSINIT", "*", "registers have an initial value and are assigned in a process"),
    ("UNUSEDSIGNAL", "*", "bits that a signed or sliced value does not need, and clk/rst of combinational modules"),
    ("WIDTHEXPAND", "Operator *", "operands are written with their natural width, smaller than the result's"),
    (
        "WIDTHTRUNC",
        "Operator ASSIGNW expects * SHIFTR generates *",
        "a bit chosen by a number is a shift cut to one bit",
    ),
    ("DECLFILENAME", "*", "all modules may be in one file"),
)
"""Lint rules that emitted Verilog breaks by its nature: rule, message, and why that is harmless."""


def verilator_control(files: Sequence[str], hierarchical: Sequence[str]) -> str:
    """Text of the ``.vlt`` file: everything that it does not name stays fatal under ``-Wall``."""
    lines = ["`verilator_config"]
    for rule, message, reason in WAIVERS:
        match = "" if message == "*" else f' -match "{message}"'
        lines.append(f"// {reason}")
        # The name alone and below a folder, so that nobody else's file that ends like it is meant.
        lines += [f'lint_off -rule {rule} -file "{path}"{match}' for name in files for path in (name, f"*/{name}")]
    if hierarchical:
        lines.append("// verilated once and instantiated (used with --hierarchical)")
        lines += [f'hier_block -module "{name}"' for name in hierarchical]
    return "\n".join(lines) + "\n"
