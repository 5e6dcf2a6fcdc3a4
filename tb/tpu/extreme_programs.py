"""Random programs of instructions that reach as far as they may, or a little further, for the decoder alone."""

import random
from collections.abc import Iterator

from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ...hw.tpu.isa import INSTRUCTION_BITS, INSTRUCTIONS, SET_REGISTERS, decode, encode
from ...sim.tpu.rules import RANGES, RAW, Room, Rules

__all__ = ["extreme_program"]


def extreme_program(config: TpuConfig, rng: random.Random, room: Room, *, instructions: int = 12) -> list[int]:
    """Return about so many instructions. Often one of them is illegal; then some more come behind it.

    Parameters
    ----------
    room
        Memory that the program may touch.
    """
    author, words = _Author(config, rng, room), []
    while len(words) < instructions:
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
        self.due = 0  # rows of a draining matmul that has no activate yet

    def take(self, word: int) -> None:
        """Go on behind a legal instruction."""
        instruction, values = self.rules.take(word)
        self.due = values["rows"] if instruction and instruction.name == "matmul" and values["drain"] else 0

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
            self.matmul: 8, self.transfer: 3, self.read_weights: 3, self.read_parameters: 2, self.other: 3,
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
        left = self.rules.tiles_read - self.rules.tiles_used
        swap = 2 if repeat <= left and self.rng.random() < 0.6 else self.pick(0, min(left, 1))
        flags = {name: self.pick(0, 1) for name in ("accumulate", "drain", "a_signed", "w_signed")}
        yield encode(
            "matmul", **flags, shift=self.pick(0, 3), swap=swap, ub=ub, rows=rows, acc=self.pick(0, most - rows),
            repeat=repeat, step=step, pitch=pitch,
        )  # fmt: skip

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
            step = self.pick(0, self.config.ub_granules // self.rng.choice([1, 4, 8]) - 1)
            fields = {"index": SET_REGISTERS["plane_step"], "value": step}
        yield encode(name, **fields)
