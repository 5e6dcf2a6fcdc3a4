"""What the training scripts share: Adam on grids of powers of two, quantization, and the file that is written.

To be reproducible, training computes on grids coarse enough that every matrix product is exact in float64, so that the
order in which a BLAS adds doesn't matter.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tensorloom.sim.golden.requantize import multiplier, quantize
from tensorloom.sim.workloads.digits import Digits, accuracy, digits_images

__all__ = ["INPUT_SCALE", "STEP_GRID", "VALUE_GRID", "adam", "quantize_layers", "run", "snap"]

SEED = 0
EPOCHS = 30
BATCH = 64
LEARNING_RATE = 3e-3
INPUT_SCALE = 1 / 16

VALUE_GRID = 2.0**12  # activations
STEP_GRID = 2.0**20  # weights, biases and errors

Gradients = Callable[[np.ndarray, np.ndarray, list[np.ndarray], list[np.ndarray]], list[np.ndarray]]


def snap(values: np.ndarray, grid: float) -> np.ndarray:
    """Round to multiples of 1 / grid."""
    return np.rint(values * grid) / grid


def adam(
    images: np.ndarray,
    labels: np.ndarray,
    shapes: Sequence[tuple[int, ...]],
    gradients: Gradients,
    mask: Callable[[int, int, np.ndarray], np.ndarray | bool] = lambda *_: True,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Train by Adam with a learning rate that falls to zero; return weights and biases.

    Parameters
    ----------
    shapes
        Of the weights of each layer, outputs last.
    gradients
        Of the loss by the weights, then by the biases, ``gradients(x, labels, weights, biases)``.
    mask
        Weights that stay in an epoch, ``mask(epoch, layer, weights)``; the others become zero.
    """
    random = np.random.RandomState(SEED)
    count = len(shapes)
    parameters = [
        snap(random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1])), STEP_GRID) for shape in shapes
    ] + [np.zeros(shape[-1]) for shape in shapes]
    masks: list[np.ndarray | bool] = [True] * len(parameters)
    mean = [np.zeros_like(p) for p in parameters]
    square = [np.zeros_like(p) for p in parameters]
    decay_mean = decay_square = 1.0
    for epoch in range(EPOCHS):
        rate = LEARNING_RATE * (1 - epoch / EPOCHS)
        masks[:count] = [mask(epoch, layer, parameters[layer]) for layer in range(count)]
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


def quantize_layers(
    values: list[np.ndarray], weights: list[np.ndarray], biases: list[np.ndarray], largest: int
) -> list[dict[str, Any]]:
    """Weights, bias and factor of each layer: per tensor, symmetric weights, activations up to `largest`.

    Parameters
    ----------
    values
        Inputs of each layer for the training images, and the scores.
    """
    scales = [np.float32(INPUT_SCALE), *(np.float32(value.max() / largest) for value in values[1:-1])]
    layers = []
    for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
        w_scale = np.float32(np.abs(w).max() / 127)
        layers.append(
            {
                "weights": quantize(w, w_scale, dtype=np.int8),
                "bias": np.rint(b / (np.float64(scales[i]) * np.float64(w_scale))).astype(np.int32),
                "factor": np.float32(multiplier(scales[i], w_scale, scales[i + 1])) if i + 1 < len(scales) else None,
            }
        )
    return layers


def _save(path: Path, layers: Sequence[Any]) -> None:
    """Write the arrays uncompressed and in little-endian order, so that equal arrays make equal files."""
    arrays = {f"weights_{i}": layer.weights for i, layer in enumerate(layers)}
    arrays |= {f"bias_{i}": layer.bias.astype("<i4") for i, layer in enumerate(layers)}
    arrays["factors"] = np.array([layer.factor for layer in layers[:-1]], "<f4")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)


def run(description: str | None, name: str, make: Callable[[Digits], Sequence[Any]], infer: Callable[..., Any]) -> None:
    """Make the layers, save them, and print how well they do.

    Parameters
    ----------
    description
        Of the command.
    name
        File in ``sim/workloads/data`` to write, unless the command line says otherwise.
    make, infer
        Trains and quantizes the network on the digits; runs it, ``infer(layers, images)``.
    """
    parser = argparse.ArgumentParser(description=description)
    default = Path(__file__).parent.parent / "sim" / "workloads" / "data" / name
    parser.add_argument("-o", "--output", type=Path, default=default, help="file to write (.npz)")
    output = parser.parse_args().output
    digits: Digits = digits_images()
    layers = make(digits)
    _save(output, layers)
    for part, images, labels in (("training", *digits[:2]), ("test", *digits[2:])):
        print(f"{part}: {accuracy(infer(layers, images), labels):.2%} of {len(labels)} images")
    weights = np.concatenate([layer.weights.ravel() for layer in layers])
    print(f"zeros: {1 - np.count_nonzero(weights) / weights.size:.2%} of {weights.size:,} weights")
    print(f"wrote {output} ({output.stat().st_size:,} bytes)")
