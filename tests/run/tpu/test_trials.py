"""Trials of the mutation campaigns on a TPU without a fault: those that no other test runs."""

import itertools

from tensorloom.hw.tpu.config import PRESETS
from tensorloom.run.driving import drive
from tensorloom.run.tpu.engine import ENGINE
from tensorloom.run.tpu.trials import RANDOM_PROGRAMS, WHOLE_BUFFERS, Failing, trials
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.tb.bulk.model import build

from ...designs import emitted

CONFIG = PRESETS["tpu-tiny"]

TIMINGS = [MemoryTiming(), MemoryTiming(latency=4), MemoryTiming(latency=20)]


def test_programs_stop_where_they_say(seed: int) -> None:
    """Programs that fail or are stopped: memory, what software reads, and counters of the run that follows."""
    model, tags = build(emitted("tpu", CONFIG)), set()
    failing = [trial for trial in trials(CONFIG, seed) if isinstance(trial.program, Failing)]
    for number, trial in enumerate(failing):
        program, stalls = trial.program, number % 2
        timing = MemoryTiming(stalls=0.3, seed=seed + number) if stalls else TIMINGS[number // 2 % len(TIMINGS)]
        driven = drive(model, program, seed=seed + number, timing=timing)
        counters = driven.result.counters
        assert driven.wrong_bytes == 0, number
        assert {name: counters[name] for name in trial.registers} == dict(trial.registers), number
        assert trial.agree(counters), (number, counters["first_error_pc"], counters["first_tag"])
        tags.add(counters["first_tag"])
        if trial.counted and not stalls:
            predicted = ENGINE.predict(CONFIG, program, timing)  # type: ignore[arg-type]
            assert ENGINE.read_counters(counters).differences(predicted) == [], number
    assert len(tags) > 10, "programs that show where they are must stop in many places"


def test_a_host_that_stalls_for_longer_than_a_writer_holds(seed: int) -> None:
    """Programs that write more than fits its queue: memory and registers after they ran twice."""
    model, end = build(emitted("tpu", CONFIG)), RANDOM_PROGRAMS + 1 + WHOLE_BUFFERS
    for number, trial in enumerate(itertools.islice(trials(CONFIG, seed), end - WHOLE_BUFFERS, end)):
        assert len(trial.program.host[0]) > CONFIG.bus.fifo_depth * CONFIG.bus_bytes  # type: ignore[attr-defined]
        timing = MemoryTiming(stalls=(0.0, 0.8)[number % 2], seed=seed + number)
        driven = drive(model, trial.program, seed=seed + number, timing=timing)
        counters = driven.result.counters
        assert driven.wrong_bytes == 0, number
        assert {name: counters[name] for name in trial.registers} == dict(trial.registers), number
