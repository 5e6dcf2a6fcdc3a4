#!/usr/bin/env python3
"""Train the digits network and write its quantized weights, the same numbers on every machine (see `training`)."""

import numpy as np
from training import INPUT_SCALE, STEP_GRID, VALUE_GRID, adam, quantize_layers, run, snap

from tensorloom.sim.workloads.digits import Digits, Layer, infer

SIZES = (64, 128, 64, 10)


def forward(x: np.ndarray, weights: list[np.ndarray], biases: list[np.ndarray]) -> list[np.ndarray]:
    """Compute the inputs of each layer, and the scores."""
    values = [x]
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        values.append(snap(np.maximum(values[-1] @ w + b, 0), VALUE_GRID))
    return [*values, values[-1] @ weights[-1] + biases[-1]]


def gradients(
    x: np.ndarray, labels: np.ndarray, weights: list[np.ndarray], biases: list[np.ndarray]
) -> list[np.ndarray]:
    """Gradients of the mean cross-entropy by the weights, then by the biases."""
    *values, scores = forward(x, weights, biases)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    error = snap(odds / odds.sum(axis=1, keepdims=True) - np.eye(SIZES[-1])[labels], STEP_GRID)
    by_weights, by_biases = [], []
    for value, w in zip(reversed(values), reversed(weights), strict=True):
        by_weights.insert(0, value.T @ error / len(x))
        by_biases.insert(0, error.sum(axis=0) / len(x))
        error = snap(error @ w.T * (value > 0), STEP_GRID)
    return by_weights + by_biases


def make(digits: Digits) -> list[Layer]:
    """Train and quantize; activation ranges are those of the training images."""
    weights, biases = adam(
        digits.train_images, digits.train_labels, list(zip(SIZES, SIZES[1:], strict=False)), gradients
    )
    values = forward(digits.train_images * INPUT_SCALE, weights, biases)
    return [Layer(**layer) for layer in quantize_layers(values, weights, biases, 255)]


if __name__ == "__main__":
    run(__doc__, "digits_mlp.npz", make, infer)
