import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.hw.systolic.config import PRESETS
from tensorloom.sim.systolic.golden import matrix_unit
from tensorloom.sim.systolic.mapping import map_matmul
from tensorloom.sim.workloads.digits import Layer, accuracy, digits_images, infer, load_digits_mlp


def test_images_are_split():
    digits = digits_images()
    assert digits.train_images.shape == (1437, 64)
    assert digits.test_images.shape == (360, 64)
    assert digits.test_images.dtype == np.uint8
    assert digits.test_images.max() == 16
    assert set(digits.test_labels.tolist()) == set(range(10))
    seen = {image.tobytes() for image in digits.train_images}
    assert not any(image.tobytes() in seen for image in digits.test_images)


def test_layers():
    layers = load_digits_mlp()
    assert [layer.weights.shape for layer in layers] == [(64, 128), (128, 64), (64, 10)]
    assert all(layer.weights.dtype == np.int8 and layer.bias.dtype == np.int32 for layer in layers)
    assert [len(layer.bias) for layer in layers] == [128, 64, 10]
    assert [layer.factor is None for layer in layers] == [False, False, True]


def test_inference_by_hand():
    layers = [
        Layer(
            weights=np.array([[1, -1, 3], [2, -2, 3]], np.int8),
            bias=np.array([-4, 1, 1000], np.int32),
            factor=np.float32(0.5),
        ),
        Layer(weights=np.array([[1], [10], [2]], np.int8), bias=np.array([7], np.int32), factor=None),
    ]
    # sums 11, -14, 1030 become 6 (5.5 to even), 0 (the rectifier) and 255 (saturated)
    assert infer(layers, np.array([[5, 5]], np.uint8)).tolist() == [[6 + 2 * 255 + 7]]


def test_accuracy_on_held_out_images():
    digits = digits_images()
    scores = infer(load_digits_mlp(), digits.test_images)
    assert scores.shape == (360, 10)
    assert accuracy(scores, digits.test_labels) >= 0.97
    assert accuracy(scores, (digits.test_labels + 1) % 10) < 0.05


@pytest.mark.parametrize("preset", ["systolic-256", "systolic-16"])
def test_on_the_matrix_unit(preset):
    config = PRESETS[preset]
    shapes = []

    def multiply(a, w):
        assert (a.dtype, w.dtype) == (np.uint8, np.int8)
        shapes.append((*a.shape, w.shape[1]))
        program = map_matmul(config, a, w)
        return program.assemble(matrix_unit(config, program.weights, program.activations, program.commands))

    layers, images = load_digits_mlp(), digits_images().test_images
    np.testing.assert_array_equal(infer(layers, images, multiply), infer(layers, images))
    assert shapes == [(360, 64, 128), (360, 128, 64), (360, 64, 10)]


def test_bad_images():
    layers = load_digits_mlp()
    with pytest.raises(TypeError, match="images must be of dtype uint8, not float64"):
        infer(layers, np.zeros((2, 64)))
    with pytest.raises(ConfigError, match=r"images must be of 64 pixels each, not \(2, 63\)"):
        infer(layers, np.zeros((2, 63), np.uint8))
