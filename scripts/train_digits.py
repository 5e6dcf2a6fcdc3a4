#!/usr/bin/env python3
"""Train the digits network and write its quantized weights, the same bytes on every machine.

The network is trained with Adam and then quantized to 8 bits. To be reproducible it computes on grids of powers of two
coarse enough that every matrix product is exact in float64, so that the order in which a BLAS adds doesn't matter.
"""

import argparse
from pathlib import Path

import numpy as np
from tensorloom.sim.golden.requantize import multiplier, quantize
from tensorloom.sim.workloads.digits import Digits, Layer, accuracy, digits_images, infer

SIZES = (64, 128, 64, 10)
SEED = 0
EPOCHS = 30
BATCH = 64
LEARNING_RATE = 3e-3
INPUT_SCALE = 1 / 16
DEFAULT_OUTPUT = Path(__file__).parent.parent / "sim" / "workloads" / "data" / "digits_mlp.npz"

VALUE_GRID = 2.0**12  # activations
STEP_GRID = 2.0**20  # weights, biases and errors


def snap(values: np.ndarray, grid: float) -> np.ndarray:
    """Round to multiples of 1 / grid."""
    return np.rint(values * grid) / grid


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


def train(images: np.ndarray, labels: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Train by Adam with a learning rate that falls to zero; return weights and biases."""
    random = np.random.RandomState(SEED)
    count = len(SIZES) - 1
    parameters = [
        snap(random.standard_normal((inputs, outputs)) * np.sqrt(2 / inputs), STEP_GRID)
        for inputs, outputs in zip(SIZES, SIZES[1:], strict=False)
    ] + [np.zeros(outputs) for outputs in SIZES[1:]]
    mean = [np.zeros_like(p) for p in parameters]
    square = [np.zeros_like(p) for p in parameters]
    decay_mean = decay_square = 1.0
    for epoch in range(EPOCHS):
        rate = LEARNING_RATE * (1 - epoch / EPOCHS)
        order = random.permutation(len(images))
        for batch in np.split(order, range(BATCH, len(order), BATCH)):
            decay_mean, decay_square = decay_mean * 0.9, decay_square * 0.999
            slopes = gradients(images[batch] * INPUT_SCALE, labels[batch], parameters[:count], parameters[count:])
            for i, slope in enumerate(slopes):
                mean[i] = 0.9 * mean[i] + 0.1 * slope
                square[i] = 0.999 * square[i] + 0.001 * slope * slope
                step = mean[i] / (1 - decay_mean) / (np.sqrt(square[i] / (1 - decay_square)) + 1e-8)
                parameters[i] = snap(parameters[i] - rate * step, STEP_GRID)
    return parameters[:count], parameters[count:]


def quantize_network(images: np.ndarray, weights: list[np.ndarray], biases: list[np.ndarray]) -> list[Layer]:
    """Quantize per tensor, symmetric weights; activation ranges are those of the training images."""
    values = forward(images * INPUT_SCALE, weights, biases)
    scales = [np.float32(INPUT_SCALE), *(np.float32(value.max() / 255) for value in values[1:-1])]
    layers = []
    for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
        w_scale = np.float32(np.abs(w).max() / 127)
        layers.append(
            Layer(
                weights=quantize(w, w_scale, dtype=np.int8),
                bias=np.rint(b / (np.float64(scales[i]) * np.float64(w_scale))).astype(np.int32),
                factor=np.float32(multiplier(scales[i], w_scale, scales[i + 1])) if i + 1 < len(scales) else None,
            )
        )
    return layers


def save(path: Path, layers: list[Layer]) -> None:
    """Write the arrays uncompressed and in little-endian order, so that equal arrays make equal files."""
    arrays = {f"weights_{i}": layer.weights for i, layer in enumerate(layers)}
    arrays |= {f"bias_{i}": layer.bias.astype("<i4") for i, layer in enumerate(layers)}
    arrays["factors"] = np.array([layer.factor for layer in layers[:-1]], "<f4")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)


def main() -> None:
    """Train, quantize, save and print the accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=DEFAULT_OUTPUT, help="file to write (.npz)")
    output = parser.parse_args().output
    digits: Digits = digits_images()
    layers = quantize_network(digits.train_images, *train(digits.train_images, digits.train_labels))
    save(output, layers)
    for name, images, labels in (("training", *digits[:2]), ("test", *digits[2:])):
        print(f"{name}: {accuracy(infer(layers, images), labels):.2%} of {len(labels)} images")
    print(f"wrote {output} ({output.stat().st_size:,} bytes)")


if __name__ == "__main__":
    main()
