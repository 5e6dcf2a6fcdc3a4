"""Short programs whose last instruction is just legal, or just not, in each way that there is."""

import random
from collections.abc import Iterator

from ...hw.tpu.config import GRANULE_BYTES, QUEUES, TpuConfig
from ...hw.tpu.isa import encode
from ...hw.tpu.legality import reserved_parts
from ...sim.tpu.rules import INT8, RAW, UINT8, Room

__all__ = ["Program", "edge_programs", "reserved_programs"]

Program = tuple[list[int], str]
"""Instructions, and the error of the last one; that of a program without ``halt`` if all are legal."""


def edge_programs(config: TpuConfig, room: Room) -> Iterator[Program]:
    """Return them; in `room`, memory that they may touch, are a tile and more sets than may be read ahead at least."""
    tile = encode("read_weights", tiles=1, rows=1, chunks=1)
    sets = encode("read_parameters", count=1)
    before = [tile, sets]
    for error, fields in _matmuls(config):
        yield [*before, encode("matmul", **{"rows": 1, "repeat": 1, "pitch": 1, "swap": 1} | fields)], error
    for error, fields in _activates(config):
        matmul = encode("matmul", rows=1, repeat=1, pitch=1, swap=1, drain=1)
        yield [*before, matmul, encode("activate", **{"rows": 1, "pitch": 1, "used": 1} | fields)], error
    for error, fields in _transfers(config, room):
        for name in ("read_host", "write_host"):
            yield [encode(name, **{"granules": 1} | fields)], error
    yield from _weights(config, room)
    end, size = room.weights // config.bus_bytes, config.set_beats
    for error, fields in (("memory", {"count": 0}), ("end", {"address": end - size}), ("memory", {"address": end})):
        yield [encode("read_parameters", **{"count": 1} | fields)], error
    most = config.parameter_sets
    yield [encode("read_parameters", count=most)], "end"
    yield [encode("read_parameters", count=most), sets], "prefetch"
    yield [sets, encode("halt")], "leftover"
    for error, fields in (
        ("end", {"value": config.ub_granules - 1}), ("value", {"value": config.ub_granules}),
        ("value", {"value": 1 << 63}), ("reserved", {"index": 0x51}), ("reserved", {"index": 0, "value": 1 << 63}),
    ):  # fmt: skip
        yield [encode("set", **{"index": 0x50} | fields)], error


def reserved_programs(rng: random.Random) -> Iterator[list[int]]:
    """Return instructions with one reserved bit set: each bit that one has, each kind in each part that it has."""
    for part, names in reserved_parts().items():
        bits, kinds = rng.sample(part, len(part)), rng.sample(names, len(names))
        for number in range(max(len(bits), len(kinds))):
            name = kinds[number % len(kinds)]
            yield [encode(name, **{"index": 0x50} if name == "set" else {}) | 1 << bits[number % len(bits)]]


def _matmuls(config: TpuConfig) -> Iterator[tuple[str, dict[str, int]]]:
    width, most, size = config.row_granules, config.matrix.accumulator_rows, config.ub_granules
    yield from (("value", {"swap": 3}), ("value", {"repeat": 0}), ("value", {"pitch": 0}))
    yield from (("end", {"pitch": width}), ("value", {"pitch": width + 1}), ("accumulators", {"rows": 0}))
    yield from (("end", {"acc": most - 1}), ("accumulators", {"acc": most}), ("accumulators", {"rows": most + 1}))
    yield from (("end", {"ub": size - 1}), ("buffer", {"ub": size}), ("no_tile", {"swap": 0}))
    yield from (("no_tile", {"swap": 2, "repeat": 2}), ("end", {"repeat": size, "step": 1} if size < 4096 else {}))
    yield "buffer", {"repeat": 4095, "step": size - 1}
    yield "buffer", {"ub": size - 2, "rows": 2, "pitch": width, "acc": most - 2} if width > 1 else {"ub": size}


def _activates(config: TpuConfig) -> Iterator[tuple[str, dict[str, int]]]:
    width, size = config.row_granules, config.ub_granules
    for name in ("next", "zero", "lo", "hi"):
        yield "value", {"kind": RAW, name: 1}
    yield from (
        ("end", {"kind": RAW, "planes": 2, "relu": 1}),
        ("value", {"kind": RAW, "planes": 3}),
        ("value", {"kind": 3}),
    )
    for kind, low, high in ((INT8, -128, 127), (UINT8, 0, 255)):
        legal = {"kind": kind, "next": 1}
        yield "end", legal | {"zero": low, "lo": low, "hi": high}
        yield "end", legal | {"zero": high, "lo": high, "hi": high}
        yield "value", legal | {"lo": low + 1, "hi": low}
        yield "value", legal | {"zero": low - 1}
        yield "value", legal | {"zero": high + 1}
        yield "value", legal | {"lo": low - 1, "hi": low}
        yield "value", legal | {"lo": high, "hi": high + 1}
        yield from (("value", legal | {"relu": 1}), ("value", legal | {"planes": 1}))
        yield "no_parameters", {"kind": kind}
    raw = {"kind": RAW}
    yield from (("end", raw | {"pitch": width, "used": width}), ("value", raw | {"pitch": width + 1}))
    yield from (("value", raw | {"pitch": 0}), ("value", raw | {"used": 0}), ("value", raw | {"used": 2}))
    yield from (("end", raw | {"ub": size - 1, "pitch": width}), ("buffer", raw | {"ub": size}))
    yield from (("bundle", raw | {"rows": 2}), ("bundle", raw | {"rows": 0}))


def _transfers(config: TpuConfig, room: Room) -> Iterator[tuple[str, dict[str, int]]]:
    beat, size = config.bus_granules, config.ub_granules
    yield from (("memory", {"granules": 0}), ("end", {"ub": size - beat}), ("buffer", {"ub": size}))
    yield "buffer", {"ub": size - beat, "granules": beat + 1}
    if beat > 1:
        yield from (("buffer", {"ub": 1}), ("buffer", {"ub": beat // 2}))
    for window, granules in enumerate(have // GRANULE_BYTES for have in room.host):
        last = (granules - 1) // beat
        yield "end", {"window": window, "host": last, "granules": granules - last * beat}
        yield "memory", {"window": window, "host": last, "granules": granules - last * beat + 1}


def _weights(config: TpuConfig, room: Room) -> Iterator[Program]:
    """How they may be read, and how far ahead."""
    legal = {"tiles": 1, "rows": 1, "chunks": 1}
    end, most = room.weights // config.bus_bytes, {"rows": config.matrix.rows, "chunks": config.row_chunks}
    for name in legal:
        yield [encode("read_weights", **legal | {name: 0})], "memory"
    for name, value in most.items():
        yield [encode("read_weights", **legal | {name: value})], "end"
        yield [encode("read_weights", **legal | {name: value + 1})], "value"
    for error, address in (("end", end - 1), ("memory", end)):
        yield [encode("read_weights", **legal, address=address)], error
    one, halt = encode("read_weights", **legal), encode("halt")
    full, ahead = QUEUES["weights"], config.tiles_ahead
    use = encode("matmul", rows=1, repeat=1, pitch=1, swap=1)
    yield [one, halt], "leftover"
    yield [one, use, halt], ""
    for wait in ("sync", "interrupt"):
        weights = 1 << list(QUEUES).index("weights")
        for bits, error in ((weights, "prefetch"), ((1 << len(QUEUES)) - 1 - weights, "end")):
            yield [*[one] * ahead, encode(wait, units=bits)], "end"
            yield [*[one] * (ahead + 1), encode(wait, units=bits)], error
            yield [*[one] * (ahead + 1), use, encode(wait, units=bits)], "end"
    yield [encode("read_weights", **legal | {"tiles": ahead})] + [one] * full, "end"
    many = [encode("read_weights", **legal | {"tiles": ahead + 1})] + [one] * (full - 1)
    yield [*many, one], "prefetch"
    yield [*many, use, one, one], "prefetch"
    yield [*many, use, one, use, one], "end"
