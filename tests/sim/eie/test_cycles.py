"""Cycle model of EIE."""

import numpy as np
import pytest

from tensorloom.hw.eie.config import PRESETS
from tensorloom.sim.eie.counters import IDLE
from tensorloom.sim.eie.cycles import simulate, simulate_job
from tensorloom.sim.eie.golden import Layer, finish, run
from tensorloom.sim.eie.mapping import map_layers
from tensorloom.sim.eie.program import Job, Load, output_position
from tensorloom.sim.formats.coded import CodedMatrix

TINY = PRESETS["eie-tiny"].replace(codebooks=8, jobs=16, activation_lines=256)
CONFIGS = {
    "tiny": TINY,
    "one entry a cycle": TINY.replace(lanes=1, line_buffer=2, queue_depth=3),
    "paper": TINY.replace(
        lanes=1,
        index="relative",
        index_bits=2,
        skip_empty=False,
        readout_rows=1,
        clusters=4,
        line_entries=2,
        line_buffer=2,
    ),
    "relative, skips": TINY.replace(lanes=1, index="relative", index_bits=1, line_entries=8, queue_depth=2),
    "four lanes": TINY.replace(
        lanes=4, queue_depth=12, line_buffer=2, rows=32, index_bits=5, readout_rows=4, psum_bits=24, entries=1024
    ),
    "empty columns wait": TINY.replace(skip_empty=False, line_entries=2, line_buffer=2, queue_depth=6),
    "many lines": TINY.replace(lanes=4, skip_empty=False, line_buffer=8, queue_depth=6),
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


@pytest.mark.parametrize("case", range(80))
def test_columns_of_any_length(seed, literal, case):
    """Runs of long columns, which fill queues, and of short and empty ones behind them; the machine at random too."""
    rng = np.random.default_rng(seed)
    lanes, entries = int(rng.choice([1, 2, 4])), int(rng.choice([2, 4, 8]))
    config = TINY.replace(
        lanes=min(lanes, entries), line_entries=entries, line_buffer=int(rng.choice([2, 4])), rows=32, index_bits=5,
        queue_depth=int(rng.integers(1, 17)), skip_empty=bool(rng.integers(2)), entries=2048, psum_bits=24,
    )  # fmt: skip
    columns = 63
    most = np.repeat(rng.choice([0, 1, 2, 20], 9), 7)
    counts = rng.integers(0, most + 1, (config.clusters, columns))
    pointers = np.concatenate([np.zeros((config.clusters, 1), np.int64), np.cumsum(counts, 1)], 1)
    pointers += rng.integers(0, 9, (config.clusters, 1))
    codes, indices = (list(rng.integers(0, top, (config.clusters, 2048))) for top in (config.codes, config.rows))
    job = Job(columns=columns, source=0, pointers=0, slots=32, destination=99, codebook=0, shift=0)
    load = Load(pointers=pointers, codes=codes, indices=indices, jobs=[job])
    memory = np.zeros((config.activation_lines, config.line_activations), np.int64)
    memory.ravel()[:columns] = rng.integers(0, 100, columns) * (rng.random(columns) < rng.choice([0.3, 1]))
    expected, sums = literal.run(config, load, job, memory, np.arange(config.codes))
    found = simulate_job(config, load, job, memory)
    fields = vars(found) | found.went | found.idle
    assert {name: np.array(fields[name]).tolist() for name in expected} == expected
    for cluster, kept in enumerate(sums.tolist()):
        owner = np.repeat(np.arange(columns), counts[cluster])
        span = slice(pointers[cluster, 0], pointers[cluster, -1])
        products = memory.ravel()[owner] * codes[cluster][span]
        assert np.bincount(indices[cluster][span], products, config.rows).tolist() == kept


@pytest.mark.parametrize(
    ("inputs", "scan"),
    [
        ([1], 13),  # decided in cycle 2, taken in 7, in the sums in 12, the scan's last
        ([0], 7),  # the end is sent in cycle 2, and seen in 6
        ([0] * 12, 9),  # lines without flags are passed over, one a cycle
        ([0, 0, 0, 0, 0, 1], 14),
        ([1] * 8, 20),  # no cycle is lost between lines
        ([1, 0, 0, 0] * 5, 17),
    ],
)
@pytest.mark.parametrize(("lanes", "latency"), [(1, 2), (2, 3), (4, 4)])
def test_cycles_by_hand(inputs, scan, lanes, latency):
    """With an entry of each cluster in every column; then the read-out of two of five rows a cycle."""
    config, codebook = TINY.replace(lanes=lanes, queue_depth=16), np.array([0, 1])
    for rows, cycles in ((2, 1 + latency), (9, 3 + latency)):
        layer = Layer(matrix=CodedMatrix.encode(np.ones((rows, len(inputs)), int), codebook), shift=0)
        counters = simulate(config, map_layers(config, [layer]), np.array(inputs))
        assert counters.broadcasts == sum(inputs)
        assert counters.readout_cycles == cycles
        assert counters.cycles == counters.scan_cycles + cycles
        assert rows > 2 or counters.scan_cycles == scan
