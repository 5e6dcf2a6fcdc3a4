import random

import numpy as np
import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.errors import ConfigError
from tensorloom.hw.snap_chip.chip import SnapChip
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.run.snap_chip.engine import ENGINE
from tensorloom.run.snap_chip.program import MEMORY_PORTS, SnapChipProgram
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.sim.snap_chip import golden
from tensorloom.sim.snap_chip.compiler import compile_layers
from tensorloom.sim.snap_chip.cycles import BEATS, WENT, simulate_chip
from tensorloom.sim.snap_chip.frame import frame, layer_work
from tensorloom.sim.snap_chip.layers import MaxPool, Residual, Tensor
from tensorloom.sim.snap_chip.work import list_work
from tensorloom.sim.workloads.layers import LayerShape
from tensorloom.tb.bulk.memory import Memory
from tensorloom.tb.bulk.model import build
from tensorloom.tb.snap_chip.core_array import random_layers

CONFIG = PRESETS["snap-chip-tiny"]
WIDE = CONFIG.replace(data_bits=256, row_words=4, bank_rows=32, residual_lanes=2)  # beats of several words
TIMINGS = [
    MemoryTiming(), MemoryTiming(latency=30, write_latency=9), MemoryTiming(latency=6, pace=5),
    MemoryTiming(latency=2, read_pace=5, write_pace=3),
]  # fmt: skip


def all_kinds(network, config, some):
    """A list of all kinds of layers, and a memory with its input."""
    while True:
        height, width, kernels = some.randint(4, 8), some.randint(4, 8), some.choice([8, 11, 16])
        x = Tensor(height=height, width=width, channels=some.choice([3, 8, 16]), zero=some.choice([0, 3]))
        added = Residual(tensor="a", sum_factor=0.7, factor=0.9, offset=-1.5, zero=0, low=0, high=255)
        layers = [
            network.convolution((1, 1, x.channels, kernels), target="a"),
            network.convolution((3, 3, kernels, kernels), source="a", target="b", padding=1, residual=added),
            MaxPool(source="b", target="c", kernel=(3, 3), stride=2, padding=some.choice([0, 1])),
            network.convolution((1, 1, kernels, 8), source="c", target="y"),
        ]
        try:
            program = compile_layers(config, {"x": x}, layers)
        except ConfigError:
            continue
        return program, program.memory(x=network.values(x, some.choice([0.3, 0.6, 1])))


@pytest.mark.parametrize("config", [CONFIG, WIDE], ids=["tiny", "wide"])
def test_model_counts_every_cycle_and_beat_of_the_hardware(config, network, seed):
    model = build(emit(SnapChip(config)))
    some, rng = random.Random(seed), np.random.default_rng(seed)
    for number, timing in enumerate(TIMINGS * 2):
        if number % 2:
            program, memory = random_layers(config, rng, some)
        else:
            program, memory = all_kinds(network, config, some)
        works = list_work(config, memory, program.list_address)
        expected = simulate_chip(config, works, timing=timing, list_address=program.list_address)
        wanted = golden.run_list(config, memory, program.list_address).memory
        peer = Memory(data=memory, timing=timing)
        job = SnapChipProgram(compiled=program, inputs_by_name={}, results=[], shape=(), macs=0)
        result = model.run({}, {}, memories=dict.fromkeys(MEMORY_PORTS, peer), software=job.software())
        found = ENGINE.read_counters(result.counters)
        assert np.array_equal(peer.data, wanted)
        beats = {f"{name}_beats": count for name, count in expected.beats.items()}
        assert (found.cycles, found.layers, found.beats) == (expected.cycles, len(works), beats), (number, timing)


def test_layers_add_up_to_the_list(network, seed):
    program, memory = all_kinds(network, CONFIG, random.Random(seed))
    works = list_work(CONFIG, memory, program.list_address)
    counters = simulate_chip(CONFIG, works, list_address=program.list_address)
    begin = counters.cycles - sum(layer.cycles for layer in counters.layers)
    assert 0 < begin < 100  # the first command comes before the first layer
    for name in set(BEATS) - {"command", "weight"}:
        assert counters.beats[name] == sum(layer.beats[name] for layer in counters.layers)
    for work, layer in zip(works, counters.layers, strict=True):
        shares = layer.where_cycles_went()
        assert tuple(shares) == WENT
        assert sum(shares.values()) == pytest.approx(1)
        assert min(shares.values()) >= 0
        assert (shares["pooling"] == 1) == (not work.convolves)
        if work.convolves:
            assert (layer.first < layer.last).all()
            assert (layer.last < layer.cycles).all()


def test_products_are_those_of_stored_values(seed):
    shape = LayerShape(name="any/1x1", height=5, width=4, channels=16, rows=1, columns=1, kernels=8)
    work = layer_work(CONFIG, shape, (0.5, 0.5), seed=seed)
    layer = simulate_chip(CONFIG, [work]).layers[0]
    channels = np.arange(CONFIG.tile_channels, dtype=np.uint64)
    activations = (work.inputs[..., None] >> channels & np.uint64(1)).sum((0, 1)).ravel()
    kernels = np.zeros(16, np.int64)
    for ring, column in enumerate(work.weights):  # a full step: a tile a column
        stored = (column.bitmaps[..., None] >> channels & np.uint64(1)).sum((0, 1)).astype(np.int64)
        kernels.reshape(2, -1)[ring % 2] += stored
    assert int(layer.multiplies.sum()) == int(activations.astype(np.int64) @ kernels)


def test_slower_memory_takes_longer(network, seed):
    program, memory = all_kinds(network, CONFIG, random.Random(seed))
    works = list_work(CONFIG, memory, program.list_address)
    quick, slow = (
        simulate_chip(CONFIG, works, timing=MemoryTiming(latency=latency, pace=pace))
        for latency, pace in ((1, 64), (99, 4))
    )
    assert slow.cycles > quick.cycles
    assert slow.beats == quick.beats
    assert slow.layers[0].input_waits > quick.layers[0].input_waits
    assert slow.cycles >= sum(slow.beats.values()) * CONFIG.bus.bytes / 4


def test_random_stalls_are_refused():
    with pytest.raises(ConfigError, match="without random stalls"):
        simulate_chip(CONFIG, [], timing=MemoryTiming(stalls=0.1))


def test_a_region_that_never_fits_is_stuck(seed):
    shape = LayerShape(name="any/3x3", height=6, width=6, channels=16, rows=3, columns=3, kernels=8, padding=1)
    work = layer_work(CONFIG, shape, (1.0, 0.5), seed=seed)
    small = CONFIG.replace(bank_rows=4)
    with pytest.raises(RuntimeError, match="must not get stuck"):
        simulate_chip(small, [work])


def test_frame_of_a_table(seed):
    table = [
        LayerShape(name="some/a", height=6, width=6, channels=3, rows=3, columns=3, kernels=16, padding=1),
        LayerShape(name="some/b_branch2c", height=6, width=6, channels=16, rows=1, columns=1, kernels=8),
    ]
    dense, sparse = (
        frame(CONFIG, table, [(density, density)] * 2, MemoryTiming(pace=8), seed=seed % 1000) for density in (1.0, 0.3)
    )
    assert sparse.counters.cycles < dense.counters.cycles
    assert [command["residual"] for command in dense.commands] == [0, 1]
    assert 0 < sparse.utilisation < 1
    total = dense.bytes(dense.counters)
    assert total["input"] > sparse.bytes(sparse.counters)["input"]
    assert dense.bytes(dense.counters.layers[1])["residual"] >= 6 * 6 * 8
