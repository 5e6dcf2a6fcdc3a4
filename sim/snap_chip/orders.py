"""In which order a tensor's channels are stored: dealt to the cores, so that in each round all have equal work."""

from collections.abc import Mapping, Sequence

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from .layers import Convolution, Layer, MaxPool, Tensor
from .scales import kernel_order

__all__ = ["deal", "stored_channels", "unions"]


def unions(pairs: Sequence[tuple[str, str]], names: Sequence[str]) -> dict[str, str]:
    """By name: one name of all that pairs connect with it."""
    root = {name: name for name in names}

    def find(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    for one, other in pairs:
        root[find(one)] = find(other)
    return {name: find(name) for name in names}


def deal(config: SnapChipConfig, work: np.ndarray, kernels: int) -> np.ndarray:
    """Kernel of each stored channel, -1 for none: rounds of like work, the heaviest kernel to the core with the least.

    Parameters
    ----------
    work
        Of each kernel.
    kernels
        Of a core in a round.
    """
    tiles = -(-len(work) // config.tile_channels)
    places = kernel_order(config, kernels, tiles)
    stored = np.full(tiles * config.tile_channels, -1)
    order = np.argsort(-work, kind="stable")
    size = config.cores * kernels
    for number, place in enumerate(places):
        load, used = np.zeros(config.cores), [0] * config.cores
        for kernel in order[number * size : (number + 1) * size].tolist():
            free = [(load[n], used[n], n) for n in range(config.cores) if used[n] < kernels]
            core = min(free)[2]
            stored[place[core, used[core]]] = kernel
            used[core] += 1
            load[core] += work[kernel]
    return stored


def _in_order(config: SnapChipConfig, channels: int) -> np.ndarray:
    stored = np.arange(-(-channels // config.tile_channels) * config.tile_channels)
    return np.where(stored < channels, stored, -1)


def stored_channels(
    config: SnapChipConfig, tensors: Mapping[str, Tensor], layers: Sequence[Layer], kernels: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Channel at each stored place of each tensor, -1 for padding.

    Tensors that a pooling or residual layer connects have the same order. It is dealt where only ungrouped
    convolutions write and read them; else it is the channels' own.

    Parameters
    ----------
    kernels
        By target of a convolution: kernels of a core in a round.
    """
    pairs = [(layer.source, layer.target) for layer in layers if isinstance(layer, MaxPool)]
    convolutions = [layer for layer in layers if isinstance(layer, Convolution)]
    pairs += [(layer.residual.tensor, layer.target) for layer in convolutions if layer.residual]
    classes = unions(pairs, list(tensors))
    written = {layer.target for layer in layers}
    fixed = {classes[name] for name in tensors if name not in written}
    fixed |= {classes[name] for layer in convolutions if layer.groups > 1 for name in (layer.source, layer.target)}
    work: dict[str, np.ndarray] = {}
    for layer in convolutions:
        own = classes[layer.target]
        work[own] = work.get(own, 0) + np.count_nonzero(layer.weights, axis=(0, 1, 2))
    sizes = {classes[layer.target]: kernels[layer.target] for layer in convolutions}
    dealt = {own: deal(config, work[own], sizes[own]) for own in work if own not in fixed}
    return {
        name: dealt[classes[name]] if classes[name] in dealt else _in_order(config, tensor.channels)
        for name, tensor in tensors.items()
    }
