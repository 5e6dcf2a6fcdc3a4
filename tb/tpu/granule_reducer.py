"""Testbench of the reducer of a granule's bytes."""

import random
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...hw.tpu.config import GRANULE_BYTES
from ...hw.tpu.granule_reducer import KEPT_BITS
from ..bench import Bench
from ..cocotb_bench import testbench
from .near import any_number
from .vector_parts import PARTS

MOST_TAPS = 31 * 31


def packed(numbers: Iterable[int], bits: int) -> int:
    """Numbers side by side, the first one's bits lowest."""
    return sum((number % (1 << bits)) << bits * place for place, number in enumerate(numbers))


class Reducer:
    """A reducer and what it must have kept.

    Parameters
    ----------
    mode
        ``i_signed``, ``i_greatest`` and ``i_pair``.
    """

    def __init__(self, bench: Bench, mode: dict[str, int], some: random.Random) -> None:
        self.bench, self.mode, self.some = bench, mode, some
        self.kept: list[int] | None = None

    def number(self, byte: int) -> int:
        """What a byte says."""
        return byte - 256 if self.mode["i_signed"] and byte >= 128 else byte

    def bytes_near(self) -> list[int]:
        """Four bytes: any, or close to what is kept."""
        kept = [0] * GRANULE_BYTES if self.kept is None or not self.mode["i_greatest"] else self.kept
        return [
            self.some.choice([any_number(8, self.some), self.some.getrandbits(8), (one ^ 1 << self.some.randrange(8))])
            % 256
            for one in kept
        ]

    async def cycle(self, bytes_: list[int], *, take: int, begin: int, pad: int | None = None) -> None:
        """Look at what is kept, then take bytes, or so many times the pad."""
        high = any_number(8, self.some)
        if self.kept is not None and self.some.random() < 0.6:  # a limit beside what is kept
            high = (self.some.choice(self.kept) ^ self.some.choice([0, 1 << self.some.randrange(8)])) % 256
        low = self.some.choice([any_number(8, self.some), bytes_[0], bytes_[0] ^ 1 << self.some.randrange(8)])
        inputs = {"i_take": take, "i_begin": begin, "i_input": int(pad is None), "i_low": low, "i_high": high}
        other = self.some.getrandbits(8)
        inputs |= {"i_pad": other if pad is None else pad, "i_bytes": packed(bytes_, 8)}
        outputs = await self.bench.cycle(self.mode | inputs)
        if self.kept is not None:
            self._compare(outputs, high)
        if take:
            taken = [self.number(byte) for byte in (bytes_ if pad is None else [pad] * GRANULE_BYTES)]
            self._take(taken, self.number(low), begin)

    def _compare(self, outputs: dict[str, Any], high: int) -> None:
        assert self.kept is not None
        if self.mode["i_greatest"]:
            wanted = [min(one, self.number(high)) for one in self.kept]
            assert outputs["o_greatest"] == packed(wanted, 8), (self.kept, high)
        elif self.mode["i_pair"]:
            got = [outputs["o_kept"] >> KEPT_BITS * place & 0xFFFF for place in range(GRANULE_BYTES)]
            assert got == [one % (1 << 16) for one in self.kept]
        else:
            assert outputs["o_kept"] == packed(self.kept, KEPT_BITS), self.kept

    def _take(self, taken: list[int], low: int, begin: int) -> None:
        if self.mode["i_greatest"]:
            before = [low] * GRANULE_BYTES if begin or self.kept is None else self.kept
            self.kept = [max(pair) for pair in zip(taken, before, strict=True)]
        elif begin or self.kept is None:
            self.kept = taken
        elif self.mode["i_pair"]:
            self.kept = [one % 256 | (new % 256) << 8 for one, new in zip(self.kept, taken, strict=True)]
        else:
            self.kept = [one + new for one, new in zip(self.kept, taken, strict=True)]


@testbench(PARTS["granule_reducer"])
async def bytes_beside_each_other(bench: Bench, config: tuple[()], rng: np.random.Generator) -> None:
    """The greatest, sums and pairs, of either type; bytes and limits that differ from what is kept in one bit."""
    some = random.Random(int(rng.integers(1 << 32)))
    for mode in ("i_greatest", "i_greatest", "i_pair", None):
        for signed in (0, 1):
            reducer = Reducer(bench, {"i_signed": signed, "i_greatest": 0, "i_pair": 0}, some)
            reducer.mode |= {mode: 1} if mode else {}
            for _ in range(60):
                taps = 2 if mode == "i_pair" else some.randint(1, 5)
                for tap in range(taps):
                    while some.random() < 0.2:
                        await reducer.cycle(reducer.bytes_near(), take=0, begin=some.getrandbits(1))
                    pad = some.choice([None, None, None, any_number(8, some)])
                    await reducer.cycle(reducer.bytes_near(), take=1, begin=int(tap == 0), pad=pad)
            await reducer.cycle(reducer.bytes_near(), take=0, begin=0)


@testbench(PARTS["granule_reducer"])
async def largest_sums(bench: Bench, config: tuple[()], rng: np.random.Generator) -> None:
    """As many bytes as there can be: the largest of the one type, the smallest of the other."""
    some = random.Random(int(rng.integers(1 << 32)))
    for signed, byte in ((0, 255), (1, 128)):
        reducer = Reducer(bench, {"i_signed": signed, "i_greatest": 0, "i_pair": 0}, some)
        for tap in range(MOST_TAPS):
            await reducer.cycle([byte] * GRANULE_BYTES, take=1, begin=int(tap == 0))
        await reducer.cycle([0] * GRANULE_BYTES, take=0, begin=0)
