"""Requantization with the semantics of ONNX, bit-exact with onnxruntime."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ...hw.config import check, check_int
from ...hw.errors import WrongTypeError

__all__ = ["multiplier", "quantize", "requantize"]


def multiplier(a_scale: npt.ArrayLike, b_scale: npt.ArrayLike, y_scale: npt.ArrayLike) -> np.ndarray:
    """Factor from sums to outputs, ``a_scale * b_scale / y_scale``, each step rounded to float32.

    Scales are scalars, or `b_scale` one value a column.
    """
    a, b, y = (_scale(f, s) for f, s in (("a_scale", a_scale), ("b_scale", b_scale), ("y_scale", y_scale)))
    with np.errstate(over="ignore"):
        return _scale("a_scale * b_scale / y_scale", a * b / y)


def requantize(
    sums: np.ndarray, factor: npt.ArrayLike, zero_point: int = 0, dtype: npt.DTypeLike = np.uint8
) -> np.ndarray:
    """Scale 32-bit sums down to 8 bits, as the last step of ``QLinearMatMul`` and ``QLinearConv``.

    The sum is rounded to float32, multiplied by the float32 factor (the product rounded to float32),
    rounded to the nearest integer (half to even), moved by the zero point and saturated. With uint8 and
    zero point 0 the saturation is the rectifier (ReLU) too.

    Parameters
    ----------
    sums
        Integers of 32 bits, any shape.
    factor
        Of `multiplier`: a scalar, or an array that broadcasts against `sums` (one value a column).
    zero_point
        Output that means 0; within `dtype`.
    dtype
        int8 or uint8.

    Raises
    ------
    TypeError
        If `sums` are not integers, `dtype` is another type, or `zero_point` is not an integer.
    ConfigError
        If a sum needs more than 32 bits, a factor is not positive and finite, or `zero_point` is out of range.
    """
    if not isinstance(sums, np.ndarray) or sums.dtype.kind not in "iu":
        raise WrongTypeError(f"sums must be an integer array, not {getattr(sums, 'dtype', sums)}", field="sums")
    limits = np.iinfo(np.int32)
    if sums.size:
        for extreme in (int(sums.min()), int(sums.max())):
            check("sums", limits.min <= extreme <= limits.max, f"from {limits.min} to {limits.max}", extreme)
    with np.errstate(over="ignore"):  # infinity saturates like any large product
        return _saturate(sums.astype(np.float32) * _scale("factor", factor), zero_point, dtype)


def quantize(
    values: npt.ArrayLike, scale: npt.ArrayLike, zero_point: int = 0, dtype: npt.DTypeLike = np.uint8
) -> np.ndarray:
    """Quantize real values, as ``QuantizeLinear``: ``saturate(round_half_even(values / scale) + zero_point)``.

    Parameters and errors are those of `requantize`; `values` become float32 first and must not be NaN.
    """
    real = np.asarray(values, np.float32)
    check("values", not np.isnan(real).any(), "numbers", "nan")
    with np.errstate(over="ignore"):
        return _saturate(real / _scale("scale", scale), zero_point, dtype)


def _scale(field: str, value: npt.ArrayLike) -> np.ndarray:
    scale = np.asarray(value, np.float32)
    check(field, bool((np.isfinite(scale) & (scale > 0)).all()), "positive and finite in float32", value)
    return scale


def _saturate(scaled: np.ndarray, zero_point: int, dtype: npt.DTypeLike) -> np.ndarray:
    kind: np.dtype[Any] = np.dtype(dtype)
    if kind not in (np.int8, np.uint8):
        raise WrongTypeError(f"dtype must be int8 or uint8, not {kind}", field="dtype", value=kind)
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    check_int("zero_point", zero_point, low, high)
    # clipping to integers before rounding gives the same result, and keeps the addition exact in float32
    return (np.rint(np.clip(scaled, low - zero_point, high - zero_point)) + zero_point).astype(kind)
