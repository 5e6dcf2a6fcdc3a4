#!/usr/bin/env python3
"""Train and prune the convolutional digits network and write its quantized weights, the same numbers on every machine.

The smallest weights of each layer are taken away step by step while training goes on (see `training`), and the rest is
quantized to 8 bits.
"""

import numpy as np
from training import INPUT_SCALE, STEP_GRID, VALUE_GRID, adam, quantize_layers, run, snap

from tensorloom.sim.workloads.digits import Digits
from tensorloom.sim.workloads.digits_cnn import SIDE, STEPS, CnnLayer, infer

SHAPES = ((3, 3, 1, 16), (3, 3, 16, 64), (1, 1, 64, 64), (1024, 10))
ZEROS = (0.5, 0.7, 0.7, 0.8)
"""Fraction of each layer's weights that is pruned."""

PRUNED_FROM, PRUNED_BY = 8, 20
"""Epochs in which pruning begins and in which it is complete."""


def matrix(w: np.ndarray) -> np.ndarray:
    """Weights as inputs x outputs."""
    return w.reshape(-1, w.shape[-1])


def windows(x: np.ndarray, layer: int) -> list[tuple[slice, slice]]:
    """Pixels of the padded images `x` that each kernel position meets."""
    rows, columns = SHAPES[layer][:2]
    stride = STEPS[layer][0]
    height, width = (x.shape[1] - rows) // stride + 1, (x.shape[2] - columns) // stride + 1
    return [
        (slice(r, r + stride * (height - 1) + 1, stride), slice(s, s + stride * (width - 1) + 1, stride))
        for r in range(rows)
        for s in range(columns)
    ]


def patches(x: np.ndarray, layer: int) -> np.ndarray:
    """Inputs of each output pixel: images x X x Y x inputs, or images x inputs if fully connected."""
    if len(SHAPES[layer]) == 2:
        return x.reshape(len(x), -1)
    pad = STEPS[layer][1]
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    return np.concatenate([padded[:, down, across] for down, across in windows(padded, layer)], axis=3)


def unpatch(errors: np.ndarray, x: np.ndarray, layer: int) -> np.ndarray:
    """Sum the errors of `patches` at the pixels that they came from."""
    if len(SHAPES[layer]) == 2:
        return errors.reshape(x.shape)
    pad = STEPS[layer][1]
    padded = np.pad(np.zeros(x.shape), ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    parts = np.split(errors, SHAPES[layer][0] * SHAPES[layer][1], axis=3)
    for (down, across), part in zip(windows(padded, layer), parts, strict=True):
        padded[:, down, across] += part
    return padded[:, pad : padded.shape[1] - pad, pad : padded.shape[2] - pad]


def forward(x: np.ndarray, weights: list[np.ndarray], biases: list[np.ndarray]) -> list[np.ndarray]:
    """Compute the inputs of each layer, and the scores."""
    values = [x]
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        sums = patches(values[-1], layer) @ matrix(w) + b
        values.append(snap(np.maximum(sums, 0), VALUE_GRID) if layer + 1 < len(weights) else sums)
    return values


def gradients(
    x: np.ndarray, labels: np.ndarray, weights: list[np.ndarray], biases: list[np.ndarray]
) -> list[np.ndarray]:
    """Gradients of the mean cross-entropy by the weights, then by the biases."""
    *values, scores = forward(x, weights, biases)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    error = snap(odds / odds.sum(axis=1, keepdims=True) - np.eye(SHAPES[-1][-1])[labels], STEP_GRID)
    by_weights, by_biases = [], []
    for layer in reversed(range(len(weights))):
        w, value = weights[layer], values[layer]
        flat = error.reshape(-1, w.shape[-1])
        inputs = patches(value, layer)
        by_weights.insert(0, (inputs.reshape(-1, inputs.shape[-1]).T @ flat).reshape(w.shape) / len(x))
        by_biases.insert(0, flat.sum(axis=0) / len(x))
        if layer:
            error = snap(unpatch(error @ matrix(w).T, value, layer) * (value > 0), STEP_GRID)
    return by_weights + by_biases


def keep_largest(w: np.ndarray, zeros: float) -> np.ndarray:
    """Mask of the weights that stay when the fraction `zeros` of smallest magnitude goes."""
    order = np.argsort(np.abs(w).ravel(), kind="stable")
    mask = np.ones(w.size, bool)
    mask[order[: round(zeros * w.size)]] = False
    return mask.reshape(w.shape)


def prune(epoch: int, layer: int, w: np.ndarray) -> np.ndarray:
    """Mask of the weights of a layer that stay in an epoch."""
    done = min(max((epoch + 1 - PRUNED_FROM) / (PRUNED_BY - PRUNED_FROM), 0), 1)
    return keep_largest(w, ZEROS[layer] * done)


def make(digits: Digits) -> list[CnnLayer]:
    """Train, prune and quantize; activation ranges are those of the training images."""
    images = digits.train_images.reshape(-1, SIDE, SIDE, 1)
    weights, biases = adam(images, digits.train_labels, SHAPES, gradients, prune)
    values = forward(images * INPUT_SCALE, weights, biases)
    layers = quantize_layers(values, weights, biases, 127)
    return [
        CnnLayer(**layer, stride=stride, padding=padding)
        for layer, (stride, padding) in zip(layers, STEPS, strict=True)
    ]


if __name__ == "__main__":
    run(__doc__, "digits_cnn.npz", make, infer)
