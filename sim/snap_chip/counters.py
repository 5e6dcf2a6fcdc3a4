"""What the chip's counters show after a list of commands, and what is known of it without a cycle model."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...hw.config import check
from ...hw.snap_chip.command import COMMAND_BYTES
from ...hw.snap_chip.config import SnapChipConfig
from ..counters import Counters
from .command import Command
from .golden import input_layout, output_layout, residual_layout
from .tensors import TensorLayout

if TYPE_CHECKING:
    from .cycles import LayerCounters

__all__ = ["KINDS", "ChipCounters", "count_beats"]

KINDS = ("command", "input", "residual", "scale", "weight", "output")
"""What crosses the memory ports; all but the last is read."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChipCounters(Counters):
    """Counters of the chip.

    Parameters
    ----------
    cycles
        From the one in which the list begins to the one in which its ``stop`` is met.
    layers
        Layers that began.
    beats
        That crossed the memory ports, by kind; tensors with their tables.
    went
        What `where_cycles_went` says, if the cycle model ran.
    modelled
        What it counted of each layer.
    """

    layers: int
    beats: dict[str, int]
    went: dict[str, float] | None = dataclasses.field(default=None, compare=False)
    modelled: "Sequence[LayerCounters] | None" = dataclasses.field(default=None, compare=False)

    def where_cycles_went(self) -> dict[str, float]:
        """Shares of the PEs' cycles as the cycle model has it, see `WENT`; else of all, by what the port read."""
        if self.went is not None:
            return self.went
        assert self.cycles is not None
        read = {kind: self.beats[f"{kind}_beats"] for kind in KINDS if kind != "output"}
        idle = self.cycles - sum(read.values())
        return {f"{kind}_read": count / self.cycles for kind, count in read.items()} | {
            "nothing_read": idle / self.cycles
        }

    def bytes(self, config: SnapChipConfig) -> dict[str, int]:
        """What crossed the memory ports, by kind."""
        return {f"{kind}_bytes": self.beats[f"{kind}_beats"] * config.bus.bytes for kind in KINDS}


def count_beats(config: SnapChipConfig, commands: Sequence[Command], memory: np.ndarray) -> ChipCounters:
    """What a list that runs to its end reads and writes; its cycles are not known.

    Parameters
    ----------
    commands
        Without the ``stop``.
    memory
        Bytes after the list, in which all tensors are: none may be written twice.
    """
    outputs = [command["out_address"] for command in commands]
    check("commands", len(set(outputs)) == len(outputs), "of different outputs", outputs)
    beats = dict.fromkeys(KINDS, 0)
    beats["command"] = (len(commands) + 1) * COMMAND_BYTES // config.bus.bytes
    for command in commands:
        beats["input"] += _tensor(config, input_layout(config, command), memory)
        beats["output"] += _tensor(config, output_layout(config, command), memory)
        if command["residual"]:
            beats["residual"] += _tensor(config, residual_layout(config, command), memory)
        beats["scale"] += command["scale_beats"] * command["regions"]
        once = sum(command[f"weight_beats_{ring}"] for ring in range(config.rings))
        beats["weight"] += once * command["passes"]
    return ChipCounters(
        cycles=None, layers=len(commands), beats={f"{kind}_beats": count for kind, count in beats.items()}
    )


def _tensor(config: SnapChipConfig, layout: TensorLayout, memory: np.ndarray) -> int:
    """Beats of a tensor's segments and its table."""
    table = memory[layout.table * config.bus.bytes :][: 4 * layout.segments(config)]
    return int(table.view("<u4").sum()) + layout.table_beats(config)
