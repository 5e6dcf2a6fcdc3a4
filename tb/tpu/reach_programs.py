"""Instructions that reach just as far as they may, or just further, by operands of which one bit is set."""

import copy
import random
from collections.abc import Iterator

from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ...hw.tpu.isa import INSTRUCTIONS, SET_REGISTERS, encode
from ...sim.tpu.rules import RAW, Room, Rules

__all__ = ["reach_programs"]

Words = list[int]

ILLEGAL, ROOMS = 0.5, 0.4
"""Shares that are drawn: of instructions that are illegal, of those at the end of a memory."""

WINDOW = {"columns": 1, "lines": 1, "window_first": 0, "window_last": 0, "pool_pitch": 1}
"""Registers of which each window lies in the first row."""


def reach_programs(config: TpuConfig, rng: random.Random) -> Iterator[tuple[Words, Room]]:
    """Return programs, and memory that they may touch: all that is legal in one, and short ones with an illegal end."""
    most = GRANULE_BYTES * ((1 << config.address_bits) // GRANULE_BYTES - 1)
    room = Room((most, most), most)
    rules, legal, illegal = Rules(config, room), list[int](), list[Words]()
    cases = [*_transfers(config, rng), *_matmuls(config), *_activates(config), *_pools(config), *_vectors(config)]
    for words in [[_tile(), encode("matmul", **_one(swap=1))], *cases]:
        after = _after(rules, words)
        if after:
            rules = after
            legal += words
        else:
            illegal.append(words)
    yield legal, room
    for words in illegal:
        if rng.random() < ILLEGAL:
            yield words, room
    for words, small in _memories(config, rng, most):
        if rng.random() < ROOMS:
            yield words, small


def _after(rules: Rules, words: Words) -> Rules | None:
    """Where a program is behind some instructions, if they are legal."""
    rules = copy.copy(rules)
    for word in words:
        if rules.problem(word):
            return None
        rules.take(word)
    return rules


def _bits(name: str, field: str) -> Iterator[int]:
    """Numbers of one bit that a field can hold."""
    return (1 << bit for one in INSTRUCTIONS[name].fields if one.name == field for bit in range(one.bits))


def _tile() -> int:
    return encode("read_weights", tiles=1, rows=1, chunks=1)


def _one(**fields: int) -> dict[str, int]:
    """A ``matmul`` of a granule, but for some fields."""
    return {"rows": 1, "repeat": 1, "pitch": 1} | fields


def _at_end(size: int, span: int, step: int = 1) -> tuple[int, int]:
    """Where so much begins that ends with a memory, or a step behind it."""
    last = max(size - span, 0) // step * step
    return last, last + step


def _transfers(config: TpuConfig, rng: random.Random) -> Iterator[Words]:
    size, beat = config.ub_granules, config.bus_granules
    for ub in _bits("read_host", "ub"):
        for granules in {max(size - ub, 1), max(size - ub + 1, 1)}:
            yield [encode(rng.choice(["read_host", "write_host"]), ub=ub, granules=granules)]
    for granules in _bits("read_host", "granules"):
        for ub in _at_end(size, granules, beat):
            yield [encode(rng.choice(["read_host", "write_host"]), ub=ub, granules=granules)]


def _matmuls(config: TpuConfig) -> Iterator[Words]:
    size, most = config.ub_granules, config.matrix.accumulator_rows
    found = [_one(ub=ub) for ub in _bits("matmul", "ub")]
    for step in _bits("matmul", "step"):
        found += [_one(step=step, repeat=2, ub=ub) for ub in _at_end(size, step + 1)]
    found += [_one(step=1 << 23, repeat=1 + (1 << more)) for more in range(11)]  # spans that nothing else has
    for more in _bits("matmul", "repeat"):
        found += [_one(step=1, repeat=1 + more, ub=ub) for ub in _at_end(size, 1 + more)]
    for pitch in _bits("matmul", "pitch"):
        found += [_one(rows=2, pitch=pitch, ub=ub) for ub in _at_end(size, 2 * pitch)]
    for more in _bits("matmul", "rows"):
        rows = min(1 + more, (1 << 13) - 1)
        found += [_one(rows=rows, ub=ub) for ub in _at_end(size, rows)]
        found += [_one(rows=more, acc=acc) for acc in _at_end(most, more)]
    for acc in _bits("matmul", "acc"):
        found += [_one(rows=rows, acc=acc) for rows in {max(most - acc, 1), max(most - acc + 1, 1)}]
    yield from ([encode("matmul", **fields)] for fields in found)


def _activates(config: TpuConfig) -> Iterator[Words]:
    size, width, most = config.ub_granules, config.row_granules, config.matrix.accumulator_rows

    def sums(rows: int, step: int = 0, **fields: int) -> Words:
        activate = {"kind": RAW, "rows": rows, "pitch": 1, "used": 1} | fields
        before = [encode("set", index=SET_REGISTERS["plane_step"], value=step)] if step else []
        return [_tile(), *before, encode("matmul", **_one(rows=rows, swap=1, drain=1)), encode("activate", **activate)]

    for ub in _bits("activate", "ub"):
        yield sums(1, ub=ub)
    for step in (1 << bit for bit in range((size - 1).bit_length())):
        for planes in (1, 2):
            yield from (sums(1, step, planes=planes, ub=ub) for ub in _at_end(size, (2 * planes - 1) * step + 1))
    for more in _bits("activate", "rows"):
        if more < min(most, size):
            yield from (sums(1 + more, ub=ub) for ub in _at_end(size, 1 + more))
    for granules in (1 << bit for bit in range(width.bit_length())):
        yield from (sums(2, pitch=granules, ub=ub) for ub in _at_end(size, granules + 1))
        yield from (sums(1, pitch=width, used=granules, ub=ub) for ub in _at_end(size, granules))


def _pools(config: TpuConfig) -> Iterator[Words]:
    size, row = config.ub_granules, config.row_granules

    def pool(registers: dict[str, int], **fields: int) -> Words:
        values = {"rows": 1, "width": 1, "kernel_rows": 1, "kernel_columns": 1} | fields
        sets = (WINDOW | registers).items()
        return [
            *(encode("set", index=SET_REGISTERS[name], value=value) for name, value in sets),
            encode("pool", **values),
        ]

    for dst in _bits("pool", "dst"):
        yield pool({}, dst=dst)
    for more in _bits("pool", "rows"):
        rows = min(1 + more, (1 << 16) - 1)
        yield from (pool({}, rows=rows, dst=dst) for dst in _at_end(size, rows))
    for granules in (1 << bit for bit in range(row.bit_length())):
        yield from (pool({"pool_pitch": granules}, rows=2, dst=dst) for dst in _at_end(size, granules + 1))
        yield from (pool({"pool_pitch": row}, width=granules, dst=dst) for dst in _at_end(size, granules))
    for place in (1 << bit for bit in range((config.ub_rows - 1).bit_length())):
        window = {"window_first": place, "window_last": place}
        yield from (pool(window, dst=row * (place + beside), width=row) for beside in (-1, 0, 1))


def _vectors(config: TpuConfig) -> Iterator[Words]:
    most, row = config.ub_rows, config.row_granules
    for rows in _bits("vector", "rows"):
        last, beyond = (row * place for place in _at_end(most, rows))
        places = {"dst": last, "a": last, "b": last}
        for moved in ({}, *({name: beyond} for name in places)):
            yield [encode("vector", rows=rows, **{name: place % (1 << 24) for name, place in (places | moved).items()})]
    for name in ("dst", "a", "b"):
        for place in _bits("vector", name):
            yield [encode("vector", rows=1, **{name: place})]
    for place in (1 << bit for bit in range((most - 1).bit_length())):
        for name in ("a", "b"):
            for beside in (-2, -1, 1, 2):
                if 0 <= place + beside <= most - 2:
                    places = {"a": row * place, "b": row * place} | {name: row * (place + beside)}
                    yield [encode("vector", rows=2, dst=row * place, **places)]


def _memories(config: TpuConfig, rng: random.Random, most: int) -> Iterator[tuple[Words, Room]]:
    """Instructions in windows and weight memories of just their size, and of a granule or beat less."""
    beat, size = config.bus_granules, config.set_beats
    hosts = [(host, rng.randint(1, min(2 * beat, config.ub_granules))) for host in _bits("read_host", "host")]
    hosts += [(0, granules) for granules in _bits("read_host", "granules") if granules <= config.ub_granules]
    for host, granules in hosts:
        for less in (0, 1):
            end, window = min(GRANULE_BYTES * (host * beat + granules - less), most), rng.randrange(2)
            name = rng.choice(["read_host", "write_host"])
            room = Room((end, most) if window == 0 else (most, end), most)
            yield [encode(name, window=window, host=host, granules=granules)], room
    weights = [("read_weights", {"address": address}, address + 1) for address in _bits("read_weights", "address")]
    weights += [("read_weights", {"tiles": tiles}, tiles) for tiles in _bits("read_weights", "tiles")]
    weights += [("read_weights", {"rows": rows}, rows) for rows in _bits("read_weights", "rows")]
    weights += [("read_weights", {"chunks": chunks}, chunks) for chunks in _bits("read_weights", "chunks")]
    sets = [({"address": address}, address + size) for address in _bits("read_parameters", "address")]
    sets += [({"count": count}, count * size) for count in _bits("read_parameters", "count")]
    weights += [("read_parameters", fields, end) for fields, end in sets]
    for name, fields, end in weights:
        one = {"count": 1} if name == "read_parameters" else {"tiles": 1, "rows": 1, "chunks": 1}
        for less in (0, 1):
            yield [encode(name, **one | fields)], Room((most, most), min((end - less) * config.bus_bytes, most))
