import dataclasses

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.workloads.layers import NETWORKS, LayerShape, distinct, find_layer, random_tensors, sample


def total(network: str, field: str, *, fully_connected: bool) -> int:
    layers = [layer for layer in NETWORKS[network] if layer.fully_connected == fully_connected]
    return sum(getattr(layer, field) for layer in layers)


@pytest.mark.parametrize(
    ("network", "convolutions", "fully_connected", "macs", "weights"),
    [
        # Sze, Chen, Yang, Emer: Efficient Processing of Deep Neural Networks, Proc. IEEE 105 (2017), table II
        ("alexnet", 5, 3, ("666M", "58.6M"), ("2.3M", "58.6M")),
        ("vgg16", 13, 3, ("15.3G", "124M"), ("14.7M", "124M")),
        ("resnet50", 53, 1, ("3.86G", "2M"), ("23.5M", "2M")),
    ],
)
def test_published_totals(
    network: str, convolutions: int, fully_connected: int, macs: tuple[str, str], weights: tuple[str, str]
) -> None:
    assert sum(not layer.fully_connected for layer in NETWORKS[network]) == convolutions
    assert sum(layer.fully_connected for layer in NETWORKS[network]) == fully_connected
    for field, published in (("macs", macs), ("weights", weights)):
        for text, kind in zip(published, (False, True), strict=True):
            digits, unit = text[:-1], {"M": 10**6, "G": 10**9}[text[-1]]
            step = 10.0 ** -len(digits.partition(".")[2])
            assert abs(total(network, field, fully_connected=kind) / unit - float(digits)) <= step, (field, text)


def test_exact_sizes() -> None:
    # AlexNet's convolutions by hand: 55 x 55, 27 x 27 and 13 x 13 outputs
    assert [layer.macs for layer in NETWORKS["alexnet"][:5]] == [
        105_415_200, 223_948_800, 149_520_384, 112_140_288, 74_760_192,
    ]  # fmt: skip
    for network, parameters in (("alexnet", 60_954_656), ("vgg16", 138_344_128), ("resnet50", 25_502_912)):
        assert sum(layer.weights for layer in NETWORKS[network]) == parameters


@pytest.mark.parametrize("network", NETWORKS)
def test_layers_follow_each_other(network: str) -> None:
    """Outputs fit the next layer's inputs but for pooling, which only makes images smaller."""
    layers = [layer for layer in NETWORKS[network] if not layer.name.endswith("branch1")]
    assert len({layer.name for layer in NETWORKS[network]}) == len(NETWORKS[network])
    for layer, after in zip(layers, layers[1:], strict=False):
        assert layer.geometry.output[0] >= after.height
        pixels = after.channels // layer.kernels if after.fully_connected else 1
        assert after.channels == layer.kernels * pixels


def test_find_and_distinct() -> None:
    layer = find_layer("resnet50/res4b_branch2b")
    assert layer is not None
    assert layer.text == "14x14x256,3x3,256, padding 1"
    assert layer.macs == 14 * 14 * 256 * 9 * 256
    assert find_layer("resnet50/res9a") is None
    assert len(distinct(NETWORKS["resnet50"])) == 21
    assert len(distinct(NETWORKS["alexnet"])) == 8


def test_sample() -> None:
    conv1 = sample(NETWORKS["alexnet"][0], 8, 20, 32, 4)
    assert (conv1.x_shape, conv1.w_shape) == ((11, 20, 3), (11, 11, 3, 4))
    conv4 = sample(NETWORKS["alexnet"][3], 6, 7, 33, 5)
    assert (conv4.x_shape, conv4.w_shape, conv4.groups) == ((6, 7, 32), (3, 3, 16, 4), 2)
    depthwise = LayerShape(name="", height=9, width=9, channels=8, rows=3, columns=3, kernels=8, groups=8)
    assert sample(depthwise, 4, 4, 2, 2) == dataclasses.replace(depthwise, height=4, width=4)


@pytest.mark.parametrize("bits", [2, 8, 16])
def test_random_tensors(seed: int, bits: int) -> None:
    layer = LayerShape(name="", height=20, width=30, channels=40, rows=3, columns=3, kernels=50, padding=1)
    x, w = random_tensors(layer, 0.38, 0.52, seed, bits)
    assert (x.shape, w.shape, x.dtype, w.dtype) == (layer.x_shape, layer.w_shape, np.int16, np.int16)
    assert np.count_nonzero(x) / x.size == pytest.approx(0.38, abs=0.02)
    assert np.count_nonzero(w) / w.size == pytest.approx(0.52, abs=0.02)
    edge = 1 << bits - 1
    assert -edge <= x.min() < -edge * 0.9 and edge * 0.9 < x.max() + 1 <= edge
    again, other = random_tensors(layer, 0.38, 0.52, seed, bits), random_tensors(layer, 0.38, 0.52, seed + 1, bits)
    assert np.array_equal(x, again[0]) and np.array_equal(w, again[1]) and not np.array_equal(x, other[0])
    assert not random_tensors(layer, 0, 1, seed, bits)[0].any() and random_tensors(layer, 0, 1, seed, bits)[1].all()


def test_macs_count_padding() -> None:
    layer = LayerShape(name="", height=4, width=5, channels=2, rows=3, columns=3, kernels=3, padding=1)
    x, w = random_tensors(layer, 1, 1, 1)
    assert convolution(x[None], w, **layer.steps).shape[1:] == (4, 5, 3)
    assert layer.macs == 4 * 5 * 3 * 9 * 2


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((1.5, 0.5, 1), ConfigError, "ia_density must be from 0 to 1, not 1.5"),
        ((0.5, -0.1, 1), ConfigError, "w_density must be from 0 to 1, not -0.1"),
        ((float("nan"), 0.5, 1), ConfigError, "ia_density must be from 0 to 1, not nan"),
        (("0.5", 0.5, 1), TypeError, "ia_density must be a number, not '0.5'"),
        ((0.5, True, 1), TypeError, "w_density must be a number, not True"),
        ((0.5, 0.5, -1), ConfigError, "seed must be an integer of at least 0, not -1"),
        ((0.5, 0.5, 1, 17), ConfigError, "bits must be an integer from 2 to 16, not 17"),
    ],
)
def test_wrong_densities(arguments: tuple, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        random_tensors(NETWORKS["alexnet"][2], *arguments)


def test_wrong_shapes() -> None:
    with pytest.raises(ConfigError, match="channels must be an integer of at least 1, not 0"):
        _ = LayerShape(name="", height=4, width=4, channels=0, rows=1, columns=1, kernels=1).macs
    with pytest.raises(ConfigError, match="kernel must be at most the input, 2 x 4, not 3 x 3"):
        _ = LayerShape(name="", height=2, width=4, channels=1, rows=3, columns=3, kernels=1).macs


def test_text_says_what_differs_from_the_defaults() -> None:
    shape = LayerShape(name="x", height=9, width=8, channels=4, rows=3, columns=2, kernels=5)
    assert shape.text == "9x8x4,3x2,5"
    changed = dataclasses.replace(shape, stride=(2, 1), padding=(1, 0, 2, 1), dilation=2, groups=2)
    assert changed.text == "9x8x4,3x2,5, stride 2,1, padding 1,0,2,1, dilation 2, groups 2"
