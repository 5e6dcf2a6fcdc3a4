"""Sum of two quantized tensors with the semantics of ONNX, bit-exact with onnxruntime's ``QLinearAdd``."""

import numpy as np
import numpy.typing as npt

from ...hw.config import check, check_int
from ...hw.errors import WrongTypeError
from .fused import fused

__all__ = ["residual_add", "residual_terms"]


def residual_terms(
    a_scale: npt.ArrayLike,
    a_zero: int,
    b_scale: npt.ArrayLike,
    b_zero: int,
    y_scale: npt.ArrayLike,
    y_zero: int,
) -> tuple[np.float32, np.float32, np.float32]:
    """What `residual_add` multiplies `a` and `b` with, and the constant that it adds.

    Raises
    ------
    ConfigError
        If a scale or a factor is not positive and finite in float32, or the constant not finite.
    """
    scales = {"a_scale": a_scale, "b_scale": b_scale, "y_scale": y_scale}
    a, b, y = (_positive(name, scale) for name, scale in scales.items())
    with np.errstate(over="ignore", under="ignore"):
        a_factor, b_factor = _positive("a_scale / y_scale", a / y), _positive("b_scale / y_scale", b / y)
        zeros = fused(a_zero, a_factor, b_factor * np.float32(b_zero))
        return a_factor, b_factor, _finite("constant", np.float32(y_zero) - zeros)


def residual_add(
    a: np.ndarray,
    b: np.ndarray,
    terms: tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike],
    low: int,
    high: int,
) -> np.ndarray:
    """``a_factor * a + (b_factor * b + constant)``, to the nearest integer (half to even), clipped.

    Each product is exact, and each of the two sums rounded once to float32, as fused multiply-adds do.

    Parameters
    ----------
    a, b
        Raw values of 8 bits, signed or not, of shapes that broadcast against each other.
    terms
        ``(a_factor, b_factor, constant)``, of `residual_terms`.
    low, high
        Ends of the result, within -128 and 255.

    Returns
    -------
    numpy.ndarray
        int16.

    Raises
    ------
    TypeError
        If `a` or `b` is no integer array.
    ConfigError
        If a value is out of range.
    """
    for name, values in (("a", a), ("b", b)):
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "iu":
            raise WrongTypeError(f"{name} must be an integer array, not {getattr(values, 'dtype', values)}", field=name)
        for extreme in (int(values.min()), int(values.max())) if values.size else ():
            check(name, -128 <= extreme <= 255, "from -128 to 255", extreme)
    check_int("high", high, -128, 255)
    check_int("low", low, -128, high)
    a_factor, b_factor = _positive("a_factor", terms[0]), _positive("b_factor", terms[1])
    added = fused(a, a_factor, fused(b, b_factor, _finite("constant", terms[2])))
    return np.rint(np.clip(added, low, high)).astype(np.int16)


def _positive(field: str, value: npt.ArrayLike) -> np.float32:
    number = np.float32(np.asarray(value).item())
    check(field, bool(np.isfinite(number) and number > 0), "positive and finite in float32", value)
    return number


def _finite(field: str, value: npt.ArrayLike) -> np.float32:
    number = np.float32(np.asarray(value).item())
    check(field, bool(np.isfinite(number)), "finite in float32", value)
    return number
