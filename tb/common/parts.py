"""Configurations under test: small, and each with a shape that the others don't have."""

__all__ = ["PARTS"]

SUMS = ((48, 6), (32, 0), (20, 3))

PARTS: dict[str, dict[str, tuple[int, ...]]] = {
    "broadcast": {f"broadcast_{n}": sizes for n, sizes in enumerate(((8, 3, 1), (3, 1, 3), (33, 4, 2)))},
    "fifo": {f"fifo_{width}x{depth}": (width, depth) for width, depth in ((8, 4), (3, 5), (33, 1))},
    "ram": {
        f"ram_{width}x{depth}_{lanes}": (width, depth, lanes)
        for width, depth, lanes in ((5, 8, 1), (1, 3, 1), (70, 16, 1), (9, 2, 1), (24, 5, 3), (4, 6, 4))
    },
    "multiplier": {
        f"multiplier_{a_bits}x{b_bits}_{registers}": (a_bits, b_bits, registers)
        for a_bits, b_bits, registers in ((9, 9, 0), (8, 8, 1), (5, 7, 2), (16, 16, 3), (1, 4, 1))
    },
    "normalizer": {
        f"normalizer_{bits}to{kept_bits}": (bits, kept_bits)
        for bits, kept_bits in ((32, 24), (38, 24), (48, 24), (10, 4), (7, 5), (6, 1))
    },
    "byte_rounder": {"byte_rounder": ()},
    "round_to_byte": {"round_to_byte": ()},
    "aligned_adder": {f"aligned_adder_{bits}": (bits,) for bits in (9, 19, 2)},
    "fused_multiply_add": {"fused_multiply_add": ()},
    "requantizer": {f"requantizer_{sum_bits}_{tag_bits}": (sum_bits, tag_bits) for sum_bits, tag_bits in SUMS},
    **{
        kind: {f"{kind}_{size}x{bits}": (size, bits) for size, bits in ((8, 8), (32, 8), (5, 3), (7, 9), (1, 2))}
        for kind in ("compact", "spread")
    },
    "residual_add": {f"residual_add_{tag_bits}": (tag_bits,) for tag_bits in (6, 0)},
}
"""Width, receivers and waiting beats of broadcasts; width and depth of FIFOs, of memories and their lanes; widths and
registers of multipliers; widths of normalizers; width of the integer in products of adders; widths of sums and tags of
lanes; number and widths of values; by name of the part, by component."""
