"""Cycle model of the SNAP chip: memory, buffers, cores and post-processing, exact to the cycle.

Values of operands don't matter, only which of them are stored, so it runs on bitmaps (`LayerWork`).
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..counters import Counters
from ..memory_timing import MemoryTiming
from ..snap.cycles import WAITS
from .work import LayerWork

if TYPE_CHECKING:
    from .model.state import Chip

__all__ = ["BEATS", "ChipCounters", "LayerCounters", "simulate_chip"]

BEATS = ("command", "input", "residual", "scale", "weight", "output")
"""Kinds of beats that cross the memory ports."""

CLIENT_KINDS = ("command", "input", "input", "residual", "residual", "scale")
"""Of the clients of the read port but the weight buffers, which come last."""

CHUNK = 1 << 18
"""Cycles at a time. A chip of which nothing moves in so many is stuck."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LayerCounters(Counters):
    """What happened from the beginning of a layer to that of the next one, or to the end of the list.

    Parameters
    ----------
    cycles
        From the one in which the layer begins.
    multiplies
        Pairs multiplied, by core and PE.
    waits
        ``{reason: [cores, pes]}``: cycles of each PE by what it did, see `sim.snap.cycles.WAITS`.
    beats
        ``{kind: beats}`` that crossed the memory ports, see `BEATS`. Weights may be those of the next layer.
    """

    multiplies: np.ndarray
    waits: dict[str, np.ndarray]
    beats: dict[str, int]

    def where_cycles_went(self) -> dict[str, float]:
        """Shares of the PEs' cycles by what the PEs did."""
        total = self.cycles * self.multiplies.size
        return {name: float(self.waits[name].sum()) / max(1, total) for name in WAITS}

    def utilisation(self, multipliers: int) -> float:
        """Share of all multipliers' cycles in which they multiplied two non-zeros."""
        return float(self.multiplies.sum()) / max(1, self.cycles * multipliers)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChipCounters(Counters):
    """What the chip's counters show at the end of a list, and what they would show of each layer.

    Parameters
    ----------
    cycles
        In which the list was at work.
    beats
        As in `LayerCounters`.
    layers
        By layer.
    """

    beats: dict[str, int]
    layers: list[LayerCounters]


def simulate_chip(
    config: SnapChipConfig,
    works: Sequence[LayerWork],
    *,
    timing: MemoryTiming = MemoryTiming(),  # noqa: B008 (frozen)
    list_address: int = 0,
) -> ChipCounters:
    """Run a list of layers, from the cycle after the one in which software starts it.

    Parameters
    ----------
    config, works
        The chip and what it has to do.
    timing
        Of the memory, without random stalls.
    list_address
        Beat at which the commands begin.

    Raises
    ------
    RuntimeError
        If the chip is stuck.
    """
    from .model.build import begin_layer, new_chip
    from .model.machine import BEGIN, DONE, advance

    chip = new_chip(config, works, timing, list_address)
    state = chip.chip[0]
    layers: list[LayerCounters] = []
    begun, start, moves, before = 0, 0, -1, _beats(chip)
    while True:
        why = advance(chip, int(state["cycle"]) + CHUNK)
        if why in (BEGIN, DONE):
            now = int(state["cycle"]) - (why == BEGIN)
            if begun:
                layers.append(_layer(chip, works[begun - 1], now - start, before))
            start, before = now, _beats(chip)
            if why == DONE:
                return ChipCounters(cycles=now, beats=before, layers=layers)
            chip = begin_layer(config, chip, works[begun])
            begun += 1
        elif state["moves"] == moves:
            raise RuntimeError(f"list must not get stuck: nothing moves in layer {begun - 1}, cycle {state['cycle']}")
        moves = int(state["moves"])


def _beats(chip: "Chip") -> dict[str, int]:
    """Beats of each kind so far."""
    state, beats = chip.chip[0], dict.fromkeys(BEATS, 0)
    for name, count in zip((*CLIENT_KINDS, "weight"), state["client_beats"].tolist(), strict=True):
        beats[name] += count
    return beats | {"output": int(state["output_beats"])}


def _layer(chip: "Chip", work: LayerWork, cycles: int, before: dict[str, int]) -> LayerCounters:
    cores = chip.cores if work.convolves else ()
    after, pes = _beats(chip), [core.pes for core in cores]
    return LayerCounters(
        cycles=cycles,
        multiplies=np.array([one["multiplies"] for one in pes]),
        waits={name: np.array([one[name] for one in pes]) for name in WAITS},
        beats={name: after[name] - before[name] for name in BEATS},
    )
