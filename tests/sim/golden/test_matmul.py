import itertools

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.sim.golden.matmul import matmul

BYTES = (np.int8, np.uint8)
KINDS = (np.int8, np.uint8, np.int16, np.uint16)


def in_python(a, b):
    return [[sum(x * y for x, y in zip(row, column, strict=True)) for column in b.T.tolist()] for row in a.tolist()]


@pytest.mark.parametrize("a_type, b_type", list(itertools.product(BYTES, BYTES)))
@pytest.mark.parametrize("seed", range(8))
def test_equals_onnxruntime(onnx_run, onnx_integers, a_type, b_type, seed):
    rng = np.random.default_rng(seed)
    m, k, n = rng.integers(1, 70, 3)
    a, b = onnx_integers(rng, a_type, (m, k)), onnx_integers(rng, b_type, (k, n), weights=True)
    a_zero, b_zero = onnx_integers(rng, a_type, ()), onnx_integers(rng, b_type, (), weights=True)
    expected = onnx_run("MatMulInteger", a, b, a_zero, b_zero, output=np.int32)
    np.testing.assert_array_equal(matmul(a - a_zero.astype(np.int64), b - b_zero.astype(np.int64)), expected)


@pytest.mark.parametrize("a_type", BYTES)
def test_extremes_equal_onnxruntime(onnx_run, a_type):
    a = np.array([[np.iinfo(a_type).min], [np.iinfo(a_type).max]], a_type).repeat(1000, axis=1)
    b = np.array([[0, 255]], np.uint8).repeat(1000, axis=0)
    np.testing.assert_array_equal(matmul(a, b), onnx_run("MatMulInteger", a, b, output=np.int32))


@pytest.mark.parametrize("a_type, b_type", list(itertools.product(KINDS, KINDS)))
def test_equals_python_integers(a_type, b_type):
    rng = np.random.default_rng(7)
    a = rng.integers(np.iinfo(a_type).min, np.iinfo(a_type).max, (5, 9), a_type, endpoint=True)
    b = rng.integers(np.iinfo(b_type).min, np.iinfo(b_type).max, (9, 3), b_type, endpoint=True)
    a[0], b[:, 0] = np.iinfo(a_type).max, np.iinfo(b_type).max
    a[1], b[:, 1] = np.iinfo(a_type).min, np.iinfo(b_type).min
    result = matmul(a, b)
    assert result.dtype == np.int64
    assert result.tolist() == in_python(a, b)


@pytest.mark.parametrize("value", [2**26 + 1, 2**27 - 1, 2**30 + 1, -(2**30) - 1])
def test_exact_beyond_the_integers_of_float64(value):
    a = np.array([[value, value, 1]], np.int64)
    assert matmul(a, a.T).tolist() == [[2 * value * value + 1]]


def test_a_sum_that_might_leave_int64_is_refused():
    a = np.full((1, 2), 2**31, np.int64)
    assert matmul(a, a.T - 1)[0, 0] == 2 * 2**31 * (2**31 - 1)
    with pytest.raises(ConfigError, match=r"max\|a\| \* max\|b\| must be less than 2\*\*63, not 9223372036854775808"):
        matmul(a, a.T)
    with pytest.raises(ConfigError, match="less than 2"):
        matmul(np.full((1, 1), -(2**63)), np.ones((1, 1), np.int8))


MATRIX = np.ones((2, 3), np.int8)


@pytest.mark.parametrize(
    "a, b, error, match",
    [
        ([[1]], MATRIX, TypeError, r"a must be a numpy array, not \[\[1\]\]"),
        (MATRIX * 1.0, MATRIX.T, TypeError, "a must be of an integer dtype, not float64"),
        (MATRIX, MATRIX.T > 0, TypeError, "b must be of an integer dtype, not bool"),
        (MATRIX, MATRIX.T.astype(np.uint64) + 2**63, ConfigError, r"b must be of values less than 2\*\*63, not 92"),
        (MATRIX[0], MATRIX.T, ConfigError, r"a must be of rank 2 \(M x K\), not \(3,\)"),
        (MATRIX, MATRIX[np.newaxis], ConfigError, r"b must be of rank 2 \(K x N\), not \(1, 2, 3\)"),
        (MATRIX[0], MATRIX.T * 1.0, TypeError, "b must be of an integer dtype, not float64"),
        (MATRIX[:0], MATRIX.T, ConfigError, r"a must be non-empty \(M x K\), not \(0, 3\)"),
        (MATRIX, MATRIX, ConfigError, "rows of b must be the 3 columns of a, not 2"),
    ],
)
def test_bad_operands(a, b, error, match):
    with pytest.raises(error, match=match):
        matmul(a, b)


def test_names_of_the_caller():
    with pytest.raises(ConfigError, match="rows of --b must be the 3 columns of --a, not 2"):
        matmul(MATRIX, MATRIX, names=("--a", "--b"))
    with pytest.raises(ConfigError, match=r"max\|--a\| \* max\|--b\|"):
        matmul(np.full((1, 1), -(2**63)), np.ones((1, 1), np.int8), names=("--a", "--b"))


def test_byte_order():
    a = np.arange(-6, 6).reshape(3, 4)
    result = matmul(a.astype(">i2"), a.T.astype(">i8"))
    assert (result == a @ a.T).all() and result.dtype.isnative
