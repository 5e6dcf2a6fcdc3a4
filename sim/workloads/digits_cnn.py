"""A small pruned, quantized convolutional network that reads handwritten digits: 3x3, 3x3 stride 2, 1x1, FC."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ...hw.config import check
from ..golden.convolution import convolution
from ..golden.matmul import matmul
from ..golden.requantize import requantize
from ..golden.tensors import check_tensor

__all__ = ["CnnLayer", "infer", "load_digits_cnn"]

SIDE = 8
"""Pixels down and across an image."""

STEPS = ((1, 1), (2, 1), (1, 0), (1, 0))
"""Stride and padding of each layer; the last is fully connected."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class CnnLayer:
    """One convolution or fully connected layer. All zero points are 0.

    Attributes
    ----------
    weights
        int8, R x S x C x K, or inputs x outputs if fully connected; at least half of them zero.
    bias
        int32, a value an output channel; in units of the sums.
    factor
        From sums to the next layer's inputs (see `golden.requantize`); None in the last layer, which gives its sums.
    stride, padding
        Of a convolution.
    """

    weights: np.ndarray
    bias: np.ndarray
    factor: np.float32 | None
    stride: int = 1
    padding: int = 0


def load_digits_cnn() -> list[CnnLayer]:
    """Load the network that ``scripts/train_digits_cnn.py`` trained and pruned."""
    with np.load(Path(__file__).parent / "data" / "digits_cnn.npz") as arrays:
        return [
            CnnLayer(
                weights=arrays[f"weights_{i}"], bias=arrays[f"bias_{i}"], factor=factor, stride=stride, padding=padding
            )
            for i, ((stride, padding), factor) in enumerate(zip(STEPS, [*arrays["factors"], None], strict=True))
        ]


def infer(
    layers: Sequence[CnnLayer],
    images: np.ndarray,
    conv: Callable[..., np.ndarray] = convolution,
    fc: Callable[[np.ndarray, np.ndarray], np.ndarray] = matmul,
) -> np.ndarray:
    """Run the network layer by layer.

    Activations are int8 from 0 (the rectifier) to 127, so that cores of 8 and of 16 bits take them.

    Parameters
    ----------
    images
        uint8, images x 64 pixels from 0 to 127.
    conv
        Convolves int8 N x H x W x C by int8 R x S x C x K, ``conv(x, w, stride=..., padding=...)``, into integers
        N x X x Y x K: the golden model, or hardware.
    fc
        Multiplies int8 M x K by int8 K x N into integers M x N.

    Returns
    -------
    numpy.ndarray
        int64, images x classes: the last layer's sums.

    Raises
    ------
    TypeError
        If `images` is not a uint8 array.
    ConfigError
        If it has another rank or width, or a pixel above 127.
    """
    images = check_tensor("images", images, "images x pixels", [np.dtype(np.uint8)])
    check("images", images.shape[1] == SIDE * SIDE, f"of {SIDE * SIDE} pixels each", images.shape)
    check("images", int(images.max()) <= 127, "of pixels up to 127", int(images.max()))
    values = images.astype(np.int8).reshape(-1, SIDE, SIDE, 1)
    for layer in layers:
        if layer.weights.ndim == 4:
            sums = conv(values, layer.weights, stride=layer.stride, padding=layer.padding)
        else:
            sums = fc(values.reshape(len(values), -1), layer.weights)
        values = sums.astype(np.int64) + layer.bias
        if layer.factor is not None:
            values = np.maximum(requantize(values, layer.factor, dtype=np.int8), 0)
    return values
