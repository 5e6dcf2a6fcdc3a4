"""Lists of all kinds of layers, and lists that fail, on the whole chip: what planted faults are to be noticed by."""

import random
from collections import Counter

import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.snap_chip.chip import SnapChip
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.hw.snap_chip.register_map import ERRORS
from tensorloom.run.memories import make_memories, wrong_bytes
from tensorloom.run.snap_chip.engine import ENGINE
from tensorloom.run.snap_chip.trials import Failing, trials
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.tb.bulk.model import build

CONFIG = PRESETS["snap-chip-tiny"]

TIMINGS = [MemoryTiming(), MemoryTiming(latency=4), MemoryTiming(latency=20), MemoryTiming(stalls=0.3)]


@pytest.mark.parametrize("flaw", [0, 1])
def test_on_verilog(seed: int, flaw: int) -> None:
    """Everything that they compare; a byte of memory changed by hand is seen by each."""
    model, some, found = build(emit(SnapChip(CONFIG))), random.Random(seed), Counter[str]()
    for number, trial in enumerate(trials(CONFIG, seed)):
        program, timing = trial.program, TIMINGS[number % len(TIMINGS)]
        if flaw and number % 8:
            continue
        images = program.memories()
        memories = make_memories(images, timing, seed + number)
        result = model.run({}, {}, memories=memories, software=program.software(), seed=number, watchdog=3000)
        if flaw:
            (memory,) = {id(memory): memory for memory in memories.values()}.values()
            address, part = some.choice([(a, part) for image in images.values() for a, part in image.after.items()])
            memory.data[address + some.randrange(len(part))] ^= 1 << some.randrange(8)
        assert wrong_bytes(images, memories) == flaw
        assert {name: result.counters[name] for name in trial.registers} == dict(trial.registers)
        predicted = ENGINE.predict(CONFIG, program, timing)  # type: ignore[arg-type]
        assert not timing.stalls or predicted.cycles is None
        assert ENGINE.read_counters(result.counters).differences(predicted) == []
        if isinstance(program, Failing):
            found.update(failure.error for failure in program.failures)
    if not flaw:
        assert set(found) == set(ERRORS) - {
            "overflow",
            "stream",
        }  # these two come from sums and data, and jobs have them
        assert found["read"] == 20 and found["write"] == 4
