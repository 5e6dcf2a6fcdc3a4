"""From an ONNX file to a network."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import onnx
from onnx import numpy_helper

from ...hw.config import ConfigError
from . import floating, functions, layers, moves, pairs, picks, pools, quantizing
from .errors import ModelError, RefusedError
from .graph import Network, Node, Reshape, Value
from .model import check_model, fix_shapes, read
from .operation import Builder, Operation, evaluate, to_floats
from .simplify import fold_limits, rename_outputs
from .states import Bytes, Constant, Curve, Floats, Padded, Pending, State, Stored, Unknown, shape_of

__all__ = ["from_model", "load"]

HANDLERS = {
    operator: handle
    for module in (floating, functions, layers, moves, pairs, picks, pools, quantizing)
    for operator, handle in module.HANDLERS.items()
}
DOMAINS = ("", "ai.onnx", "com.microsoft")
TYPES: dict[int, np.dtype] = {
    onnx.TensorProto.FLOAT: np.dtype(np.float32),
    onnx.TensorProto.INT8: np.dtype(np.int8),
    onnx.TensorProto.UINT8: np.dtype(np.uint8),
}
"""Of inputs."""

KEPT = {"Dropout"}
"""Operators that are never computed in advance, though their inputs are constant: they are random in training."""


def load(
    path: str | os.PathLike[str], batch: int | None = None, shapes: Mapping[str, Sequence[int]] | None = None
) -> Network:
    """Read a quantized ONNX model.

    Parameters
    ----------
    path
        The file.
    batch
        What the first axis of each input becomes, if the file leaves it open.
    shapes
        Shapes of inputs by name, in place of those of the file.

    Raises
    ------
    PathError
        If the file can't be read.
    ModelError
        If it is no model, sizes are open, or it has nodes that aren't supported; all of them are named, each with
        its operator and the reason.
    """
    return from_model(read(path), str(path), batch, shapes)


def from_model(
    model: onnx.ModelProto,
    name: str = "model",
    batch: int | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> Network:
    """The network of a model that is in memory; `name` is what errors call it. The rest is as of `load`."""
    model = check_model(model, name)
    graph = model.graph
    sizes = fix_shapes(model, batch, shapes)
    opset = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 1)
    builder = Builder(opset, _names(graph))
    states: dict[str, State] = {one.name: Constant(numpy_helper.to_array(one)) for one in graph.initializer}
    wanted = _needed(graph)
    readers = Counter(one for node in graph.node for one in node.input)
    readers.update(output.name for output in graph.output)
    labels = _labels(graph)
    inputs, refused = [], []
    for value in graph.input:
        if value.name not in sizes:
            continue
        try:
            states[value.name] = _input(graph, states, builder, value, sizes[value.name])
            inputs.append(states[value.name].value)  # pyrefly: ignore[missing-attribute]  # of bytes or floats
        except (RefusedError, ConfigError) as error:
            refused.append((value.name, "input", str(error)))
            states[value.name] = Unknown()
    for at, proto in enumerate(graph.node):
        if at not in wanted:
            continue
        label = labels[at]
        try:
            states.update(zip(proto.output, _import(builder, proto, label, states, readers), strict=False))
        except (RefusedError, ConfigError) as error:
            if str(error):
                refused.append((label, proto.op_type, str(error)))
            states.update((output, Unknown()) for output in proto.output)
    outputs = _outputs(graph, builder, states, refused)
    if refused:
        lines = "\n".join(f"  {label} ({operator}): {reason}" for label, operator, reason in refused)
        hint = "docs/networks.md lists what is supported; floats need QuantizeLinear and DequantizeLinear around them"
        raise ModelError(f"{name}: not supported:\n{lines}", hint, tuple(refused))
    nodes = _used(builder.nodes, outputs)
    network = Network(name=graph.name, inputs=tuple(inputs), outputs=tuple(outputs), nodes=tuple(nodes))
    return rename_outputs(fold_limits(network))


def _labels(graph: onnx.GraphProto) -> list[str]:
    """What nodes are called: names of the file, with the first output behind where several nodes have one."""
    names = [node.name or (node.output[0] if node.output else node.op_type) for node in graph.node]
    counts = Counter(names)
    return [
        f"{name} ({node.output[0]})" if counts[name] > 1 and node.output else name
        for name, node in zip(names, graph.node, strict=True)
    ]


def _names(graph: onnx.GraphProto) -> set[str]:
    return {name for node in graph.node for name in (*node.input, *node.output)}


def _needed(graph: onnx.GraphProto) -> set[int]:
    """Nodes that outputs depend on."""
    names = {output.name for output in graph.output}
    found = set()
    for at, node in reversed(list(enumerate(graph.node))):
        if names.intersection(node.output):
            found.add(at)
            names.update(node.input)
    return found


def _input(
    graph: onnx.GraphProto, states: Mapping[str, State], builder: Builder, value: onnx.ValueInfoProto,
    shape: tuple[int, ...],
) -> State:  # fmt: skip
    dtype = TYPES.get(value.type.tensor_type.elem_type)
    name = builder.name(value.name)
    if dtype is None:
        kind = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()
        raise RefusedError(f"its type is {kind}; only float, int8 and uint8 are supported")
    if dtype == np.float32:
        return Floats(Value(name=name, shape=shape, dtype=dtype))
    scale, zero = _declared(graph.node, states, value.name) or (np.float32(1), 0)
    return Bytes(Value(name=name, shape=shape, dtype=dtype, scale=scale, zero=zero))


def _declared(nodes: Sequence[onnx.NodeProto], states: Mapping[str, State], name: str) -> tuple[np.float32, int] | None:
    """Scale and zero point that the first reader of an input of integers gives it, perhaps behind what moves it."""
    for order, node in enumerate(nodes):
        if name not in node.input:
            continue
        at = list(node.input).index(name)
        operands = [_scalar(states, one) for one in node.input[at + 1 : at + 3]]
        if node.op_type in ("ConvInteger", "MatMulInteger"):
            zero = _scalar(states, node.input[2]) if len(node.input) > 2 else None
            return np.float32(1), int(zero or 0)
        if node.op_type == "DequantizeLinear" or node.op_type.startswith(("QLinear", "QGemm")):
            if operands and operands[0] is not None:
                return np.float32(operands[0]), int(operands[1] or 0 if len(operands) > 1 else 0)
        elif node.op_type in (*moves.MOVES, "MaxPool", "Identity", "Pad"):
            if found := _declared(nodes[order + 1 :], states, node.output[0]):
                return found
    return None


def _scalar(states: Mapping[str, State], name: str) -> float | None:
    state = states.get(name)
    return state.array.item() if isinstance(state, Constant) and state.array.size == 1 else None


def _import(
    builder: Builder, proto: onnx.NodeProto, label: str, states: Mapping[str, State], readers: Counter[str]
) -> list[State]:
    """States of a node's outputs.

    Raises
    ------
    RefusedError
        If it isn't supported; without a message if something in front of it isn't.
    """
    handle = HANDLERS.get(proto.op_type) if proto.domain in DOMAINS else None
    inputs = tuple(states.get(name, Unknown(f"nothing makes {name}")) if name else None for name in proto.input)
    known = [Constant(one.real) if isinstance(one, Stored) else one for one in inputs if one is not None]
    constants = [one for one in known if isinstance(one, Constant)]
    standard = proto.domain != "com.microsoft"
    unknown = next((one for one in known if isinstance(one, Unknown)), None)
    if proto.op_type == "Shape" and standard and unknown is None and known:
        arrays = {proto.input[0]: np.empty(shape_of(known[0]), np.int8)}
        return [Constant(evaluate(proto, builder.opset, arrays)[0])]
    stored = any(isinstance(one, Stored) for one in inputs)
    ahead = standard and len(constants) == len(known) and proto.op_type not in KEPT
    if ahead and not stored and proto.op_type != "DequantizeLinear":
        arrays = {name: one.array for name, one in zip([name for name in proto.input if name], constants, strict=True)}
        return [Constant(array) for array in evaluate(proto, builder.opset, arrays)]
    if handle is None and not (proto.op_type == "Shape" and standard):
        domain = f" of domain {proto.domain}" if proto.domain not in DOMAINS else ""
        raise RefusedError(f"no such operator{domain} is supported")
    if unknown is not None or handle is None:
        raise RefusedError(unknown.reason if unknown else "")
    attributes = {one.name: onnx.helper.get_attribute_value(one) for one in proto.attribute}
    operation = Operation(builder, proto, label, proto.op_type, inputs, attributes)
    if any(isinstance(one, Padded) for one in inputs) and proto.op_type not in (
        "Conv", "Pad", "QuantizeLinear", "DequantizeLinear", "Identity",
    ):  # fmt: skip
        raise RefusedError("reads a padded image; only convolutions can")
    found = handle(operation)
    # onnxruntime computes in floats what two nodes read, and what reads a DequantizeLinear over a Flatten
    shared = readers[proto.output[0]] > 1
    far = any(isinstance(one, Curve) and not one.near for one in inputs)
    return [replace(one, exact=False) if isinstance(one, Pending) and (shared or far) else one for one in found]


def _outputs(
    graph: onnx.GraphProto, builder: Builder, states: Mapping[str, State], refused: list[tuple[str, str, str]]
) -> list[Value]:
    """Values of the network's outputs, under their names in the file."""
    found = []
    for output in graph.output:
        state = states.get(output.name, Unknown())
        try:
            if isinstance(state, Unknown):
                raise RefusedError("" if refused else "nothing makes it")
            if isinstance(state, Constant | Stored):
                raise RefusedError("is constant")
            value = state.value if isinstance(state, Bytes) else to_floats(builder, state, output.name)
            found.append(_named(builder, value, output.name))
        except (RefusedError, ConfigError) as error:
            if str(error):
                refused.append((output.name, "output", str(error)))
    return found


def _named(builder: Builder, value: Value, name: str) -> Value:
    """The value under a name."""
    if value.name == name:
        return value
    result = replace(value, name=builder.name(name))
    return builder.emit(Reshape(name=name, operator="Identity", sources=(value,), result=result))


def _used(nodes: list[Node], outputs: list[Value]) -> list[Node]:
    """Nodes that outputs depend on; others are there where one value was made twice."""
    names = {output.name for output in outputs}
    found = []
    for node in reversed(nodes):
        if node.result.name in names:
            found.append(node)
            names.update(source.name for source in node.sources)
    return found[::-1]
