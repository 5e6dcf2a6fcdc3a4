"""Compiled parts: a PE of a channel-last machine and its accumulator banks."""

import numpy as np

from ...compiled import compiled, part

__all__ = ["LAYER", "multiply"]

LAYER = np.dtype(
    [(name, "i8") for name in ("height", "width", "down", "across", "top", "left", "operands", "kernels", "queue")]
)
"""Size of the output, stride and padding of the convolution; operands, kernels and queue of the machine."""


@part
def add(layer, pixels, p, weights, w, waiting):
    """Send a product to the bank of its output, of which neighbours, and those of other kernels, lie in neighbours.

    Returns how many there are: none where the output does not exist.
    """
    down = pixels[p, 0] + layer.top - weights[w, 0]
    across = pixels[p, 1] + layer.left - weights[w, 1]
    if down < 0 or across < 0 or down % layer.down or across % layer.across:
        return 0
    down, across = down // layer.down, across // layer.across
    if down >= layer.height or across >= layer.width:
        return 0
    waiting[((down * layer.width + across) * layer.kernels + weights[w, 2]) % len(waiting)] += 1
    return 1


@part
def write(queue, waiting):
    """Write a product of each bank a cycle, at least one cycle, until no more than `queue` wait; how many cycles."""
    longest = 0
    for bank in range(len(waiting)):
        longest = max(longest, waiting[bank])
    cycles = max(1, longest - queue)
    for bank in range(len(waiting)):
        waiting[bank] = max(waiting[bank] - cycles, 0)
    return cycles


@compiled
def multiply(layers, pixels, pixel_ends, weights, weight_ends, waiting, totals):
    """Multiply all non-zero weights with all non-zero pixels of the same channel, n by n.

    Parameters
    ----------
    layers
        One `LAYER`.
    pixels, pixel_ends
        ``[pixels, 2]``: row and column of the non-zero ones, by channel; where each channel's end.
    weights, weight_ends
        ``[weights, 3]``: row, column and kernel, in the same way.
    waiting
        ``[banks]`` of 0: products that wait at each bank.
    totals
        Where products, vectors and cycles are added.
    """
    layer = layers[0]
    n, pixel, weight = layer.operands, 0, 0
    for channel in range(len(pixel_ends)):
        last_pixel, last_weight = pixel_ends[channel], weight_ends[channel]
        for w in range(weight, last_weight, n):
            for p in range(pixel, last_pixel, n):
                for one in range(w, min(w + n, last_weight)):
                    for other in range(p, min(p + n, last_pixel)):
                        totals[0] += add(layer, pixels, other, weights, one, waiting)
                totals[1] += 1
                totals[2] += write(layer.queue, waiting)
        pixel, weight = last_pixel, last_weight
    longest = 0
    for bank in range(len(waiting)):
        longest = max(longest, waiting[bank])
    totals[2] += longest
