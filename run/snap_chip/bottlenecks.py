"""Whole bottleneck blocks of ResNet-50 on the Verilog of a SNAP chip: three layers and a residual by one start."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...hw.errors import FailureError
from ...sim.snap_chip.bottleneck import INPUT, OUTPUTS, random_bottleneck
from ...sim.snap_chip.compiler import compile_layers
from ...sim.workloads.densities import SNAP_MEAN
from ...sim.workloads.layers import LayerShape, find_layer, sample
from ...tb.mutation.mutants import design_digest
from ..execution import Simulator
from .frames import TIMING
from .program import MEMORY_PORTS, SnapChipProgram

__all__ = ["BLOCKS", "PRESET", "RECORDS", "block_layers", "measure_bottlenecks"]

PRESET = "snap-chip"

BLOCKS = ("resnet50/res2b", "resnet50/res4b", "resnet50/res5b")
"""Blocks whose input is added as it is, of images 56, 14 and 7 wide."""

RECORDS = Path(__file__).parent / "recorded"
"""Folder of the figures that are kept with the digest of the design, by `run.mutation.records`."""

SEED = 1


def block_layers(name: str, part: tuple[int, int, int, int] | None = None) -> list[LayerShape]:
    """Return the three layers of a block, or what is left of them.

    Parameters
    ----------
    name
        ``network/block``, one of `BLOCKS`.
    part
        Height, width, outer and inner channels at most.
    """
    layers = [layer for letter in "abc" if (layer := find_layer(f"{name}_branch2{letter}"))]
    if part is None:
        return layers
    height, width, outer, inner = part
    sizes = (outer, inner), (inner, inner), (inner, outer)
    return [sample(layer, height, width, *size) for layer, size in zip(layers, sizes, strict=True)]


def measure_bottlenecks(simulator: Simulator, blocks: Sequence[Sequence[LayerShape]]) -> dict[str, Any]:
    """Run blocks, each a list of three layers, at the mean densities, behind a memory as that of frames.

    Raises
    ------
    FailureError
        If a byte that a block leaves differs from the chip's golden model, an output of any of its layers from the
        maths, or a counter from the cycle model.
    """
    design = simulator.design
    measured = [_measure(simulator, layers) for layers in blocks]
    return {
        "design": design.name,
        "digest": design_digest(design.engine.component(design.config)),
        "seed": SEED,
        "ia_density": SNAP_MEAN[0],
        "w_density": SNAP_MEAN[1],
        "blocks": measured,
    }


def _measure(simulator: Simulator, layers: Sequence[LayerShape]) -> dict[str, Any]:
    """Figures of a block."""
    config, name = simulator.design.config, layers[0].name.rpartition("_")[0]
    block = random_bottleneck(layers, SNAP_MEAN, SEED)
    compiled = compile_layers(config, block.inputs, block.layers, block.densities)
    program = SnapChipProgram(
        compiled=compiled, inputs_by_name={INPUT: block.values[INPUT]}, results=[OUTPUTS[-1]],
        shape=block.values[OUTPUTS[-1]].shape, pairs=block.macs,
    )  # fmt: skip
    outcome, driven = simulator.run_program(program, name, timing=TIMING)
    if not outcome.passed:
        raise FailureError(f"{name}: {outcome.complaint}")
    memory = driven.outputs[MEMORY_PORTS[0]]
    for tensor, values in block.values.items():
        if wrong := np.count_nonzero(compiled.read(memory, tensor) != values):
            raise FailureError(f"{name}: {wrong:,} values of {tensor} differ from the maths")
    return {
        "name": name,
        "layers": [layer.text for layer in layers],
        **outcome.figures(),
        **outcome.counters.bytes(config),
    }
