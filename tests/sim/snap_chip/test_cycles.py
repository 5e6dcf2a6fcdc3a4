import random
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.run.snap_chip.engine import ENGINE
from tensorloom.run.snap_chip.program import MEMORY_PORTS, SnapChipProgram
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.sim.snap_chip import cycles, golden
from tensorloom.sim.snap_chip.compiler import compile_layers
from tensorloom.sim.snap_chip.cycles import BEATS, WENT, LayerCounters, simulate_chip
from tensorloom.sim.snap_chip.frame import frame, layer_work
from tensorloom.sim.snap_chip.layers import MaxPool, Residual, Tensor
from tensorloom.sim.snap_chip.work import list_work
from tensorloom.sim.workloads.layers import LayerShape
from tensorloom.tb.bulk.memory import Memory
from tensorloom.tb.bulk.model import build
from tensorloom.tb.snap_chip.core_array import random_layers

from ...designs import emitted

CONFIG = PRESETS["snap-chip-tiny"]
WIDE = CONFIG.replace(data_bits=256, row_words=4, bank_rows=32, residual_lanes=2, global_accumulator=True)
"""Beats of several words, and diagonal mode."""

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
            network.convolution(
                (3, 3, kernels, kernels), source="a", target="b", padding=1, residual=added,
                diagonal=config.global_accumulator,
            ),
            MaxPool(source="b", target="c", kernel=(3, 3), stride=2, padding=some.choice([0, 1])),
            network.convolution((1, 1, kernels, 8), source="c", target="y"),
        ]  # fmt: skip
        try:
            program = compile_layers(config, {"x": x}, layers)
        except ConfigError:
            continue
        return program, program.memory(x=network.values(x, some.choice([0.3, 0.6, 1])))


@pytest.mark.parametrize("config", [CONFIG, pytest.param(WIDE, marks=pytest.mark.slow)], ids=["tiny", "wide"])
def test_model_counts_every_cycle_and_beat_of_the_hardware(config, network, seed):
    model = build(emitted("snap-chip", config))
    some, rng, diagonal = random.Random(seed), np.random.default_rng(seed), False
    for number, timing in enumerate(TIMINGS * 2):
        if number % 2:
            program, memory = random_layers(config, rng, some)
        else:
            program, memory = all_kinds(network, config, some)
        works = list_work(config, memory, program.list_address)
        expected = simulate_chip(config, works, timing=timing, list_address=program.list_address)
        wanted = golden.run_list(config, memory, program.list_address).memory
        peer = Memory(data=memory, timing=timing)
        job = SnapChipProgram(compiled=program, inputs_by_name={}, results=[], shape=(), pairs=0)
        result = model.run({}, {}, memories=dict.fromkeys(MEMORY_PORTS, peer), software=job.software())
        found = ENGINE.read_counters(result.counters)
        assert np.array_equal(peer.data, wanted)
        diagonal |= any(work.command.get("diagonal") for work in works)
        beats = {f"{name}_beats": count for name, count in expected.beats.items()}
        assert (found.cycles, found.layers, found.beats) == (expected.cycles, len(works), beats), (number, timing)
    assert diagonal == config.global_accumulator


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


def test_shares_of_a_list_are_those_of_its_layers(network, seed):
    program, memory = all_kinds(network, CONFIG, random.Random(seed))
    counters = simulate_chip(CONFIG, list_work(CONFIG, memory, program.list_address))
    shares, parts = counters.where_cycles_went(), [layer.where_cycles_went() for layer in counters.layers]
    assert tuple(shares) == WENT
    assert sum(shares.values()) == pytest.approx(1)
    for name in set(WENT) - {"begin"}:
        cycles = sum(layer.cycles * part[name] for layer, part in zip(counters.layers, parts, strict=True))
        assert shares[name] * counters.cycles == pytest.approx(cycles)
    pools = sum(layer.cycles for layer in counters.layers if not layer.multiplies.size)
    assert shares["pooling"] == pools / counters.cycles > 0


def counters_of(waits, **fields):
    """Counters of two cores of a row and two columns, in ten cycles of which PEs multiplied in what isn't a wait."""
    names = ("busy", "empty_list", "wait_weights", "wait_activations", "wait_aim", "wait_psum")
    cycles = {name: np.array(waits.get(name, [[0, 0], [0, 0]])) for name in names}
    values: dict[str, Any] = {
        "beats": {}, "cycles": 10, "multiplies": np.zeros((2, 2), int), "sums": np.zeros(2, int), "waits": cycles,
        "first": np.array([1, 1]), "last": np.array([8, 9]), "input_waits": 0, "weight_waits": np.zeros(4, int),
        "output_waits": np.zeros(2, int),
        **dict.fromkeys(("aim_operations", "weight_beats", "activation_beats"), np.zeros(2, int)),
    }  # fmt: skip
    return LayerCounters(**values | fields)


def test_what_memory_is_waited_for():
    """Core 0 waits for weights in its columns, of which one waits for memory; core 1 for activations."""
    waits = {"busy": [[2, 4], [6, 5]], "wait_weights": [[5 + 2, 3 + 2], [1, 1]], "wait_activations": [[0, 0], [2, 3]]}
    layer = counters_of(waits, weight_waits=np.array([4, 0, 0, 9]), input_waits=2)
    found = {name: round(40 * share) for name, share in layer.where_cycles_went().items()}
    assert found == {
        "compute": 17, "lists": 0, "weights": 1 + 3, "activations": 1, "memory": 4 + 2 + 2, "psums": 0,
        "begin": 4, "spread": 2, "end": 4, "pooling": 0,
    }  # fmt: skip
    assert sum(layer.where_cycles_went().values()) == pytest.approx(1)


def test_slow_memory_is_where_the_cycles_went(network, seed):
    shape = LayerShape(name="any/1x1", height=9, width=9, channels=32, rows=1, columns=1, kernels=8)
    work = layer_work(CONFIG, shape, (0.5, 0.5), seed=seed)
    quick, slow = (
        simulate_chip(CONFIG, [work], timing=MemoryTiming(pace=pace)).layers[0].where_cycles_went() for pace in (64, 1)
    )
    assert slow["memory"] > 0.5 > quick["memory"]


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
    assert layer.sums.tolist() == [5 * 6 * 4] * 2  # two groups of three columns, of which two are outside


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


def test_a_region_that_never_fits_is_refused_or_stuck(seed, monkeypatch):
    shape = LayerShape(name="any/3x3", height=6, width=6, channels=16, rows=3, columns=3, kernels=8, padding=1)
    work = layer_work(CONFIG, shape, (1.0, 0.5), seed=seed)
    small = CONFIG.replace(bank_rows=4)
    with pytest.raises(ConfigError, match="layer 0: activations of a region must be of at most 8 words a bank"):
        simulate_chip(small, [work])
    monkeypatch.setattr(cycles, "check_works", lambda *_: None)
    with pytest.raises(RuntimeError, match="must not get stuck"):
        simulate_chip(small, [work])


def test_frame_of_a_table(seed):
    table = [
        LayerShape(name="some/a", height=6, width=6, channels=3, rows=3, columns=3, kernels=16, padding=1),
        LayerShape(name="some/b_branch2c", height=6, width=6, channels=16, rows=1, columns=1, kernels=8),
    ]
    told: list[Any] = []
    dense, sparse = (
        frame(
            CONFIG, table, [(density, density)] * 2, MemoryTiming(pace=8), seed=seed % 1000,
            progress=lambda *what: told.append(what),
        )
        for density in (1.0, 0.3)
    )  # fmt: skip
    shares = [share for _, share in told]
    assert told[0] == ("drawing some/a", 0) and told[3][0] == "running some/b_branch2c"
    assert shares[:4] == sorted(shares[:4]) == shares[4:] and shares[3] < 1
    assert sparse.counters.cycles < dense.counters.cycles
    assert [command["residual"] for command in dense.commands] == [0, 1]
    # a 3x3 kernel meets 3 + 3 + 3 + 3 + 2 + 2 pixels of a line of six with padding 1
    assert dense.products == 16 * 16 * 16 * 3 + 6 * 6 * 16 * 8
    assert dense.ideal_cycles == -(-dense.products // 36)
    assert dense.utilisation == dense.products / dense.counters.cycles / 36 < 1
    total = dense.bytes(dense.counters)
    assert total["input"] > sparse.bytes(sparse.counters)["input"]
    assert dense.bytes(dense.counters.layers[1])["residual"] >= 6 * 6 * 8


def test_outputs_are_as_dense_as_what_the_next_layer_reads():
    """Words of a tile: one if nothing is stored, two if all is.

    The residual is as dense as the block's input.
    """
    names = ("2a_branch1", "2a_branch2a", "2a_branch2b", "2a_branch2c", "2b_branch2a")
    table = [
        LayerShape(name=f"some/{name}", height=6, width=6, channels=16, rows=1, columns=1, kernels=16) for name in names
    ]
    found = frame(CONFIG, table, [(density, 0.5) for density in (1, 1, 0, 1, 0)], MemoryTiming())
    words = [
        [round(layer.beats[kind] * CONFIG.bus.bytes / (6 * 6 * 2 * 8)) for kind in ("input", "output", "residual")]
        for layer in found.counters.layers
    ]
    assert words == [[2, 2, 0], [2, 1, 0], [1, 2, 0], [2, 1, 2], [1, 1, 0]]


def test_what_cores_take_and_match(network, seed):
    """All cores get the same activations; no AIM finds more than it compares."""
    program, memory = all_kinds(network, CONFIG, random.Random(seed))
    counters = simulate_chip(CONFIG, list_work(CONFIG, memory, program.list_address))
    layers = [layer for layer in counters.layers if layer.multiplies.size]
    for layer in layers:
        assert len(set(layer.activation_beats.tolist())) == 1
        assert (layer.multiplies.sum(1) <= layer.aim_operations * CONFIG.core.aim_entries**2).all()
        entries = layer.weight_beats * CONFIG.core.beat_entries
        assert ((entries > 0) == (layer.multiplies.sum(1) > 0)).all()
    assert len(layers) > 1
