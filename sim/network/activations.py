"""Sigmoid and tanh as onnxruntime computes them in float32: by rational functions, not by exponentials.

Their coefficients are those of the minimax fits that Eigen uses too.
"""

from collections.abc import Sequence

import numpy as np

from ..golden.fused import fused

__all__ = ["sigmoid", "tanh"]

SIGMOID = (
    (4.37031012579801e-11, 1.15627324459942e-07, 6.08574864600143e-05, 8.51377133304701e-03, 2.48287947061529e-01),
    (6.10247389755681e-13, 5.76102136993427e-09, 6.29106785017040e-06, 1.70198817374094e-03, 1.16817656904453e-01,
     9.93151921023180e-01),
)  # fmt: skip
"""Of numerator and denominator, in the square of x, highest power first."""

TANH = (
    (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08, 1.48572235717979e-05,
     6.37261928875436e-04, 4.89352455891786e-03),
    (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03),
)  # fmt: skip


def sigmoid(x: np.ndarray) -> np.ndarray:
    """``1 / (1 + exp(-x))`` of float32."""
    ratio = _ratio(np.clip(x, np.float32(-18), np.float32(18)), *SIGMOID)
    return np.clip(ratio + np.float32(0.5), np.float32(0), np.float32(1))


def tanh(x: np.ndarray) -> np.ndarray:
    """The hyperbolic tangent of float32."""
    return _ratio(np.clip(x, np.float32(-9), np.float32(9)), *TANH)


def _ratio(x: np.ndarray, over: Sequence[float], under: Sequence[float]) -> np.ndarray:
    square = x * x
    return _polynomial(square, over) * x / _polynomial(square, under)


def _polynomial(x: np.ndarray, coefficients: Sequence[float]) -> np.ndarray:
    """By Horner's rule, each step rounded once."""
    value = np.full_like(x, np.float32(coefficients[0]))
    for coefficient in coefficients[1:]:
        value = fused(x, value, np.float32(coefficient))
    return value
