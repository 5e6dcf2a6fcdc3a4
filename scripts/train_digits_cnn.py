#!/usr/bin/env python3
"""Train and prune the convolutional digits network and write its quantized weights, the same bytes on every machine.

The network is trained with Adam; then the smallest weights of each layer are taken away step by step while training
goes on, and the rest is quantized to 8 bits. To be reproducible it computes on grids of powers of two coarse enough
that every matrix product is exact in float64, so that the order in which a BLAS adds doesn't matter.
"""

import argparse
from pathlib import Path

import numpy as np
from tensorloom.sim.golden.requantize import multiplier, quantize
from tensorloom.sim.workloads.digits import Digits, accuracy, digits_images
from tensorloom.sim.workloads.digits_cnn import SIDE, STEPS, CnnLayer, infer

SHAPES = ((3, 3, 1, 16), (3, 3, 16, 64), (1, 1, 64, 64), (1024, 10))
ZEROS = (0.5, 0.7, 0.7, 0.8)
"""Fraction of each layer's weights that is pruned."""

SEED = 0
EPOCHS = 30
PRUNED_FROM, PRUNED_BY = 8, 20
"""Epochs in which pruning begins and in which it is complete."""

BATCH = 64
LEARNING_RATE = 3e-3
INPUT_SCALE = 1 / 16
DEFAULT_OUTPUT = Path(__file__).parent.parent / "sim" / "workloads" / "data" / "digits_cnn.npz"

VALUE_GRID = 2.0**12  # activations
STEP_GRID = 2.0**20  # weights, biases and errors


def snap(values: np.ndarray, grid: float) -> np.ndarray:
    """Round to multiples of 1 / grid."""
    return np.rint(values * grid) / grid


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


def train(images: np.ndarray, labels: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Train by Adam with a learning rate that falls to zero, pruning on the way; return weights and biases."""
    random = np.random.RandomState(SEED)
    count = len(SHAPES)
    parameters = [
        snap(random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1])), STEP_GRID) for shape in SHAPES
    ] + [np.zeros(shape[-1]) for shape in SHAPES]
    masks = [np.ones(p.shape, bool) for p in parameters]
    mean = [np.zeros_like(p) for p in parameters]
    square = [np.zeros_like(p) for p in parameters]
    decay_mean = decay_square = 1.0
    for epoch in range(EPOCHS):
        rate = LEARNING_RATE * (1 - epoch / EPOCHS)
        done = min(max((epoch + 1 - PRUNED_FROM) / (PRUNED_BY - PRUNED_FROM), 0), 1)
        for i, zeros in enumerate(ZEROS):
            masks[i] = keep_largest(parameters[i], zeros * done)
        order = random.permutation(len(images))
        for batch in np.split(order, range(BATCH, len(order), BATCH)):
            decay_mean, decay_square = decay_mean * 0.9, decay_square * 0.999
            slopes = gradients(images[batch] * INPUT_SCALE, labels[batch], parameters[:count], parameters[count:])
            for i, slope in enumerate(slopes):
                mean[i] = 0.9 * mean[i] + 0.1 * slope
                square[i] = 0.999 * square[i] + 0.001 * slope * slope
                step = mean[i] / (1 - decay_mean) / (np.sqrt(square[i] / (1 - decay_square)) + 1e-8)
                parameters[i] = snap(parameters[i] - rate * step, STEP_GRID) * masks[i]
    return parameters[:count], parameters[count:]


def quantize_network(images: np.ndarray, weights: list[np.ndarray], biases: list[np.ndarray]) -> list[CnnLayer]:
    """Quantize per tensor, symmetric; activation ranges are those of the training images."""
    values = forward(images * INPUT_SCALE, weights, biases)
    scales = [np.float32(INPUT_SCALE), *(np.float32(value.max() / 127) for value in values[1:-1])]
    layers = []
    for i, (w, b, (stride, padding)) in enumerate(zip(weights, biases, STEPS, strict=True)):
        w_scale = np.float32(np.abs(w).max() / 127)
        layers.append(
            CnnLayer(
                weights=quantize(w, w_scale, dtype=np.int8),
                bias=np.rint(b / (np.float64(scales[i]) * np.float64(w_scale))).astype(np.int32),
                factor=np.float32(multiplier(scales[i], w_scale, scales[i + 1])) if i + 1 < len(scales) else None,
                stride=stride,
                padding=padding,
            )
        )
    return layers


def save(path: Path, layers: list[CnnLayer]) -> None:
    """Write the arrays uncompressed and in little-endian order, so that equal arrays make equal files."""
    arrays = {f"weights_{i}": layer.weights for i, layer in enumerate(layers)}
    arrays |= {f"bias_{i}": layer.bias.astype("<i4") for i, layer in enumerate(layers)}
    arrays["factors"] = np.array([layer.factor for layer in layers[:-1]], "<f4")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)


def main() -> None:
    """Train, prune, quantize, save and print the accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=DEFAULT_OUTPUT, help="file to write (.npz)")
    output = parser.parse_args().output
    digits: Digits = digits_images()
    trained = train(digits.train_images.reshape(-1, SIDE, SIDE, 1), digits.train_labels)
    layers = quantize_network(digits.train_images.reshape(-1, SIDE, SIDE, 1), *trained)
    save(output, layers)
    for name, images, labels in (("training", *digits[:2]), ("test", *digits[2:])):
        print(f"{name}: {accuracy(infer(layers, images), labels):.2%} of {len(labels)} images")
    weights = np.concatenate([layer.weights.ravel() for layer in layers])
    print(f"zeros: {1 - np.count_nonzero(weights) / weights.size:.2%} of {weights.size:,} weights")
    print(f"wrote {output} ({output.stat().st_size:,} bytes)")


if __name__ == "__main__":
    main()
