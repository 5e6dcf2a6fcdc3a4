"""ONNX files: reading, checking, and shapes of inputs."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
import onnx.checker
import onnx.defs
import onnx.external_data_helper
import onnx.inliner

from ...hw.config import check_int
from ...hw.errors import PathError, did_you_mean
from .errors import ModelError

__all__ = ["LEAST_OPSET", "fix_shapes", "read"]

LEAST_OPSET = 7
"""Before it operators broadcast by attributes."""

LARGEST_FILE = 1 << 31
"""Bytes that a protocol buffer may have, and that the checker takes."""


def read(path: str | os.PathLike[str]) -> onnx.ModelProto:
    """Read a model, with its external data, and check that it is one.

    Raises
    ------
    PathError
        If the file can't be read.
    ModelError
        If it is no ONNX model, or a damaged one, or data that it refers to are missing.
    """
    file = Path(path)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise PathError(f"{file}: {error.strerror}") from None
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception:  # protobuf's, a package that is onnx's affair
        raise ModelError(f"{file}: not an ONNX model, or a truncated one") from None
    if not model.graph.node:
        raise ModelError(f"{file}: not an ONNX model: it has no nodes")
    _check_opsets(model, file)
    try:
        onnx.external_data_helper.load_external_data_for_model(model, str(file.parent))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        hint = "keep the files of external data beside the model"
        raise ModelError(f"{file}: external data: {_first_line(error)}", hint) from None
    return check_model(model, str(file))


def check_model(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """Check a model that is in memory, `name` for errors, and put functions of its own in place of their calls."""
    if len(model.functions):
        model = onnx.inliner.inline_local_functions(model)
    _check_names(model.graph, name)
    # the checker wants shapes of outputs, which onnxruntime doesn't, and can't take everything
    typed = all(output.type.tensor_type.HasField("shape") for output in model.graph.output)
    try:
        if typed and model.ByteSize() < LARGEST_FILE:
            onnx.checker.check_model(model)
        else:
            _check_nodes(model)
    except onnx.checker.ValidationError as error:
        raise ModelError(f"{name}: not a valid ONNX model: {_first_line(error)}") from None
    return model


def _check_names(graph: onnx.GraphProto, name: str) -> None:
    """Each tensor has one origin."""
    weights = {tensor.name for tensor in graph.initializer}
    origins = {one: "the file" for one in weights | {value.name for value in graph.input}}
    for node in graph.node:
        for output in filter(None, node.output):
            maker = f"{node.name or output} ({node.op_type})"
            if output in origins:
                raise ModelError(
                    f"{name}: not a valid ONNX model: {output} is made by {origins[output]} and by {maker}"
                )
            origins[output] = maker


def _check_nodes(model: onnx.ModelProto) -> None:
    """Inputs and attributes of nodes, without what is between them."""
    context = onnx.checker.C.CheckerContext()
    context.ir_version = model.ir_version
    context.opset_imports = {one.domain: one.version for one in model.opset_import}
    for node in model.graph.node:
        if node.domain in ("", "ai.onnx"):
            onnx.checker.check_node(node, context)


def _check_opsets(model: onnx.ModelProto, file: Path) -> None:
    newest = onnx.defs.onnx_opset_version()
    for opset in model.opset_import:
        if opset.domain in ("", "ai.onnx") and not LEAST_OPSET <= opset.version <= newest:
            hint = "export the model with another opset, 13 or newer is best"
            raise ModelError(f"{file}: opset {opset.version} must be from {LEAST_OPSET} to {newest}", hint)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def fix_shapes(
    model: onnx.ModelProto, batch: int | None = None, shapes: Mapping[str, Sequence[int]] | None = None
) -> dict[str, tuple[int, ...]]:
    """Shapes of the inputs that are no weights, by name.

    Parameters
    ----------
    model
        As of `read`.
    batch
        What the first axis of each input becomes, if it has no fixed size.
    shapes
        Shapes of inputs by name; they must agree with the sizes that the model fixes, but for the spatial ones of
        images.

    Raises
    ------
    ModelError
        If a size is not known, or an input is.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    given = dict(shapes or {})
    if batch is not None:
        check_int("batch", batch, 1)
    for name in given.keys() - {value.name for value in inputs}:
        names = [value.name for value in inputs]
        raise ModelError(f"there is no input {name}, only {', '.join(names)}", did_you_mean(name, names))
    found = {}
    for value in inputs:
        if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
            raise ModelError(f"input {value.name} must be a tensor with a shape")
        sizes = [dim.dim_value if dim.dim_value > 0 else None for dim in value.type.tensor_type.shape.dim]
        if sizes and sizes[0] is None:
            sizes[0] = batch
        if value.name in given:
            sizes = _given(value.name, given[value.name], len(sizes))
        unknown = [dim.dim_param or "?" for dim, size in zip(value.type.tensor_type.shape.dim, sizes, strict=True)
                   if size is None]  # fmt: skip
        if unknown:
            hint = "fix it: load(path, batch=1), or load(path, shapes={...}) with the whole shape of the input"
            raise ModelError(f"input {value.name} has sizes that aren't fixed: {', '.join(unknown)}", hint)
        found[value.name] = tuple(size for size in sizes if size is not None)
    return found


def _given(name: str, shape: Sequence[int], rank: int) -> list[int | None]:
    if len(shape) != rank:
        raise ModelError(f"shape of input {name} must be of {rank} sizes, not {tuple(shape)}")
    return [check_int(f"shape of input {name}", size, 1) for size in shape]
