"""Models that can't be read, and what isn't supported, named all at once."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tensorloom.hw.config import ConfigError
from tensorloom.hw.errors import USAGE, PathError, WrongTypeError
from tensorloom.sim.network.errors import ModelError
from tensorloom.sim.network.execute import execute
from tensorloom.sim.network.graph import Convolution, Value
from tensorloom.sim.network.importer import from_model, load

from .models import Model, check

IMAGE = np.zeros((1, 2, 6, 6), np.uint8)
WEIGHTS = np.ones((3, 2, 3, 3), np.int8)


def layer(x=IMAGE, weights=WEIGHTS, zero: Any = np.int8(0), scale: Any = np.float32(0.1), **attributes):  # noqa: B008
    """A QLinearConv with an output y."""
    model = Model()
    model.node("QLinearConv", model.input("x", x), np.float32(0.1), np.uint8(3), weights, scale, zero,
               np.float32(0.5), np.uint8(9), output="y", **attributes)  # fmt: skip
    model.output("y")
    return model


def refused(model, **arguments):
    """Reasons by name of the node."""
    with pytest.raises(ModelError) as raised:
        from_model(model if isinstance(model, onnx.ModelProto) else model.finish(), **arguments)
    assert raised.value.exit_code == USAGE
    for label, operator, reason in raised.value.refused:
        assert f"{label} ({operator}): {reason}" in str(raised.value)
    return {label: reason for label, _, reason in raised.value.refused}


# files


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def test_a_file_is_read(path):
    onnx.save(layer().finish(), path)
    network = load(path)
    assert [value.name for value in network.inputs + network.outputs] == ["x", "y"]


def test_no_file(path):
    with pytest.raises(PathError, match="model.onnx: No such file"):
        load(path)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x00" * 100, b"\x89PNG\r\n\x1a\n" + bytes(range(256))])
def test_no_model(path, content):
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not an ONNX model"):
        load(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_truncated(path, share):
    content = layer().finish().SerializeToString()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelError, match="model.onnx: not a"):
        load(path)


@pytest.mark.parametrize("version", [1, 6, 999])
def test_opset(path, version):
    onnx.save(layer().finish([helper.make_opsetid("", version)]), path)
    with pytest.raises(ModelError, match=f"opset {version} must be from 7 to ") as raised:
        load(path)
    assert "another opset" in raised.value.hint


def test_external_data(path, tmp_path):
    model = layer(weights=np.ones((64, 2, 3, 3), np.int8)).finish()
    onnx.save(model, path, save_as_external_data=True, location="data.bin", size_threshold=0)
    assert load(path).macs == 64 * 18 * 16
    (tmp_path / "data.bin").unlink()
    with pytest.raises(ModelError, match="external data: .*data.bin") as raised:
        load(path)
    assert "beside the model" in raised.value.hint


def test_invalid_graph(path):
    model = layer().finish()
    model.graph.node[0].input[0] = "nothing"
    assert refused(model) == {"QLinearConv 0": "nothing makes nothing"}
    model.graph.output[0].type.tensor_type.shape.dim.add().dim_value = 1
    onnx.save(model, path)
    with pytest.raises(ModelError, match="model.onnx: not a valid ONNX model: .*nothing"):
        load(path)


def test_invalid_nodes():
    """Attributes are checked too where sizes of outputs aren't known, as behind operators of onnxruntime."""
    model = layer().finish()
    model.graph.node[0].attribute.append(helper.make_attribute("color", "red"))
    with pytest.raises(ModelError, match="not a valid ONNX model: .*color"):
        from_model(model)


def test_cycles():
    model = layer().finish()
    model.graph.node[0].input[0] = "y"
    assert refused(model) == {"QLinearConv 0": "nothing makes y"}


def test_invalid_shapes():
    model = layer(weights=np.ones((3, 5, 3, 3), np.int8))
    assert refused(model) == {"QLinearConv 0": "weights (3, 5, 3, 3) and group 1 don't fit 2 channels"}


# sizes


def dynamic(*sizes):
    """A model of floats whose input has open sizes."""
    model = Model()
    model.dequantize(model.quantize("x", 0.5, np.uint8(0)), 0.5, np.uint8(0), output="y")
    model.inputs.append(helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, sizes))
    model.output("y", np.float32)
    return model.finish()


def test_open_sizes():
    with pytest.raises(ModelError, match=r"input x has sizes that aren't fixed: batch, \?") as raised:
        from_model(dynamic("batch", 3, None))
    assert "batch=1" in raised.value.hint and "shapes={" in raised.value.hint
    with pytest.raises(ModelError, match=r"aren't fixed: \?"):
        from_model(dynamic("batch", 3, None), batch=1)


def test_sizes_are_fixed():
    assert from_model(dynamic("batch", 3, 4), batch=2).outputs[0].shape == (2, 3, 4)
    assert from_model(dynamic("batch", 3, 4), shapes={"x": (5, 3, 4)}).outputs[0].shape == (5, 3, 4)
    assert from_model(dynamic(1, 3, 4), batch=2).outputs[0].shape == (1, 3, 4)


@pytest.mark.parametrize("arguments, match", [
    ({"batch": 0}, "batch must be an integer of at least 1, not 0"),
    ({"shapes": {"x": (1, 2)}}, r"shape of input x must be of 3 sizes, not \(1, 2\)"),
    ({"shapes": {"x": (1, 2, -3)}}, "shape of input x must be an integer of at least 1, not -3"),
    ({"shapes": {"z": (1, 2, 3)}}, "there is no input z, only x"),
])  # fmt: skip
def test_wrong_sizes(arguments, match):
    with pytest.raises(ValueError, match=match):
        from_model(dynamic("batch", 3, 4), **arguments)


# nodes


def test_all_that_is_not_supported_is_named():
    model = Model()
    source = model.dequantize(model.input("x", IMAGE), 0.1, np.uint8(0))
    normalized = model.node("Hardmax", source)
    y = model.around(model.node("Sigmoid", normalized), 0.1, np.uint8(0))
    y = model.node("Conv", y, model.dequantize(WEIGHTS, 0.1, np.int8(0)), auto_pad="VALID")
    y = model.node("InstanceNormalization", y, np.ones(3, np.float32), np.ones(3, np.float32))
    z = model.node("Conv", source, np.ones((3, 2, 3, 3), np.float32))
    model.quantize(y, 0.1, np.uint8(0), output="y")
    model.quantize(z, 0.1, np.uint8(0), output="z")
    model.output("y")
    model.output("z")
    assert refused(model) == {
        "Hardmax 1": "no such operator is supported",
        "InstanceNormalization 7": "no such operator is supported",
        "Conv 8": "its weights aren't quantized",
    }


def test_nodes_of_one_name_are_told_apart():
    model = layer()
    model.nodes.append(helper.make_node("MaxPool", ["y"], ["z"], model.nodes[0].name, kernel_shape=[2, 2]))
    model.output("z")
    name = model.nodes[0].name
    assert [node.name for node in from_model(model.finish()).nodes] == [f"{name} (y)", f"{name} (z)"]
    model.nodes.append(helper.make_node("Hardmax", ["z"], ["h"], name))
    model.output("h")
    assert list(refused(model)) == [f"{name} (h)"]


def test_tensors_that_are_made_twice():
    model = layer()
    model.nodes.append(helper.make_node("MaxPool", ["x"], ["y"], "second", kernel_shape=[2, 2]))
    with pytest.raises(ModelError, match=r"y is made by QLinearConv 0 \(QLinearConv\) and by second \(MaxPool\)"):
        from_model(model.finish())


def test_operators_of_others():
    model = layer().finish()
    model.graph.node.append(helper.make_node("Magic", ["y"], ["z"], "wand", domain="example"))
    model.opset_import.append(helper.make_opsetid("example", 1))
    model.graph.output.append(helper.make_tensor_value_info("z", onnx.TensorProto.UINT8, None))
    assert refused(model) == {"wand": "no such operator of domain example is supported"}


def test_functions_of_the_model():
    """A function that the model defines is put in place of its call."""
    model = layer().finish()
    opset = helper.make_opsetid("", 21)
    nodes = [helper.make_node("Flatten", ["a"], ["b"])]
    model.functions.append(helper.make_function("own", "Flat", ["a"], ["b"], nodes, [opset]))
    model.graph.node.append(helper.make_node("Flat", ["y"], ["z"], domain="own"))
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.graph.output.append(helper.make_tensor_value_info("z", onnx.TensorProto.UINT8, None))
    assert from_model(model).outputs[1].shape == (1, 48)


def test_what_no_output_needs_is_ignored():
    model = layer()
    model.node("Hardmax", model.dequantize("y", 0.5, np.uint8(9)))
    assert len(from_model(model.finish()).nodes) == 1


@pytest.mark.parametrize("attributes, reason", [
    ({"auto_pad": "SAME"}, "attribute auto_pad is SAME"),
    ({"pads": [-1, 0, 0, 0]}, "pads are [-1, 0, 0, 0]; only four that aren't negative are supported"),
    ({"strides": [1, 1, 1]}, "attribute strides is [1, 1, 1]; only two numbers of at least 1 are supported"),
    ({"strides": [0, 1]}, "attribute strides is [0, 1]; only two numbers of at least 1 are supported"),
    ({"dilations": [4, 1]}, "its kernel of 9 x 3 is larger than the padded image"),
    ({"kernel_shape": [2, 2]}, "attribute kernel_shape is (2, 2), but the weights are (3, 3)"),
    ({"group": 3}, "weights (3, 2, 3, 3) and group 3 don't fit 2 channels"),
    ({"weights": WEIGHTS[0]}, "weights of 3 axes; only images (N C H W) and lines (N C L) are supported"),
    ({"x": IMAGE[0], "weights": WEIGHTS[0]}, "weights (2, 3, 1, 3) and group 1 don't fit 6 channels"),
    ({"scale": np.array([1, 2], np.float32)}, "scale of weights must be one or 3, one an output channel, not (2,)"),
    ({"zero": np.array([1, 2], np.int8)}, "zero point of weights must be one or 3, one an output channel, not (2,)"),
])  # fmt: skip
def test_attributes(attributes, reason):
    assert refused(layer(**attributes)) == {"QLinearConv 0": reason}


def test_asymmetric_padding_and_groups():
    model = layer(np.arange(72, dtype=np.uint8).reshape(1, 2, 6, 6), WEIGHTS[:2, :1], pads=[0, 1, 2, 0], group=2)
    (node,) = check(model.finish(), {"x": np.arange(72, dtype=np.uint8).reshape(1, 2, 6, 6)}).nodes
    assert isinstance(node, Convolution) and (node.group, node.pads) == (2, (0, 1, 2, 0))


@pytest.mark.parametrize("scale", [np.nan, np.inf, -np.inf, 0, -0.5, 1e-42])
def test_scales_that_are_none(scale):
    scale = np.float32(scale)
    reason = f"must be a positive normal float32, not {scale}"
    assert refused(layer(scale=scale)) == {"QLinearConv 0": f"scale of weights {reason}"}
    assert refused(layer(scale=np.array([1, scale, 1], np.float32))) == {"QLinearConv 0": f"scale of weights {reason}"}
    model = Model()
    model.quantize(model.input("x", np.zeros(3, np.float32)), scale, np.uint8(0), output="y")
    model.output("y")
    assert refused(model) == {"QuantizeLinear 0": f"scale of the result {reason}"}


def test_scales_whose_ratio_is_none():
    model = layer(scale=np.float32(3e38)).finish()
    model.graph.initializer[5].CopyFrom(numpy_helper.from_array(np.array(1e-20, np.float32), "constant_5"))
    reasons = refused(model)
    assert "a_scale * b_scale / y_scale must be positive and finite in float32" in reasons["QLinearConv 0"]


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32])
def test_types_of_more_bits(dtype):
    model = Model()
    model.quantize(model.input("x", np.zeros(3, np.float32)), 1, dtype(0), output="y")
    model.output("y", dtype)
    with pytest.raises(ModelError):
        from_model(model.finish())


def test_types_that_do_not_fit():
    model = Model()
    y = model.dequantize(model.input("x", IMAGE), 1, np.uint8(0))
    model.dequantize(y, 1, np.uint8(0), output="y")
    model.dequantize("x", 1, np.int8(0), output="z")
    model.output("y", np.float32)
    model.output("z", np.float32)
    assert refused(model) == {
        "DequantizeLinear 1": "its input must be integers",
        "DequantizeLinear 2": "zero point of the input must be uint8, one or one a channel, not int8 of shape ()",
    }


@pytest.mark.parametrize("dtype, zero", [(np.uint8, 256), (np.uint8, -1), (np.int8, 128)])
def test_zero_points_out_of_range(dtype, zero):
    with pytest.raises(ConfigError, match=f"x: zero point must be an integer from .*, not {zero}"):
        Value(name="x", shape=(1,), dtype=np.dtype(dtype), scale=np.float32(1), zero=zero)


def test_inputs_of_other_types():
    model = Model()
    model.node("Relu", model.input("x", np.zeros(3)), output="y")
    model.output("y", np.float64)
    assert refused(model) == {"x": "its type is double; only float, int8 and uint8 are supported"}


def test_float_networks():
    model = Model()
    weights = model.dequantize(np.ones((3, 2), np.int8), 1, np.int8(0))
    model.node("MatMul", model.node("Relu", model.input("x", np.zeros((1, 3), np.float32))), weights, output="y")
    model.output("y", np.float32)
    assert "isn't quantized" in refused(model)["MatMul 2"]


def test_constant_outputs():
    model = layer()
    model.node("Add", np.float32(1), np.float32(2), output="z")
    model.output("z", np.float32)
    assert refused(model) == {"z": "is constant"}


def quantized(model, x=IMAGE, zero=3):
    return model.dequantize(model.input("x", x), 0.1, np.uint8(zero))


def matrix(model, **attributes):
    weights = model.dequantize(np.ones((6, 6), np.int8), 0.1, np.int8(0))
    return model.node("Gemm", quantized(model, IMAGE[0, 0]), weights, **attributes)


CASES = {
    "transA is 1": lambda m: matrix(m, transA=1),
    "alpha is 0.5": lambda m: matrix(m, alpha=0.5),
    "weights must be constant": lambda m: m.node("MatMul", quantized(m), m.dequantize("x", 0.1, np.uint8(3))),
    "only matrices": lambda m: m.node(
        "MatMul", quantized(m), m.dequantize(np.ones((1, 2, 6, 6), np.int8), 1, np.int8(0))
    ),
    "6 rows don't fit": lambda m: m.node(
        "MatMul", m.node("Flatten", quantized(m)), m.dequantize(np.ones((6, 6), np.int8), 1, np.int8(0))
    ),
    "along axis 0": lambda m: m.node(
        "MatMul", quantized(m), m.dequantize(np.ones((6, 6), np.int8), np.ones(6), np.zeros(6, np.int8), axis=0)
    ),
    "its input isn't quantized": lambda m: m.node("GlobalAveragePool", m.node("Sigmoid", quantized(m))),
    "broadcast": lambda m: m.node("Add", quantized(m), np.ones((5, 1, 1), np.float32)),
    "dilations isn't supported in averages": lambda m: m.node(
        "AveragePool", quantized(m), kernel_shape=[2, 2], dilations=[2, 2]
    ),
    "windows outside": lambda m: m.node("AveragePool", quantized(m), kernel_shape=[2, 2], pads=[0, 0, 3, 0]),
    "padding is as large": lambda m: m.node("MaxPool", quantized(m), kernel_shape=[2, 2], pads=[2, 0, 2, 0]),
    "function in front of it falls": lambda m: m.node("MaxPool", m.node("Neg", quantized(m)), kernel_shape=[2, 2]),
    "only averages over height": lambda m: m.node("ReduceMean", quantized(m), np.array([1])),
    "only constant padding": lambda m: m.node("Pad", quantized(m), np.array([0, 0, 1, 1] * 2), mode="reflect"),
    "only zeros": lambda m: m.node("Pad", quantized(m), np.array([0, 0, 1, 1] * 2), np.float32(1)),
    "only convolutions can": lambda m: m.node("Relu", m.node("Pad", quantized(m), np.array([0, 0, 1, 1] * 2))),
    "scale of the bias": lambda m: m.node(
        "Conv", quantized(m), m.dequantize(WEIGHTS, 0.1, np.int8(0)), m.dequantize(np.ones(3, np.int32), 1, np.int32(0))
    ),
    "has none for some": lambda m: m.node("Log", quantized(m)),
}


@pytest.mark.parametrize("reason", CASES)
def test_nodes_that_are_not_supported(reason):
    model = Model()
    model.quantize(CASES[reason](model), 0.1, np.uint8(0), output="y")
    model.output("y")
    reasons = refused(model)
    assert len(reasons) == 1 and reason in next(iter(reasons.values()))


# inputs of the execution


@pytest.mark.parametrize("inputs, error, match", [
    ({}, ModelError, "input x is missing"),
    ({"x": IMAGE, "z": IMAGE}, ModelError, "there is no input z, only x"),
    ({"x": IMAGE[0]}, ConfigError, r"shape of input x must be \(1, 2, 6, 6\), not \(2, 6, 6\)"),
    ({"x": IMAGE.astype(np.int8)}, WrongTypeError, "input x must be an array of uint8, not 'int8'"),
    ({"x": IMAGE.tolist()}, WrongTypeError, "input x must be an array of uint8, not 'list'"),
])  # fmt: skip
def test_wrong_inputs(inputs, error, match):
    with pytest.raises(error, match=match):
        execute(from_model(layer().finish()), inputs)


def test_floats_that_are_no_numbers():
    network = from_model(dynamic(1, 3, 4))
    with pytest.raises(ModelError, match="input x has 12 values that are not numbers"):
        execute(network, {"x": np.full((1, 3, 4), np.nan, np.float32)})


def test_inputs_of_another_byte_order():
    model = dynamic(1, 3, 4)
    x = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    np.testing.assert_array_equal(execute(from_model(model), {"x": x.astype(">f4")})["y"], x)
