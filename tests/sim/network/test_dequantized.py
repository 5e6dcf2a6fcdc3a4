"""Operators between DequantizeLinear and QuantizeLinear, as onnxruntime runs them after fusing them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorloom.sim.network.execute import execute
from tensorloom.sim.network.graph import Add, Convolution, Host, Join, Multiply, Pool, Product
from tensorloom.sim.network.importer import from_model

from .models import BYTES, Model, check, kinds, reference
from .test_integer_operators import Draw, weighted_case

EXAMPLES = settings(max_examples=8)
seeds = st.integers(0, 2**32 - 1)
PAIRS = [(np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8)]


def lowest(dtype):
    """The zero point with which the type's limit is a ReLU."""
    return dtype(np.iinfo(dtype).min)


@pytest.mark.parametrize("x_type, w_type", PAIRS)
@EXAMPLES
@given(seeds)
def test_convolution(x_type, w_type, seed):
    """With and without bias (float or int32) and ReLU, one scale or one a channel."""
    draw = Draw(seed)
    x, w, w_zero, where = weighted_case(draw, x_type, w_type)
    x_scale, x_zero = draw.scale(), draw.bytes(x_type)
    w_scale = draw.scale((len(w),) if draw.size(0, 1) else ())
    y_scale = draw.spread(128 * 64 * w[0].size ** 0.5 * float(x_scale) * w_scale.max())
    relu = draw.size(0, 1)
    y_zero = lowest(x_type) if relu else draw.bytes(x_type)
    model = Model()
    bias = draw.rng.integers(-9999, 9999, len(w), np.int32)
    bias_scale = x_scale * w_scale
    stored = model.dequantize(bias, bias_scale, np.zeros(bias_scale.shape, np.int32), axis=0)
    real = ((bias + draw.rng.uniform(-0.5, 0.5, len(w))) * bias_scale).astype(np.float32)
    bias = [None, stored, real][draw.size(0, 2)]
    y = model.node(
        "Conv", model.dequantize(model.input("x", x), x_scale, x_zero),
        model.dequantize(w, w_scale, np.full(w_scale.shape, w_zero), axis=0), bias, **where,
    )  # fmt: skip
    model.quantize(model.node("Relu", y) if relu else y, y_scale, y_zero, output="y")
    model.output("y", x_type)
    assert kinds(check(model.finish(), {"x": x}, optimize=True)) == ["Convolution"]


@pytest.mark.parametrize("x_type, w_type", PAIRS)
@EXAMPLES
@given(seeds)
def test_products(x_type, w_type, seed):
    """MatMul, MatMul with Add, and Gemm, quantized or float behind."""
    draw = Draw(seed)
    rows, inner, columns = draw.size(1, 5), draw.size(1, 40), draw.size(2, 9)
    x, w = draw.bytes(x_type, (rows, inner)), draw.bytes(w_type, (inner, columns), weights=True)
    x_scale = draw.scale()
    w_scale = draw.scale((columns,) if draw.size(0, 1) else ())
    w_zeros = np.full(w_scale.shape, draw.bytes(w_type, (), weights=True))
    y_scale = draw.spread(128 * 64 * inner**0.5 * float(x_scale) * w_scale.max())
    bias = draw.rng.integers(-9999, 9999, columns, np.int32)
    scales = x_scale * w_scale
    model = Model()
    source = model.dequantize(model.input("x", x), x_scale, draw.bytes(x_type))
    matrix = model.dequantize(w, w_scale, w_zeros)
    transposed = model.dequantize(np.ascontiguousarray(w.T), w_scale, w_zeros, axis=0)
    stored = model.dequantize(bias, scales, np.zeros(scales.shape, np.int32), axis=0)
    real = ((bias + draw.rng.uniform(-0.5, 0.5, columns)) * scales).astype(np.float32)
    results = [
        model.node("MatMul", source, matrix),
        model.node("Add", model.node("MatMul", source, matrix), real),
        model.node("Gemm", source, transposed, real, transB=1),
        model.node("Gemm", source, matrix, stored),
    ]
    for at, result in enumerate(results):
        model.quantize(result, y_scale, draw.bytes(x_type), output=f"y{at}")
        model.output(f"y{at}", x_type)
    network = check(model.finish(), {"x": x}, optimize=True)
    assert [type(node) for node in network.nodes] == [Product] * 4


@EXAMPLES
@given(seeds)
def test_floats_of_products(seed):
    draw = Draw(seed)
    x, w = draw.bytes(np.uint8, (3, 20)), draw.bytes(np.int8, (20, 5), weights=True)
    w_scale, x_scale = draw.scale((5,) if draw.size(0, 1) else ()), draw.scale()
    model = Model()
    source = model.dequantize(model.input("x", x), x_scale, draw.bytes(np.uint8))
    matrix = model.dequantize(w, w_scale, np.zeros(w_scale.shape, np.int8))
    bias_scale = x_scale * w_scale
    bias = draw.rng.integers(-9999, 9999, 5, np.int32)
    stored = model.dequantize(bias, bias_scale, np.zeros(bias_scale.shape, np.int32), axis=0)
    model.node("MatMul", source, matrix, output="y")
    model.node("Gemm", source, matrix, stored, output="z")
    model.output("y", np.float32)
    model.output("z", np.float32)
    network = check(model.finish(), {"x": x}, optimize=True)
    assert [type(node) for node in network.nodes] == [Product, Host, Product, Host]


def test_floats_of_convolutions(image):
    """onnxruntime computes them in floats; integers and one rounding are nearer to the truth."""
    model = Model()
    quantized_layer(model, image, output="y")
    model.output("y", np.float32)
    network = from_model(model.finish())
    expected = reference(model.finish(), {"x": image}, optimize=True)["y"]
    np.testing.assert_allclose(execute(network, {"x": image})["y"], expected, rtol=1e-5, atol=1e-4)
    assert not network.nodes[-1].exact


@pytest.mark.parametrize("dtype", BYTES)
@pytest.mark.parametrize("operator, kind", [("Add", Add), ("Mul", Multiply)])
@EXAMPLES
@given(seeds)
def test_two_tensors(operator, kind, dtype, seed):
    draw = Draw(seed)
    a = np.arange(256, dtype=np.uint8).view(dtype).reshape(256, 1)
    b = a.reshape(1, 256)
    scales = [draw.scale() for _ in range(2)]
    model = Model()
    first = model.dequantize(model.input("a", a), scales[0], draw.bytes(dtype))
    second = model.dequantize(model.input("b", b), scales[1], draw.bytes(dtype))
    result = draw.spread(sum(scales) * 256 if operator == "Add" else scales[0] * scales[1] * 65536)
    model.quantize(model.node(operator, first, second), result, draw.bytes(dtype), output="y")
    relu = model.node("Relu", model.node(operator, first, second))
    model.quantize(relu, result, lowest(dtype), output="r")
    constant = model.dequantize(draw.bytes(dtype), scales[1], draw.bytes(dtype))
    model.quantize(model.node(operator, first, constant), result, draw.bytes(dtype), output="c")
    for name in "yrc":
        model.output(name, dtype)
    network = check(model.finish(), {"a": a, "b": b}, optimize=True)
    assert [type(node).__name__ for node in network.nodes] == [kind.__name__] * 2 + ["Lookup"]


@pytest.mark.parametrize("dtype", BYTES)
@EXAMPLES
@given(seeds)
def test_pools(dtype, seed):
    draw = Draw(seed)
    where, sizes = draw.windows()
    where["pads"] = [draw.size(0, size - 1) for size in where["kernel_shape"] * 2]
    x = draw.bytes(dtype, (draw.size(1, 2), draw.size(1, 3), *sizes))
    meaning = draw.scale(), draw.bytes(dtype)
    model = Model()
    source = model.dequantize(model.input("x", x), *meaning)
    model.quantize(model.node("MaxPool", source, **where), *meaning, output="m")
    del where["dilations"]
    average = model.node("AveragePool", source, **where, count_include_pad=draw.size(0, 1))
    model.quantize(average, draw.scale(), draw.bytes(dtype), output="a")
    model.quantize(model.node("GlobalAveragePool", source), draw.scale() / 4, draw.bytes(dtype), output="g")
    for name in "mag":
        model.output(name, dtype)
    network = check(model.finish(), {"x": x}, optimize=True)
    assert [node.kind for node in network.nodes if isinstance(node, Pool)] == ["max", "average", "global"]


FUNCTIONS = {
    "Abs": {}, "Clip": {}, "HardSigmoid": {}, "HardSwish": {}, "LeakyRelu": {"alpha": 0.3}, "Neg": {}, "Relu": {},
    "Sigmoid": {}, "Tanh": {},
}  # fmt: skip


@pytest.mark.parametrize("dtype", BYTES)
@pytest.mark.parametrize("function", FUNCTIONS)
@settings(max_examples=4)
@given(seeds)
def test_functions(function, dtype, seed):
    draw = Draw(seed)
    x = np.arange(256, dtype=np.uint8).view(dtype)
    model = Model()
    source = model.dequantize(model.input("x", x), draw.scale(), draw.bytes(dtype))
    limits = [np.float32(-0.5), np.float32(3)] if function == "Clip" else []
    y = model.node(function, source, *limits, **FUNCTIONS[function])
    model.quantize(y, draw.scale() / 8, draw.bytes(dtype), output="y")
    model.output("y", dtype)
    exact = function != "HardSwish"  # whose definition leaves open how it is rounded
    assert kinds(check(model.finish(), {"x": x}, optimize=True, exact=exact)) == ["Lookup"]


def test_functions_of_functions():
    """Several operators between a DequantizeLinear and a QuantizeLinear are one table."""
    x = np.arange(256, dtype=np.uint8)
    model = Model()
    source = model.dequantize(model.input("x", x), 1 / 16, np.uint8(128))
    gate = model.node("Clip", model.node("Add", source, np.float32(3)), np.float32(0), np.float32(6))
    y = model.node("Div", model.node("Mul", source, gate), np.float32(6))
    model.quantize(y, 1 / 20, np.uint8(10), output="y")
    model.output("y")
    assert kinds(check(model.finish(), {"x": x}, optimize=True)) == ["Lookup"]


@pytest.mark.parametrize("dtype", BYTES)
@EXAMPLES
@given(seeds)
def test_requantize_and_concat(dtype, seed):
    draw = Draw(seed)
    x = np.arange(256, dtype=np.uint8).view(dtype).reshape(1, 256)
    meanings = [(draw.scale(), draw.bytes(dtype)) for _ in range(3)]
    model = Model()
    y = model.dequantize(model.input("x", x), *meanings[0])
    z = model.around(y, *meanings[1])
    model.quantize(z, *meanings[2], output="r")
    model.quantize(model.node("Concat", y, z, axis=0), *meanings[1], output="c")
    model.output("r", dtype)
    model.output("c", dtype)
    network = check(model.finish(), {"x": x}, optimize=True)
    assert sum(isinstance(node, Join) for node in network.nodes) == 1


@pytest.mark.parametrize("dtype", BYTES)
@EXAMPLES
@given(seeds)
def test_softmax(dtype, seed):
    draw = Draw(seed)
    x = draw.bytes(dtype, (draw.size(2, 3), draw.size(2, 20), 2))
    x[0, 0] = np.iinfo(dtype).min, np.iinfo(dtype).max
    model = Model()
    source = model.dequantize(model.input("x", x), draw.scale(), draw.bytes(dtype))
    scale = [1 / 256, 1 / 255, 1 / 128][draw.size(0, 2)]
    y = model.node("Softmax", source, axis=draw.size(-3, 2))
    model.quantize(y, scale, lowest(dtype), output="y")
    model.output("y", dtype)
    assert kinds(check(model.finish(), {"x": x}, optimize=True)) == ["Host"]


def quantized_layer(model, x, channels=5, **attributes):
    """A convolution with everything quantized but its result; weights repeat."""
    depth = x.shape[1]
    w = (np.arange(channels * depth * 9) * 37 % 127 - 63).astype(np.int8).reshape(channels, depth, 3, 3)
    source = model.dequantize(model.input("x", x), 1 / 16, np.uint8(99))
    return model.node("Conv", source, model.dequantize(w, 1 / 64, np.int8(0)), **attributes)


@pytest.fixture
def image():
    return np.random.default_rng(5).integers(0, 255, (2, 3, 8, 8), np.uint8, endpoint=True)


@pytest.mark.parametrize("move, arguments, attributes", [
    ("Reshape", [np.array([2, -1])], {}), ("Transpose", [], {"perm": [0, 3, 1, 2]}), ("Unsqueeze", [np.array([0])], {}),
    ("MaxPool", [], {"kernel_shape": [2, 2]}),
])  # fmt: skip
def test_moved_before_it_is_quantized(image, move, arguments, attributes):
    model = Model()
    y = model.node(move, quantized_layer(model, image), *arguments, **attributes)
    model.quantize(y, 1.5, np.uint8(100), output="y")
    model.output("y")
    network = check(model.finish(), {"x": image}, optimize=True)
    assert kinds(network) == ["Convolution", "Pool" if move == "MaxPool" else "Reshape"]


def test_limits_between_equal_scales_are_folded(image):
    model = Model()
    y = model.around(quantized_layer(model, image), 1.5, np.uint8(100))
    model.quantize(model.node("Clip", y, np.float32(-30), np.float32(60)), 1.5, np.uint8(100), output="y")
    model.output("y")
    (node,) = check(model.finish(), {"x": image}, optimize=True).nodes
    assert isinstance(node, Convolution) and node.clip == (80, 140) and node.result.name == "y"


def test_limits_add_up(image):
    model = Model()
    y = model.around(quantized_layer(model, image), 1.5, np.uint8(100))
    y = model.around(model.node("Clip", y, np.float32(-30), np.float32(60)), 1.5, np.uint8(100))
    model.quantize(model.node("Clip", y, np.float32(-60), np.float32(45)), 1.5, np.uint8(100), output="y")
    model.output("y")
    (node,) = check(model.finish(), {"x": image}, optimize=True).nodes
    assert isinstance(node, Convolution) and node.clip == (80, 130)


def test_limits_of_floats_may_differ_by_one(image):
    """onnxruntime computes a convolution in floats if its ReLU isn't what the type's limits do anyway."""
    model = Model()
    model.quantize(model.node("Relu", quantized_layer(model, image)), 1.5, np.uint8(100), output="y")
    model.output("y")
    (node,) = check(model.finish(), {"x": image}, optimize=True, exact=False).nodes
    assert isinstance(node, Convolution) and node.clip == (100, 255)


def test_what_two_read_may_differ_by_one(image):
    model = Model()
    y = quantized_layer(model, image)
    model.quantize(y, 1.5, np.uint8(100), output="y")
    model.quantize(model.node("Relu", y), 1, np.uint8(0), output="z")
    model.output("y")
    model.output("z")
    assert kinds(check(model.finish(), {"x": image}, optimize=True, exact=False)) == ["Convolution"] * 2


def test_average_of_images_by_reduction(image):
    model = Model()
    source = model.dequantize(model.input("x", image), 1 / 16, np.uint8(99))
    y = model.node("ReduceMean", source, np.array([2, 3]), keepdims=0)
    model.quantize(y, 1 / 32, np.uint8(100), output="y")
    model.output("y")
    assert kinds(check(model.finish(), {"x": image}, optimize=True, exact=False)) == ["Pool", "Reshape"]


def test_padding_goes_into_the_convolution(image):
    model = Model()
    source = model.dequantize(model.input("x", image), 1 / 16, np.uint8(99))
    padded = model.around(model.node("Pad", source, np.array([0, 0, 1, 0, 0, 0, 2, 1])), 1 / 16, np.uint8(99))
    w = np.full((2, 3, 3, 3), 5, np.int8)
    y = model.node("Conv", padded, model.dequantize(w, 1 / 64, np.int8(0)), pads=[0, 1, 0, 0])
    model.quantize(y, 0.3, np.uint8(100), output="y")
    model.output("y")
    (node,) = check(model.finish(), {"x": image}, optimize=True).nodes
    assert isinstance(node, Convolution) and node.pads == (1, 1, 2, 1)


def test_from_floats_to_floats():
    """Inputs are quantized on the host, and outputs dequantized; what is computed from shapes and constants is gone."""
    x = np.random.default_rng(6).normal(0, 1, (2, 3, 4)).astype(np.float32)
    model = Model()
    y = model.around(model.input("x", x), 1 / 32, np.uint8(120))
    first = model.node("Gather", model.node("Shape", y), np.array([0]))
    shape = model.node("Concat", first, np.array([-1]), axis=0)
    y = model.node("Identity", model.node("Dropout", model.node("Reshape", y, shape)), output="y")
    model.output("y", np.float32)
    network = check(model.finish(), {"x": x}, optimize=True)
    assert kinds(network) == ["Host", "Reshape", "Host"] and network.outputs[0].shape == (2, 12)


def test_flattened_before_it_is_read_may_differ_by_one(image):
    """onnxruntime doesn't move a DequantizeLinear over a Flatten, and computes in floats behind it."""
    model = Model()
    source = model.node("Flatten", model.dequantize(model.input("x", image), 1 / 16, np.uint8(99)))
    model.quantize(model.node("Mul", source, source), 1.5, np.uint8(3), output="y")
    model.output("y")
    assert kinds(check(model.finish(), {"x": image}, optimize=True, exact=False)) == ["Reshape", "Multiply"]
