"""What networks become on the SNAP chip: which layers for which nodes, and what it refuses."""

import dataclasses
from typing import cast

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.run.network.execution import run_network
from tensorloom.run.registry import find_preset
from tensorloom.run.snap_chip.network import plan_network
from tensorloom.sim.network.errors import ModelError
from tensorloom.sim.network.execute import execute
from tensorloom.sim.network.graph import Network, Weighted

from ..network.makers import Maker

CONFIG = PRESETS["snap-chip-tiny"]


def check(maker: Maker, network: Network, parts: int = 1) -> tuple[list[str], dict[str, str]]:
    """Run on the models; operators of the layers, and why the host does what it does."""
    design, inputs = find_preset("snap-chip-tiny"), maker.values(network)
    assert design is not None
    outcome, expected = run_network(design, network, inputs), execute(network, inputs)
    assert outcome.passed and len(outcome.parts) == parts
    assert all(np.array_equal(outcome.outputs[name], values) for name, values in expected.items())
    return [layer.operator for layer in outcome.layers], dict(outcome.plan.reasons)


def test_a_sum_is_done_with_the_convolution_before_it() -> None:
    maker = Maker(1)
    first = maker.convolution(maker.input(1, 8, 5, 5), 8, (1, 1))
    second = maker.convolution(first, 8, (1, 1))
    layers, _ = check(maker, maker.network(maker.add(second, first)))
    assert layers == ["QLinearConv", "QLinearConv + QLinearAdd"]


def test_a_sum_of_what_others_read_is_a_layer() -> None:
    maker = Maker(2)
    first = maker.convolution(maker.input(1, 8, 5, 5), 8, (1, 1))
    layers, _ = check(maker, maker.network(maker.add(first, first), first))
    assert layers == ["QLinearConv", "QLinearAdd"]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_tables_that_are_straight_lines_are_layers(dtype: str) -> None:
    maker = Maker(3, dtype)
    value = maker.lookup(maker.convolution(maker.input(1, 8, 4, 4), 8), monotonic=True)
    layers, reasons = check(maker, maker.network(value))
    assert layers == ["QLinearConv", "QLinearSigmoid"] and reasons == {}


def test_other_tables_and_products_are_the_hosts() -> None:
    maker = Maker(4)
    value = maker.lookup(maker.convolution(maker.input(1, 8, 4, 4), 8))
    _, reasons = check(maker, maker.network(maker.convolution(maker.multiply(value, value), 4, (1, 1))), parts=2)
    assert reasons == {
        "qlinearsigmoid 1": "a function that is no straight line with limits",
        "qlinearmul 2": "the chip multiplies by constants alone",
    }


def test_joins_are_layers_of_a_pixel() -> None:
    maker = Maker(5)
    value = maker.convolution(maker.input(2, 8, 4, 4), 6, (1, 1))
    layers, _ = check(maker, maker.network(maker.join(value, maker.max_pool(value, 3, 1, (1, 1, 1, 1)))))
    assert layers == ["QLinearConv", "MaxPool", "Concat"]


def test_images_are_pixels_where_there_are_no_others() -> None:
    maker = Maker(6, zeros=False)
    network = maker.network(maker.product(maker.product(maker.input(7, 20), 12), 6))
    check(maker, network)
    program = plan_network(CONFIG, network).machine_parts[0].program(
        execute(network, maker.values(network)) | maker.values(network)
    )  # fmt: skip
    first, second = program.compiled.commands  # pyrefly: ignore[missing-attribute]
    assert first["width"] == CONFIG.banks and first["height"] == 3 and second["out_columns"] == CONFIG.banks


def test_first_layers_of_few_channels_are_folded() -> None:
    maker = Maker(7)
    network = maker.network(maker.convolution(maker.input(1, 1, 8, 8), 8, pads=(1, 1, 1, 1)))
    check(maker, network)
    program = plan_network(CONFIG, network).machine_parts[0].program(maker.values(network))
    (command,) = program.compiled.commands  # pyrefly: ignore[missing-attribute]
    assert command["kernel_lines"] == command["kernel_columns"] == 1


def test_everything_that_is_refused_is_named() -> None:
    maker = Maker(8)
    source = maker.convolution(maker.input(1, 4, 9, 9), 4, strides=(1, 3))
    source = maker.convolution(source, 4, (1, 1))
    last = cast(Weighted, maker.nodes[-1])
    weights, zeros = np.full((4, 4, 1, 1), 255, np.uint8), np.zeros((), np.uint8)
    maker.nodes[-1] = dataclasses.replace(last, weights=weights, weight_zeros=zeros)
    network = maker.network(maker.product(maker.reshape(source, 1, source.elements), 5, sums=True))
    with pytest.raises(ModelError, match="the SNAP chip can't do all of the network's nodes with weights") as error:
        plan_network(CONFIG, network)
    reasons = {name: reason for name, _, reason in error.value.refused}
    assert list(reasons) == ["qlinearconv 0", "qlinearconv 1", "qgemm 3"]
    assert reasons["qlinearconv 0"].startswith("stride across must be without a common divisor")
    assert reasons["qlinearconv 1"].startswith("weights less their zero points need 9 bits")
    assert reasons["qgemm 3"].startswith("its sums stay of 32 bits")


def test_what_has_no_room_is_said_by_the_names_of_the_network() -> None:
    maker = Maker(9)
    network = maker.network(maker.convolution(maker.input(1, 512, 3, 60), 4))
    with pytest.raises(ConfigError, match="^layer v1: ") as error:
        plan_network(CONFIG, network).machine_parts[0].program(maker.values(network))
    assert "#" not in str(error.value) and "a configuration with a larger" in error.value.hint


def test_what_has_no_room_is_refused_before_anything_is_computed() -> None:
    maker = Maker(5)
    network = maker.network(maker.convolution(maker.input(1, 8, 90, 90), 8, pads=(1, 1, 1, 1)))
    with pytest.raises(ConfigError, match="columns of .* must be at most 72, the pixels of a region in the output"):
        plan_network(CONFIG, network)
