"""Configurations under test: small, and each with a shape that the others don't have."""

__all__ = ["PARTS"]

PARTS: dict[str, dict[str, tuple[int, ...]]] = {
    "fifo": {f"fifo_{width}x{depth}": (width, depth) for width, depth in ((8, 4), (3, 5), (33, 1))},
    "ram": {f"ram_{width}x{depth}": (width, depth) for width, depth in ((5, 8), (1, 3), (70, 16), (9, 2))},
    "multiplier": {
        f"multiplier_{a_bits}x{b_bits}_{registers}": (a_bits, b_bits, registers)
        for a_bits, b_bits, registers in ((9, 9, 0), (8, 8, 1), (5, 7, 2), (16, 16, 3), (1, 4, 1))
    },
}
"""Width and depth of FIFOs and memories; widths and registers of multipliers; by name of the part, by component."""
