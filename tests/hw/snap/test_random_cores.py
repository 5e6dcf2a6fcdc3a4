"""Cores of random configurations: every counter of the Verilog is that of the cycle model, whatever stands still."""

import numpy as np
import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.snap.config import SnapConfig
from tensorloom.hw.snap.core import SnapCore
from tensorloom.sim.snap.cycles import simulate_core
from tensorloom.tb.bulk.model import build
from tensorloom.tb.snap.program import core_stalls, run_program
from tensorloom.tb.snap.random_programs import mixed_program


def random_core(rng: np.random.Generator) -> SnapConfig:
    """A small core in which nothing but the least is certain."""

    def power(low: int, high: int) -> int:
        return 1 << int(rng.integers(low, high + 1))

    entries = power(2, 4)
    return SnapConfig(
        core_rows=int(rng.integers(1, 4)), core_columns=int(rng.integers(1, 4)), pe_multipliers=int(rng.integers(1, 5)),
        aim_entries=entries, data_bits=4, beat_entries=entries // power(2, 3) or 1,
        weight_entries=entries * power(1, 2), activation_entries=entries * power(0, 2),
        weight_windows=power(1, 3), activation_tiles=power(1, 3),
        list_depth=int(rng.integers(2, 9)), psum_slots=power(1, 4), pipelined=bool(rng.integers(2)),
        aim=str(rng.choice(["comparators", "table"])),
    )  # fmt: skip


@pytest.mark.parametrize("number", [0, *(pytest.param(number, marks=pytest.mark.slow) for number in range(1, 8))])
def test_every_counter_of_a_random_core(number: int, seed: int) -> None:
    rng = np.random.default_rng([seed, number])
    config = random_core(rng)
    model = build(emit(SnapCore(config)))
    streams = [stream["name"] for stream in model.manifest["streams"]]
    for _ in range(20):
        program = mixed_program(config, rng, int(rng.integers(1, 4)))
        some = rng.choice(streams, int(rng.integers(len(streams) + 1)), replace=False)
        stalls = {str(name): float(rng.choice([0.1, 0.5, 0.9, 0.99])) for name in some}
        numbers = int(rng.integers(1 << 30))
        counters = run_program(model, config, program, stalls=stalls, seed=numbers).counters
        predicted = simulate_core(config, program, stalls=core_stalls(model, config, stalls, numbers))
        assert counters.differences(predicted) == []
        assert np.all(sum(counters.waits.values()) == counters.cycles)
        assert (counters.multiplies <= config.pe_multipliers * counters.cycles).all()
