"""Layers from a topology file of SCALE-Sim."""

import re

from ...hw.config import check
from .layers import LayerShape

__all__ = ["read_topology"]

FIELDS = 8
"""A name and seven sizes; what follows is not read."""


def read_topology(name: str, text: str) -> list[LayerShape]:
    """Layers of a topology: behind a line of titles, name, height, width, rows, columns, channels, kernels, stride.

    There is no padding, and no group but with ``DP`` in the name, where each channel is convolved alone.

    Parameters
    ----------
    name
        Of the network.
    text
        Of the file.

    Raises
    ------
    ConfigError
        For lines that are no layer, and if there is none; it says which.
    """
    layers = []
    for number, line in enumerate(text.splitlines()[1:], 2):
        label, *sizes = (cell.strip() for cell in line.split(",")[:FIELDS])
        if not label and not any(sizes):
            continue
        right = len(sizes) == FIELDS - 1 and all(re.fullmatch("[0-9]{1,9}", size) for size in sizes)
        check(f"line {number}", right, "a name and seven integers, separated by commas", line)
        height, width, rows, columns, channels, kernels, stride = map(int, sizes)
        groups = channels if "DP" in label else 1
        layer = LayerShape(
            name=f"{name}/{label}", height=height, width=width, channels=channels, rows=rows, columns=columns,
            kernels=kernels * groups, stride=stride, groups=groups,
        )  # fmt: skip
        _ = layer.geometry  # checks them
        layers.append(layer)
    check(name, bool(layers), "a topology of SCALE-Sim with at least one layer", text[:40])
    return layers
