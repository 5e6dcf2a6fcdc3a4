"""Verilator control file: lint waivers for the emitter's own habits, and hierarchical blocks."""

from collections.abc import Sequence

__all__ = ["WAIVERS", "verilator_control"]

WAIVERS = {
    "PROCASSINIT": "registers have an initial value and are assigned in a process",
    "UNUSEDSIGNAL": "bits that a signed or sliced value does not need, and clk/rst of combinational modules",
    "WIDTHEXPAND": "constants are written with their natural width",
    "CASEINCOMPLETE": "a case without a match keeps the value assigned before it",
    "DECLFILENAME": "all modules are in one file",
}
"""Lint rules that Amaranth's output breaks by its nature, and why that is harmless."""


def verilator_control(files: Sequence[str], hierarchical: Sequence[str]) -> str:
    """Text of the ``.vlt`` file: everything that it does not name stays fatal under ``-Wall``."""
    lines = ["`verilator_config"]
    for rule, reason in WAIVERS.items():
        lines.append(f"// {reason}")
        lines += [f'lint_off -rule {rule} -file "*{name}"' for name in files]
    if hierarchical:
        lines.append("// verilated once and instantiated (used with --hierarchical)")
        lines += [f'hier_block -module "{name}"' for name in hierarchical]
    return "\n".join(lines) + "\n"
