"""Pieces of every distinct layer of known networks on the Verilog, bit-exact and in the cycles of the model.

A few on the smallest core; all on the real one with: scripts/test -m slow tests/hw/snap/test_workloads.py
"""

import random

import pytest

from tensorloom.run.execution import Simulator
from tensorloom.run.jobs import layer_job
from tensorloom.run.registry import find_preset
from tensorloom.sim.workloads.layers import NETWORKS, LayerShape, distinct, sample

LAYERS = {layer.name: layer for layers in NETWORKS.values() for layer in distinct(layers)}

FEW = (
    "alexnet/conv1", "alexnet/conv2", "alexnet/fc8", "vgg16/conv1_1", "resnet50/conv1", "resnet50/res3a_branch1",
    "resnet50/res5a_branch2b",
)  # fmt: skip
"""11x11 stride 4, 5x5 in groups, FC, 3 channels, 7x7 stride 2, 1x1 stride 2, 3x3."""

DENSITIES = ("1/1", "0.7/0.9", "0.38/0.52", "0.4/0.4", "0.2/0.3", "0.1/0.1")


def simulator(preset: str) -> Simulator:
    design = find_preset(preset)
    assert design
    return Simulator(design)


@pytest.fixture(scope="module")
def small() -> Simulator:
    return simulator("snap-tiny")


@pytest.fixture(scope="module")
def full() -> Simulator:
    return simulator("snap-core")


def check(core: Simulator, layer: LayerShape, part: tuple[int, int, int, int], seed: int) -> None:
    density = random.Random(seed).choice(DENSITIES)
    bits = core.design.config.data_bits
    job = layer_job(sample(layer, *part), *map(float, density.split("/")), bits=bits, seed=seed)
    outcome = core.run(job)
    assert outcome.mismatches == 0 and outcome.differences == [], density
    assert outcome.cycles == outcome.predicted_cycles and outcome.counters.cycles > 0 and outcome.macs > 0


@pytest.mark.parametrize("name", FEW)
def test_a_few_layers(small: Simulator, name: str, seed: int) -> None:
    layer = LAYERS[name]
    check(small, layer, (1, 1, 90, 20) if layer.fully_connected else (5, 6, 20, 4), seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_every_distinct_layer(full: Simulator, name: str, seed: int) -> None:
    layer = LAYERS[name]
    check(full, layer, (1, 1, 700, 260) if layer.fully_connected else (9, 16, 104, 20), seed)
