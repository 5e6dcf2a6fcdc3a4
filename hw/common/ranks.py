"""Counting and choosing bits."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.utils import bits_for

__all__ = ["count_ones", "first_ones", "ranks"]


def count_ones(bits: Value) -> Value:
    """How many bits are 1: a tree of adders."""
    counts = [bits[place] for place in range(len(bits))]
    while len(counts) > 1:
        counts = [reduce(lambda a, b: a + b, counts[n : n + 2]) for n in range(0, len(counts), 2)]
    return counts[0][: bits_for(len(bits))]


def ranks(m: Module, name: str, bits: Value, most: int) -> list[Value]:
    """By bit: how many of those below it are 1, or `most` if more are; a parallel prefix."""
    sums: list[Value] = [bits[place] for place in range(len(bits))]
    distance = 1
    while distance < len(sums):
        wider = sums[:distance]
        for place in range(distance, len(sums)):
            total, kept = (
                sums[place - distance] + sums[place],
                Signal(range(most + 1), name=f"{name}_{distance}_{place}"),
            )
            m.d.comb += kept.eq(Mux(total >= most, most, total))
            wider.append(kept)
        sums, distance = wider, 2 * distance
    return [Const(0, 1), *sums[:-1]]


def first_ones(m: Module, name: str, bits: Value, count: int) -> tuple[list[Signal], Signal]:
    """The first `count` bits that are 1: by number the place of each, and all of them as a mask.

    A place is 0 if there are fewer.
    """
    below, places = ranks(m, f"{name}_rank", bits, count), []
    for number in range(count):
        hits = [bits[place] & (rank == number) for place, rank in enumerate(below)]
        place = Signal(range(len(bits)), name=f"{name}_{number}")
        m.d.comb += place.eq(
            Cat(
                reduce(or_, [hit for n, hit in enumerate(hits) if n >> bit & 1])
                for bit in range((len(bits) - 1).bit_length())
            )
        )
        places.append(place)
    chosen = Signal(len(bits), name=f"{name}_chosen")
    m.d.comb += chosen.eq(Cat(bits[place] & (rank != count) for place, rank in enumerate(below)))
    return places, chosen
