"""Cycles of tables of layers on the SNAP chip, from random tensors of given densities."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..memory_timing import MemoryTiming
from ..workloads.layers import LayerShape, random_tensors
from .command import Command
from .compiler import compile_layers
from .cycles import ChipCounters, LayerCounters, simulate_chip
from .folding import fold_layer, fold_values, folds
from .golden import read_rings
from .layers import Convolution, Residual, Tensor
from .work import ColumnWork, LayerWork, bitmaps_of

__all__ = ["Frame", "frame", "layer_work"]

DRAWING = 0.2
"""Share of a frame's time that random tensors take, about."""


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
    def products(self) -> int:
        """Pairs of non-zeros that were multiplied."""
        return sum(int(layer.multiplies.sum()) for layer in self.counters.layers)

    @property
    def ideal_cycles(self) -> int:
        """Cycles with every multiplier busy in each."""
        return -(-self.products // self.config.multipliers)

    @property
    def utilisation(self) -> float:
        """Share of all multipliers' cycles in which they multiplied two non-zeros."""
        return self.products / (self.counters.cycles * self.config.multipliers)

    def bytes(self, counters: LayerCounters | ChipCounters) -> dict[str, int]:
        """Bytes of each kind that crossed the memory ports."""
        return {name: beats * self.config.bus.bytes for name, beats in counters.beats.items()}


def layer_work(
    config: SnapChipConfig,
    layer: LayerShape,
    densities: tuple[float, float],
    *,
    seed: int = 0,
    output: float | None = None,
    residual: float | None = None,
    diagonal: bool | None = None,
) -> LayerWork:
    """Random work of a layer, compiled for itself. First layers with few channels are folded.

    Parameters
    ----------
    densities
        Of input activations and weights.
    output
        Density of the output; by default that of the input.
    residual
        Density of the residual that is added; None: none is.
    diagonal
        As of `Convolution`.

    Raises
    ------
    ConfigError
        If the layer doesn't fit the chip.
    """
    rng = np.random.default_rng(seed)
    values, weights = random_tensors(layer, *densities, seed, bits=8)
    tensor = Tensor(height=layer.height, width=layer.width, channels=layer.channels)
    added = Residual(tensor="r", sum_factor=1.0, factor=1.0, offset=0.0, zero=0, low=0, high=255)
    convolution = Convolution(
        source="x", target="y", weights=weights.astype(np.int8), bias=np.zeros(layer.kernels, np.int32),
        factors=np.ones(layer.kernels, np.float32), residual=None if residual is None else added,
        diagonal=diagonal, **layer.steps,
    )  # fmt: skip
    stored = values != 0
    if folds(config, convolution):
        stored = fold_values(convolution, tensor, stored.astype(np.uint8)) != 0
        convolution, tensor = fold_layer(convolution, tensor)
    tensors, shares = {"x": tensor}, {"x": densities[0]}
    if residual is not None:
        tensors["r"], shares["r"] = convolution.output(tensor), residual
    program = compile_layers(config, tensors, [convolution], shares)
    command = program.commands[0]

    def bitmaps(name: str, there: np.ndarray) -> np.ndarray:
        order = program.tensors[name].order
        return bitmaps_of(config, np.where(order >= 0, there[..., order], False))

    def drawn(name: str, density: float) -> np.ndarray:
        shape = command["out_lines"], command["out_columns"], layer.kernels
        return bitmaps(name, rng.random(shape, np.float32) < density)

    return LayerWork(
        command=command,
        inputs=bitmaps("x", stored),
        outputs=drawn("y", densities[0] if output is None else output),
        residual=None if residual is None else drawn("r", residual),
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
    progress: Callable[[str, float], None] = lambda *_: None,
) -> Frame:
    """Run a table of layers as one list of commands, each on random tensors of its own.

    An output is as dense as the input of the layer behind it. The last layer of a ResNet's block adds a residual that
    is as dense as the block's input.

    Parameters
    ----------
    densities
        By layer: of activations and weights.
    timing
        Of the memory.
    progress
        Called with a layer's name and the share of the work that is done.

    Raises
    ------
    ConfigError
        If a layer doesn't fit the chip.
    """
    done = np.append(0, np.cumsum([layer.macs for layer in layers])) / sum(layer.macs for layer in layers)
    works, entry = [], 0.0
    for number, (layer, pair) in enumerate(zip(layers, densities, strict=True)):
        progress(f"drawing {layer.name}", DRAWING * done[number])
        output = densities[min(number + 1, len(layers) - 1)][0]
        if layer.name.endswith(("_branch1", "_branch2a")):
            entry = pair[0]
        residual = (entry or pair[0]) if layer.name.endswith("_branch2c") else None
        works.append(layer_work(config, layer, pair, seed=seed + number, output=output, residual=residual))

    def tell(number: int) -> None:
        progress(f"running {layers[number].name}", DRAWING + (1 - DRAWING) * done[number])

    counters = simulate_chip(config, works, timing=timing, progress=tell)
    return Frame(config, list(layers), [work.command for work in works], counters)
