from pathlib import Path

import numpy as np
import pytest

import tensorloom.sim.workloads.digits_cnn as digits_cnn
from tensorloom.hw.config import ConfigError
from tensorloom.hw.snap.config import PRESETS
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.snap.golden import core_sums, scatter_sums
from tensorloom.sim.snap.mapping import map_convolution, map_fully_connected
from tensorloom.sim.workloads.digits import accuracy, digits_images
from tensorloom.sim.workloads.digits_cnn import CnnLayer, infer, load_digits_cnn


def test_layers():
    layers = load_digits_cnn()
    assert [layer.weights.shape for layer in layers] == [(3, 3, 1, 16), (3, 3, 16, 64), (1, 1, 64, 64), (1024, 10)]
    assert [(layer.stride, layer.padding) for layer in layers] == [(1, 1), (2, 1), (1, 0), (1, 0)]
    assert all(layer.weights.dtype == np.int8 and layer.bias.dtype == np.int32 for layer in layers)
    assert [len(layer.bias) for layer in layers] == [16, 64, 64, 10]
    assert [layer.factor is None for layer in layers] == [False, False, False, True]
    for layer in layers:
        assert np.count_nonzero(layer.weights) <= layer.weights.size / 2
    assert (Path(digits_cnn.__file__).parent / "data" / "digits_cnn.npz").stat().st_size < 200_000


def test_accuracy_on_held_out_images():
    digits = digits_images()
    scores = infer(load_digits_cnn(), digits.test_images)
    assert scores.shape == (360, 10)
    assert accuracy(scores, digits.test_labels) >= 0.96
    assert accuracy(scores, (digits.test_labels + 1) % 10) < 0.05


def test_inference_by_hand():
    image = np.zeros((1, 64), np.uint8)
    image[0, [0, 1, 63]] = 10, 3, 1
    fc = np.zeros((16, 2), np.int8)
    fc[0], fc[15] = (1, -1), (5, 7)
    layers = [
        CnnLayer(
            weights=np.array([[[[2]], [[-7]]], [[[0]], [[100]]]], np.int8), bias=np.array([1], np.int32),
            factor=np.float32(0.5), stride=2,
        ),
        CnnLayer(weights=fc, bias=np.array([0, -9], np.int32), factor=None),
    ]  # fmt: skip
    # sums 2 * 10 - 7 * 3 + 1 = 0, ones, and 100 + 1: the ones become 0 (0.5 to even), 101 becomes 50
    assert infer(layers, image).tolist() == [[5 * 50, 7 * 50 - 9]]


@pytest.mark.parametrize("preset", ["snap-core", "snap-core-8b"])
def test_on_the_core(preset):
    config, shapes = PRESETS[preset], []

    def on_core(program, size):
        return scatter_sums(program, core_sums(config, program), size, config.psum_bits)

    def conv(x, w, stride, padding):
        results = []
        for image in x:
            expected = convolution(image[None], w, stride, padding)
            sums = on_core(map_convolution(config, image, w, stride, padding), expected.size)
            results.append(sums.reshape(expected.shape))
        shapes.append((x.shape[1:], w.shape))
        return np.concatenate(results)

    def fc(x, w):
        shapes.append((x.shape[1:], w.shape))
        return np.stack([on_core(map_fully_connected(config, row, w), w.shape[1]) for row in x])

    layers, images = load_digits_cnn(), digits_images().test_images[:2]
    np.testing.assert_array_equal(infer(layers, images, conv, fc), infer(layers, images))
    assert shapes == [
        ((8, 8, 1), (3, 3, 1, 16)), ((8, 8, 16), (3, 3, 16, 64)), ((4, 4, 64), (1, 1, 64, 64)), ((1024,), (1024, 10)),
    ]  # fmt: skip


def test_bad_images():
    layers = load_digits_cnn()
    with pytest.raises(TypeError, match="images must be of dtype uint8, not float64"):
        infer(layers, np.zeros((2, 64)))
    with pytest.raises(ConfigError, match=r"images must be of 64 pixels each, not \(2, 63\)"):
        infer(layers, np.zeros((2, 63), np.uint8))
    with pytest.raises(ConfigError, match="images must be of pixels up to 127, not 128"):
        infer(layers, np.full((2, 64), 128, np.uint8))
