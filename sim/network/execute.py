"""What a network computes, by numpy, bit for bit as onnxruntime does."""

from collections.abc import Mapping

import numpy as np

from ...hw.config import check
from ...hw.errors import did_you_mean, wrong_type
from ..golden.convolution import convolution
from ..golden.matmul import matmul
from ..golden.requantize import quantize, requantize
from ..golden.wrap import wrap
from . import arithmetic
from .errors import ModelError
from .graph import (
    Add,
    Convolution,
    Floating,
    Host,
    Join,
    Lookup,
    Multiply,
    Network,
    Node,
    Pick,
    Pool,
    Product,
    Reshape,
    Value,
    Weighted,
)

__all__ = ["check_inputs", "compute", "execute", "execute_all"]


def execute(network: Network, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs of a network, by name.

    Integers are those of onnxruntime on a processor, for QDQ models after it has fused them to operators of integers;
    but for nodes that are not `Node.exact`, whose results may differ by one near ties. Floats of a softmax
    are as near as float32 is.

    Parameters
    ----------
    network
        As `load` gives it.
    inputs
        Arrays by name, of the shape and type of the network's inputs.

    Raises
    ------
    ModelError
        If an input is missing, or there is none of a name.
    ConfigError
        If one has another shape, or a value that is no number.
    WrongTypeError
        If one has another type.
    """
    values = execute_all(network, inputs)
    return {output.name: values[output.name] for output in network.outputs}


def execute_all(network: Network, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All values of a network, by name; parameters and errors are those of `execute`."""
    values = check_inputs(network, inputs)
    for node in network.nodes:
        values[node.result.name] = compute(node, *(values[source.name] for source in node.sources))
    return values


def check_inputs(network: Network, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Inputs in this machine's byte order, if they are those of the network; errors are those of `execute`."""
    names = [value.name for value in network.inputs]
    for name in inputs:
        if name not in names:
            raise ModelError(f"there is no input {name}, only {', '.join(names)}", did_you_mean(name, names))
    found = {}
    for value in network.inputs:
        if value.name not in inputs:
            raise ModelError(f"input {value.name} is missing")
        array = inputs[value.name]
        if not isinstance(array, np.ndarray) or array.dtype.newbyteorder("=") != value.dtype:
            kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
            raise wrong_type(f"input {value.name}", f"an array of {value.dtype}", str(kind))
        check(f"shape of input {value.name}", array.shape == value.shape, f"{value.shape}", array.shape)
        if value.dtype.kind == "f" and (wrong := np.count_nonzero(np.isnan(array))):
            raise ModelError(f"input {value.name} has {wrong:,} values that are not numbers (NaN)")
        found[value.name] = array.astype(value.dtype, copy=False)
    return found


def compute(node: Node, *sources: np.ndarray) -> np.ndarray:
    """What one node makes of its sources."""
    match node:
        case Weighted():
            return _weighted(node, sources[0])
        case Add():
            return arithmetic.add(node, *sources)
        case Multiply():
            return arithmetic.multiply(node, *sources)
        case Pool():
            pool = {"max": arithmetic.greatest, "average": arithmetic.average, "global": arithmetic.global_average}
            return pool[node.kind](node, sources[0])
        case Lookup():
            return node.table[sources[0].view(np.uint8)]
        case Join():
            return np.concatenate(sources, node.axis)
        case Reshape():
            x = sources[0] if node.permutation is None else sources[0].transpose(node.permutation)
            return x.reshape(node.result.shape)
        case Pick():
            picked = sources[0].reshape(-1)[node.order]
            return (
                picked
                if node.order.min() >= 0
                else np.where(node.order < 0, picked.dtype.type(node.source.zero), picked)
            )
        case Floating():
            with np.errstate(all="ignore"):
                real = np.asarray(node.function(*sources), np.float32)
            if wrong := np.count_nonzero(np.isnan(real)):
                raise ModelError(f"{node.name} ({node.operator}) gives {wrong:,} values that are not numbers (NaN)")
            return quantize(real, *node.result.meaning, node.result.dtype) if node.result.is_bytes else real
        case Host():
            return _host(node, sources[0])
    raise TypeError(f"{type(node).__name__} is no node of a network")


def _weighted(node: Weighted, x: np.ndarray) -> np.ndarray:
    """Of a convolution or a product."""
    centred, weights = x.astype(np.int16) - np.int16(node.source.zero), node.centred_weights
    match node:
        case Convolution():
            top, left, bottom, right = node.pads
            sums = convolution(
                centred.transpose(0, 2, 3, 1), weights.transpose(2, 3, 1, 0), node.strides, (top, bottom, left, right),
                node.dilations, node.group,
            )  # fmt: skip
        case Product():
            sums = matmul(centred.reshape(-1, len(weights)), weights)
        case _:
            raise TypeError(f"{type(node).__name__} is no node with weights")
    if node.bias is not None:
        sums = sums + node.bias
    sums = wrap(sums, 32)  # channels last in both
    if node.result.is_bytes:
        results = requantize(sums, node.factors, node.result.zero, node.result.dtype)
        sums = np.clip(results, *node.clip)
    if isinstance(node, Convolution):
        sums = sums.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(sums.astype(node.result.dtype, copy=False)).reshape(node.result.shape)


def _host(node: Host, x: np.ndarray) -> np.ndarray:
    source, result = node.source, node.result
    match node.operator:
        case "QuantizeLinear":
            return quantize(x, *result.meaning, result.dtype)
        case "DequantizeLinear" if source.is_bytes:
            return dequantize(x, source)
        case "DequantizeLinear" if node.scales is not None:
            along = [1] * x.ndim
            if node.scales.ndim:
                along[node.axis] = -1
            return x.astype(np.float32) * node.scales.reshape(along)
        case "Softmax" if source.is_bytes:
            return arithmetic.quantized_softmax(x, source, result, node.axis)
        case "Softmax":
            powers = np.exp(x - x.max(node.axis, keepdims=True))
            return powers / powers.sum(node.axis, keepdims=True)
    raise TypeError(f"{node.operator} is no operator of the host")


def dequantize(x: np.ndarray, value: Value) -> np.ndarray:
    """What 8-bit values mean, float32."""
    scale, zero = value.meaning
    return (x.astype(np.int32) - zero).astype(np.float32) * scale
