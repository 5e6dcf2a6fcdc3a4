"""Comparing machines: densities of weights, and what a map says."""

import numpy as np
import pytest

from tensorloom.run.network.compare import compare, own_densities, with_density
from tensorloom.run.network.picture import draw_map
from tensorloom.run.registry import engines, find_preset
from tensorloom.sim.network.execute import execute_all
from tensorloom.sim.network.graph import Weighted

from .makers import Maker

DESIGNS = [find_preset(engine.demo_presets[0]) for engine in engines().values() if engine.takes_networks]


@pytest.mark.parametrize("density", [0.1, 0.5, 1.0])
def test_weights_of_a_density(density: float) -> None:
    maker = Maker(1)
    network = maker.network(maker.convolution(maker.input(1, 8, 6, 6), 8))
    (before,), (after,) = network.nodes, with_density(network, density).nodes
    assert isinstance(before, Weighted) and isinstance(after, Weighted)
    old, new = before.centred_weights, after.centred_weights
    assert np.count_nonzero(new) == round(density * new.size)
    kept = (new != 0) & (old != 0)
    assert np.array_equal(new[kept], old[kept])
    if density < np.mean(old != 0):
        assert np.abs(old[kept]).min() >= np.abs(old[~kept]).max()


def test_densities_are_those_of_most_work() -> None:
    maker = Maker(2, zeros=False)
    network = maker.network(maker.product(maker.input(1, 10), 8))
    x = np.zeros((1, 10), np.uint8)
    x[0, :3] = 5
    activations, weights = own_densities(network, execute_all(network, {"v0": x}))
    (node,) = network.nodes
    assert isinstance(node, Weighted)
    assert activations == pytest.approx(0.3) and weights == pytest.approx(np.mean(node.weights != 0))


def test_map() -> None:
    maker = Maker(3, zeros=False)
    network = maker.network(maker.convolution(maker.input(1, 16, 9, 9), 16, pads=(1, 1, 1, 1)))
    designs = [design for design in DESIGNS if design is not None]
    sizes = [float(design.config.multipliers) for design in designs]
    figures = compare(network, maker.values(network), designs, sizes, densities=(0.1, 1.0), seed=1)
    by_kind = {row["sparse"]: row for row in figures["designs"]}
    (row, same), cycles = by_kind[True]["grid"], by_kind[False]["cycles"]
    assert row[0] < row[1] < same[1] and row[0] < same[0]
    assert by_kind[False]["grid"] == [[cycles] * 2] * 2
    for w, a in np.ndindex(2, 2):
        costs = {one["design"]: one["grid"][w][a] * one["size"] for one in figures["designs"]}
        assert figures["cheapest"][w][a] == min(costs, key=lambda name: costs[name])
    text = draw_map("a network", {**figures, "unit": "multipliers"})
    assert text.count(" x</text>") == 4 and all(design.name in text for design in designs)


def test_sizes_count() -> None:
    maker = Maker(4, zeros=False)
    network = maker.network(maker.convolution(maker.input(1, 8, 6, 6), 8))
    designs = [design for design in DESIGNS if design is not None]
    figures = compare(network, maker.values(network), designs, [1e-9, 1.0], densities=(0.1, 1.0))
    assert {name for row in figures["cheapest"] for name in row} == {designs[0].name}


def test_what_has_no_room_is_nowhere_the_cheapest() -> None:
    """A sparse input fits a machine that a dense one doesn't."""
    maker = Maker(5, zeros=False)
    network = maker.network(maker.convolution(maker.input(1, 128, 2, 15), 4, (1, 1)))
    x = np.zeros((1, 128, 2, 15), np.uint8)
    x[:, ::50] = 3
    designs = [design for design in DESIGNS if design is not None]
    figures = compare(network, {"v0": x}, designs, [1e-9, 1.0], densities=(0.02, 1.0))
    assert [row["grid"][0][1] for row in figures["designs"]][0] is None
    assert figures["cheapest"][0] == [designs[0].name, designs[1].name]
