"""Cycle model of EIE."""

import numpy as np
import pytest

from tensorloom.hw.eie.config import PRESETS
from tensorloom.sim.eie.counters import IDLE
from tensorloom.sim.eie.cycles import simulate, simulate_job
from tensorloom.sim.eie.golden import finish, run
from tensorloom.sim.eie.mapping import map_layers
from tensorloom.sim.eie.program import output_position

TINY = PRESETS["eie-tiny"].replace(codebooks=8, jobs=16, activation_lines=256)
CONFIGS = {
    "tiny": TINY,
    "one entry a cycle": TINY.replace(lanes=1, line_buffer=2, queue_depth=3),
    "paper": TINY.replace(
        lanes=1, index="relative", index_bits=2, skip_empty=False, readout_rows=1, clusters=4, line_entries=2
    ),
    "relative, skips": TINY.replace(lanes=1, index="relative", index_bits=1, line_entries=8, queue_depth=2),
    "four lanes": TINY.replace(lanes=4, queue_depth=8, line_buffer=2, clusters=4, readout_rows=4),
    "empty columns wait": TINY.replace(lanes=4, skip_empty=False, line_buffer=8, queue_depth=6),
    "queue of one": TINY.replace(queue_depth=1),
    "deep": TINY.replace(lanes=2, line_entries=2, line_buffer=4, queue_depth=32),
}


@pytest.mark.parametrize("case", range(12))
@pytest.mark.parametrize("name", CONFIGS)
def test_counters_and_sums_are_those_of_the_literal_machine(seed, chain, literal, name, case):
    config, rng = CONFIGS[name], np.random.default_rng(seed)
    layers, inputs = chain(rng, config)
    program = map_layers(config, layers, reload=True)
    states = run(config, program, inputs)
    kept, number = np.zeros((config.clusters, config.rows), object), 0
    for load in program.loads:
        for job in load.jobs:
            memory = states[number]
            expected, sums = literal.run(config, load, job, memory, program.codebooks[job.codebook])
            found = simulate_job(config, load, job, memory)
            fields = vars(found) | found.went | found.idle
            assert {name: np.array(fields[name]).tolist() for name in expected} == expected
            kept = kept + sums
            number += 1
            if not job.keep:
                after = np.zeros(job.output_lines(config) * config.line_activations, np.int64)
                owners, places = np.indices((config.clusters, job.slots)).reshape(2, -1)
                outputs = finish(kept[owners, places].astype(np.int64), job.shift, job.relu, config.data_bits)
                after[output_position(config, owners, places)] = outputs
                place = slice(job.destination, job.destination + job.output_lines(config))
                assert np.array_equal(states[number][place].ravel(), after)
                kept = np.zeros_like(kept)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_cycle_and_every_lane_is_accounted_for(seed, chain, name):
    config, rng = CONFIGS[name], np.random.default_rng(seed)
    layers, inputs = chain(rng, config, count=3)
    counters = simulate(config, map_layers(config, layers, reload=True), inputs)
    assert np.all(sum(counters.went.values()) == counters.cycles)
    taken = counters.entries + sum(counters.idle[name] for name in IDLE)
    assert np.array_equal(taken, config.lanes * counters.went["busy"])
    assert counters.cycles == counters.scan_cycles + counters.readout_cycles
    assert sum(counters.where_cycles_went().values()) == pytest.approx(1)
    assert counters.differences(counters) == []
