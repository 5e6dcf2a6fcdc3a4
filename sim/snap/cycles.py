"""Cycle model of the SNAP core: every ring, queue, AIM slot and reducer port, exact to the cycle.

Values of operands don't matter, only which pairs match, so it runs on match counts (`CoreWork`).
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ...hw.snap.config import SnapConfig
from ..counters import Counters
from ..stalls import Pattern, make_gates
from .program import CoreProgram
from .work import CoreWork, core_work

if TYPE_CHECKING:
    from .model.state import Machine

__all__ = ["WAITS", "CoreCounters", "Stalls", "simulate_core"]

WAITS = ("busy", "empty_list", "wait_weights", "wait_activations", "wait_aim", "wait_psum")
"""What a PE does in a cycle: exactly one of these."""

CHUNK = 1 << 20
"""Cycles at a time, between which an interrupt is served. A core of which nothing moves in so many is stuck."""


@dataclasses.dataclass(frozen=True)
class Stalls:
    """Cycles in which streams stand still: see `Pattern`.

    Parameters
    ----------
    weights, activations, commands
        Cycles in which the sender offers no new beat; one that it has offered stays until it is taken. The commands
        are one stream.
    sums
        Cycles in which the receiver of a port is not ready.
    """

    weights: Pattern = None
    activations: Pattern = None
    sums: Pattern = None
    commands: Pattern = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class CoreCounters(Counters):
    """What the core's performance counters show at the end of a program.

    Parameters
    ----------
    cycles
        From the one in which the first beat is taken, of weights or activations, to the one in which the last sum is
        handed over (or the last command is taken, if none of its ports sends), inclusive.
    multiplies
        Pairs multiplied, by PE.
    waits
        ``{reason: [rows, columns]}``: cycles of each PE by what it did, see `WAITS`. Each PE's add up to `cycles`.
    aim_operations, lists
        By row: AIM operations, and lists that they made.
    sums
        By port: psums handed over (OA updates).
    weight_beats, activation_beats
        By stream: beats taken.
    """

    cycles: int
    multiplies: np.ndarray
    waits: dict[str, np.ndarray]
    aim_operations: np.ndarray
    lists: np.ndarray
    sums: np.ndarray
    weight_beats: np.ndarray
    activation_beats: np.ndarray

    def where_cycles_went(self) -> dict[str, float]:
        """Shares of the PEs' cycles by what the PEs did."""
        total = self.cycles * self.multiplies.size
        return {name: int(self.waits[name].sum()) / total if total else 0.0 for name in WAITS}

    def utilisation(self, multipliers: int) -> float:
        """Effectual utilisation: share of all multiplier slots that multiplied two non-zeros; 0 without a cycle."""
        return float(self.multiplies.sum()) / max(1, self.cycles * multipliers)

    @property
    def sums_per_cycle(self) -> float:
        """OA updates a cycle; 0 without a cycle."""
        return float(self.sums.sum()) / max(1, self.cycles)


def simulate_core(
    config: SnapConfig,
    program: CoreProgram,
    *,
    stalls: Stalls = Stalls(),  # noqa: B008 (frozen)
    limit: int | None = None,
    work: CoreWork | None = None,
) -> CoreCounters:
    """Run `program` on a core from reset until its last psum is handed over.

    Parameters
    ----------
    config, program
        The core and what it is fed. Streams and commands are always valid, except where `stalls` says.
    stalls
        Cycles in which streams stand still.
    limit
        Cycles after which a core that isn't done counts as stuck; by default any number, as long as something moves.
    work
        `core_work(config, program)` if the caller has it already.

    Raises
    ------
    RuntimeError
        If the core is stuck: the program deadlocks or starves.
    """
    if not len(program.slots):
        return _nothing(config)
    from .model.machine import advance
    from .model.state import new_machine

    counts = {
        "weights": config.core_columns, "activations": config.core_rows, "commands": 1, "sums": config.ports,
    }  # fmt: skip
    gates, bits = make_gates({name: (getattr(stalls, name), count) for name, count in counts.items()})
    machine = new_machine(config, program, work or core_work(config, program), gates, bits)
    core, moved = machine.core[0], -1
    while not advance(machine, min(core["cycle"] + CHUNK, limit or CHUNK << 40)):
        at = f"(block {core['block']} waits)"
        if core["cycle"] == limit:
            raise RuntimeError(f"limit must be enough for the program, not {limit} cycles {at}")
        before, moved = moved, _moves(machine)
        if moved == before:
            raise RuntimeError(f"program must not deadlock or starve: nothing moves in cycle {core['cycle']} {at}")
    return _counters(config, machine)


def _nothing(config: SnapConfig) -> CoreCounters:
    """Counters of an empty program."""
    rows, columns, pes = (np.zeros(size, np.int64) for size in (config.core_rows, config.core_columns, config.pes))
    grid = pes.reshape(config.core_rows, config.core_columns)
    return CoreCounters(
        cycles=0, multiplies=grid, sums=np.zeros(config.ports, np.int64), waits=dict.fromkeys(WAITS, grid),
        aim_operations=rows, lists=rows, weight_beats=columns, activation_beats=rows,
    )  # fmt: skip


def _moves(machine: "Machine") -> int:
    """Count beats, lists, multiplications, commands and sums so far."""
    counts = machine.streams["at"], machine.pes["taken"], machine.pes["multiplies"], machine.ports["sums"]
    return sum(int(count.sum(dtype=np.int64)) for count in (*counts, machine.core["block"]))


def _counters(config: SnapConfig, machine: "Machine") -> CoreCounters:
    core, pes = machine.core[0], machine.pes.reshape(config.core_rows, config.core_columns)
    beats = machine.streams["at"].astype(np.int64) - np.append(0, machine.streams["end"][:-1])
    return CoreCounters(
        cycles=int(core["cycle"] - core["first"]),
        multiplies=pes["multiplies"].copy(),
        waits={name: pes[name].copy() for name in WAITS},
        aim_operations=machine.rows["operations"].copy(),
        lists=machine.rows["lists"].copy(),
        sums=machine.ports["sums"].copy(),
        weight_beats=beats[: config.core_columns],
        activation_beats=beats[config.core_columns :],
    )
