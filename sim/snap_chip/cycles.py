"""Cycle model of the SNAP chip: memory, buffers, cores and post-processing, exact to the cycle.

Values of operands don't matter, only which of them are stored, so it runs on bitmaps (`LayerWork`).
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...hw.config import check, check_int
from ...hw.snap_chip.config import SnapChipConfig
from ..counters import Counters
from ..memory_timing import MemoryTiming
from ..snap.cycles import WAITS
from .check_work import check_works
from .work import LayerWork

if TYPE_CHECKING:
    from .model.state import Chip

__all__ = ["BEATS", "WENT", "ChipCounters", "LayerCounters", "simulate_chip"]

BEATS = ("command", "input", "residual", "scale", "weight", "output")
"""Kinds of beats that cross the memory ports."""

WENT = ("compute", "lists", "weights", "activations", "memory", "psums", "begin", "spread", "end", "pooling")
"""Where PEs' cycles go: multiplying; waiting for a list of matches, or using up an empty one; waiting for weights,
activations, or for either of them while memory has not sent them yet; waiting for room for psums, which outputs take;
until the core's first beat; from its last sum to that of the slowest core; from there to the next layer; pooling.

A PE waits for memory in as many cycles as it waits for weights (activations), but no more than those in which the
feeder of its column (the reader of the banks) waits for memory."""

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
    beats
        ``{kind: beats}`` that crossed the memory ports, see `BEATS`. Weights may be those of the next layer.
    multiplies
        Pairs multiplied, ``[cores, pes]``; no cores for a pooling layer, here and below.
    sums
        By core: sums that left it.
    waits
        ``{reason: [cores, pes]}``: cycles of each PE by what it did, see `sim.snap.cycles.WAITS`.
    first, last
        By core: cycles until the one in which it took its first beat, and up to the one of its last sum.
    input_waits
        Cycles in which the next pixels wait until they are in the banks.
    weight_waits
        By weight buffer: cycles in which its feeder waits for memory.
    output_waits
        By core: cycles in which a sum waits for the output buffer, of all ports.
    aim_operations, weight_beats, activation_beats
        By core: operations of its AIMs, and beats that it took.
    """

    beats: dict[str, int]
    cycles: int
    multiplies: np.ndarray
    sums: np.ndarray
    waits: dict[str, np.ndarray]
    first: np.ndarray
    last: np.ndarray
    input_waits: int
    weight_waits: np.ndarray
    output_waits: np.ndarray
    aim_operations: np.ndarray
    weight_beats: np.ndarray
    activation_beats: np.ndarray

    def where_cycles_went(self) -> dict[str, float]:
        """Shares of the PEs' cycles by what was done or waited for, see `WENT`."""
        shares = dict.fromkeys(WENT, 0.0)
        if not self.multiplies.size:
            return shares | {"pooling": 1.0}
        cores, pes = self.multiplies.shape
        spent = {name: int(cycles.sum()) for name, cycles in self.waits.items()}
        ends = self.cycles - self.last  # which a core's PEs spent waiting for weights
        weights, activations = self.waits["wait_weights"] - ends[:, None], self.waits["wait_activations"]
        starved = np.tile(self.weight_waits.reshape(cores, -1), pes * cores // len(self.weight_waits))
        no_weights, no_input = np.minimum(weights, starved), np.minimum(activations, self.input_waits)
        parts = {
            "compute": spent["busy"], "lists": spent["empty_list"] + spent["wait_aim"],
            "weights": int((weights - no_weights).sum()), "activations": int((activations - no_input).sum()),
            "memory": int(no_weights.sum() + no_input.sum()), "psums": spent["wait_psum"],
            "begin": pes * int(self.first.sum()),
            "spread": pes * int((self.last.max() - self.last).sum()),
            "end": pes * cores * int(self.cycles - self.last.max()),
        }  # fmt: skip
        return shares | {name: part / (self.cycles * cores * pes) for name, part in parts.items()}

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

    cycles: int
    beats: dict[str, int]
    layers: list[LayerCounters]

    def where_cycles_went(self) -> dict[str, float]:
        """Shares of the PEs' cycles as those of layers; what comes before the first layer counts as its beginning."""
        parts = [(layer.cycles, layer.where_cycles_went()) for layer in self.layers]
        spent = {name: sum(cycles * shares[name] for cycles, shares in parts) for name in WENT}
        spent["begin"] += self.cycles - sum(cycles for cycles, _ in parts)
        return {name: cycles / self.cycles for name, cycles in spent.items()}


def simulate_chip(
    config: SnapChipConfig,
    works: Sequence[LayerWork],
    *,
    timing: MemoryTiming = MemoryTiming(),  # noqa: B008 (frozen)
    list_address: int = 0,
    progress: Callable[[int], None] = lambda _: None,
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
    progress
        Called with the number of layers that are done whenever one begins.

    Raises
    ------
    ConfigError
        If the memory's channels stall at random, or a work is not what its command says, or doesn't fit the chip.
    RuntimeError
        If the chip is stuck.
    """
    check_works(config, works)
    check_int("list_address", list_address, 0, (1 << config.bus.beat_address_bits) - 1)
    check("timing", not timing.random, "without random stalls", timing)
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
                layers.append(_layer(chip, works[begun - 1], start, now, before))
            start, before = now, _beats(chip)
            if why == DONE:
                return ChipCounters(cycles=now, beats=before, layers=layers)
            progress(begun)
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


def _layer(chip: "Chip", work: LayerWork, start: int, now: int, before: dict[str, int]) -> LayerCounters:
    count = int(chip.sizes[0]["cores"]) if work.convolves else 0
    cores, after = chip.cores[:count], _beats(chip)
    for core in cores:  # which waited in the cycle in which the next layer began
        core.pes["wait_weights"] -= core.core[0]["cycle"] + 1 - (now - start)
    pes, ports = [core.pes for core in cores], chip.ports.reshape(-1, int(chip.sizes[0]["rows"]))
    taken = np.array([core.streams["at"] - np.append(0, core.streams["end"][:-1]) for core in cores], np.int64)
    columns = len(chip.rings) // int(chip.sizes[0]["cores"])
    return LayerCounters(
        cycles=now - start,
        beats={name: after[name] - before[name] for name in BEATS},
        multiplies=np.array([one["multiplies"] for one in pes]),
        sums=np.array([int(core.ports["sums"].sum()) for core in cores]),
        waits={name: np.array([one[name] for one in pes]) for name in WAITS},
        first=np.array([1 + int(core.core[0]["first"]) for core in cores]),
        last=ports["last"].max(1)[:count] + 1 - start,
        input_waits=int(chip.chip[0]["input_waits"]),
        weight_waits=chip.rings["starves"].copy(),
        output_waits=ports["waits"].sum(1)[:count],
        aim_operations=np.array([int(core.rows["operations"].sum()) for core in cores]),
        weight_beats=np.array([beats[:columns].sum() for beats in taken]),
        activation_beats=np.array([beats[columns:].sum() for beats in taken]),
    )
