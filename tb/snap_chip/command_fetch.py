"""Testbench of what fetches commands."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
from amaranth.hdl import Shape

from ...hw.snap_chip.command import COMMAND_BYTES, COMMAND_WORDS, OPERATIONS, RING_FIELDS, RING_WORD, fields_of
from ...hw.snap_chip.config import SnapChipConfig
from ...hw.snap_chip.weight_layouts import weight_job
from ..bench import Bench, run
from ..cocotb_bench import testbench
from .parts import PARTS

ILLEGAL = 3
"""An operation that is none."""

Words = list[int]
"""A command: 32 bits a word."""


class Memory:
    """Takes one request after the other, and answers with the beats of commands."""

    def __init__(self, config: SnapChipConfig, address: int, lists: list[Words], some: random.Random) -> None:
        self.config, self.address, self.some = config, address, some
        self.left = [beat for words in lists for beat in self._beats(words)]
        self.due, self.ready, self.stall = 0, False, some.choice([0, 0.3, 0.8])

    def _beats(self, words: Words) -> list[int]:
        count = self.config.data_bits // 32
        groups = [words[place : place + count] for place in range(0, len(words), count)]
        return [sum(word << 32 * number for number, word in enumerate(group)) for group in groups]

    def drive(self) -> dict[str, Any]:
        """At most one request and one beat; what is no beat is anything."""
        self.ready = not self.due and self.some.random() >= self.stall
        self.valid = self.due > 0 and self.some.random() >= self.stall
        data = self.left[0] if self.valid else self.some.getrandbits(self.config.data_bits)
        return {"o_requests_ready": int(self.ready), "i_valid": int(self.valid), "i_data": data}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Every request is for the next command."""
        if self.valid:
            self.left.pop(0)
            self.due -= 1
        asks = self.ready and outputs["o_requests_valid"]
        if asks:
            size = self.config.bus.bytes
            wanted = {
                "address": self.address % (1 << self.config.bus.beat_address_bits),
                "beats": COMMAND_BYTES // size,
            }
            assert outputs["o_requests_payload"] == wanted
            self.due, self.address = wanted["beats"], self.address + wanted["beats"]
            assert self.left, "more commands than there are"
        return bool(self.valid or asks)


class Work:
    """What the rest of the chip does: it takes the weights' jobs, works on layers, and looks at all that it is told."""

    def __init__(self, config: SnapChipConfig, commands: list[Words], some: random.Random) -> None:
        self.config, self.commands, self.some = config, commands, some
        self.fields = {field.name: field for field in fields_of(config)}
        self.jobs = [[ring_job(config, words, ring) for words in commands if operation(words) == OPERATIONS["convolve"]]
                     for ring in range(config.rings)]  # fmt: skip
        self.layers = [self._layer(words) for words in commands if operation(words) in (1, 2)]
        self.ready, self.written, self.idle = [False] * config.rings, False, True
        self.at_work = self.unfinished = self.over = False
        self.was_idle = True
        self.layer: dict[str, int] | None = None
        self.patience, self.speed = some.choice([0.1, 0.5, 0.9]), some.choice([0.3, 0.02, 0.01])

    def _layer(self, words: Words) -> dict[str, int]:
        found = {}
        for name, field in self.fields.items():
            value = words[field.word] >> field.low & (1 << field.bits) - 1
            found[name] = value - (1 << field.bits) if field.signed and value >> field.bits - 1 else value
        return found

    def drive(self) -> dict[str, Any]:
        """A layer is written some time, and some time later nothing is left of it; nor is there before it moves."""
        self.ready = [self.some.random() < self.patience for _ in self.ready]
        self.written = self.at_work and self.some.random() < self.speed
        if not self.at_work:
            self.unfinished = self.unfinished and self.some.random() >= self.speed
        inputs: dict[str, Any] = {f"o_jobs_{ring}_ready": int(ready) for ring, ready in enumerate(self.ready)}
        self.idle = self.some.random() < 0.5 if self.at_work else not self.unfinished
        return inputs | {"i_written": int(self.written), "i_idle": int(self.idle), "i_start": 0}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Jobs in order, layers in order with all their fields, one after the other."""
        moved = False
        for ring, ready in enumerate(self.ready):
            if outputs[f"o_jobs_{ring}_valid"]:
                assert self.jobs[ring] and outputs[f"o_jobs_{ring}_payload"] == self.jobs[ring][0]
                if ready:
                    self.jobs[ring].pop(0)
                    moved = True
        assert outputs["o_busy"] and not self.over
        asks = self.layer is not None and self.layer["interrupt"]
        assert outputs["o_interrupt"] == int(self.written and bool(asks))
        if self.written:
            self.at_work, moved = False, True
            self.unfinished = self.some.random() < 0.7
        if outputs["o_begin"]:
            assert not self.at_work and self.was_idle and self.layers
            self.layer = self.layers.pop(0)
            self.at_work, moved = True, True
        if self.layer is not None:
            assert outputs["o_layer"] == self.layer
        if outputs["o_done"] or outputs["o_illegal"]:
            assert not self.layers and not any(self.jobs) and self.idle
            assert outputs["o_illegal"] == (operation(self.commands[-1]) == ILLEGAL) != outputs["o_done"]
            self.over = moved = True
        self.was_idle = self.idle
        return moved


def operation(words: Words) -> int:
    """That of a command."""
    return words[0] & 3


def ring_job(config: SnapChipConfig, words: Words, ring: int) -> dict[str, int]:
    """What a weight buffer has to load for a command, as far as it can: more would not fit into its memory."""
    widths = {name: Shape.cast(field.shape).width for name, field in weight_job(config)}
    passes = next(field for field in fields_of(config) if field.name == "passes")
    found = {"passes": words[passes.word] >> passes.low & (1 << passes.bits) - 1}
    for field in RING_FIELDS:
        name, value = field.name.removeprefix("weight_"), words[RING_WORD + 2 * ring + field.word] >> field.low
        found[name] = value & (1 << widths[name]) - 1
    return found


@testbench(PARTS["command_fetch"])
async def lists(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Lists anywhere in memory, of commands with any bits; each ends by a stop or by an operation that is none."""
    some = random.Random(int(rng.integers(1 << 32)))
    idle = {"i_start": 0, "i_valid": 0, "i_written": 0, "i_idle": 1, "o_requests_ready": 0}
    idle |= {f"o_jobs_{ring}_ready": 0 for ring in range(config.rings)}
    for number in range(8):
        operations = [some.choice([1, 1, 2]) for _ in range(some.choice([0, 1, 2, 4]))] + [(0, ILLEGAL)[number % 2]]
        commands = [[some.getrandbits(32) for _ in range(COMMAND_WORDS)] for _ in operations]
        for words, code in zip(commands, operations, strict=True):
            words[0] = words[0] & ~3 | code
        outputs = await bench.cycle(idle | {"i_address": some.getrandbits(config.bus.beat_address_bits)})
        assert not any(outputs[name] for name in ("o_busy", "o_done", "o_begin", "o_illegal", "o_interrupt"))
        assert not outputs["o_requests_valid"]
        address = some.getrandbits(config.bus.beat_address_bits)
        await bench.cycle(idle | {"i_start": 1, "i_address": address})
        work, memory = Work(config, commands, some), Memory(config, address, commands, some)
        await run(bench, [work, memory], lambda work=work: work.over, watchdog=3000)
        assert not memory.left
