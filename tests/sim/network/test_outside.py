"""Operators that no machine has: of floats, and what picks elements; convolutions of lines and transposed ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from tensorloom.sim.network.errors import ModelError
from tensorloom.sim.network.execute import execute
from tensorloom.sim.network.importer import from_model

from .models import BYTES, OPSETS, Model, check, kinds, reference
from .test_integer_operators import Draw

EXAMPLES = settings(max_examples=6)
seeds = st.integers(0, 2**32 - 1)
SHAPES = [((2, 3, 4, 5), (2, 3, 4, 5)), ((2, 3, 4, 5), (1, 3, 1, 1)), ((3, 6), (6,)), ((1, 5), (4, 1))]


def floats(values) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.mark.parametrize("operator", ["Sub", "Div", "Max", "Min"])
@pytest.mark.parametrize("dtype", BYTES)
@EXAMPLES
@given(seeds)
def test_two_tensors_in_floats(operator, dtype, seed):
    """Bit for bit, ties included, also where shapes broadcast."""
    draw = Draw(seed)
    first, second = SHAPES[draw.size(0, len(SHAPES) - 1)]
    a, b = draw.bytes(dtype, first), draw.bytes(dtype, second)
    b_zero = draw.bytes(dtype)
    if operator == "Div":
        b = np.where(b == b_zero, b ^ dtype(1), b)  # what 0 / 0 becomes is left open
    scales = draw.scale(), draw.scale()
    model = Model()
    one = model.dequantize(model.input("a", a), scales[0], draw.bytes(dtype))
    two = model.dequantize(model.input("b", b), scales[1], b_zero)
    result = draw.spread(scales[0] / scales[1] * 8 if operator == "Div" else sum(scales) * 256)
    model.quantize(model.node(operator, one, two), result, draw.bytes(dtype), output="y")
    model.output("y", dtype)
    assert kinds(check(model.finish(), {"a": a, "b": b}, optimize=True)) == ["Floating"]


@pytest.mark.parametrize("operator", ["Add", "Sub", "Mul", "Div"])
@EXAMPLES
@given(seeds)
def test_rows_of_constants(operator, seed):
    """A constant for each channel, on either side, and a chain of them."""
    draw = Draw(seed)
    x = draw.bytes(np.uint8, (2, 3, 4, 5))
    row = draw.rng.uniform(0.5, 2, (1, 3, 1, 1)).astype(np.float32)
    scale, zero = draw.scale(), draw.bytes(np.uint8)
    x[x == zero] ^= 1
    model = Model()
    source = model.dequantize(model.input("x", x), scale, zero)
    right, left = model.node(operator, source, row), model.node(operator, row, source)
    chain = model.node("Relu", model.node("Sub", model.node(operator, source, row), row * 2))
    for name, one in zip("yzc", (right, left, chain), strict=True):
        model.quantize(one, draw.spread(scale * 256), draw.bytes(np.uint8), output=name)
        model.output(name)
    assert kinds(check(model.finish(), {"x": x}, optimize=True)) == ["Floating"] * 3


@EXAMPLES
@given(seeds)
def test_greatest_of_floats(seed):
    """Of a difference that nobody quantized, and of one of floats."""
    draw = Draw(seed)
    where, sizes = draw.windows()
    where["pads"] = [draw.size(0, size - 1) for size in where["kernel_shape"] * 2]
    x = draw.bytes(np.uint8, (2, 3, *sizes))
    model = Model()
    source = model.dequantize(model.input("x", x), 0.25, np.uint8(100))
    row = floats([1, -2, 3]).reshape(1, 3, 1, 1)
    model.quantize(model.node("MaxPool", model.node("Sub", source, row), **where), 0.25, np.uint8(90), output="y")
    model.output("y")
    assert kinds(check(model.finish(), {"x": x}, optimize=True)) == ["Floating"]


def test_floats_in_front_of_a_network():
    """An image that is normalized by its channels before it is quantized, and floats that stay floats."""
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 255, (1, 3, 4, 4)).astype(np.float32)
    mean, spread = (np.array(values, np.float32).reshape(1, 3, 1, 1) for values in ((124, 117, 104), (58, 57, 57)))
    model = Model()
    normal = model.node("Div", model.node("Sub", model.input("x", x), mean), spread)
    model.quantize(model.node("Transpose", normal, perm=[0, 2, 3, 1]), 0.02, np.uint8(128), output="y")
    model.node("Neg", normal, output="f")
    model.output("y")
    model.output("f", np.float32)
    assert kinds(check(model.finish(), {"x": x}, optimize=True)) == ["Floating"] * 2


PICKS: dict[str, Callable[..., tuple[list[Any], dict[str, Any], int]]] = {
    "Slice": lambda draw, shape: ([np.array([1, 4]), np.array([9, -9]), np.array([1, 3]), np.array([1, -2])], {}, 1),
    "Gather": lambda draw, shape: ([draw.rng.integers(-shape[1], shape[1], (2, 2))], {"axis": 1}, 1),
    "Split": lambda draw, shape: ([np.array([1, shape[1] - 1])], {"axis": 1}, 2),
    "Tile": lambda draw, shape: ([np.array([1, 2, 1, 3])], {}, 1),
    "Expand": lambda draw, shape: ([np.array([3, 1, 1, 1, 1])], {}, 1),
    "DepthToSpace": lambda draw, shape: ([], {"blocksize": 2, "mode": ["DCR", "CRD"][draw.size(0, 1)]}, 1),
    "SpaceToDepth": lambda draw, shape: ([], {"blocksize": 2}, 1),
}


@pytest.mark.parametrize("operator", PICKS)
@EXAMPLES
@given(seeds)
def test_picks(operator, seed):
    """Of bytes that are requantized behind, of a function of them, and of floats of two tensors."""
    draw = Draw(seed)
    x = draw.bytes(np.uint8, (2, 4, 2 * draw.size(1, 3), 2 * draw.size(1, 3)))
    inputs, attributes, count = PICKS[operator](draw, x.shape)
    meaning, model = (draw.scale(), draw.bytes(np.uint8)), Model()
    source = model.dequantize(model.input("x", x), *meaning)
    made = [source, model.node("Sigmoid", source), model.node("Sub", source, model.node("Abs", source))]
    made[2] = model.node("Mul", made[2], floats([[[[0.5]], [[0.25]], [[1]], [[2]]]]))
    for number, one in enumerate(made):
        outputs = [f"p{number}{at}" for at in range(count)]
        names = [model.constant(array) for array in inputs]
        model.nodes.append(helper.make_node(operator, [one, *names], outputs, outputs[0], **attributes))
        for name in outputs:
            model.quantize(name, draw.scale(), draw.bytes(np.uint8), output=f"y{name}")
            model.output(f"y{name}")
    found = kinds(check(model.finish(), {"x": x}, optimize=True))
    assert found.count("Pick") >= 2 * count and found.count("Floating") == count


@pytest.mark.parametrize("where", ["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"])
@pytest.mark.parametrize("rounding", ["floor", "round_prefer_floor", "round_prefer_ceil", "ceil"])
@EXAMPLES
@given(seeds)
def test_nearest_pixels(where, rounding, seed):
    draw = Draw(seed)
    x = draw.bytes(np.uint8, (1, 2, draw.size(1, 6), draw.size(1, 6)))
    scales = floats([1, 1, *draw.rng.choice([0.5, 1, 2, 3, 4], 2)])
    sizes = np.array([1, 2, *(max(1, int(size * scale)) for size, scale in zip(x.shape[2:], scales[2:], strict=True))])
    attributes = {"mode": "nearest", "coordinate_transformation_mode": where, "nearest_mode": rounding}
    model = Model()
    source = model.dequantize(model.input("x", x), 0.25, np.uint8(3))
    model.quantize(model.node("Resize", source, None, None, sizes, **attributes), 0.25, np.uint8(3), output="y")
    model.output("y")
    if (scales[2:] * x.shape[2:] >= 1).all():
        model.quantize(model.node("Resize", source, None, scales, **attributes), 0.5, np.uint8(9), output="z")
        model.output("z")
    assert "Pick" in kinds(check(model.finish(), {"x": x}, optimize=True))


@EXAMPLES
@given(seeds)
def test_lines(seed):
    """Convolutions of one axis, fused and of integers."""
    draw = Draw(seed)
    kernel, stride, spread, group = draw.size(1, 3), draw.size(1, 3), draw.size(1, 2), draw.size(1, 2)
    x = draw.bytes(np.uint8, (2, 2 * group, 5 + draw.size(0, 9)))
    w = draw.bytes(np.int8, (3 * group, 2, kernel), weights=True)
    where = {"strides": [stride], "dilations": [spread], "pads": draw.rng.integers(0, 3, 2).tolist(), "group": group}
    x_scale, x_zero, w_scale = draw.scale(), draw.bytes(np.uint8), draw.scale((len(w),))
    y_scale = draw.spread(128 * 64 * w[0].size ** 0.5 * float(x_scale) * w_scale.max())
    zeros, y_zero = np.zeros(len(w), np.int8), draw.bytes(np.uint8)
    model = Model()
    name = model.input("x", x)
    y = model.node(
        "Conv", model.dequantize(name, x_scale, x_zero), model.dequantize(w, w_scale, zeros, axis=0), **where,
        kernel_shape=[kernel],
    )  # fmt: skip
    model.quantize(model.node("Relu", y), y_scale, np.uint8(0), output="y")
    model.node(
        "QLinearConv", name, np.float32(x_scale), x_zero, w, w_scale, zeros, y_scale, y_zero, output="z", **where
    )
    model.node("ConvInteger", name, w, x_zero, output="s", **where)
    for one, kind in zip("yzs", (np.uint8, np.uint8, np.int32), strict=True):
        model.output(one, kind)
    network = check(model.finish(), {"x": x}, optimize=True)
    assert kinds(network).count("Convolution") == 3


@EXAMPLES
@given(seeds)
def test_transposed_convolutions(seed):
    """onnxruntime adds up floats, so near ties results differ by 1 at most."""
    draw = Draw(seed)
    group, stride, spread = draw.size(1, 2), [draw.size(1, 3) for _ in range(2)], [draw.size(1, 2) for _ in range(2)]
    x = draw.bytes(np.uint8, (2, 2 * group, draw.size(2, 5), draw.size(2, 5)))
    w = draw.bytes(np.int8, (2 * group, 3, draw.size(1, 3), draw.size(1, 3)), weights=True)
    more = [draw.size(0, one - 1) for one in stride]
    where = {
        "strides": stride, "dilations": spread, "pads": draw.rng.integers(0, 2, 4).tolist(), "group": group,
        "output_padding": more,
    }  # fmt: skip
    scales, bias = draw.scale((3,)), draw.rng.normal(0, 9, 3 * group).astype(np.float32)
    model = Model()
    source = model.dequantize(model.input("x", x), 0.125, draw.bytes(np.uint8))
    weights = model.dequantize(w, scales, np.zeros(3, np.int8), axis=1)
    y_scale = draw.spread(0.125 * 128 * 64 * float(scales.max()) * (2 * w[0, 0].size) ** 0.5)
    model.quantize(model.node("ConvTranspose", source, weights, bias, **where), y_scale, np.uint8(100), output="y")
    model.output("y")
    shape = np.array(x.shape[2:])
    ends = np.array(where["pads"]).reshape(2, 2).sum(0)
    if ((shape - 1) * stride + np.array(spread) * (np.array(w.shape[2:]) - 1) + 1 - ends + more < 1).any():
        return
    assert kinds(check(model.finish(), {"x": x}, optimize=True, exact=False)) == ["Pick", "Convolution"]


@EXAMPLES
@given(seeds)
def test_other_floats(seed):
    """Several tensors at once, joins of floats, greatest values along axes."""
    draw = Draw(seed)
    a, b = (draw.bytes(np.uint8, (2, 3, 4)) for _ in "ab")
    model = Model()
    one, two = (
        model.dequantize(model.input(name, array), draw.scale(), draw.bytes(np.uint8))
        for name, array in (("a", a), ("b", b))
    )
    less = model.node("Sub", one, two)
    results = [
        model.node("Max", one, two, less), model.node("Min", one, two, floats([[1], [2], [3]])),
        model.node("Concat", less, one, axis=1), model.node("ReduceMax", less, np.array([1]), keepdims=0),
        model.node("ReduceMin", one, np.array([-1])),
    ]  # fmt: skip
    for at, result in enumerate(results):
        model.quantize(result, draw.spread(64), draw.bytes(np.uint8), output=f"y{at}")
        model.output(f"y{at}")
    assert kinds(check(model.finish(), {"a": a, "b": b}, optimize=True)) == ["Floating"] * 5


@pytest.mark.parametrize("operator", ["BatchNormalization", "LayerNormalization"])
@EXAMPLES
@given(seeds)
def test_normalizations(operator, seed):
    """Sums are of another order than onnxruntime's, so near ties results differ by 1 at most."""
    draw = Draw(seed)
    x = draw.bytes(np.uint8, (2, 3, 4, 5))
    model = Model()
    source = model.dequantize(model.input("x", x), draw.scale(), draw.bytes(np.uint8))
    size = 3 if operator == "BatchNormalization" else 5
    scale, bias, mean = (draw.rng.normal(0, 1, size).astype(np.float32) for _ in range(3))
    more = [mean, np.square(mean) + np.float32(0.5)] if operator == "BatchNormalization" else []
    model.quantize(model.node(operator, source, scale, bias, *more), 0.05, np.uint8(128), output="y")
    model.output("y")
    assert kinds(check(model.finish(), {"x": x}, optimize=True, exact=False)) == ["Floating"]


def test_local_response_normalization():
    rng = np.random.default_rng(5)
    x = rng.integers(0, 256, (2, 7, 4, 3), np.uint8)
    model = Model()
    source = model.dequantize(model.input("x", x), 0.5, np.uint8(10))
    normal = model.node("LRN", source, size=5, alpha=0.01, beta=0.75, bias=1.5)
    model.quantize(normal, 0.25, np.uint8(20), output="y")
    model.output("y")
    network = check(model.finish(), {"x": x}, optimize=True, exact=False)
    assert kinds(network) == ["Floating"]


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes", "message"),
    [
        ("Slice", [np.array([0]), np.array([0])], {}, "nothing is left"),
        ("Resize", [None, floats([1, 1, 2, 2])], {"mode": "nearest",
            "coordinate_transformation_mode": "tf_crop_and_resize"}, "coordinate_transformation_mode is tf_crop"),
        ("Resize", [None, floats([1, 1, 2, 2])], {"keep_aspect_ratio_policy": "not_larger"}, "not_larger"),
        ("Tile", [np.array([1, 1, 10**5, 10**5])], {}, "makes up to .* elements"),
        ("Expand", [np.array([10**6, 10**6, 1, 1, 1, 1])], {}, "makes up to .* elements"),
        ("Resize", [None, None, np.array([1, 4, 10**5, 10**5])], {"mode": "nearest"}, "makes up to .* elements"),
        ("LRN", [], {"size": 4}, "attribute size is 4; only odd ones"),
        ("Split", [np.array([1, 2])], {"axis": 1}, "parts of 3 elements don't make up 4"),
        ("Gather", [np.array([7])], {"axis": 1}, "can't be computed"),
        ("Sub", [np.ones((1, 5, 1, 1), np.float32)], {}, "shapes of its inputs don't broadcast"),
    ],
)  # fmt: skip
def test_what_is_refused(operator, inputs, attributes, message):
    x = np.zeros((1, 4, 2, 2), np.uint8)
    model = Model()
    source = model.dequantize(model.input("x", x), 0.5, np.uint8(10))
    model.quantize(model.node(operator, source, *inputs, **attributes), 0.5, np.uint8(10), output="y")
    model.output("y")
    with pytest.raises(ModelError, match=f"{operator}.*{message}"):
        from_model(model.finish(OPSETS))


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"strides": [2]}, "strides is .*; only two numbers of at least 1"),
        ({"strides": [0, 1]}, "strides is .*; only two numbers of at least 1"),
        ({"kernel_shape": [5, 5]}, "kernel_shape is .*, but the weights are"),
        ({"pads": [-1, 0, 0, 0]}, "only four that aren't negative"),
        ({"output_padding": [1, 0]}, "output_padding is .*; only two numbers less than the strides"),
        ({"output_shape": [9, 9]}, "output_shape and auto_pad"),
        ({"group": 3}, "group 3 don't fit 4 channels"),
        ({"pads": [9, 9, 9, 9]}, "nothing is left of its image"),
    ],
)
def test_transposed_convolutions_that_are_none(attributes, message):
    model = Model()
    source = model.dequantize(model.input("x", np.zeros((1, 4, 3, 3), np.uint8)), 0.5, np.uint8(10))
    weights = model.dequantize(np.ones((4, 2, 3, 3), np.int8), 0.5, np.int8(0))
    model.quantize(model.node("ConvTranspose", source, weights, **attributes), 0.5, np.uint8(10), output="y")
    model.output("y")
    with pytest.raises(ModelError, match=f"ConvTranspose.*{message}"):
        from_model(model.finish())


def test_no_numbers_are_named():
    x = np.array([[0, 10, 20]], np.uint8)
    model = Model()
    source = model.dequantize(model.input("x", x), 1, np.uint8(10))
    model.quantize(model.node("Div", source, floats([[1, 0, 2]])), 1, np.uint8(0), output="y")
    model.output("y")
    network = from_model(model.finish())
    with pytest.raises(ModelError, match=r"^Div 1 \(Div\) gives 1 values that are not numbers"):
        execute(network, {"x": x})
    assert execute(network, {"x": x + np.uint8(1)})["y"].tolist() == [[0, 255, 6]]  # 1 / 0 saturates


@pytest.mark.parametrize("scales", [(2, 3), (0.5, 2)])
def test_resizing_of_old_files(scales):
    """Of opset 10, which leaves nothing to choose."""
    x = np.arange(48, dtype=np.uint8).reshape(1, 2, 4, 6)
    model = Model()
    source = model.dequantize(model.input("x", x), 1, np.uint8(0))
    model.quantize(model.node("Resize", source, floats([1, 1, *scales]), mode="nearest"), 1, np.uint8(0), output="y")
    model.output("y")
    found = model.finish([helper.make_opsetid("", 10)])
    expected = reference(found, {"x": x}, optimize=True)["y"]
    np.testing.assert_array_equal(execute(from_model(found), {"x": x})["y"], expected)
