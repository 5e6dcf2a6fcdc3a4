import itertools

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.geometry import ConvolutionSteps, axis_steps, side_padding

BYTES = (np.int8, np.uint8)


@pytest.mark.parametrize("x_type, w_type", list(itertools.product(BYTES, BYTES)))
@pytest.mark.parametrize("seed", range(8))
def test_equals_onnxruntime(onnx_run, onnx_integers, x_type, w_type, seed):
    rng = np.random.default_rng(seed)
    groups = int(rng.integers(1, 4))
    depth, width = rng.integers(1, 5, 2).tolist()
    kernel, stride, dilation = (rng.integers(1, high, 2).tolist() for high in (5, 4, 3))
    top, bottom, left, right = padding = rng.integers(0, 4, 4).tolist()
    size = [d * (k - 1) + 1 + int(rng.integers(0, 8)) for d, k in zip(dilation, kernel, strict=True)]
    signed = w_type == np.uint8  # of a pair of bytes the signed one saturates, whichever it is, padding too
    x = onnx_integers(rng, x_type, (int(rng.integers(1, 4)), *size, groups * depth), weights=signed)
    w = onnx_integers(rng, w_type, (*kernel, depth, groups * width), weights=True)
    x_zero, w_zero = onnx_integers(rng, x_type, (), weights=signed), onnx_integers(rng, w_type, (), weights=True)
    expected = onnx_run(
        "ConvInteger",
        x.transpose(0, 3, 1, 2),
        w.transpose(3, 2, 0, 1),
        x_zero,
        w_zero,
        output=np.int32,
        strides=stride,
        pads=[top, left, bottom, right],
        dilations=dilation,
        group=groups,
    )
    result = convolution(x - x_zero.astype(np.int64), w - w_zero.astype(np.int64), stride, padding, dilation, groups)
    np.testing.assert_array_equal(result, expected.transpose(0, 2, 3, 1))


def test_by_hand():
    x = np.arange(1, 10, dtype=np.uint8).reshape(1, 3, 3, 1)
    w = np.array([[1, 2], [3, -4]], np.int8).reshape(2, 2, 1, 1)
    result = convolution(x, w, stride=2, padding=(0, 1, 0, 1))
    assert result.dtype == np.int64
    assert result.reshape(2, 2).tolist() == [[1 + 4 + 12 - 20, 3 + 18], [7 + 16, 9]]


@pytest.mark.parametrize("spread", [2, (2, 2), [2, 2], np.int8(2), np.array([2, 2]), (np.uint8(2), 2)])
def test_one_number_or_one_for_each_axis(spread):
    rng = np.random.default_rng(1)
    x, w = rng.integers(-9, 9, (2, 7, 6, 4)), rng.integers(-9, 9, (3, 2, 4, 3))
    for steps, same in (
        (ConvolutionSteps(stride=spread), ConvolutionSteps(stride=2)),
        (ConvolutionSteps(padding=spread), ConvolutionSteps(padding=2)),
        (ConvolutionSteps(dilation=spread), ConvolutionSteps(dilation=2)),
    ):
        np.testing.assert_array_equal(convolution(x, w, **steps), convolution(x, w, **same))
    groups = convolution(x, w[:, :, :2].repeat(2, 3), groups=np.int64(2))  # pyrefly: ignore[bad-argument-type]  # numpy's integers do as well
    np.testing.assert_array_equal(groups, convolution(x, w[:, :, :2].repeat(2, 3), groups=2))


def test_order_of_axes_and_sides():
    """(y, x), and top, bottom, left, right: by hand, on an image in which every pixel is another power of two."""
    x, w = (1 << np.arange(6)).reshape(1, 2, 3, 1), np.ones((1, 1, 1, 1), int)
    assert convolution(x, w, stride=(2, 1))[0, :, :, 0].tolist() == [[1, 2, 4]]
    assert convolution(x, w, stride=(1, 2))[0, :, :, 0].tolist() == [[1, 4], [8, 32]]
    assert convolution(x, w, padding=(1, 0, 2, 1))[0, :, :, 0].tolist() == [
        [0, 0, 0, 0, 0, 0], [0, 0, 1, 2, 4, 0], [0, 0, 8, 16, 32, 0],
    ]  # fmt: skip
    assert convolution(x, w, padding=(0, 1))[0, :, :, 0].tolist() == [[0, 1, 2, 4, 0], [0, 8, 16, 32, 0]]
    pair = np.ones((2, 2, 1, 1), int)
    assert convolution(x, pair, dilation=(1, 2))[0, :, :, 0].tolist() == [[1 + 4 + 8 + 32]]
    sides = np.array([1, 0, 2, 1])
    assert side_padding(sides) == (1, 0, 2, 1)  # pyrefly: ignore[bad-argument-type]  # arrays do as well
    assert side_padding((3, 4)) == (3, 3, 4, 4)
    assert side_padding(2) == (2, 2, 2, 2) and axis_steps("stride", [2, 1]) == (2, 1)


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "steps"),
    [((1, 1, 1, 8), (3, 3, 8, 2), {"padding": 3, "dilation": 2, "stride": 2}),
     ((1, 2, 7, 11), (1, 3, 11, 2), {"padding": 1, "stride": 3})],
)  # fmt: skip
def test_kernels_that_never_meet_the_image(onnx_run, x_shape, w_shape, steps):
    x, w = np.ones(x_shape, np.int8), np.ones(w_shape, np.int8)
    result = convolution(x, w, **steps)
    expected = onnx_run(
        "ConvInteger", x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1), output=np.int32,
        strides=[steps["stride"]] * 2, pads=[steps["padding"]] * 4, dilations=[steps.get("dilation", 1)] * 2,
    )  # fmt: skip
    np.testing.assert_array_equal(result, expected.transpose(0, 2, 3, 1))
    assert result.size and not result.any()


def test_byte_order():
    rng = np.random.default_rng(2)
    x, w = rng.integers(-99, 99, (1, 4, 5, 3)), rng.integers(-99, 99, (2, 2, 3, 4))
    result = convolution(x.astype(">i2"), w.astype(">i4"), padding=1)
    np.testing.assert_array_equal(result, convolution(x, w, padding=1))
    assert result.dtype.isnative


def test_wide_operands():
    x = np.full((1, 2, 2, 3), -(2**15), np.int16)
    w = np.full((2, 2, 3, 1), 2**16 - 1, np.uint16)
    assert convolution(x, w).tolist() == [[[[-12 * 2**15 * (2**16 - 1)]]]]


X = np.ones((1, 4, 5, 6), np.uint8)
W = np.ones((3, 3, 6, 8), np.int8)


@pytest.mark.parametrize(
    "x, w, parameters, error, match",
    [
        (X * 0.5, W, {}, TypeError, "x must be of an integer dtype, not float64"),
        (X[0], W[0] > 0, {}, TypeError, "w must be of an integer dtype, not bool"),
        (X[0], W, {}, ConfigError, r"x must be of rank 4 \(N x H x W x C\), not \(4, 5, 6\)"),
        (X, W[0], {}, ConfigError, r"w must be of rank 4 \(R x S x C / groups x K\), not \(3, 6, 8\)"),
        (X[:, :0], W, {}, ConfigError, r"x must be non-empty \(N x H x W x C\), not \(1, 0, 5, 6\)"),
        (X, W[:, :, :3], {}, ConfigError, r"channels of w must be 6, the channels of x / groups \(R x S x .*\), not 3"),
        (X, W, {"groups": 2}, ConfigError, "channels of w must be 3, the channels of x / groups .*, not 6"),
        (X, W, {"groups": 2, "names": ("--a", "--b")}, ConfigError, "channels of --b must be 3, the channels of --a /"),
        (X, W, {"groups": True}, TypeError, "groups must be an integer, not True"),
        (X, W, {"groups": 4}, ConfigError, "groups must be a divisor of the 6 channels of x, not 4"),
        (X, W, {"groups": 3}, ConfigError, "groups must be a divisor of the 8 kernels of w, not 3"),
        (X, W, {"groups": 0}, ConfigError, "groups must be an integer of at least 1, not 0"),
        (X, W, {"groups": 1.0}, TypeError, "groups must be an integer, not 1.0"),
        (X, W, {"stride": 0}, ConfigError, "stride must be an integer of at least 1, not 0"),
        (X, W, {"stride": (1, 2, 3)}, ConfigError, r"stride must be an integer or two of them .y, x., not \(1, 2, 3\)"),
        (X, W, {"stride": "11"}, TypeError, "stride must be an integer or two of them .y, x., not '11'"),
        (X, W, {"stride": None}, TypeError, "stride must be an integer or two of them .y, x., not None"),
        (X, W, {"stride": (1, True)}, TypeError, "stride must be an integer, not True"),
        (X, W, {"stride": np.float32(1)}, TypeError, "stride must be an integer or two of them .y, x., not 1.0"),
        (X, W, {"stride": np.ones((2, 2), int)}, TypeError, r"stride must be an integer, not \[1, 1\]"),
        (
            X,
            W,
            {"padding": (1, 1, 1)},
            ConfigError,
            r"padding must be an integer, two .* or four \(top, bottom, left, r",
        ),
        (X, W, {"padding": -1}, ConfigError, "padding must be an integer of at least 0, not -1"),
        (X, W, {"padding": (0, 0, 0, 0.5)}, TypeError, "padding must be an integer, not 0.5"),
        (X, W, {"dilation": (1, 0)}, ConfigError, "dilation must be an integer of at least 1, not 0"),
        (
            X,
            W,
            {"dilation": 2, "padding": (0, 0, 3, 3)},
            ConfigError,
            "dilated kernel must be at most the padded input, 4 x 11, not 5 x 5",
        ),
        (X.astype(np.int64) << 60, W, {}, ConfigError, r"must be less than 2\*\*63"),
    ],
)
def test_bad_input(x, w, parameters, error, match):
    with pytest.raises(error, match=match):
        convolution(x, w, **parameters)
