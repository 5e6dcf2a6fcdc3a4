import itertools

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.sim.golden.matmul import matmul
from tensorloom.sim.golden.requantize import multiplier, quantize, requantize

BYTES = (np.int8, np.uint8)


def scales(rng, count=None):
    return np.exp(rng.uniform(-8, 2, count)).astype(np.float32)


@pytest.mark.parametrize("a_type, b_type", [(np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8)])
@pytest.mark.parametrize("per_column", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_equals_qlinearmatmul(onnx_run, onnx_integers, a_type, b_type, per_column, seed):
    rng = np.random.default_rng(seed)
    m, k, n = rng.integers(1, 80, 3)
    a, b = onnx_integers(rng, a_type, (m, k)), onnx_integers(rng, b_type, (k, n), weights=True)
    a_zero, b_zero, y_zero = (onnx_integers(rng, dtype, (), weights=True) for dtype in (a_type, b_type, a_type))
    a_scale, b_scale = scales(rng), scales(rng, n if per_column else None)
    sums = matmul(a - a_zero.astype(np.int64), b - b_zero.astype(np.int64))
    # an output scale that spreads the results over about twice the range of the type
    y_scale = np.float32(max(float(np.abs(sums * np.float64(a_scale) * b_scale).max()), 1e-3) / 256)
    expected = onnx_run(
        "QLinearMatMul",
        *(a, a_scale, a_zero),
        *(b, b_scale, np.full(b_scale.shape, b_zero, b_type)),
        *(y_scale, y_zero),
        output=a_type,
    )
    result = requantize(sums, multiplier(a_scale, b_scale, y_scale), int(y_zero), a_type)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("y_zero", [0, 1, 128, 255])
def test_ties_and_large_sums_equal_qlinearmatmul(onnx_run, y_zero):
    one, zero = np.float32(1), np.uint8(0)

    def compare(a, b, y_scale):
        expected = onnx_run("QLinearMatMul", a, one, zero, b, one, zero, y_scale, np.uint8(y_zero), output=np.uint8)
        np.testing.assert_array_equal(requantize(matmul(a, b), multiplier(1, 1, y_scale), y_zero), expected)

    column, row = np.arange(256, dtype=np.uint8)[:, np.newaxis], np.arange(1, 256, dtype=np.uint8)[np.newaxis]
    for y_scale in (2, 128, 2 / 3):
        compare(column, row, np.float32(y_scale))
    large = np.full((1, 1000), 255, np.uint8), np.full((1000, 64), 255, np.uint8)
    large[1][0] = np.arange(64)
    for y_scale in np.linspace(240_000, 260_000, 101, dtype=np.float32):
        compare(*large, y_scale)


@pytest.mark.parametrize("seed", range(5))
def test_order_of_roundings_equals_qlinearmatmul(onnx_run, seed):
    # all products of two bytes: some lie so near a tie that a factor off by one in its last bit shows
    rng = np.random.default_rng(seed)
    a, b = np.arange(256, dtype=np.uint8)[:, np.newaxis], np.arange(256, dtype=np.uint8)[np.newaxis]
    zero = np.uint8(0)
    for _ in range(20):
        a_scale, b_scale = scales(rng), scales(rng)
        y_scale = np.float32(a_scale * b_scale * rng.uniform(128, 300))
        expected = onnx_run("QLinearMatMul", a, a_scale, zero, b, b_scale, zero, y_scale, zero, output=np.uint8)
        np.testing.assert_array_equal(requantize(matmul(a, b), multiplier(a_scale, b_scale, y_scale)), expected)


@pytest.mark.parametrize("dtype, seed", list(itertools.product(BYTES, range(5))))
def test_quantize_equals_quantizelinear(onnx_run, onnx_integers, dtype, seed):
    rng = np.random.default_rng(seed)
    scale = np.array(scales(rng))
    values = (rng.integers(-600, 600, 1000) / 2 * scale).astype(np.float32)  # many ties
    spread = rng.normal(0, 100 * scale, 1000)
    values = np.concatenate([values, spread, [np.inf, -np.inf, 1e38, -1e38]], dtype=np.float32)
    zero = onnx_integers(rng, dtype, ())
    expected = onnx_run("QuantizeLinear", values, scale, zero, output=dtype)
    np.testing.assert_array_equal(quantize(values, scale, int(zero), dtype), expected)


def test_rounds_half_to_even_and_saturates():
    sums = np.array([-1000, -3, -1, 1, 3, 5, 509, 511, 1000])
    assert requantize(sums, 0.5).tolist() == [0, 0, 0, 0, 2, 2, 254, 255, 255]
    assert requantize(sums, 0.5, 3, np.int8).tolist() == [-128, 1, 3, 3, 5, 5, 127, 127, 127]


def test_extreme_sums_and_factors():
    sums = np.array([-(2**31), 2**31 - 1, 0])
    assert requantize(sums, 3e38, 7, np.int8).tolist() == [-128, 127, 7]
    assert requantize(sums, 1e-30).tolist() == [0, 0, 0]


def test_product_is_rounded_to_float32():
    # 25 * float32(0.1) is just above the tie of 2.5, and on it once rounded to float32
    assert np.rint(25 * np.float64(np.float32(0.1))) == 3
    assert requantize(np.array([25]), np.float32(0.1)).tolist() == [2]


@pytest.mark.parametrize(
    "sums, factor, zero_point, dtype, error, match",
    [
        ([1], 1, 0, np.int8, TypeError, r"sums must be an integer array, not \[1\]"),
        (np.ones(1), 1, 0, np.int8, TypeError, "sums must be an integer array, not float64"),
        (np.array([2**31]), 1, 0, np.int8, ConfigError, "sums must be from -2147483648 to 2147483647, not 2147483648"),
        (np.array([-(2**31) - 1]), 1, 0, np.int8, ConfigError, "not -2147483649"),
        (np.ones(1, int), 0, 0, np.int8, ConfigError, "factor must be positive and finite in float32, not 0"),
        (np.ones(1, int), np.nan, 0, np.int8, ConfigError, "factor must be positive and finite in float32, not nan"),
        (np.ones(1, int), np.inf, 0, np.int8, ConfigError, "factor must be positive and finite in float32, not inf"),
        (np.ones(1, int), 1, 128, np.int8, ConfigError, "zero_point must be an integer from -128 to 127, not 128"),
        (np.ones(1, int), 1, -1, np.uint8, ConfigError, "zero_point must be an integer from 0 to 255, not -1"),
        (np.ones(1, int), 1, 0.0, np.uint8, TypeError, "zero_point must be an integer, not 0.0"),
        (np.ones(1, int), 1, 0, np.int16, TypeError, "dtype must be int8 or uint8, not int16"),
    ],
)
def test_bad_input(sums, factor, zero_point, dtype, error, match):
    with pytest.raises(error, match=match):
        requantize(sums, factor, zero_point, dtype)


def test_bad_scales_and_values():
    with pytest.raises(ConfigError, match="b_scale must be positive and finite in float32, not -1"):
        multiplier(1, -1, 1)
    with pytest.raises(ConfigError, match=r"a_scale \* b_scale / y_scale must be positive and finite"):
        multiplier(1e-30, 1e-30, 1)
    with pytest.raises(ConfigError, match="values must be numbers, not 'nan'"):
        quantize([np.nan], 1)
