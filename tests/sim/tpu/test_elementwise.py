"""``pool`` and ``vector`` against onnxruntime, through programs."""

import numpy as np
import pytest

from tensorloom.hw.tpu.config import PRESETS
from tensorloom.hw.tpu.isa import OPERATIONS, SET_REGISTERS, encode
from tensorloom.sim.golden.geometry import ConvolutionGeometry
from tensorloom.sim.golden.residual_add import residual_terms
from tensorloom.sim.tpu.assembler import program_of
from tensorloom.sim.tpu.check import check_program
from tensorloom.sim.tpu.geometry import geometry
from tensorloom.sim.tpu.golden import run
from tensorloom.sim.tpu.rules import Room

CONFIG = PRESETS["tpu-16"].replace(ub_rows=1 << 15)
BYTES = (np.int8, np.uint8)
WIDTH = CONFIG.row_granules


def bits(value):
    return int(np.float32(value).view(np.uint32))


def sets(values):
    return [encode("set", index=SET_REGISTERS[name], value=value) for name, value in values.items()]


def execute(words, operands, result, size):
    """Run instructions on operands that lie one behind the other, each at a row; bytes from granule `result` on."""
    host = [np.pad(one.reshape(-1).view(np.uint8), (0, -one.size % CONFIG.row_bytes)) for one in operands]
    flat, window = np.concatenate(host), np.zeros(-(-size // CONFIG.bus_bytes) * CONFIG.bus_bytes, np.uint8)
    program = [encode("read_host", granules=flat.size // 4), *words]
    program += [encode("write_host", window=1, ub=result, granules=window.size // 4), encode("halt")]
    assert check_program(CONFIG, program_of(program), Room((flat.size, window.size), 0)) == []
    found = run(CONFIG, program_of(program), host=[flat, window])
    assert found.state == "halted"
    return found.host[1][:size]


def vector(operation, a, b, registers, lo, hi):
    """Of two tensors of whole rows, or one and a table."""
    rows = a.size // CONFIG.row_bytes
    at = {"a": 0, "b": rows * WIDTH, "dst": rows * WIDTH + b.size // 4}
    signed = int(a.dtype == np.int8)
    word = encode("vector", operation=OPERATIONS.index(operation), signed=signed, rows=rows, lo=lo, hi=hi, **at)
    return execute([*sets(registers), word], [a, b], at["dst"], a.size).view(a.dtype).reshape(a.shape)


def every_pair(dtype):
    values = np.arange(np.iinfo(dtype).min, np.iinfo(dtype).max + 1).astype(dtype)
    return values[:, None].repeat(256, 1), values[None].repeat(256, 0)


def limits(dtype):
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def random_sides(rng, dtype, case):
    """Scales and zero points of a, b and y; in every other case ratios of small integers, which make ties."""
    scales = rng.integers(1, 12, 3) if case % 2 else np.exp(rng.uniform(-6, 2, 3))
    zeros = rng.integers(*limits(dtype), 3, dtype, endpoint=True)
    return [side for pair in zip(scales.astype(np.float32), zeros, strict=True) for side in pair]


@pytest.mark.parametrize("dtype", BYTES)
@pytest.mark.parametrize("case", range(6))
def test_add_equals_qlinearadd(onnx_run, dtype, case, seed):
    rng = np.random.default_rng([seed, case])
    sides = random_sides(rng, dtype, case)
    if not case % 2:
        sides[4] = np.float32((sides[0] + sides[2]) * np.exp(rng.uniform(-2, 1)))
    a, b = every_pair(dtype)
    expected = onnx_run("QLinearAdd", a, *sides[:2], b, *sides[2:4], *sides[4:], output=dtype, domain="com.microsoft")
    terms = residual_terms(*(one.item() for one in sides))
    registers = dict(zip(("factor_a", "factor_b", "addend"), map(bits, terms), strict=True))
    np.testing.assert_array_equal(vector("add", a, b, registers, *limits(dtype)), expected)


@pytest.mark.parametrize("dtype", BYTES)
@pytest.mark.parametrize("case", range(6))
def test_multiply_equals_qlinearmul(onnx_run, dtype, case, seed):
    """But for what is next to ties, if y has a zero point: onnxruntime may round the product before it adds that."""
    rng = np.random.default_rng([seed, case])
    sides = random_sides(rng, dtype, case)
    sides[4] = np.float32(sides[4] * 40 if case % 2 else sides[0] * sides[2] * np.exp(rng.uniform(2, 6)))
    a, b = every_pair(dtype)
    for zero, tolerance in ((0, 0), (sides[5], 1)):
        sides[5] = dtype(zero)
        expected = onnx_run(
            "QLinearMul", a, *sides[:2], b, *sides[2:4], *sides[4:], output=dtype, domain="com.microsoft"
        )
        registers = {
            "zero_a": int(sides[1]) & 255,
            "zero_b": int(sides[3]) & 255,
            "factor_a": bits(np.float32(sides[0] * sides[2]) / sides[4]),
            "addend": bits(zero),
        }
        found = vector("multiply", a, b, registers, *limits(dtype))
        assert np.abs(found.astype(int) - expected).max() <= tolerance
        assert np.count_nonzero(found != expected) < a.size // 100


@pytest.mark.parametrize("dtype", BYTES)
def test_max_and_limits(onnx_run, dtype):
    a, b = every_pair(dtype)
    expected = onnx_run("Max", a, b, output=dtype)
    np.testing.assert_array_equal(vector("max", a, b, {}, *limits(dtype)), expected)
    lo, hi = limits(dtype)[0] + 100, limits(dtype)[1] - 30
    np.testing.assert_array_equal(vector("max", a, b, {}, lo, hi), np.clip(expected, lo, hi))


@pytest.mark.parametrize("dtype", BYTES)
def test_table_equals_qlinearsigmoid(onnx_run, dtype):
    """A table has the results of all bytes, in the order of the bytes as numbers from 0 on."""
    every = np.arange(256).astype(np.uint8).view(dtype)
    sides = np.float32(0.05), dtype(3), np.float32(1 / 256), dtype(limits(dtype)[0])
    table = onnx_run("QLinearSigmoid", every, *sides, output=dtype, domain="com.microsoft")
    assert len(np.unique(table)) > 50
    a = np.random.default_rng(1).permutation(np.tile(every, 5)).reshape(-1, 16)
    expected = onnx_run("QLinearSigmoid", a, *sides, output=dtype, domain="com.microsoft")
    np.testing.assert_array_equal(vector("table", a, table, {}, 0, 0), expected)


def pool(x, sizes, fields, registers, pad, pitch):
    """Of N x H x W x C values, which lie as they are; results are `pitch` granules apart."""
    n, height, width, channels = x.shape
    pixel = channels // 4
    windows = geometry(CONFIG, sizes, height, width, pixel=pixel, plane=0, pad=pad)
    dst, rows = -(-x.size // CONFIG.row_bytes) * WIDTH + 1, sizes.product[0]
    r, s = sizes.kernel
    word = encode(
        "pool", **windows.start, dst=dst, rows=rows, kernel_rows=r, kernel_columns=s, width=pixel,
        signed=int(x.dtype == np.int8), **fields,
    )  # fmt: skip
    words = [*sets({**windows.registers, **registers, "pool_pitch": pitch}), word]
    size = 4 * (rows * pitch + 1)
    before = np.full(size, 0x55, np.int8)  # also between results
    found = execute(words, [x, before], dst - 1, size)[4:]
    assert (found.reshape(rows, -1)[:, channels:] == 0x55).all()
    return found.view(x.dtype).reshape(rows, -1)[:, :channels].reshape(n, *sizes.output, channels)


@pytest.mark.parametrize("dtype", BYTES)
@pytest.mark.parametrize("number", range(8))
def test_max_pool(onnx_run, dtype, number, seed):
    rng = np.random.default_rng([seed, number])
    while True:
        shape = (*rng.integers(1, 10, 3).tolist(), 4 * int(rng.integers(1, WIDTH + 1)))
        kernel, stride, dilation = (rng.integers(1, most, 2).tolist() for most in (6, 4, 3))
        padding = [int(rng.integers(0, size)) for size in (kernel[0], kernel[0], kernel[1], kernel[1])]
        reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
        if all(
            a + b + size >= most
            for a, b, size, most in zip(padding[::2], padding[1::2], shape[1:3], reach, strict=True)
        ):
            break
    sizes = ConvolutionGeometry.of(shape, (*kernel, shape[3], 1), stride, tuple(padding), dilation)
    x = rng.integers(*limits(dtype), shape, dtype, endpoint=True)
    top, bottom, left, right = padding
    expected = onnx_run(
        "MaxPool", x.transpose(0, 3, 1, 2), output=dtype, kernel_shape=kernel, strides=stride, dilations=dilation,
        pads=[top, left, bottom, right],
    ).transpose(0, 2, 3, 1)  # fmt: skip
    pitch = shape[3] // 4 + int(rng.integers(0, WIDTH - shape[3] // 4 + 1))
    np.testing.assert_array_equal(pool(x, sizes, {}, {}, limits(dtype)[0], pitch), expected)


def average(onnx_run, x, x_zero, y_zero, x_scale, y_scale):
    """What onnxruntime makes of it, and a ``pool`` over whole images."""
    n, height, width, channels = x.shape
    dtype = x.dtype.type
    expected = onnx_run(
        "QLinearGlobalAveragePool", x.transpose(0, 3, 1, 2), np.float32(x_scale), dtype(x_zero), np.float32(y_scale),
        dtype(y_zero), output=x.dtype, domain="com.microsoft",
    ).transpose(0, 2, 3, 1)  # fmt: skip
    factor = np.float32(x_scale) / (np.float32(y_scale) * np.float32(height * width))
    addend = y_zero - float(factor) * x_zero * height * width
    sizes = ConvolutionGeometry.of(x.shape, (height, width, channels, 1))
    registers = {"factor_a": bits(factor), "addend": bits(addend)}
    return expected, pool(x, sizes, {"average": 1}, registers, 7, channels // 4)


@pytest.mark.parametrize("dtype", BYTES)
@pytest.mark.parametrize("number", range(6))
def test_average_pool(onnx_run, dtype, number, seed):
    rng = np.random.default_rng([seed, number])
    shape = (int(rng.integers(1, 40)), *rng.integers(1, 32, 2).tolist(), 16)
    x = rng.integers(*limits(dtype), shape, dtype, endpoint=True)
    scales = rng.integers(1, 6, 2) / 8 if number % 2 else np.exp(rng.uniform(-1, 1, 2))
    expected, found = average(onnx_run, x, 0, 0, *scales)
    np.testing.assert_array_equal(found, expected)
    x_zero, y_zero = rng.integers(*limits(dtype), 2, dtype, endpoint=True).tolist()
    expected, found = average(onnx_run, x, x_zero, y_zero, *scales)
    assert np.abs(found.astype(int) - expected).max() <= 1
