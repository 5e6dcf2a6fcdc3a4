"""Programs that read weight tiles far ahead, by numbers of which each bit is alone the one that matters."""

import random
from collections.abc import Iterator

from ...hw.tpu.config import QUEUES, TpuConfig
from ...hw.tpu.isa import INSTRUCTIONS, SWAPS, encode
from ...sim.tpu.rules import Room

__all__ = ["supply_programs", "supply_room"]

TILE_BITS, USE_BITS = (
    next(field.bits for field in INSTRUCTIONS[name].fields if field.name == key)
    for name, key in (("read_weights", "tiles"), ("matmul", "repeat"))
)
"""Of tiles that an instruction reads or uses."""

DEPTH, READS = QUEUES["weights"], 14
"""Requests that may wait, and how many a long program has."""


def supply_room(config: TpuConfig) -> Room:
    """Memory that the programs need: for as many tiles as one instruction reads, each of a beat."""
    return Room((config.bus_bytes, config.bus_bytes), config.bus_bytes << TILE_BITS)


def supply_programs(config: TpuConfig, rng: random.Random) -> Iterator[list[int]]:
    """Return them; what is illegal is the last instruction of some, others end without ``halt``."""
    halt, wait = encode("halt"), encode("sync", units=1 << list(QUEUES).index("weights"))
    for bit in range(TILE_BITS + (DEPTH - 1).bit_length()):  # so many tiles ahead
        size = 1 << min(bit, TILE_BITS - 1)
        reads = [_read(size)] * ((1 << bit) // size)
        yield from ([*reads, halt], [*reads, wait])
        yield [*reads, *_uses(min(1 << bit, 1 << rng.randrange(USE_BITS)))]
    for bit in range(USE_BITS):  # all of them used, or one more than there are
        yield [_read(1 << bit), *_uses(1 << bit), halt]
        if bit:
            yield [_read((1 << bit) - 1), *_uses(1 << bit)]
    for bit in range(TILE_BITS):  # so many that the oldest request waits for
        yield [_read(1 << bit), *[_read(1)] * DEPTH]
    for missing in (0, *[1] * 8):
        yield _long(config, rng, missing)


def _read(tiles: int) -> int:
    return encode("read_weights", tiles=tiles, rows=1, chunks=1)


def _uses(tiles: int) -> Iterator[int]:
    """As few instructions as use so many tiles."""
    most = (1 << USE_BITS) - 1
    for start in range(0, tiles, most):
        yield encode("matmul", rows=1, pitch=1, swap=SWAPS.index("every"), repeat=min(most, tiles - start))


def _long(config: TpuConfig, rng: random.Random, missing: int) -> list[int]:
    """Requests as soon as they are legal; in the end one to which so many used tiles are missing, else a ``halt``."""
    words: list[int] = []
    ends: list[int] = []
    used = 0
    for number in range(READS):
        needed = max(ends[-DEPTH] - config.tiles_ahead - used, 0) if len(ends) >= DEPTH else 0
        last = number == READS - 1
        if last and needed >= missing:
            needed -= missing
        words += [*_uses(needed), _read(tiles := 1 + rng.getrandbits(rng.randint(1, TILE_BITS - 1)))]
        used += needed
        ends.append((ends[-1] if ends else 0) + tiles)
        some = rng.getrandbits(rng.randint(1, USE_BITS))
        if not last and some <= ends[-1] - used and rng.random() < 0.5:
            words += _uses(some)
            used += some
    return [*words, *_uses(ends[-1] - used), encode("halt")]
