"""Lists of all kinds of layers, and lists that fail, on the whole chip: what planted faults are to be noticed by."""

import itertools
import random
from collections import Counter

import numpy as np
import pytest

from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.hw.snap_chip.register_map import ERRORS
from tensorloom.run.memories import make_memories, wrong_bytes
from tensorloom.run.snap_chip.engine import ENGINE
from tensorloom.run.snap_chip.program import SnapChipProgram
from tensorloom.run.snap_chip.trials import FAILING_BYTES, RANDOM_LISTS, RANDOM_NETWORKS, Again, Failing, trials
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.sim.snap_chip.compiler import compile_layers
from tensorloom.sim.snap_chip.layers import Convolution, Tensor
from tensorloom.tb.bulk.model import build

from ...designs import emitted

CONFIG = PRESETS["snap-chip-tiny"]

TIMINGS = [MemoryTiming(), MemoryTiming(latency=4), MemoryTiming(latency=20), MemoryTiming(stalls=0.3)]


@pytest.mark.parametrize("flaw", [0, 1])
def test_on_verilog(seed: int, flaw: int) -> None:
    """Everything that they compare; a byte of memory changed by hand is seen by each."""
    model, some, found = build(emitted("snap-chip", CONFIG)), random.Random(seed), Counter[str]()
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
        assert set(found) == set(ERRORS) - {"overflow"}  # which jobs have
        assert found["read"] == 20 and found["write"] == 4


@pytest.mark.parametrize("preset", PRESETS)
def test_of_each_preset(preset: str) -> None:
    """Lists that fail are made for each, and memories don't all begin at the same place."""
    failing, origins = list[Failing](), set[int]()
    for trial in itertools.islice(
        trials(PRESETS[preset], 1), RANDOM_LISTS + RANDOM_NETWORKS + 2 * PRESETS[preset].banks + 4
    ):
        assert isinstance(trial.program, Failing | Again)
        origins.add(trial.program.origin)
        if isinstance(trial.program, Failing):
            failing.append(trial.program)
            assert len(trial.program.memory) <= FAILING_BYTES or len(trial.program.failures) == 2
    assert {failure.error for one in failing for failure in one.failures} == set(ERRORS) - {"overflow"}
    assert all(len({origin >> bit & 1 for origin in origins}) == 2 for bit in range(12, 32))


@pytest.mark.parametrize(("columns", "dilation", "width"), [(6, 40, 240), (31, 10, 320)])
def test_kernels_that_reach_over_most_of_the_banks_rows(columns: int, dilation: int, width: int) -> None:
    """Their last taps are further from the first than 32 columns of each bank, which a register had no bits for."""
    rng = np.random.default_rng(1)
    weights = rng.integers(1, 128, (1, columns, 4, 8), np.int8)
    scale = {"bias": np.zeros(8, np.int32), "factors": np.full(8, 1e-3, np.float32)}
    layer = Convolution(source="x", target="y", weights=weights, dilation=(1, dilation), **scale)
    source = Tensor(height=1, width=width, channels=4)
    values = rng.integers(0, 256, source.shape) * (rng.random(source.shape) < 0.5)
    compiled = compile_layers(CONFIG, {"x": source}, [layer], {"x": 0.5})
    program = SnapChipProgram(compiled=compiled, inputs_by_name={"x": values}, results=(), shape=(0,), pairs=None)
    images = program.memories()
    memories = make_memories(images, MemoryTiming(), 1)
    model = build(emitted("snap-chip", CONFIG))
    result = model.run({}, {}, memories=memories, software=program.software(), watchdog=3000)
    assert wrong_bytes(images, memories) == 0 and result.counters["errors"] == 0
    predicted = ENGINE.predict(CONFIG, program, MemoryTiming())
    assert ENGINE.read_counters(result.counters).differences(predicted) == []
