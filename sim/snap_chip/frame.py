"""Cycles of tables of layers on the SNAP chip, from random tensors of given densities."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..memory_timing import MemoryTiming
from ..workloads.layers import LayerShape, random_tensors
from .command import Command
from .compiler import compile_layers
from .cycles import ChipCounters, LayerCounters, simulate_chip
from .folding import fold_layer, fold_values
from .golden import read_rings
from .layers import Convolution, Residual, Tensor
from .work import ColumnWork, LayerWork, bitmaps_of

__all__ = ["Frame", "frame", "layer_work", "residual_layers"]


@dataclasses.dataclass(frozen=True)
class Frame:
    """What a table of layers takes, one after the other.

    Parameters
    ----------
    config
        The chip.
    layers
        The table.
    commands
        By layer: what the compiler chose.
    counters
        Of the list.
    """

    config: SnapChipConfig
    layers: list[LayerShape]
    commands: list[Command]
    counters: ChipCounters

    @property
    def utilisation(self) -> float:
        """Share of all multipliers' cycles in which they multiplied two non-zeros."""
        products = sum(int(layer.multiplies.sum()) for layer in self.counters.layers)
        return products / (self.counters.cycles * self.config.multipliers)

    def bytes(self, counters: LayerCounters | ChipCounters) -> dict[str, int]:
        """Bytes of each kind that crossed the memory ports."""
        return {name: beats * self.config.bus.bytes for name, beats in counters.beats.items()}


def residual_layers(layers: Sequence[LayerShape]) -> set[str]:
    """Names of the layers of a ResNet that add a residual: the last ones of its blocks."""
    return {layer.name for layer in layers if layer.name.endswith("_branch2c")}


def layer_work(
    config: SnapChipConfig, layer: LayerShape, densities: tuple[float, float], *, seed: int = 0, residual: bool = False
) -> LayerWork:
    """Random work of a layer, compiled for itself. First layers with few channels are folded.

    Parameters
    ----------
    densities
        Of activations (input, output and residual) and weights.
    residual
        Whether a residual is added.

    Raises
    ------
    ConfigError
        If the layer doesn't fit the chip.
    """
    rng = np.random.default_rng(seed)
    values, weights = random_tensors(layer, *densities, seed, bits=8)
    tensor = Tensor(height=layer.height, width=layer.width, channels=layer.channels)
    added = Residual(tensor="r", sum_factor=1.0, factor=1.0, offset=0.0, zero=0, low=0, high=255) if residual else None
    convolution = Convolution(
        source="x", target="y", weights=weights.astype(np.int8), bias=np.zeros(layer.kernels, np.int32),
        factors=np.ones(layer.kernels, np.float32), residual=added, **layer.steps,
    )  # fmt: skip
    stored = values != 0
    if layer.rows > 1 and layer.rows * layer.channels <= config.tile_channels and layer.groups == 1:
        stored = fold_values(convolution, tensor, stored.astype(np.uint8)) != 0
        convolution, tensor = fold_layer(convolution, tensor)
    tensors = {"x": tensor}
    if residual:
        tensors["r"] = convolution.output(tensor)
    program = compile_layers(config, tensors, [convolution], dict.fromkeys(tensors, densities[0]))
    command = program.commands[0]

    def bitmaps(name: str, there: np.ndarray) -> np.ndarray:
        order = program.tensors[name].order
        return bitmaps_of(config, np.where(order >= 0, there[..., order], False))

    def drawn(name: str) -> np.ndarray:
        shape = command["out_lines"], command["out_columns"], layer.kernels
        return bitmaps(name, rng.random(shape, np.float32) < densities[0])

    return LayerWork(
        command=command,
        inputs=bitmaps("x", stored),
        outputs=drawn("y"),
        residual=drawn("r") if residual else None,
        weights=tuple(
            ColumnWork(bitmaps_of(config, ring.weights != 0)[..., 0], ring.windows, ring.counts)
            for ring in read_rings(config, command, program.image)
        ),
    )


def frame(
    config: SnapChipConfig,
    layers: Sequence[LayerShape],
    densities: Sequence[tuple[float, float]],
    timing: MemoryTiming,
    *,
    seed: int = 0,
) -> Frame:
    """Run a table of layers as one list of commands, each on random tensors of its own.

    Parameters
    ----------
    densities
        By layer: of activations and weights.
    timing
        Of the memory.

    Raises
    ------
    ConfigError
        If a layer doesn't fit the chip.
    """
    adding = residual_layers(layers)
    works = [
        layer_work(config, layer, pair, seed=seed + number, residual=layer.name in adding)
        for number, (layer, pair) in enumerate(zip(layers, densities, strict=True))
    ]
    return Frame(config, list(layers), [work.command for work in works], simulate_chip(config, works, timing=timing))
