"""Values of quantized networks, and what all nodes have."""

import dataclasses
import math

import numpy as np

from ...hw.config import check, check_int

__all__ = ["Clipped", "Node", "Value"]

BYTES = (np.dtype(np.int8), np.dtype(np.uint8))
DTYPES = (*BYTES, np.dtype(np.int32), np.dtype(np.float32))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Value:
    """A tensor that flows through a network.

    Parameters
    ----------
    name
        Unique in the network; inputs and outputs have the names of the file.
    shape
        In ONNX's order: N C H W, or N F, or any other.
    dtype
        int8 or uint8; int32 for sums that nobody scales down; float32 on the host.
    scale, zero
        What 8-bit values mean: ``(value - zero) * scale``. None and 0 for other types.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    scale: np.float32 | None = None
    zero: int = 0

    def __post_init__(self) -> None:
        for size in self.shape:
            check_int(f"{self.name}: sizes", size, 1)
        check(f"{self.name}: dtype", self.dtype in DTYPES, f"one of {', '.join(map(str, DTYPES))}", self.dtype)
        if self.is_bytes:
            normal = self.scale is not None and np.finfo(np.float32).tiny <= self.scale < np.inf
            check(f"{self.name}: scale", bool(normal), "a positive normal float32", self.scale)
            check_int(f"{self.name}: zero point", self.zero, *self.limits)
        else:
            check(f"{self.name}: scale", self.scale is None and self.zero == 0, "of 8-bit values only", self.scale)

    @property
    def is_bytes(self) -> bool:
        """Whether elements have 8 bits."""
        return self.dtype in BYTES

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest value of an integer type."""
        found = np.iinfo(self.dtype)
        return int(found.min), int(found.max)

    @property
    def meaning(self) -> tuple[np.float32, int]:
        """Scale and zero point of 8-bit values."""
        assert self.scale is not None
        return self.scale, self.zero

    @property
    def elements(self) -> int:
        """How many there are."""
        return math.prod(self.shape)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Node:
    """What makes a value of others.

    Parameters
    ----------
    name
        Of the node of the file that it comes from, for tables and errors.
    operator
        Of that node.
    sources
        What it reads.
    result
        What it makes.
    exact
        Whether onnxruntime gives the same integers. Where it computes in float what a machine computes in integers,
        results near ties may differ by 1.
    """

    name: str
    operator: str
    sources: tuple[Value, ...]
    result: Value
    exact: bool = True

    def __post_init__(self) -> None:
        check(f"{self.name}: sources", len(self.sources) > 0, "at least one", self.sources)

    @property
    def source(self) -> Value:
        """The first thing that it reads; the only one of most nodes."""
        return self.sources[0]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Clipped(Node):
    """A node whose 8-bit results are clipped.

    Parameters
    ----------
    low, high
        Smallest and largest result, of a Relu or Clip that was folded in; None for those of the type. `clip` has both.
    """

    low: int | None = None
    high: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        (low, high), (least, most) = self.clip, self.result.limits
        check(f"{self.name}: clip", least <= low <= high <= most, f"within {least} and {most}", self.clip)

    @property
    def clip(self) -> tuple[int, int]:
        """Smallest and largest result."""
        least, most = self.result.limits
        return least if self.low is None else self.low, most if self.high is None else self.high
