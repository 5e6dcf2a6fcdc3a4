import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorloom.hw.config import ConfigError
from tensorloom.hw.systolic.config import PRESETS, SystolicConfig
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.matmul import matmul
from tensorloom.sim.systolic.golden import matrix_unit
from tensorloom.sim.systolic.mapping import map_convolution, map_matmul

KINDS = (np.int8, np.uint8, np.int16, np.uint16)
TINY = PRESETS["tiny"]
CONFIGS = (
    TINY,
    SystolicConfig(rows=3, columns=5, tile_rows=1, tile_columns=5, accumulator_rows=4),
    SystolicConfig(rows=8, columns=2, tile_rows=4, tile_columns=1, accumulator_rows=16, accumulator_bits=48),
    SystolicConfig(rows=1, columns=2, tile_rows=1, tile_columns=1, accumulator_rows=32),
)


def run(config, program):
    sums = matrix_unit(config, program.weights, program.activations, program.commands)
    assert len(sums) == program.sums
    return program.assemble(sums)


def integers(rng, dtype, shape, depth, bits):
    """Whole range of the type, or as much as lets `depth` products fit `bits`."""
    limits = np.iinfo(dtype)
    largest = int(min(limits.max, (2 ** (bits - 1) / depth) ** 0.5 / 2))
    return rng.integers(max(limits.min, -largest), largest, shape, dtype, endpoint=True)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(CONFIGS),
    *(st.integers(1, 30) for _ in "mkn"),
    st.sampled_from(KINDS),
    st.sampled_from(KINDS),
    st.integers(0, 2**32),
)
def test_matmul(config, m, k, n, a_type, b_type, seed):
    rng = np.random.default_rng(seed)
    a = integers(rng, a_type, (m, k), k, config.accumulator_bits)
    b = integers(rng, b_type, (k, n), k, config.accumulator_bits)
    program = map_matmul(config, a, b)
    result = run(config, program)
    assert result.dtype == np.int64
    np.testing.assert_array_equal(result, matmul(a, b))
    assert program.macs == m * k * n


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(CONFIGS), st.sampled_from(KINDS), st.sampled_from(KINDS), st.integers(0, 2**32))
def test_convolution(data, config, x_type, w_type, seed):
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    kernel, stride, dilation = (data.draw(pair, label=label) for label in ("kernel", "stride", "dilation"))
    sides = st.integers(0, 2)
    padding = data.draw(sides | st.tuples(sides, sides) | st.tuples(sides, sides, sides, sides), label="padding")
    groups, depth, width = (data.draw(st.integers(1, 3), label=label) for label in ("groups", "depth", "width"))
    rng = np.random.default_rng(seed)
    size = [d * (r - 1) + 1 + int(rng.integers(0, 5)) for d, r in zip(dilation, kernel, strict=True)]
    reduction = kernel[0] * kernel[1] * depth
    shape = (int(rng.integers(1, 3)), *size, groups * depth)
    x = integers(rng, x_type, shape, reduction, config.accumulator_bits)
    w = integers(rng, w_type, (*kernel, depth, groups * width), reduction, config.accumulator_bits)
    program = map_convolution(config, x, w, stride, padding, dilation, groups)
    expected = convolution(x, w, stride, padding, dilation, groups)
    np.testing.assert_array_equal(run(config, program), expected)
    assert program.macs == expected.size * reduction


@pytest.mark.parametrize("a_type, b_type", list(itertools.product(KINDS, KINDS)))
def test_extreme_operands(a_type, b_type):
    a = np.array([[np.iinfo(a_type).min], [np.iinfo(a_type).max]], a_type).repeat(11, axis=1)
    b = np.array([[np.iinfo(b_type).min, np.iinfo(b_type).max]], b_type).repeat(11, axis=0)
    config = TINY.replace(accumulator_bits=40)
    np.testing.assert_array_equal(run(config, map_matmul(config, a, b)), matmul(a, b))


def test_programs_stream_what_they_must():
    a, b = np.arange(10, dtype=np.int8).reshape(2, 5), np.arange(5, dtype=np.int16)[:, np.newaxis] - 2
    program = map_matmul(TINY, a, b)
    low, high = [254, 255, 0, 1, 2], [255, 255, 0, 0, 0]
    assert program.weights[:, 0].tolist() == low[:4] + high[:4] + [low[4], 0, 0, 0] + [high[4], 0, 0, 0]
    assert not program.weights[:, 1:].any()
    first, last = [[0, 1, 2, 3], [5, 6, 7, 8]], [[4, 0, 0, 0], [9, 0, 0, 0]]
    assert program.activations.tolist() == first + first + last + last


def test_sums_may_wrap_on_the_way():
    config = TINY.replace(accumulator_bits=19)
    a = np.full((1, 24), 255, np.uint8)
    b = np.repeat(np.array([[127], [-126]], np.int8), 12, axis=0)
    assert 12 * 255 * 127 >= 2**18
    np.testing.assert_array_equal(run(config, map_matmul(config, a, b)), [[12 * 255]])


def test_layer_sized_product():
    rng = np.random.default_rng(3)
    config = PRESETS["systolic-256"]
    a = rng.integers(0, 255, (2500, 700), np.uint8, endpoint=True)
    b = rng.integers(-128, 127, (700, 300), np.int8, endpoint=True)
    np.testing.assert_array_equal(run(config, map_matmul(config, a, b)), matmul(a, b))


def test_non_contiguous_operands():
    rng = np.random.default_rng(5)
    a, b = rng.integers(-99, 99, (9, 14), np.int16)[::2, ::-2], rng.integers(-99, 99, (6, 7), np.int16).T
    np.testing.assert_array_equal(run(TINY, map_matmul(TINY, a, b)), matmul(a, b))


MATRIX = np.ones((2, 3), np.int8)


@pytest.mark.parametrize(
    "a, b, error, match",
    [
        (MATRIX.tolist(), MATRIX.T, TypeError, "a must be a numpy array, not"),
        (MATRIX, MATRIX.T.astype(int), TypeError, "b must be of dtype int8, uint8, int16, uint16, not int64"),
        (MATRIX * 1.0, MATRIX.T, TypeError, "a must be of dtype int8, uint8, int16, uint16, not float64"),
        (MATRIX.astype(">i4"), MATRIX.T, TypeError, "a must be of dtype int8, uint8, int16, uint16, not >i4"),
        (MATRIX[0], MATRIX.T.astype(int), TypeError, "b must be of dtype int8, uint8, int16, uint16, not int64"),
        (MATRIX[0], MATRIX.T, ConfigError, r"a must be of rank 2 \(M x K\), not \(3,\)"),
        (MATRIX, MATRIX.T[:, :0], ConfigError, r"b must be non-empty \(K x N\), not \(3, 0\)"),
        (MATRIX, MATRIX, ConfigError, "rows of b must be the 3 columns of a, not 2"),
    ],
)
def test_bad_operands(a, b, error, match):
    with pytest.raises(error, match=match):
        map_matmul(TINY, a, b)


def test_names_of_the_caller():
    with pytest.raises(ConfigError, match="rows of --b must be the 3 columns of --a, not 2"):
        map_matmul(TINY, MATRIX, MATRIX, names=("--a", "--b"))
    x, w = np.ones((1, 4, 5, 6), np.uint8), np.ones((3, 3, 3, 8), np.int8)
    with pytest.raises(ConfigError, match="channels of --b must be 6, the channels of --a / groups"):
        map_convolution(TINY, x, w, names=("--a", "--b"))
    with pytest.raises(ConfigError, match=r"--a must be of rank 4 \(N x H x W x C\), not \(4, 5, 6\)"):
        map_convolution(TINY, x[0], w, names=("--a", "--b"))


def test_byte_order():
    rng = np.random.default_rng(7)
    a, b = rng.integers(-(2**15), 2**15, (5, 6)), rng.integers(0, 2**15, (6, 3))
    config = TINY.replace(accumulator_bits=40)
    program = map_matmul(config, a.astype(">i2"), b.astype(">u2"))
    np.testing.assert_array_equal(run(config, program), a @ b)
    program = map_convolution(config, a.astype(">i2").reshape(1, 5, 2, 3), b.astype(">u2").reshape(1, 2, 3, 3))
    np.testing.assert_array_equal(run(config, program).reshape(5, 3), a @ b)
    np.testing.assert_array_equal(program.assemble(np.zeros((program.sums, config.columns), ">i4")), 0)


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "steps"),
    [((1, 1, 1, 8), (3, 3, 8, 2), {"padding": 3, "dilation": 2, "stride": 2}),
     ((1, 2, 7, 11), (1, 3, 11, 2), {"padding": 1, "stride": 3})],
)  # fmt: skip
def test_kernels_that_never_meet_the_image(x_shape, w_shape, steps):
    program = map_convolution(TINY, np.ones(x_shape, np.int8), np.ones(w_shape, np.int8), **steps)
    result = run(TINY, program)
    np.testing.assert_array_equal(result, convolution(np.ones(x_shape, int), np.ones(w_shape, int), **steps))
    assert result.size and not result.any()


def test_product_too_big_for_the_accumulators():
    a = np.ones((3, 4), np.uint16)
    b = np.ones((4, 3), np.uint16)
    a[2], b[:, 1] = 2**15, 2**14
    run(TINY, map_matmul(TINY, a - 1, b))
    rule = "-2147483648 to 2147483647 to fit 32-bit accumulators \\(accumulator_bits\\)"
    with pytest.raises(ConfigError, match=rf"result at \[2, 1\] must be from {rule}, not 2147483648"):
        map_matmul(TINY, a, b)
    map_matmul(TINY.replace(accumulator_bits=33), a, b)
    negative = b.astype(np.int16) * -1
    assert run(TINY, map_matmul(TINY, a, negative)).min() == -(2**31)
    x, w = np.zeros((1, 2, 2, 2), np.uint16), np.full((1, 1, 1, 4), 2**15, np.uint16)
    x[0, 1, 0, 1] = 2**16 - 1
    with pytest.raises(ConfigError, match=rf"result at \[0, 1, 0, 2\] must be from {rule}, not 4294836225"):
        map_convolution(TINY, x, w * 2 - 1, groups=2)


@pytest.mark.parametrize(
    "parameters, error, match",
    [
        ({"groups": 4}, ConfigError, "groups must be a divisor of the 6 channels of x, not 4"),
        ({"stride": 0}, ConfigError, "stride must be an integer of at least 1, not 0"),
        ({"dilation": 3}, ConfigError, "dilated kernel must be at most the input, 4 x 5, not 7 x 7"),
        (
            {"padding": (1, 2, 3)},
            ConfigError,
            r"padding must be an integer, two of them .* or four .*, not \(1, 2, 3\)",
        ),
        ({"stride": 1.5}, TypeError, r"stride must be an integer or two of them \(y, x\), not 1.5"),
    ],
)
def test_bad_convolutions(parameters, error, match):
    x, w = np.ones((1, 4, 5, 6), np.uint8), np.ones((3, 3, 6, 8), np.int8)
    with pytest.raises(error, match=match):
        map_convolution(TINY, x, w, **parameters)
    with pytest.raises(TypeError, match="x must be of dtype"):
        map_convolution(TINY, x.astype(np.int32), w)
    with pytest.raises(ConfigError, match=r"w must be of rank 4 \(R x S x C / groups x K\), not \(3, 6, 8\)"):
        map_convolution(TINY, x, w[0])


def test_bad_sums():
    program = map_matmul(TINY, MATRIX, MATRIX.T)
    with pytest.raises(ConfigError, match=r"sums must be of shape \(2, 4\), not \(3, 4\)"):
        program.assemble(np.zeros((3, 4), np.int64))
    with pytest.raises(TypeError, match="sums must be of an integer dtype, not float64"):
        program.assemble(np.zeros((2, 4)))
