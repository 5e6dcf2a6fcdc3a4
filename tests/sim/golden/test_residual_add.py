import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.sim.golden.residual_add import residual_add, residual_terms

BYTES = (np.int8, np.uint8)


def every_pair(dtype):
    values = np.arange(np.iinfo(dtype).min, np.iinfo(dtype).max + 1).astype(dtype)
    return values[:, np.newaxis].repeat(256, 1), values[np.newaxis].repeat(256, 0)


def compare(onnx_run, dtype, a_scale, a_zero, b_scale, b_zero, y_scale, y_zero):
    """All pairs of two bytes."""
    a, b = every_pair(dtype)
    scales = [np.float32(scale) for scale in (a_scale, b_scale, y_scale)]
    zeros = [dtype(zero) for zero in (a_zero, b_zero, y_zero)]
    a_side, b_side, y_side = zip(scales, zeros, strict=True)
    expected = onnx_run("QLinearAdd", a, *a_side, b, *b_side, *y_side, output=dtype, domain="com.microsoft")
    terms = residual_terms(scales[0], a_zero, scales[1], b_zero, scales[2], y_zero)
    limits = np.iinfo(dtype)
    np.testing.assert_array_equal(residual_add(a, b, terms, limits.min, limits.max), expected)


@pytest.mark.parametrize("dtype", BYTES)
@pytest.mark.parametrize("seed", range(8))
def test_equals_qlinearadd(onnx_run, onnx_integers, dtype, seed):
    rng = np.random.default_rng(seed)
    for _ in range(6):
        a_scale, b_scale = np.exp(rng.uniform(-8, 2, 2))
        y_scale = (a_scale + b_scale) * np.exp(rng.uniform(-2, 1))
        a_zero, b_zero, y_zero = (int(onnx_integers(rng, dtype, ())) for _ in range(3))
        compare(onnx_run, dtype, a_scale, a_zero, b_scale, b_zero, y_scale, y_zero)
    compare(onnx_run, dtype, 0.7, 0, 0.4, 0, np.exp(rng.uniform(-1, 1)), 0)


@pytest.mark.parametrize("dtype", BYTES)
@pytest.mark.parametrize("seed", range(8))
def test_ties_equal_qlinearadd(onnx_run, onnx_integers, dtype, seed):
    # ratios of small integers put sums on ties, or next to them by the rounding of a factor
    rng = np.random.default_rng(seed)
    for _ in range(6):
        a_scale, b_scale, y_scale = rng.integers(1, 12, 3).tolist()
        a_zero, b_zero, y_zero = (int(onnx_integers(rng, dtype, ())) for _ in range(3))
        compare(onnx_run, dtype, a_scale, a_zero, b_scale, b_zero, y_scale, y_zero)
    compare(onnx_run, dtype, 1, 0, 1, 0, 2, 0)


def test_saturates_where_it_is_told():
    a = np.array([-128, -3, -1, 0, 1, 3, 255])
    assert residual_add(a, np.zeros(1, int), (0.5, 1, 0), -128, 255).tolist() == [-64, -2, 0, 0, 0, 2, 128]
    assert residual_add(a, np.zeros(1, int), (0.5, 1, 0), -1, 1).tolist() == [-1, -1, 0, 0, 0, 1, 1]
    assert residual_add(a, a, (3e38, 3e38, 7), 0, 255).tolist() == [0, 0, 0, 7, 255, 255, 255]
    assert residual_add(np.zeros(0, np.int8), a[:0], (1, 1, 0), 0, 255).size == 0


@pytest.mark.parametrize(
    "a, terms, low, high, error, match",
    [
        ([1], (1, 1, 0), 0, 1, TypeError, r"a must be an integer array, not \[1\]"),
        (np.array([256]), (1, 1, 0), 0, 1, ConfigError, "a must be from -128 to 255, not 256"),
        (np.array([-129]), (1, 1, 0), 0, 1, ConfigError, "a must be from -128 to 255, not -129"),
        (np.array([1]), (0, 1, 0), 0, 1, ConfigError, "a_factor must be positive and finite in float32, not 0"),
        (np.array([1]), (1, np.inf, 0), 0, 1, ConfigError, "b_factor must be positive and finite in float32, not inf"),
        (np.array([1]), (1, 1, np.nan), 0, 1, ConfigError, "constant must be finite in float32, not nan"),
        (np.array([1]), (1, 1, 0), 2, 1, ConfigError, "low must be an integer from -128 to 1, not 2"),
        (np.array([1]), (1, 1, 0), 0, 256, ConfigError, "high must be an integer from -128 to 255, not 256"),
    ],
)
def test_bad_input(a, terms, low, high, error, match):
    with pytest.raises(error, match=match):
        residual_add(a, np.zeros(1, int), terms, low, high)


def test_bad_scales():
    with pytest.raises(ConfigError, match="b_scale must be positive and finite in float32, not 0"):
        residual_terms(1, 0, 0, 0, 1, 0)
    with pytest.raises(ConfigError, match="a_scale / y_scale must be positive and finite in float32"):
        residual_terms(1e38, 0, 1, 0, 1e-3, 0)
    with pytest.raises(ConfigError, match="constant must be finite in float32"):
        residual_terms(3e38, 255, 1, 0, 1, 0)
