"""Planted faults of no design."""

from tensorloom.tb.mutation.mutants import Mutant

__all__ = ["mutant"]


def mutant(number: int, block: str = "block") -> Mutant:
    """A fault that only its number and its block tell from others."""
    return Mutant(
        number=number, block=block, wire="w", wire_bit=0, cell="$1", port="A", port_bit=2, change="inverted",
        source="hw/x.py:3", command="",
    )  # fmt: skip
