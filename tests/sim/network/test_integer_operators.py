"""Operators of integers, as onnxruntime computes them without optimizing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .models import BYTES, Model, check, kinds

EXAMPLES = settings(max_examples=10)
seeds = st.integers(0, 2**32 - 1)


class Draw:
    """Random numbers for models, ties and ranges of weights in mind."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def size(self, low, high):
        return int(self.rng.integers(low, high, endpoint=True))

    def bytes(self, dtype, shape=(), weights=False):
        """Of the whole range; of int8 weights half of it, as x86 processors without VNNI saturate in between."""
        limits = np.iinfo(dtype)
        shrink = 2 if weights and dtype == np.int8 else 1
        return self.rng.integers(limits.min // shrink, limits.max // shrink, shape, dtype, endpoint=True)

    def scale(self, shape=()):
        """Powers of two and small ratios, which make ties, or any."""
        kind = self.rng.integers(3)
        if kind == 0:
            return np.exp2(self.rng.integers(-6, 0, shape)).astype(np.float32)
        if kind == 1:
            return (self.rng.integers(1, 12, shape) / np.float32(16)).astype(np.float32)
        return np.exp(self.rng.uniform(-6, 0, shape)).astype(np.float32)

    def spread(self, real):
        """A scale that spreads real values over about twice the range, a power of two now and then."""
        scale = max(float(np.abs(real).max()), 1e-3) / 256
        return np.float32(np.exp2(np.rint(np.log2(scale))) if self.rng.integers(2) else scale)

    def windows(self, high=3):
        """Attributes of windows, and a size of images that they fit into."""
        kernel, strides, dilations = (self.rng.integers(1, most, 2, endpoint=True).tolist() for most in (high, 3, 2))
        sizes = [d * (k - 1) + 1 + self.size(0, 6) for k, d in zip(kernel, dilations, strict=True)]
        return {"kernel_shape": kernel, "strides": strides, "dilations": dilations}, sizes


def weighted_case(draw, x_type, w_type):
    """Image, weights and their parameters, of a convolution."""
    where, sizes = draw.windows()
    group, depth = draw.size(1, 3), draw.size(1, 4)
    channels = group * draw.size(1, 3)
    # of a pair of bytes the signed one saturates, whichever it is
    x = draw.bytes(x_type, (draw.size(1, 2), group * depth, *sizes), weights=w_type == np.uint8)
    w = draw.bytes(w_type, (channels, depth, *where["kernel_shape"]), weights=True)
    where |= {"pads": draw.rng.integers(0, 2, 4, endpoint=True).tolist(), "group": group}
    w_zeros = draw.bytes(w_type, (), weights=True)
    return x, w, w_zeros, where


@pytest.mark.parametrize("x_type, w_type", [(np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8)])
@EXAMPLES
@given(seeds)
def test_qlinear_conv(x_type, w_type, seed):
    draw = Draw(seed)
    x, w, w_zero, where = weighted_case(draw, x_type, w_type)
    per_channel = draw.size(0, 1)
    w_scale = draw.scale((len(w),) if per_channel else ())
    w_zeros = np.full(w_scale.shape, w_zero)
    x_scale = draw.scale()
    bias = draw.rng.integers(-9999, 9999, len(w), np.int32) if draw.size(0, 1) else None
    y_scale = draw.spread(128 * 64 * w[0].size ** 0.5 * float(x_scale) * w_scale.max())
    model = Model()
    model.node(
        "QLinearConv", model.input("x", x), x_scale, draw.bytes(x_type), w, w_scale, w_zeros, y_scale,
        draw.bytes(x_type), bias, output="y", **where,
    )  # fmt: skip
    model.output("y", x_type)
    assert kinds(check(model.finish(), {"x": x})) == ["Convolution"]


@pytest.mark.parametrize("x_type", BYTES)
@pytest.mark.parametrize("w_type", BYTES)
@EXAMPLES
@given(seeds)
def test_conv_integer(x_type, w_type, seed):
    draw = Draw(seed)
    x, w, w_zero, where = weighted_case(draw, x_type, w_type)
    model = Model()
    zero = draw.bytes(x_type, weights=w_type == np.uint8)  # which is what padding is
    model.node("ConvInteger", model.input("x", x), w, zero, w_zero, output="y", **where)
    model.output("y", np.int32)
    check(model.finish(), {"x": x})


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@EXAMPLES
@given(seeds)
def test_auto_pad(auto_pad, seed):
    draw = Draw(seed)
    x, w, w_zero, where = weighted_case(draw, np.uint8, np.uint8)
    del where["pads"]
    where["dilations"] = [1, 1]  # onnxruntime takes no others with SAME
    model = Model()
    model.node("ConvInteger", model.input("x", x), w, np.uint8(9), w_zero, output="y", auto_pad=auto_pad, **where)
    model.output("y", np.int32)
    check(model.finish(), {"x": x})


@pytest.mark.parametrize("x_type, w_type", [(np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8)])
@EXAMPLES
@given(seeds)
def test_products(x_type, w_type, seed):
    """QLinearMatMul, MatMulInteger and QGemm of the same matrices."""
    draw = Draw(seed)
    rows, inner, columns = draw.size(1, 5), draw.size(1, 40), draw.size(1, 9)
    x, w = draw.bytes(x_type, (rows, inner)), draw.bytes(w_type, (inner, columns), weights=True)
    x_scale, x_zero, y_zero = draw.scale(), draw.bytes(x_type), draw.bytes(x_type)
    w_scale = draw.scale((columns,) if draw.size(0, 1) else ())
    w_zeros = draw.bytes(w_type, w_scale.shape, weights=True)
    y_scale = draw.spread(128 * 64 * inner**0.5 * float(x_scale) * w_scale.max())
    transposed, bias = draw.size(0, 1), draw.rng.integers(-9999, 9999, columns, np.int32)
    result = y_scale, y_zero
    model = Model()
    model.input("x", x)
    model.node("QLinearMatMul", "x", x_scale, x_zero, w, w_scale, w_zeros, *result, output="a")
    model.node("MatMulInteger", "x", w, x_zero, w_zeros, output="b")
    matrix = np.ascontiguousarray(w.T) if transposed else w
    model.node("QGemm", "x", x_scale, x_zero, matrix, w_scale, w_zeros, bias, *result, output="c", transB=transposed)
    for name, dtype in (("a", x_type), ("b", np.int32), ("c", x_type)):
        model.output(name, dtype)
    network = check(model.finish(), {"x": x})
    assert kinds(network).count("Product") == 3


def test_product_of_more_axes():
    draw = Draw(1)
    x, w = draw.bytes(np.uint8, (2, 3, 4, 5)), draw.bytes(np.int8, (5, 6), weights=True)
    model = Model()
    model.node("QLinearMatMul", model.input("x", x), np.float32(0.1), np.uint8(7), w, np.float32(0.1), np.int8(1),
               np.float32(0.5), np.uint8(100), output="y")  # fmt: skip
    model.output("y")
    assert check(model.finish(), {"x": x}).outputs[0].shape == (2, 3, 4, 6)


@pytest.mark.parametrize("dtype", BYTES)
@pytest.mark.parametrize("operator", ["QLinearAdd", "QLinearMul"])
@EXAMPLES
@given(seeds)
def test_sums_and_products(operator, dtype, seed):
    """All pairs of two bytes, in two tensors that broadcast; and bytes with a constant."""
    draw = Draw(seed)
    a = np.arange(256, dtype=np.uint8).view(dtype).reshape(256, 1)
    b = a.reshape(1, 256)
    scales = [draw.scale() for _ in range(2)]
    zeros = [draw.bytes(dtype) for _ in range(3)]
    real = sum(scales) * 256 if operator == "QLinearAdd" else scales[0] * scales[1] * 256 * 256
    result = draw.spread(real), zeros[2]
    model = Model()
    model.input("a", a)
    model.node(operator, "a", scales[0], zeros[0], model.input("b", b), scales[1], zeros[1], *result, output="y")
    model.node(operator, "a", scales[0], zeros[0], draw.bytes(dtype), scales[1], zeros[1], *result, output="z")
    model.node(operator, draw.bytes(dtype), scales[1], zeros[1], "a", scales[0], zeros[0], *result, output="w")
    for name in "yzw":
        model.output(name, dtype)
    network = check(model.finish(), {"a": a, "b": b})
    assert kinds(network) == ["Add" if operator == "QLinearAdd" else "Multiply", "Lookup", "Lookup"]


SHAPES = [((), (4,)), ((3, 1), (3, 4)), ((1, 2, 1, 1), (2, 2, 9, 9)), ((5,), (3, 5)), ((3, 5, 1), (5, 1)),
          ((2, 1, 7), (2, 3, 7)), ((1, 3, 1), (2, 1, 5)), ((1, 1), (1,)), ((3, 4), (3, 4)),
          ((4, 1), (1,)), ((4, 1), ()), ((4, 1), (1, 1))]  # fmt: skip


@pytest.mark.parametrize("a_shape, b_shape", SHAPES + [pair[::-1] for pair in SHAPES])
@settings(max_examples=2)
@given(seeds)
def test_shapes_broadcast(a_shape, b_shape, seed):
    """Which of two is rounded first depends on which repeats, and shows near ties only."""
    draw = Draw(seed)
    model = Model()
    a, b = draw.bytes(np.uint8, a_shape), draw.bytes(np.uint8, b_shape)
    model.input("a", a)
    model.input("b", b)
    for at in range(30):
        scales = (draw.rng.integers(1, 12, 2) / np.float32(16)).astype(np.float32)
        result = np.float32(scales.sum() * [2, 1, 2 / 3][at % 3])
        zeros = draw.bytes(np.uint8, 3)
        model.node("QLinearAdd", "a", scales[0], zeros[0], "b", scales[1], zeros[1], result, zeros[2], output=f"y{at}")
        model.output(f"y{at}")
    check(model.finish(), {"a": a, "b": b})


@pytest.mark.parametrize("dtype", BYTES)
@EXAMPLES
@given(seeds)
def test_functions(dtype, seed):
    draw = Draw(seed)
    x = np.arange(256, dtype=np.uint8).view(dtype)
    model, source = Model(), ("x", draw.scale(), draw.bytes(dtype))
    model.input("x", x)
    scales = [draw.scale(), np.float32([1 / 255, 1 / 256][draw.size(0, 1)])]
    model.node("QLinearLeakyRelu", *source, scales[0], draw.bytes(dtype), output="y", alpha=draw.rng.uniform(-1, 1))
    model.node("QLinearSigmoid", *source, scales[1], draw.bytes(dtype), output="z")
    model.output("y", dtype)
    model.output("z", dtype)
    assert kinds(check(model.finish(), {"x": x})) == ["Lookup", "Lookup"]


@pytest.mark.parametrize("dtype", BYTES)
@EXAMPLES
@given(seeds)
def test_pools(dtype, seed):
    draw = Draw(seed)
    where, sizes = draw.windows()
    where["pads"] = [draw.size(0, size - 1) for size in where["kernel_shape"] * 2]
    where["ceil_mode"] = draw.size(0, 1)
    x = draw.bytes(dtype, (draw.size(1, 2), draw.size(1, 3), *sizes))
    source = model_source = (draw.scale(), draw.bytes(dtype))
    model = Model()
    model.input("x", x)
    model.node("MaxPool", "x", output="m", **where)
    del where["dilations"]
    model.node("QLinearAveragePool", "x", *source, draw.scale(), draw.bytes(dtype), output="a", **where,
               count_include_pad=draw.size(0, 1))  # fmt: skip
    model.node("QLinearGlobalAveragePool", "x", *model_source, draw.scale() / 4, draw.bytes(dtype), output="g")
    for name in "mag":
        model.output(name, dtype)
    assert kinds(check(model.finish(), {"x": x})) == ["Pool"] * 3


@pytest.mark.parametrize("dtype", BYTES)
@EXAMPLES
@given(seeds)
def test_ties_of_averages(dtype, seed):
    """Averages of counts that are no powers of two, scaled so that many are ties or next to one."""
    draw = Draw(seed)
    x = draw.bytes(dtype, (1, 16, 8, 8))
    model = Model()
    model.input("x", x)
    for at, kernel in enumerate([(1, 3), (3, 3), (5, 1), (3, 2), (1, 7)]):
        scale = np.float32(draw.size(1, 12) / 16)
        result = np.float32(scale * 2 / (kernel[0] * kernel[1]))
        model.node("QLinearAveragePool", "x", scale, draw.bytes(dtype), result, draw.bytes(dtype), output=f"y{at}",
                   kernel_shape=kernel)  # fmt: skip
        model.output(f"y{at}", dtype)
    check(model.finish(), {"x": x})


@pytest.mark.parametrize("dtype", BYTES)
@EXAMPLES
@given(seeds)
def test_concat(dtype, seed):
    draw = Draw(seed)
    axis, shape = draw.size(0, 2), [2, 3, 4]
    arrays, operands = {}, []
    model = Model()
    result = draw.scale(), draw.bytes(dtype)
    for at in range(draw.size(1, 3)):
        shape[axis] = draw.size(1, 5)
        arrays[f"x{at}"] = draw.bytes(dtype, shape)
        meaning = result if draw.size(0, 1) else (draw.scale(), draw.bytes(dtype))
        operands += [model.input(f"x{at}", arrays[f"x{at}"]), *meaning]
    model.node("QLinearConcat", *result, *operands, output="y", axis=axis - 3 * draw.size(0, 1))
    model.output("y", dtype)
    check(model.finish(), arrays)


@pytest.mark.parametrize("dtype", BYTES)
def test_bytes_are_moved(dtype):
    draw = Draw(2)
    x = draw.bytes(dtype, (2, 3, 4, 5))
    model = Model()
    y = model.node("Transpose", model.input("x", x), perm=[0, 2, 3, 1])
    y = model.node("Flatten", y, axis=2)
    model.node("Reshape", y, np.array([4, -1]), output="y")
    model.node("Unsqueeze", model.node("Squeeze", y), np.array([0]), output="z")
    model.output("y", dtype)
    model.output("z", dtype)
    assert set(kinds(check(model.finish(), {"x": x}))) == {"Reshape"}


def test_bytes_with_another_meaning():
    """A scale that a reader doesn't share with the writer: the bytes stay, their meaning doesn't."""
    draw = Draw(3)
    x = draw.bytes(np.uint8, (4, 5))
    add = np.float32(0.1), np.uint8(3)
    model = Model()
    y = model.node("QLinearAdd", model.input("x", x), *add, "x", *add, np.float32(0.2), np.uint8(9))
    model.node("QLinearAdd", y, np.float32(0.3), np.uint8(9), "x", *add, np.float32(0.2), np.uint8(9), output="y")
    model.output("y")
    assert kinds(check(model.finish(), {"x": x})) == ["Add", "Reshape", "Add"]
