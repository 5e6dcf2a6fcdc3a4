import itertools

import numpy as np
import pytest
from tensorloom.hw.config import ConfigError
from tensorloom.sim.golden.convolution import convolution

BYTES = (np.int8, np.uint8)


@pytest.mark.parametrize("x_type, w_type", list(itertools.product(BYTES, BYTES)))
@pytest.mark.parametrize("seed", range(8))
def test_equals_onnxruntime(onnx_run, onnx_integers, x_type, w_type, seed):
    rng = np.random.default_rng(seed)
    groups = int(rng.integers(1, 4))
    depth, width = rng.integers(1, 5, 2).tolist()
    kernel, stride, dilation = (rng.integers(1, high, 2).tolist() for high in (5, 4, 3))
    padding = rng.integers(0, 4, 4).tolist()
    size = [d * (k - 1) + 1 + int(rng.integers(0, 8)) for d, k in zip(dilation, kernel, strict=True)]
    x = onnx_integers(rng, x_type, (int(rng.integers(1, 4)), *size, groups * depth))
    w = onnx_integers(rng, w_type, (*kernel, depth, groups * width), weights=True)
    x_zero, w_zero = onnx_integers(rng, x_type, ()), onnx_integers(rng, w_type, (), weights=True)
    expected = onnx_run(
        "ConvInteger",
        x.transpose(0, 3, 1, 2),
        w.transpose(3, 2, 0, 1),
        x_zero,
        w_zero,
        output=np.int32,
        strides=stride,
        pads=padding,
        dilations=dilation,
        group=groups,
    )
    result = convolution(x - x_zero.astype(np.int64), w - w_zero.astype(np.int64), stride, padding, dilation, groups)
    np.testing.assert_array_equal(result, expected.transpose(0, 2, 3, 1))


def test_by_hand():
    x = np.arange(1, 10, dtype=np.uint8).reshape(1, 3, 3, 1)
    w = np.array([[1, 2], [3, -4]], np.int8).reshape(2, 2, 1, 1)
    result = convolution(x, w, stride=2, padding=(0, 0, 1, 1))
    assert result.dtype == np.int64
    assert result.reshape(2, 2).tolist() == [[1 + 4 + 12 - 20, 3 + 18], [7 + 16, 9]]


def test_wide_operands():
    x = np.full((1, 2, 2, 3), -(2**15), np.int16)
    w = np.full((2, 2, 3, 1), 2**16 - 1, np.uint16)
    assert convolution(x, w).tolist() == [[[[-12 * 2**15 * (2**16 - 1)]]]]


X = np.ones((1, 4, 5, 6), np.uint8)
W = np.ones((3, 3, 6, 8), np.int8)


@pytest.mark.parametrize(
    "x, w, parameters, error, match",
    [
        (X * 0.5, W, {}, TypeError, "x must be of an integer dtype that int64 holds, not float64"),
        (X[0], W, {}, ConfigError, r"x must be of rank 4, not \(4, 5, 6\)"),
        (X, W[0], {}, ConfigError, r"w must be of rank 4, not \(3, 6, 8\)"),
        (X[:, :0], W, {}, ConfigError, r"x must be non-empty, not \(1, 0, 5, 6\)"),
        (X, W[:, :, :3], {}, ConfigError, "channels of w must be channels / groups = 6, not 3"),
        (X, W, {"groups": 2}, ConfigError, "channels of w must be channels / groups = 3, not 6"),
        (X, W, {"groups": 4}, ConfigError, "groups must be a divisor of the 6 channels of x, not 4"),
        (X, W, {"groups": 3}, ConfigError, "groups must be a divisor of the 8 kernels of w, not 3"),
        (X, W, {"groups": 0}, ConfigError, "groups must be an integer of at least 1, not 0"),
        (X, W, {"groups": 1.0}, TypeError, "groups must be an integer, not 1.0"),
        (X, W, {"stride": 0}, ConfigError, "stride must be an integer of at least 1, not 0"),
        (X, W, {"stride": (1, 2, 3)}, ConfigError, r"stride must be an integer or 2 of them, not \(1, 2, 3\)"),
        (X, W, {"stride": "1"}, TypeError, "stride must be an integer or 2 of them, not '1'"),
        (X, W, {"padding": (1, 1)}, ConfigError, r"padding must be an integer or 4 of them, not \(1, 1\)"),
        (X, W, {"padding": -1}, ConfigError, "padding must be an integer of at least 0, not -1"),
        (X, W, {"padding": (0, 0, 0, 0.5)}, TypeError, "padding must be an integer, not 0.5"),
        (X, W, {"dilation": (1, 0)}, ConfigError, "dilation must be an integer of at least 1, not 0"),
        (
            X,
            W,
            {"dilation": 2, "padding": (0, 3, 0, 3)},
            ConfigError,
            r"dilated kernel must be at most the padded input \(4, 11\), not \(5, 5\)",
        ),
        (X.astype(np.int64) << 60, W, {}, ConfigError, r"must be less than 2\*\*63"),
    ],
)
def test_bad_input(x, w, parameters, error, match):
    with pytest.raises(error, match=match):
        convolution(x, w, **parameters)
