"""What ``pool`` and ``vector`` make of bytes.

Against onnxruntime, with the registers that are named:

- ``pool``, the greatest: ``MaxPool`` exactly, with the least value as ``pad``.
- ``pool``, average: ``QLinearGlobalAveragePool`` exactly if both zero points are 0, with ``factor_a`` the float32 of
  x_scale / (y_scale * pixels). With zero points, ``addend`` is that of y minus that of x times ``factor_a`` times the
  taps; then results differ by 1 where a sum is a tie or next to one, as onnxruntime rounds before it adds.
- ``add``: ``QLinearAdd`` exactly, with the terms of `sim.golden.residual_add.residual_terms`: ``factor_a`` is a_scale /
  y_scale, ``factor_b`` b_scale / y_scale, ``addend`` y_zero - fused(a_zero, factor_a, factor_b * b_zero).
- ``multiply``: ``QLinearMul`` with ``factor_a`` a_scale * b_scale / y_scale, both steps rounded to float32, and
  ``addend`` y_zero; exactly if that is 0. If not, results next to a tie may differ by 1, as onnxruntime rounds the
  product before it adds y_zero, on processors where it doesn't use fused multiply-adds for this.
- ``table``: any operator of one operand, of which the table has all 256 results.
"""

from collections.abc import Iterable
from functools import reduce

import numpy as np

from ...hw.tpu.isa import OPERATIONS
from ..golden.fused import fused
from .field_rules import RANGES, Values

__all__ = ["combined", "number", "pooled"]


def number(bits: int) -> np.float32:
    """The float32 of these bits."""
    return np.uint32(bits).view(np.float32)


def pooled(registers: Values, v: Values, taps: Iterable[np.ndarray]) -> np.ndarray:
    """Results of a ``pool``: the greatest of all taps, or their average. Taps and results are uint8."""
    values = (_bytes(v, tap) for tap in taps)
    if not v["average"]:
        return reduce(np.maximum, values).astype(np.uint8)
    total = fused(sum(values), number(registers["factor_a"]), number(registers["addend"]))
    return _rounded(total, *RANGES[0 if v["signed"] else 1])


def combined(registers: Values, v: Values, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Results of a ``vector``, uint8; `b` is as long as `a`, or the table."""
    operation = OPERATIONS[v["operation"]]
    if operation == "table":
        return b[a]
    x, y = _bytes(v, a), _bytes(v, b)
    factor_a, factor_b, addend = (number(registers[name]) for name in ("factor_a", "factor_b", "addend"))
    match operation:
        case "add":
            values = fused(x, factor_a, fused(y, factor_b, addend))
        case "multiply":
            zero_a, zero_b = (_bytes(v, np.uint8(registers[name])) for name in ("zero_a", "zero_b"))
            values = fused((x - zero_a) * (y - zero_b), factor_a, addend)
        case _:
            values = np.maximum(x, y)
    return _rounded(values, v["lo"], v["hi"])


def _bytes(v: Values, values: np.ndarray | np.uint8) -> np.ndarray:
    """Bytes as numbers of the type that an instruction says, int32."""
    return np.asarray(values.view(np.int8) if v["signed"] else values, np.int32)


def _rounded(values: np.ndarray, low: int, high: int) -> np.ndarray:
    """To the nearest integer, half to even, clipped: its byte."""
    return np.clip(np.rint(values), low, high).astype(np.int16).astype(np.uint8)
