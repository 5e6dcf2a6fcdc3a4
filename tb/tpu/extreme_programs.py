"""Random programs of instructions that reach as far as they may, or a little further, for the decoder alone."""

import random
from collections.abc import Iterator

from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ...hw.tpu.isa import (
    FLOATS,
    GEOMETRY,
    INSTRUCTION_BITS,
    INSTRUCTIONS,
    OPERATIONS,
    REGISTERS,
    SET_REGISTERS,
    decode,
    encode,
)
from ...sim.tpu.rules import MULTIPLIES, RANGES, RAW, Room, Rules

__all__ = ["extreme_program"]


def extreme_program(config: TpuConfig, rng: random.Random, room: Room, *, instructions: int = 12) -> list[int]:
    """Return about so many instructions. Often one of them is illegal; then some more come behind it.

    Parameters
    ----------
    room
        Memory that the program may touch.
    """
    author = _Author(config, rng, room)
    words = list(author.geometry()) if rng.random() < 0.5 else []
    for word in words:
        author.take(word)
    end = len(words) + instructions
    while len(words) < end:
        for word in author.proposal():
            changed = rng.random() < 0.15
            word = author.changed(word) if changed else word
            if not author.rules.problem(word):
                author.take(word)
                words.append(word)
            elif rng.random() < (0.5 if changed else 0.02):
                return [*words, word, encode("nop"), encode("interrupt", tag=0xBAD), encode("halt")]
    return words


class _Author:
    """Proposes instructions."""

    def __init__(self, config: TpuConfig, rng: random.Random, room: Room) -> None:
        self.config, self.rng, self.room, self.rules = config, rng, room, Rules(config, room)
        self.due = 0  # rows of drained sums that have no activate yet

    def take(self, word: int) -> None:
        """Go on behind a legal instruction."""
        instruction, values = self.rules.take(word)
        drains = instruction and instruction.name in MULTIPLIES and values["drain"]
        self.due = values["rows"] if drains else 0

    def pick(self, low: int, high: int) -> int:
        """A number of a range, often one of its ends, as often small as large; `low` if the range is empty."""
        high = max(low, high)
        near = low + self.rng.getrandbits(self.rng.randint(1, max((high - low).bit_length(), 1)))
        return self.rng.choice([low, high, self.rng.randint(low, high), min(near, high)])

    def changed(self, word: int) -> int:
        """Another value in one field, or another bit anywhere."""
        instruction, values, _ = decode(word)
        if self.rng.random() < 0.2 or not instruction or not instruction.fields:
            return word ^ 1 << self.rng.randrange(INSTRUCTION_BITS)
        field = self.rng.choice(instruction.fields)
        low, high = field.range
        now = values[field.name]
        values[field.name] = min(max(self.rng.choice([low, high, now - 1, now + 1, now + 1]), low), high)
        return encode(instruction.name, **values)

    def proposal(self) -> Iterator[int]:
        """An instruction that is mostly legal, or several that read weights."""
        kinds = {
            self.matmul: 6, self.convolve: 4, self.pool: 4, self.vector: 4, self.transfer: 3, self.read_weights: 3,
            self.read_parameters: 2, self.other: 3,
        }  # fmt: skip
        chosen = self.rng.choices(list(kinds), list(kinds.values()))[0]
        yield from (self.activate if self.due and self.rng.random() < 0.98 else chosen)()

    def matmul(self) -> Iterator[int]:
        """A product, up to the last granule of the buffer and the last row of the accumulators."""
        size, most = self.config.ub_granules, self.config.matrix.accumulator_rows
        pitch = self.pick(1, self.config.row_granules)
        rows = self.pick(1, min(most, size // pitch))
        repeat = self.pick(1, self.rng.choice([1, 3, (1 << 12) - 1]))
        step = self.pick(0, (size - rows * pitch) // max(repeat - 1, 1))
        ub = self.pick(0, size - rows * pitch - (repeat - 1) * step)
        yield encode("matmul", **self.commands(rows, repeat), ub=ub, step=step, pitch=pitch)

    def commands(self, rows: int, repeat: int) -> dict[str, int]:
        """Fields of all instructions that multiply."""
        left = self.rules.tiles_read - self.rules.tiles_used
        swap = 2 if repeat <= left and self.rng.random() < 0.6 else self.pick(0, min(left, 1))
        flags = {name: self.pick(0, 1) for name in ("accumulate", "drain", "a_signed", "w_signed")}
        acc = self.pick(0, self.config.matrix.accumulator_rows - rows)
        return flags | {"shift": self.pick(0, 3), "swap": swap, "rows": rows, "acc": acc, "repeat": repeat}

    def any(self, name: str, *fields: str) -> dict[str, int]:
        """Fields of an instruction that may have any value."""
        ranges = {field.name: field.range for field in INSTRUCTIONS[name].fields}
        return {field: self.pick(*ranges[field]) for field in fields}

    def width(self) -> int:
        """Of a window."""
        return self.pick(1, self.config.row_granules)

    def convolve(self) -> Iterator[int]:
        """Products of windows that lie anywhere."""
        rows = self.pick(1, self.config.matrix.accumulator_rows)
        repeat = self.pick(1, self.rng.choice([1, 3, (1 << 12) - 1]))
        yield encode(
            "convolve", **self.commands(rows, repeat), **self.any("convolve", "ub", "y", "x"), width=self.width()
        )

    def geometry(self) -> Iterator[int]:
        """All that windows need, and where results of a pool lie."""
        last = self.config.ub_rows - 1
        first = self.pick(0, last)
        most = {name: (1 << one.bits) - 1 for name, one in GEOMETRY.items()}
        values = {name: self.pick(name in ("columns", "lines"), most[name]) for name in most}
        values |= {"window_first": first, "window_last": self.pick(first, last)}
        pitch = self.pick(1, self.config.row_granules)
        for name, value in (values | {"pool_pitch": pitch}).items():
            yield encode("set", index=SET_REGISTERS[name], value=value)

    def pool(self) -> Iterator[int]:
        """A pool whose results lie before or behind its windows, right there often."""
        size, row, registers = self.config.ub_granules, self.config.row_granules, self.rules.registers
        pitch = registers["pool_pitch"]
        width = self.pick(1, min(self.config.row_granules, pitch))
        before, behind = registers["window_first"] * row, (registers["window_last"] + 1) * row
        low, high = self.rng.choice([(0, before), (behind, size)])
        rows = self.pick(1, min((high - low - width) // max(pitch, 1) + 1, (1 << 16) - 1))
        dst = self.pick(low, high - (rows - 1) * pitch - width)
        kernel = {name: self.pick(1, 31) for name in ("kernel_rows", "kernel_columns")}
        some = self.any("pool", "average", "signed", "ub", "y", "x")
        yield encode("pool", **some, **kernel, dst=min(dst, (1 << 24) - 1), rows=rows, width=width)

    def vector(self) -> Iterator[int]:
        """Results in the place of an operand, right before or behind one, or anywhere."""
        row, most = self.config.row_granules, self.config.ub_rows
        operation, signed = self.pick(0, len(OPERATIONS) - 1), self.pick(0, 1)
        table = operation == OPERATIONS.index("table")
        rows = self.pick(1, min(most // self.rng.choice([1, 2, 3, 8]), (1 << 17) - 1))
        size = 256 // self.config.row_bytes if table else rows
        dst, low = self.pick(0, most - rows), -128 * signed
        places = {}
        for name, count in (("a", rows), ("b", size)):
            near = (dst, dst - count, dst + rows, dst - count + 1, dst + rows - 1, self.pick(0, most - count))
            places[name] = min(max(self.rng.choice(near), 0), max(most - count, 0)) * row
        lo = 0 if table else self.pick(low, low + 255)
        hi = 0 if table else self.pick(lo, low + 255)
        yield encode("vector", operation=operation, signed=signed, rows=rows, dst=dst * row, lo=lo, hi=hi, **places)

    def activate(self) -> Iterator[int]:
        """The second of a bundle."""
        size, kind, rows = self.config.ub_granules, self.pick(0, RAW), max(self.due, 1)
        pitch = self.pick(1, min(self.config.row_granules, size // rows))
        used = self.pick(1, pitch)
        span, fields = (rows - 1) * pitch + used, {}
        if kind == RAW:
            step = self.rules.plane_step
            planes = self.pick(0, 2)
            planes = planes if span + ((1 << planes) - 1) * step <= size else 0
            span += ((1 << planes) - 1) * step
            fields = {"planes": planes, "relu": self.pick(0, 1)}
        else:
            low, high = RANGES[kind]
            lo = self.pick(low, high)
            fields = {"zero": self.pick(low, high), "lo": lo, "hi": self.pick(lo, high)}
            fields["next"] = self.pick(0, 1) if self.rules.sets_used else 1
        fields |= {"ub": self.pick(0, size - span), "rows": rows, "pitch": pitch, "used": used}
        yield encode("activate", kind=kind, **fields)

    def transfer(self) -> Iterator[int]:
        """To or from a window, up to its last granule."""
        beat, window = self.config.bus_granules, self.pick(0, 1)
        there = min(self.room.host[window] // GRANULE_BYTES, beat << 32)
        granules = self.pick(1, min(self.config.ub_granules, there, (1 << 24) - 1))
        ub = self.pick(0, (self.config.ub_granules - granules) // beat) * beat
        host = self.pick(0, (there - granules) // beat)
        name = self.rng.choice(["read_host", "write_host"])
        yield encode(name, window=window, ub=ub, granules=granules, host=min(host, (1 << 32) - 1))

    def read_weights(self) -> Iterator[int]:
        """Of weight tiles, up to the last beat of memory."""
        beats = self.room.weights // self.config.bus_bytes
        rows, chunks = self.pick(1, self.config.matrix.rows), self.pick(1, self.config.row_chunks)
        most = self.rng.choice([2, 2, self.config.tiles_ahead, 0xFFFF])
        tiles = self.pick(1, min(most, max(beats // (rows * chunks), 1)))
        for _ in range(self.rng.choice([1, 1, 10])):  # as many as a queue has room for, and more
            address = min(self.pick(0, beats - tiles * rows * chunks), (1 << 40) - 1)
            yield encode("read_weights", tiles=tiles, rows=rows, chunks=chunks, address=address)

    def read_parameters(self) -> Iterator[int]:
        """Of parameter sets, the same; as many as there is room for."""
        beats, size = self.room.weights // self.config.bus_bytes, self.config.set_beats
        free = self.config.parameter_sets - (self.rules.sets_read - self.rules.sets_used)
        count = self.pick(1, min(free, beats // size))
        address = min(self.pick(0, beats - count * size), (1 << 40) - 1)
        yield encode("read_parameters", count=count, address=address)

    def other(self) -> Iterator[int]:
        """An instruction of no unit; ``halt`` seldom."""
        name = self.rng.choice(["nop", "set", "set", "sync", "interrupt"] if self.rng.random() < 0.95 else ["halt"])
        fields = {field.name: self.pick(*field.range) for field in INSTRUCTIONS[name].fields}
        if name == "set":
            register = self.rng.choice(["plane_step", *REGISTERS])
            value = self.pick(0, (1 << REGISTERS[register].bits) - 1)
            if register in FLOATS:
                value = self.rng.getrandbits(1) << 31 | self.pick(1, 157) << 23 | self.rng.getrandbits(23)
            elif register == "plane_step":
                value = self.pick(0, self.config.ub_granules // self.rng.choice([1, 4, 8]) - 1)
            fields = {"index": SET_REGISTERS[register], "value": value}
        yield encode(name, **fields)
