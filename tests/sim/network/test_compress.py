"""Pruning, quantization and weight sharing of small trained models."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tensorloom.hw.errors import FailureError, UsageError
from tensorloom.sim.network import compress as module
from tensorloom.sim.network.compress import Compressed, Recipe, check_weights, compress
from tensorloom.sim.network.compress_model import load_float_model
from tensorloom.sim.network.compress_weights import WeightSize, fillers, prune, share

from .float_models import convolutional, flat_digits, perceptron, save, square_digits

pytest.importorskip("onnxruntime")


def weights_of(found: Compressed) -> list[np.ndarray]:
    """Quantized weights, in the order of the layers."""
    constants = {one.name: numpy_helper.to_array(one) for one in found.model.graph.initializer}
    return [
        constants[node.input[0]]
        for node in found.model.graph.node
        if node.op_type == "DequantizeLinear"
        and node.input[0].endswith("_quantized")
        and constants[node.input[0]].dtype == np.int8
        and constants[node.input[0]].ndim > 1
    ]


@pytest.mark.parametrize("density", [0.01, 0.3, 0.5, 1])
def test_pruning_keeps_the_largest(density: float) -> None:
    weights = np.random.default_rng(1).normal(size=(7, 11))
    pruned = prune(weights, density)
    kept = pruned != 0
    assert kept.sum() == max(1, round(density * weights.size))
    assert (pruned[kept] == weights[kept]).all()
    assert density == 1 or np.abs(weights[kept]).min() >= np.abs(weights[~kept]).max()


def test_pruning_of_equal_magnitudes_keeps_the_number() -> None:
    assert prune(np.array([1.0, -1, 1, -1]), 0.5).tolist() == [1, -1, 0, 0]


def test_shared_values_are_few_and_near() -> None:
    weights = prune(np.random.default_rng(2).normal(size=(40, 50)).astype(np.float32), 0.4)
    shared = share(weights, 16)
    assert shared.dtype == np.float32 and ((shared == 0) == (weights == 0)).all()
    values = np.unique(shared[shared != 0])
    assert len(values) == 15
    # Each weight has the nearest of the values, and each value is the mean of its weights: that is k-means.
    distance = np.abs(weights[weights != 0][:, None] - values)
    nearest = distance.argmin(axis=1)
    assert (values[nearest] == shared[weights != 0]).mean() > 0.99
    means = [weights[shared == value].mean() for value in values]
    assert np.allclose(means, values, atol=0.01)


def test_few_values_stay_as_they_are() -> None:
    weights = np.array([[0, 1, 2], [3, 0, 1]], np.float32)
    assert (share(weights, 4) == weights).all()
    assert len(np.unique(share(weights, 3))) == 3


def slow_fillers(weights: np.ndarray) -> int:
    """Stored zeros of the format, by writing it out."""
    stored, zeros = 0, 0
    for value in weights.ravel():
        if value != 0 or zeros == 15:
            stored, zeros = stored + 1, 0
        else:
            zeros += 1
    # What is stored behind the last weight isn't needed.
    last = int(np.flatnonzero(weights)[-1]) if weights.any() else -1
    behind = (weights.size - 1 - last) // 16
    return stored - int(np.count_nonzero(weights)) - behind


@pytest.mark.parametrize("density", [0, 0.02, 0.1, 0.5, 1])
def test_fillers(density: float) -> None:
    generator = np.random.default_rng(3)
    for size in (1, 16, 17, 33, 500):
        weights = (generator.random(size) < density).astype(np.int8)
        assert fillers(weights) == slow_fillers(weights)


def test_fillers_of_the_published_example() -> None:
    """EIE, section III-B: one filler in a column of 23."""
    column = np.zeros(23, int)
    column[[2, 3, 22]] = 1, 2, 3
    assert fillers(column) == 1


def test_size_in_bits() -> None:
    weights = np.zeros(100, np.int8)
    weights[[0, 50]] = 1, 2
    size = WeightSize.of(weights, 1, 16)
    assert (size.non_zeros, size.fillers) == (2, 3)
    assert size.bits == 5 * (4 + 4) + 32 + 16 * 8 and size.indexed
    full = WeightSize.of(np.ones(100, np.int8), 10, None)
    assert full.bits == 100 * 8 + 10 * 32 and not full.indexed


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(symmetric=True), Recipe(per_tensor=True)], ids=str)
def test_quantized_convolutions_still_read_digits(tmp_path: Path, recipe: Recipe) -> None:
    calibration, inputs, labels = square_digits()
    found = compress(convolutional(tmp_path / "net.onnx"), calibration, recipe, (inputs, labels))
    assert found.accuracy_before is not None and found.accuracy_after is not None
    assert found.accuracy_before > 0.95 and abs(found.accuracy_before - found.accuracy_after) < 0.02
    assert [layer.name for layer in found.layers] == ["conv0", "conv1", "conv2", "scores"]
    assert "BatchNormalization" not in {node.op_type for node in found.model.graph.node}
    constants = {one.name: numpy_helper.to_array(one) for one in found.model.graph.initializer}
    points = [constants[n.input[2]] for n in found.model.graph.node if n.op_type == "QuantizeLinear"]
    assert {point.dtype for point in points} == {np.dtype(np.int8 if recipe.symmetric else np.uint8)}
    # Pixels and what comes out of rectifiers are never negative; the scores are.
    assert found.zero_points == ((len(points), 0) if recipe.symmetric else (len(points) - 1, 1))
    scales = [constants[n.input[1]].size for n in found.model.graph.node if n.op_type == "DequantizeLinear"]
    assert (max(scales) == 64) == recipe.per_channel


def test_density_of_each_layer(tmp_path: Path) -> None:
    calibration, inputs, labels = square_digits()
    recipe = Recipe(density=0.2, densities={"conv1": 0.25}, least_weights=200)
    found = compress(convolutional(tmp_path / "net.onnx"), calibration, recipe, (inputs, labels))
    densities = {layer.name: layer.size.density for layer in found.layers}
    # Three tenths were there before, and half of the 144 of the first; rounding to 8 bits makes few others zero.
    assert all(0.19 < densities[name] <= 0.2 for name in ("conv2", "scores")) and 0.24 < densities["conv1"] <= 0.25
    assert densities["conv0"] > 0.4
    assert found.accuracy_after is not None and found.accuracy_after > 0.8


def test_shared_weights_of_a_perceptron(tmp_path: Path) -> None:
    calibration, inputs, labels = flat_digits()
    recipe = Recipe(density=0.4, codes=16)
    found = compress(perceptron(tmp_path / "net.onnx"), calibration, recipe, (inputs, labels))
    assert [layer.operator for layer in found.layers] == ["Gemm", "Gemm"]
    for layer, weights in zip(found.layers, weights_of(found), strict=True):
        assert len(np.unique(weights)) <= 16 and layer.size.value_bits == 4
        assert weights.shape == layer.shape
        assert np.count_nonzero(weights) == layer.size.non_zeros <= round(0.4 * weights.size)
    assert found.accuracy_after is not None and found.accuracy_after > 0.75
    sizes = [layer.size for layer in found.layers]
    assert sum(size.bits for size in sizes) < 0.15 * 32 * sum(size.weights for size in sizes)


def test_batch_of_fixed_size(tmp_path: Path) -> None:
    calibration, inputs, labels = square_digits()
    path = convolutional(tmp_path / "net.onnx", batch=20)
    found = compress(path, calibration, Recipe(), (inputs, labels))
    # Some exporters write -1 for a size that is open.
    whole = compress(convolutional(tmp_path / "open.onnx", batch=-1), calibration, Recipe(), (inputs, labels))
    assert found.accuracy_after == whole.accuracy_after
    with pytest.raises(UsageError, match=r"a multiple of 20 examples, not \(90, 1, 8, 8\)"):
        compress(path, calibration[:90], Recipe())


def test_weights_that_two_layers_have(tmp_path: Path) -> None:
    weights = np.random.default_rng(4).normal(size=(8, 8)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("MatMul", ["b", "w"], ["y"], name="second"),
    ]
    path = save(tmp_path / "net.onnx", nodes, {"w": weights}, ["n", 8], "y")
    found = compress(path, np.ones((4, 8), np.float32), Recipe(density=0.5))
    assert [layer.name for layer in found.layers] == ["first"] and found.layers[0].size.non_zeros == 32


def test_an_old_opset_is_converted(tmp_path: Path) -> None:
    path = convolutional(tmp_path / "net.onnx")
    model = onnx.load(str(path))
    model.opset_import[0].version = 11
    onnx.save(model, str(path))
    found = compress(path, square_digits()[0], Recipe())
    assert found.model.opset_import[0].version == 13 and len(found.model.opset_import) <= 2


def test_constants_that_are_inputs_too(tmp_path: Path) -> None:
    """As old exporters write them: what could be replaced would not be folded."""
    path = convolutional(tmp_path / "net.onnx")
    model = onnx.load(str(path))
    for one in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(one.name, one.data_type, one.dims))
    model.opset_import[0].version, model.ir_version = 9, 3
    onnx.save(model, str(path))
    found = compress(path, square_digits()[0], Recipe())
    assert len(found.layers) == 4 and "BatchNormalization" not in {node.op_type for node in found.model.graph.node}


@pytest.mark.parametrize("fault", ["float", "asymmetric", "pruned", "codes"])
def test_what_the_quantizer_must_keep_to(tmp_path: Path, fault: str) -> None:
    calibration, _, _ = flat_digits()
    source = load_float_model(perceptron(tmp_path / "net.onnx"))
    layer = source.layers[0]
    source.set_weights(layer, prune(source.weights(layer), 0.5))
    model = module._quantize(source, calibration, Recipe())
    check_weights(source, layer, model, None)
    constants = {one.name: one for one in model.graph.initializer}
    (node,) = [node for node in model.graph.node if node.input[0] == f"{layer.weight}_quantized"]
    weights = numpy_helper.to_array(constants[node.input[0]]).copy()
    if fault == "float":
        node.input[0] = "elsewhere"
    elif fault == "asymmetric":
        zeros = numpy_helper.to_array(constants[node.input[2]]) + np.int8(1)
        constants[node.input[2]].CopyFrom(numpy_helper.from_array(zeros, node.input[2]))
    elif fault == "pruned":
        weights[source.weights(layer) == 0] = 1
        constants[node.input[0]].CopyFrom(numpy_helper.from_array(weights, node.input[0]))
    message = {"float": "in float32", "asymmetric": "zero points", "pruned": "pruned", "codes": "values"}[fault]
    with pytest.raises(FailureError, match=message):
        check_weights(source, layer, model, 16 if fault == "codes" else None)


def test_two_inputs(tmp_path: Path) -> None:
    node = helper.make_node("Add", ["x", "z"], ["y"])
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in ("x", "z", "y")]
    onnx.save(
        helper.make_model(helper.make_graph([node], "g", values[:2], values[2:]), ir_version=10), str(tmp_path / "m")
    )
    with pytest.raises(UsageError, match=r"one input of float32, not x \(float\), z \(float\)"):
        load_float_model(tmp_path / "m")
