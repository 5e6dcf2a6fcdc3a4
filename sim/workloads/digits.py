"""A small quantized network that reads handwritten digits: scikit-learn's 1,797 real scans of 8 x 8 pixels."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...hw.config import check
from ..golden.matmul import matmul as golden_matmul
from ..golden.requantize import requantize
from ..golden.tensors import check_tensor

__all__ = ["Digits", "Layer", "accuracy", "digits_images", "infer", "load_digits_mlp"]

TEST_IMAGES = 360
"""Images held out of training: the last ones of a fixed permutation, a fifth of all."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """One fully connected layer. All zero points are 0.

    Attributes
    ----------
    weights
        int8, inputs x outputs.
    bias
        int32, outputs; in units of the sums.
    factor
        From sums to the next layer's uint8 inputs (see `golden.requantize`), whose saturation at 0 is the
        layer's ReLU; None in the last layer, which gives its sums.
    """

    weights: np.ndarray
    bias: np.ndarray
    factor: np.float32 | None


class Digits(NamedTuple):
    """Images (uint8, images x 64 pixels from 0 to 16) and labels (0 to 9), for training and held out."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def digits_images() -> Digits:
    """Split the scans of scikit-learn, which must be installed, into training and test images."""
    from sklearn.datasets import load_digits

    pixels, labels = (np.asarray(values) for values in load_digits(return_X_y=True))
    images = pixels.astype(np.uint8)
    order = np.random.RandomState(0).permutation(len(images))  # the stream of RandomState is frozen for good
    train, test = order[:-TEST_IMAGES], order[-TEST_IMAGES:]
    return Digits(images[train], labels[train], images[test], labels[test])


def load_digits_mlp() -> list[Layer]:
    """Load the 64-128-64-10 network that ``scripts/train_digits.py`` trained."""
    with np.load(Path(__file__).parent / "data" / "digits_mlp.npz") as arrays:
        factors = [*arrays["factors"], None]
        return [
            Layer(weights=arrays[f"weights_{i}"], bias=arrays[f"bias_{i}"], factor=factor)
            for i, factor in enumerate(factors)
        ]


def infer(
    layers: Sequence[Layer],
    images: np.ndarray,
    matmul: Callable[[np.ndarray, np.ndarray], np.ndarray] = golden_matmul,
) -> np.ndarray:
    """Run the network layer by layer.

    Parameters
    ----------
    images
        uint8, images x pixels.
    matmul
        Multiplies uint8 M x K by int8 K x N into integers M x N: the golden model, or hardware.

    Returns
    -------
    numpy.ndarray
        int64, images x classes: the last layer's sums.

    Raises
    ------
    TypeError
        If `images` is not a uint8 array.
    ConfigError
        If it has another rank or width.
    """
    images = check_tensor("images", images, "images x pixels", [np.dtype(np.uint8)])
    pixels = len(layers[0].weights)
    check("images", images.shape[1] == pixels, f"of {pixels} pixels each", images.shape)
    values = images
    for layer in layers:
        values = matmul(values, layer.weights).astype(np.int64) + layer.bias
        if layer.factor is not None:
            values = requantize(values, layer.factor)
    return values


def accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    """Fraction of images (rows of `scores`) whose largest score is at the label."""
    return float(np.mean(scores.argmax(axis=1) == labels))
