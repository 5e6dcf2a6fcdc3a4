"""Channel-last machines beside the chip's cores, the peer of the SNAP paper (Fig. 15)."""

import dataclasses

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..snap.channel_last import ChannelLast, simulate_channel_last
from .draw import Drawn
from .layers import Convolution

__all__ = ["channel_last_cycles", "machine_beside"]

QUEUE = 4
"""Products that wait at a bank: without queues the machine is much slower."""


def machine_beside(config: SnapChipConfig) -> ChannelLast:
    """The machine with about as many multipliers as a core of the chip has: 64 where that has 63."""
    machine = ChannelLast(queue=QUEUE)
    pes, multipliers = machine.pe_rows * machine.pe_columns, config.multipliers // config.cores
    operands = max(1, round((multipliers / pes) ** 0.5))
    return dataclasses.replace(machine, operands=operands, banks=2 * operands**2)


def channel_last_cycles(config: SnapChipConfig, drawn: Drawn) -> dict[str, int]:
    """Cycles of each convolution by its target, on one machine a core, each with its share of the kernels.

    Residuals cost nothing, nor do memory and the beginnings of layers.
    """
    machine, cycles = machine_beside(config), {}
    for layer in drawn.layers:
        if isinstance(layer, Convolution):
            x, count = np.asarray(drawn.values[layer.source]), config.cores
            cycles[layer.target] = max(
                simulate_channel_last(machine, x, layer.weights[..., core::count], layer.stride, layer.padding).cycles
                for core in range(count)
            )
    return cycles
