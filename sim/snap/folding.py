"""A layer's operands as a way of mapping has them: lines and columns exchanged, taps folded into channels."""

import dataclasses

import numpy as np

from .phases import Axis
from .ways import LayerSizes, Way

__all__ = ["arrange"]


def arrange(sizes: LayerSizes, x: np.ndarray, w: np.ndarray, way: Way) -> tuple[LayerSizes, np.ndarray, np.ndarray]:
    """Exchange axes and fold taps, as the way says; sums stay the same.

    Parameters
    ----------
    sizes
        The layer's.
    x, w
        Activations, H x W x C, and weights, R x S x C / groups x K.
    way
        The way.
    """
    if way.transposed:
        sizes = dataclasses.replace(sizes, down=sizes.across, across=sizes.down)
        x, w = np.swapaxes(x, 0, 1), np.swapaxes(w, 0, 1)
    folded = way.row_taps.folded if way.row_taps else 0
    if folded > 1:  # columns first, so that taps follow one another as in the kernel
        sizes, x, w = _fold(sizes, x, w, 1)
    if folded > 0:
        sizes, x, w = _fold(sizes, x, w, 0)
    return sizes, x, w


def _fold(sizes: LayerSizes, x: np.ndarray, w: np.ndarray, axis: int) -> tuple[LayerSizes, np.ndarray, np.ndarray]:
    """Taps of an axis become channels: an output finds all its inputs at its own place, zeros outside the image."""
    name, old = ("down", sizes.down) if axis == 0 else ("across", sizes.across)
    taps, size = old.kernel, old.outputs
    found = np.stack([old.inputs(tap, np.arange(size)) for tap in range(taps)])  # taps, outputs
    there = (found >= 0).reshape(taps, *np.where(np.arange(3) == axis, size, 1))
    bundles = np.stack([np.take(x, at, axis) for at in found]) * there  # taps, H, W, C
    image = bundles.reshape(*bundles.shape[:3], sizes.groups, -1).transpose(1, 2, 3, 0, 4)
    bank = np.moveaxis(w, axis, 1)  # the other axis, taps, C / groups, K
    bank = np.expand_dims(bank.reshape(len(bank), -1, bank.shape[3]), axis)
    new = Axis(size=size, kernel=1, outputs=size, stride=1, padding=0, dilation=1)
    sizes = dataclasses.replace(sizes, depth=sizes.depth * taps, **{name: new})  # pyrefly: ignore[bad-argument-type]  # an axis
    return sizes, image.reshape(*image.shape[:2], -1), bank
