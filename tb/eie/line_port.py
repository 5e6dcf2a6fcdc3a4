"""Testbench of what gives lines of activations to the outside."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.eie.config import EieConfig
from ..bench import Bench, Sink, run
from ..bus.transfers import numbers
from ..cocotb_bench import testbench
from .machine_parts import PARTS
from .memory import Memory


class Answers:
    """The activation memory; and the port is busy until its last part was taken."""

    def __init__(self, memory: Memory, sink: Sink) -> None:
        self.memory, self.sink = memory, sink

    def drive(self) -> dict[str, Any]:
        """No start, and a line."""
        self.busy = not self.sink.done
        return {"i_start": 0, "i_first": 0, "i_last": 1, "i_line": self.memory.shown()}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """A cycle passes."""
        self.memory.observe(outputs)
        assert outputs["o_busy"] == self.busy
        return False


@testbench(PARTS["line_port"])
async def lines(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """All parts of the lines asked for, in order, from one line to all; taken at once, with pauses, or once seen."""
    await bench.reset()
    limit, some = 1 << config.data_bits - 1, numbers(rng)
    contents = rng.integers(-limit, limit, (config.activation_lines, config.line_activations))
    for number in range(12):
        first = 0 if number == 0 else int(rng.integers(config.activation_lines))
        last = config.activation_lines - 1 if number == 0 else int(rng.integers(first, config.activation_lines))
        memory = Memory(config, contents, rng)
        start = {"i_start": 1, "i_first": first, "i_last": last, "o_parts_ready": 1, "i_line": memory.shown()}
        outputs = await bench.cycle(start)
        assert not outputs["o_busy"] and not outputs["o_parts_valid"] and not outputs["o_read"]
        count = (last - first + 1) * config.line_parts
        sink = Sink("o_parts", count, (0, 0, 0.6)[number % 3], some, after_valid=number % 3 == 1)
        answers, before = Answers(memory, sink), bench.cycles
        await run(bench, [sink, answers], lambda sink=sink: sink.done)
        assert np.array(sink.beats).ravel().tolist() == contents[first : last + 1].ravel().tolist()
        if number % 3 == 0:
            assert bench.cycles - before == (last - first + 1) * (config.line_parts + 2)
        outputs = await bench.cycle({"o_parts_ready": 1, "i_line": memory.shown()})
        assert not outputs["o_busy"] and not outputs["o_parts_valid"]
