"""What networks become on the TPU: which node of its graph for which of the network, and where exactness decides."""

import dataclasses

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.tpu.config import PRESETS
from tensorloom.run.network.execution import run_network
from tensorloom.run.registry import find_preset
from tensorloom.sim.network.execute import execute
from tensorloom.sim.network.graph import Network, Value, Weighted
from tensorloom.sim.tpu.graph import Join, Lookup, Pool, Product

from ..network.makers import Maker

CONFIG = PRESETS["tpu-tiny"]


def check(maker: Maker, network: Network, parts: int = 1) -> tuple[dict, dict[str, str]]:
    """Run on the models; the graph's nodes, and why the host does what it does."""
    design, inputs = find_preset("tpu-tiny"), maker.values(network)
    assert design is not None
    outcome, expected = run_network(design, network, inputs), execute(network, inputs)
    assert outcome.passed and len(outcome.parts) == parts
    assert all(np.array_equal(outcome.outputs[name], values) for name, values in expected.items())
    return outcome.parts[0].program.compiled.graph.nodes, dict(outcome.plan.reasons)


def kinds(nodes: dict) -> list[type]:
    return [type(node) for node in nodes.values()]


def test_weights_of_nine_bits_are_two_products() -> None:
    maker = Maker(1)
    network = maker.network(maker.convolution(maker.input(1, 4, 5, 5), 4, pads=(1, 1, 1, 1)))
    (node,) = network.nodes
    assert isinstance(node, Weighted)
    changed = dataclasses.replace(
        node, weights=node.weights.view(np.uint8), weight_zeros=np.asarray(100, np.uint8)
    )  # fmt: skip
    nodes, _ = check(maker, dataclasses.replace(network, nodes=(changed,)))
    (product,) = nodes.values()
    assert isinstance(product, Product) and len(product.sources) == 2


@pytest.mark.parametrize(("same", "found"), [(True, [Pool]), (False, [Pool, Lookup])])
def test_global_averages_are_pools(same: bool, found: list[type]) -> None:
    maker = Maker(4)
    value = maker.global_average(maker.input(2, 4, 5, 5), same=same)
    nodes, _ = check(maker, maker.network(value))
    assert kinds(nodes) == found


def test_averages_whose_ties_go_by_the_zero_point_are_products() -> None:
    """A quarter of a sum is often a tie, and with an odd zero point the pool would round it the other way."""
    maker = Maker(4)
    source = Value(name="v0", shape=(1, 4, 2, 2), dtype=np.dtype(np.uint8), scale=np.float32(0.5), zero=1)
    maker.inputs.append(source)
    nodes, _ = check(maker, maker.network(maker.global_average(source, same=True)))
    assert kinds(nodes) == [Product]


def test_averages_that_rounding_decides_are_the_hosts() -> None:
    """With the scale of the input every fourth sum of four values is a tie."""
    maker = Maker(2)
    source = maker.convolution(maker.input(1, 4, 4, 4), 4, (1, 1))
    pooled = maker.average(source, 2)
    last = dataclasses.replace(maker.nodes[-1], result=dataclasses.replace(pooled, scale=source.scale))
    network = Network(inputs=tuple(maker.inputs), outputs=(last.result,), nodes=(maker.nodes[0], last))
    _, reasons = check(maker, network)
    assert reasons == {"qlinearaveragepool 1": "it adds real values, and rounding decides ties"}


def test_joins_share_a_place_where_nothing_else_reads() -> None:
    maker = Maker(3)
    source = maker.input(1, 4, 4, 4)
    a, b = maker.convolution(source, 8), maker.convolution(source, 8)
    maker.nodes[-1] = dataclasses.replace(
        maker.nodes[-1], result=(b := dataclasses.replace(b, scale=a.scale, zero=a.zero))
    )
    nodes, _ = check(maker, maker.network(maker.join(a, b)))
    assert kinds(nodes) == [Product, Product, Join]
    nodes, _ = check(maker, maker.network(maker.join(a, a), b))
    assert kinds(nodes) == [Product, Product, Pool, Pool, Join]


def test_sums_of_32_bits() -> None:
    maker = Maker(6)
    value = maker.convolution(maker.input(2, 4, 5, 5), 4)
    network = maker.network(maker.product(maker.reshape(value, 2, 36), 5, sums=True))
    nodes, _ = check(maker, network)
    assert kinds(nodes) == [Product, Lookup, Product]


def test_fewer_images_at_once_where_there_is_no_room() -> None:
    design = find_preset("tpu-tiny")
    assert design is not None
    maker = Maker(7)
    network = maker.network(maker.convolution(maker.input(12, 4, 9, 9), 8, pads=(1, 1, 1, 1)))
    inputs = maker.values(network)
    outcome = run_network(design, network, inputs)
    assert outcome.passed and outcome.parts[0].program.compiled.batches > 1
    assert all(np.array_equal(outcome.outputs[name], values) for name, values in execute(network, inputs).items())


def test_what_has_no_room() -> None:
    maker = Maker(8)
    network = maker.network(maker.convolution(maker.input(1, 8, 40, 40), 8))
    with pytest.raises(ConfigError, match=r"ub_rows must be at least [\d,]+ for the v0") as caught:
        find_preset("tpu-tiny").engine.plan_network(CONFIG, network)  # pyrefly: ignore[missing-attribute]
    assert caught.value.field == "ub_rows"


def test_broadcasts_are_the_hosts() -> None:
    maker = Maker(9)
    image = maker.convolution(maker.input(1, 4, 4, 4), 4, (1, 1))
    gates = maker.lookup(maker.global_average(image))
    result = maker.multiply(image, gates)
    network = maker.network(maker.convolution(result, 4))
    _, reasons = check(maker, network, parts=2)
    assert reasons == {"qlinearmul 3": "shapes (1, 4, 4, 4) and (1, 4, 1, 1) differ"}


def test_names_of_values_do_not_matter() -> None:
    maker = Maker(10)
    source = Value(name="a/b:0 #1", shape=(1, 4), dtype=np.dtype(np.uint8), scale=np.float32(0.1))
    maker.inputs.append(source)
    check(maker, maker.network(maker.product(source, 4)))
