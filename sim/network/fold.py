"""Float models with fewer nodes, as they should be before they are quantized."""

import dataclasses
from collections import Counter

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .errors import RefusedError
from .operation import evaluate

__all__ = ["fold_constants", "fold_normalizations"]


def fold_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which what depends on constants only is a constant."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    graph = model.graph
    opset = next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
    known = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    kept = []
    for node in graph.node:
        names = [name for name in node.input if name]
        if node.domain in ("", "ai.onnx") and all(name in known for name in names):
            arrays = evaluate(node, opset, {name: known[name] for name in names})
            known.update(zip(node.output, arrays, strict=True))
        else:
            kept.append(node)
    _finish(graph, kept, known)
    return model


def fold_normalizations(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy without batch normalizations, and constant factors and addends of channels.

    Those behind a convolution go into its weights and bias, if nothing else reads what is between. Other batch
    normalizations become convolutions of 1 x 1 with as many groups as channels.

    Parameters
    ----------
    model
        Of floats. Weights must be constant.

    Raises
    ------
    RefusedError
        If a batch normalization is one for training.
    """
    model = fold_constants(model)
    graph = model.graph
    known = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    readers = Counter(name for node in graph.node for name in node.input)
    readers.update(output.name for output in graph.output)
    makers: dict[str, onnx.NodeProto] = {}
    kept = []
    for node in graph.node:
        affine = _affine(node, known)
        before = makers.get(affine.source) if affine else None
        if affine is None:
            kept.append(node)
        elif (
            before is not None and before.op_type == "Conv" and before.input[1] in known and readers[affine.source] == 1
        ):
            _scale(before, affine, known)
            before.output[0] = node.output[0]
            node = before
        elif node.op_type == "BatchNormalization":
            node = _depthwise(node, affine, known)
            kept.append(node)
        else:
            kept.append(node)
        makers.update((output, node) for output in node.output)
    _finish(graph, kept, known)
    return model


@dataclasses.dataclass(frozen=True)
class _Affine:
    """``source * factor + addend``, one or one a channel each, float64."""

    source: str
    factor: np.ndarray
    addend: np.ndarray


def _affine(node: onnx.NodeProto, known: dict[str, np.ndarray]) -> _Affine | None:
    """What a node does, if it is a factor and an addend of channels."""
    if node.op_type == "BatchNormalization" and all(name in known for name in node.input[1:5]):
        attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        if attributes.get("training_mode", 0):
            raise RefusedError(f"{node.name or node.output[0]} normalizes batches as in training")
        scale, bias, mean, variance = (known[name].astype(np.float64) for name in node.input[1:5])
        factor = scale / np.sqrt(variance + attributes.get("epsilon", 1e-5))
        return _Affine(node.input[0], factor, bias - mean * factor)
    if node.op_type in ("Mul", "Add"):
        for source, other in (node.input, reversed(node.input)):
            shape = known[other].shape if other in known else None
            # one a channel of images: C 1 1 or 1 C 1 1
            if shape is not None and source not in known and len(shape) in (3, 4) and shape[-2:] == (1, 1):
                values = known[other].astype(np.float64).reshape(-1)
                if len(values) == shape[-3]:
                    one = np.ones(len(values))
                    return _Affine(source, values, 0 * one) if node.op_type == "Mul" else _Affine(source, one, values)
    return None


def _scale(conv: onnx.NodeProto, affine: _Affine, known: dict[str, np.ndarray]) -> None:
    """Put it into weights and bias, under new names as other nodes may share them."""
    weights = known[conv.input[1]].astype(np.float64)
    bias = known[conv.input[2]].astype(np.float64) if len(conv.input) > 2 and conv.input[2] else 0.0
    _give(conv, known, weights * affine.factor.reshape(-1, 1, 1, 1), bias * affine.factor + affine.addend)


def _depthwise(node: onnx.NodeProto, affine: _Affine, known: dict[str, np.ndarray]) -> onnx.NodeProto:
    channels = len(affine.factor)
    conv = helper.make_node("Conv", [node.input[0], "", ""], node.output[:1], node.name, group=channels)
    _give(conv, known, affine.factor.reshape(channels, 1, 1, 1), affine.addend)
    return conv


def _give(conv: onnx.NodeProto, known: dict[str, np.ndarray], weights: np.ndarray, bias: np.ndarray) -> None:
    output = conv.output[0]
    source = conv.input[0]
    del conv.input[:]
    conv.input.extend([source, f"{output}_folded_weights", f"{output}_folded_bias"])
    known[conv.input[1]], known[conv.input[2]] = weights.astype(np.float32), bias.astype(np.float32)


def _finish(graph: onnx.GraphProto, nodes: list[onnx.NodeProto], known: dict[str, np.ndarray]) -> None:
    """Put nodes and the constants that they read into a graph."""
    used = {name for node in nodes for name in node.input} | {output.name for output in graph.output}
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    inputs = [value for value in graph.input if value.name not in known]
    del graph.node[:], graph.initializer[:], graph.input[:], graph.value_info[:]
    graph.node.extend(copies)
    graph.input.extend(inputs)
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in known.items() if name in used)
