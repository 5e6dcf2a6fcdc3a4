"""Well-known networks with random weights, at any size of images.

Their graphs are those that the `onnx` package carries for its own tests, without weights.
"""

from pathlib import Path

import numpy as np
import onnx
import onnx.shape_inference
import onnx.version_converter
from onnx import helper, numpy_helper

from ...hw.config import check, check_int
from .fold import fold_constants, fold_normalizations

__all__ = ["NAMES", "network_of"]

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"

NAMES = (
    "bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "vgg19",
    "zfnet512",
)  # fmt: skip

FIXED = {"shufflenet": 224}
"""Size of images of networks that have it among their constants."""

OPSET = 17
"""What models are converted to; scales of channels need 13."""

IR_VERSION = 10
"""Format of the file; onnxruntime reads newer ones later than onnx writes them."""


def network_of(name: str, size: int = 224, seed: int = 0) -> onnx.ModelProto:
    """A float model of one of `NAMES`, with random weights that keep the size of activations.

    Batch normalizations are folded, averages of whole images are ``GlobalAveragePool``, sums of two ``Add``, and what
    lies in front of a ``Gemm`` is ``Flatten``, so that its weights follow the size of images.

    Parameters
    ----------
    name
        Of the network.
    size
        Height and width of images; that of shufflenet is fixed.
    seed
        Of the weights.
    """
    check("name", name in NAMES, f"one of {', '.join(NAMES)}", name)
    check_int("size", size, 16)
    if name in FIXED:
        check(f"size of {name}", size == FIXED[name], f"{FIXED[name]}, as its graph has it", size)
    model = onnx.load(FOLDER / f"light_{name}.onnx")
    graph = model.graph
    constants = {one.name for one in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)
    model.ir_version = IR_VERSION  # of the files it is one in which constants have to be inputs
    _generalize(model)
    model = onnx.version_converter.convert_version(model, OPSET)
    for dim in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_value = size
    _forget_sizes(model)
    shapes = _shapes(model)
    model = fold_constants(model)
    _fill(model, shapes, np.random.default_rng(seed))
    return fold_normalizations(model)


def _generalize(model: onnx.ModelProto) -> None:
    """Take out of a graph what depends on the size of images, and operators that have a simpler one."""
    graph = model.graph
    shapes = _shapes(model)
    flattened = {node.input[0] for node in graph.node if node.op_type == "Gemm"}
    for node in graph.node:
        if node.op_type == "Sum" and len(node.input) == 2:
            node.op_type = "Add"
        if node.op_type == "Reshape" and node.output[0] in flattened:
            node.op_type = "Flatten"
            del node.input[1:], node.attribute[:]
        if node.op_type == "Dropout":
            del node.output[1:]
        if node.op_type == "AveragePool":
            if shapes[node.output[0]][2:] == [1, 1]:
                node.op_type = "GlobalAveragePool"
                del node.attribute[:]
    _forget_sizes(model)


def _forget_sizes(model: onnx.ModelProto) -> None:
    """Of all but inputs."""
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]


def _shapes(model: onnx.ModelProto) -> dict[str, list[int]]:
    graph = onnx.shape_inference.infer_shapes(model).graph
    return {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.value_info, *graph.output)
    }


def _fill(model: onnx.ModelProto, shapes: dict[str, list[int]], rng: np.random.Generator) -> None:
    """Give all float constants random values that suit their readers."""
    graph = model.graph
    roles = {name: (node, at) for node in graph.node for at, name in enumerate(node.input)}
    for tensor in graph.initializer:
        node, at = roles[tensor.name]
        shape = tuple(tensor.dims)
        if node.op_type == "Gemm" and at == 1:  # as long as what is flattened in front of it
            attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
            length = shapes[node.input[0]][1] if node.input[0] in shapes else 0
            along = 1 if attributes.get("transB", 0) else 0
            shape = tuple(length or old if axis == along else old for axis, old in enumerate(shape))
        if tensor.data_type == onnx.TensorProto.FLOAT and node.op_type != "Dropout":
            tensor.CopyFrom(numpy_helper.from_array(_random(rng, node.op_type, at, shape), tensor.name))


def _random(rng: np.random.Generator, operator: str, at: int, shape: tuple[int, ...]) -> np.ndarray:
    if operator in ("Conv", "Gemm") and at == 1:
        return rng.standard_normal(shape, np.float32) * np.sqrt(2 / np.prod(shape[1:])).astype(np.float32)
    around_one = (operator == "BatchNormalization" and at in (1, 4)) or operator == "Mul"
    values = rng.uniform(0.8, 1.2, shape) if around_one else rng.normal(0, 0.1, shape)
    return values.astype(np.float32)
