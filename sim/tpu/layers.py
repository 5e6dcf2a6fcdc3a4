"""Networks as the compiler takes them: fully connected layers, one after the other."""

import dataclasses
from typing import Literal

import numpy as np

from ...hw.config import check, check_bool, check_int
from ...hw.errors import ConfigError
from ..golden.matmul import matmul
from ..golden.requantize import requantize
from ..golden.tensors import check_tensor
from ..golden.wrap import wrap

__all__ = ["Layer", "Network", "RawLayer", "infer"]

BYTES = np.dtype(np.int8), np.dtype(np.uint8)
"""Types of activations and weights."""

RAW_TYPES = {1: np.dtype(np.uint8), 2: np.dtype(np.int16), 4: np.dtype(np.int32)}
"""What the lowest bytes of a sum are read as, by how many there are."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """A fully connected layer whose sums are scaled down to 8 bits.

    Output: ``clip(round((x - input's zero point) @ weights + bias) * factors) + zero, lo, hi)``; a ReLU is a `lo` of
    `zero`.

    Parameters
    ----------
    weights
        K x N, int8 or uint8, zero point 0.
    bias
        int32, N.
    factors
        float32, N; positive and not denormal.
    kind
        Type of the outputs: ``int8`` or ``uint8``.
    zero
        Their zero point.
    lo, hi
        Smallest and largest output; by default those of the type.
    """

    weights: np.ndarray
    bias: np.ndarray
    factors: np.ndarray
    kind: Literal["int8", "uint8"] = "uint8"
    zero: int = 0
    lo: int | None = None
    hi: int | None = None

    def __post_init__(self) -> None:
        check("kind", self.kind in ("int8", "uint8"), "int8 or uint8", self.kind)
        columns = check_tensor("weights", self.weights, "K x N", BYTES).shape[1]
        for field, dtype in (("bias", np.int32), ("factors", np.float32)):
            values = check_tensor(field, getattr(self, field), "N", {np.dtype(dtype)})
            check(field, len(values) == columns, f"of {columns} values, one a column of weights", len(values))
        normal = np.isfinite(self.factors) & (self.factors >= np.finfo(np.float32).tiny)
        check("factors", bool(normal.all()), "positive, finite and not denormal", self.factors)
        low, high = self.limits
        check_int("zero", self.zero, low, high)
        check_int("hi", self.highest, check_int("lo", self.lowest, low, high), high)

    @property
    def dtype(self) -> np.dtype:
        """Of the outputs."""
        return np.dtype(self.kind)

    @property
    def planes(self) -> int:
        """Bytes of an output."""
        return 1

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest value of the outputs' type."""
        limits = np.iinfo(self.dtype)
        return int(limits.min), int(limits.max)

    @property
    def lowest(self) -> int:
        """Smallest output."""
        return self.limits[0] if self.lo is None else self.lo

    @property
    def highest(self) -> int:
        """Largest output."""
        return self.limits[1] if self.hi is None else self.hi

    def folded_bias(self, zero: int) -> np.ndarray:
        """Bias for inputs whose zero point is not subtracted: int32, wraps around as the sums do."""
        return wrap(self.bias - zero * self.weights.sum(0, np.int64), 32).astype(np.int32)

    def outputs(self, sums: np.ndarray) -> np.ndarray:
        """What becomes of the sums."""
        outputs = requantize(wrap(sums + self.bias, 32), self.factors, self.zero, self.dtype)
        return outputs.clip(self.lowest, self.highest)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class RawLayer:
    """A product whose outputs are the lowest bytes of its sums: uint8, int16 or int32 for 1, 2 or 4.

    Parameters
    ----------
    weights
        K x N, int8 or uint8.
    planes
        Bytes of an output: 1, 2 or 4.
    relu
        0 in place of negative sums.
    """

    weights: np.ndarray
    planes: int = 4
    relu: bool = False

    def __post_init__(self) -> None:
        check_tensor("weights", self.weights, "K x N", BYTES)
        check("planes", self.planes in RAW_TYPES, "1, 2 or 4", self.planes)
        check_bool("relu", self.relu)

    @property
    def dtype(self) -> np.dtype:
        """Of the outputs."""
        return RAW_TYPES[self.planes]

    @property
    def zero(self) -> int:
        """Zero point of the outputs."""
        return 0

    def outputs(self, sums: np.ndarray) -> np.ndarray:
        """What becomes of the sums."""
        kept = wrap(sums, 32)
        return wrap(kept.clip(0) if self.relu else kept, 8 * self.planes).astype(self.dtype)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """Layers, each of which takes what the one before it gives.

    Parameters
    ----------
    rows
        Rows of the input: samples of a batch.
    layers
        At least one; a raw one of more than one byte can only be the last.
    signed
        Whether the input is int8, not uint8.
    zero
        Zero point of the input.
    """

    rows: int
    layers: tuple[Layer | RawLayer, ...]
    signed: bool = False
    zero: int = 0

    def __post_init__(self) -> None:
        check_int("rows", self.rows, 1)
        check("layers", len(self.layers) > 0, "at least one", self.layers)
        check_bool("signed", self.signed)
        limits = np.iinfo(self.dtype)
        check_int("zero", self.zero, int(limits.min), int(limits.max))
        columns, zero = len(self.layers[0].weights), self.zero
        for number, layer in enumerate(self.layers):
            field = f"layer {number}: rows of weights"
            check(field, len(layer.weights) == columns, f"the {columns} columns of its input", len(layer.weights))
            if isinstance(layer, RawLayer):
                check(f"layer {number}: zero point of a raw layer's input", zero == 0, "0", zero)
                if layer.planes > 1 and number < len(self.layers) - 1:
                    raise ConfigError(
                        f"layer {number}: planes must be 1 but in the last layer, not {layer.planes}",
                        field="planes", value=layer.planes,
                    )  # fmt: skip
            columns, zero = layer.weights.shape[1], layer.zero

    @property
    def dtype(self) -> np.dtype:
        """Of the input."""
        return np.dtype(np.int8 if self.signed else np.uint8)

    @property
    def columns(self) -> int:
        """Columns of the input."""
        return len(self.layers[0].weights)

    def check_input(self, field: str, values: object) -> np.ndarray:
        """Return `values` if they are an input of this network; else raise what is wrong with `field`."""
        array = check_tensor(field, values, "rows x columns", {self.dtype})
        check(field, array.shape == (self.rows, self.columns), f"{self.rows} x {self.columns}", array.shape)
        return array


def infer(network: Network, values: np.ndarray) -> np.ndarray:
    """What a network makes of an input, by the maths alone."""
    zero = network.zero
    values = network.check_input("values", values)
    for layer in network.layers:
        values = layer.outputs(matmul(values.astype(np.int64) - zero, layer.weights))
        zero = layer.zero
    return values
