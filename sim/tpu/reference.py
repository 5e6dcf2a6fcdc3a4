"""What networks compute, by the maths alone."""

from collections.abc import Mapping, Sequence

import numpy as np

from ...hw.errors import ConfigError
from ..golden.fused import fused
from ..golden.im2col import im2col
from ..golden.matmul import matmul
from .graph import Combine, Graph, Join, Lookup, Pool, Product, Tensor, geometry_of

__all__ = ["execute"]


def execute(graph: Graph, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What a network makes of a batch, by the maths alone: all tensors, N x H x W x C, by name.

    Raises
    ------
    WrongTypeError, ConfigError
        If an input has another type or shape.
    """
    for name in graph.inputs:
        if name not in inputs:
            raise ConfigError(f"the input {name} is missing", field=name)
    values = {name: graph.check_input(name, name, inputs[name]) for name in graph.inputs}
    for name, node in graph.nodes.items():
        sources = [values[source] for source in node.sources]
        tensors = [graph.tensors[source] for source in node.sources]
        match node:
            case Product():
                sums = _sums(node, sources, tensors)
                values[name] = node.layer.outputs(sums).reshape(graph.tensors[name].shape)
            case Pool():
                values[name] = _pool(node, sources[0], tensors[0])
            case Combine():
                values[name] = _combine(node, sources, tensors)
            case Lookup():
                values[name] = node.table[sources[0].view(np.uint8)]
            case Join():
                values[name] = np.concatenate(sources, 0 if node.images else 3)
    return values


def _sums(node: Product, sources: Sequence[np.ndarray], tensors: Sequence[Tensor]) -> np.ndarray:
    """Positions x columns."""
    sums, row = 0, 0
    for values, tensor in zip(sources, tensors, strict=True):
        geometry = geometry_of(node, [tensor])
        windows = im2col(values.astype(np.int64) - tensor.zero, geometry)[0]
        sums = sums + matmul(windows, node.layer.weights[row : row + windows.shape[1]])
        row += windows.shape[1]
    return np.asarray(sums)


def _pool(node: Pool, values: np.ndarray, tensor: Tensor) -> np.ndarray:
    geometry = geometry_of(node, [tensor])
    limits = np.iinfo(tensor.dtype)
    outside = tensor.zero if node.average else int(limits.min)
    windows = im2col(values.astype(np.int64) - outside, geometry)[0] + outside
    windows = windows.reshape(*(tensor.images, *geometry.output), -1, tensor.channels)
    if not node.average:
        return windows.max(3).astype(tensor.dtype)
    averages = np.rint(fused(windows.sum(3), np.float32(node.factor), np.float32(node.addend)))
    return averages.clip(limits.min, limits.max).astype(tensor.dtype)


def _combine(node: Combine, sources: Sequence[np.ndarray], tensors: Sequence[Tensor]) -> np.ndarray:
    a, b = (values.astype(np.int64) for values in sources)
    factor_a, factor_b, addend = (np.float32(value) for value in (node.factor_a, node.factor_b, node.addend))
    match node.operation:
        case "add":
            results = np.rint(fused(a, factor_a, fused(b, factor_b, addend)))
        case "multiply":
            results = np.rint(fused((a - tensors[0].zero) * (b - tensors[1].zero), factor_a, addend))
        case "max":
            results = np.maximum(a, b)
    limits = np.iinfo(tensors[0].dtype)
    lo, hi = (limits.min if node.lo is None else node.lo), (limits.max if node.hi is None else node.hi)
    return results.clip(lo, hi).astype(tensors[0].dtype)
