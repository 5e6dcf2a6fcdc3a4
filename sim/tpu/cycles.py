"""Exact cycle model of the TPU."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from ...hw.config import check
from ...hw.tpu.config import TpuConfig
from ..counters import Counters
from ..memory_timing import MemoryTiming
from .rules import Room

__all__ = ["CATEGORIES", "Stretch", "TpuCycles", "predict", "trace"]

CATEGORIES = ("active", "weight_shift", "weight_stall", "accumulators", "raw", "input", "fill", "idle")
"""Where cycles go, by the names of the hardware's counters."""

CHUNK = 1 << 22
"""Cycles at a time, a few seconds."""

NEVER = 1 << 62
"""Entries that no unit completes."""


class Stretch(NamedTuple):
    """Bytes of memory: where they begin, a multiple of a beat's bytes, and how many they are."""

    address: int
    size: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class TpuCycles(Counters):
    """Where the cycles of a program go: the counters of the hardware, by their names.

    Attributes
    ----------
    cycles
        From the one after that in which software starts the program to the one in which it halts. Each of them belongs
        to one of the next eight.
    active
        An activation row entered the array.
    weight_shift
        A row waited for a weight tile that had come whole, and had not settled in the array.
    weight_stall
        A row waited for a weight tile that had not come whole.
    accumulators
        A row waited for accumulators to drain.
    raw
        Nothing entered: the next matmul waited for an activate, pool or vector to write what it reads.
    input
        Nothing entered: the next matmul waited for the host's data.
    fill
        Nothing entered, although a matmul was at work: its first rows were being read.
    idle
        Nothing entered: no matmul was there.
    instructions
        That left the decoder.
    weight_beats, parameter_beats, host_in_beats, host_out_beats
        That crossed the memory ports.
    result_rows
        Rows written by the activation unit; each plane of a row counts.
    vector_rows
        Rows written by the vector unit; a result that lies in two rows counts in both.
    """

    cycles: int
    active: int
    weight_shift: int
    weight_stall: int
    accumulators: int
    raw: int
    input: int
    fill: int
    idle: int
    instructions: int
    weight_beats: int
    parameter_beats: int
    host_in_beats: int
    host_out_beats: int
    result_rows: int
    vector_rows: int

    def where_cycles_went(self) -> dict[str, float]:
        """Shares of the cycles by category."""
        return {name: getattr(self, name) / self.cycles for name in CATEGORIES}

    def utilisation(self, config: TpuConfig, macs: int) -> float:
        """Useful multiply-accumulates as a share of cycles x multipliers."""
        return macs / (self.cycles * config.multipliers)


def predict(
    config: TpuConfig,
    program: bytes,
    *,
    host: Sequence[Stretch],
    weights: Stretch,
    address: int = 0,
    timing: MemoryTiming = MemoryTiming(),  # noqa: B008 (frozen)
) -> TpuCycles:
    """Predict the counters for a program that runs to its ``halt``.

    What operands are worth doesn't matter. Where they lie does: bursts end where a multiple of the longest burst is.

    Parameters
    ----------
    config
        The TPU.
    program
        Instructions' bytes.
    host
        Both windows, in the host's memory.
    weights
        Weight memory.
    address
        First byte of the program in the host's memory.
    timing
        Of both memories, without random stalls.

    Raises
    ------
    ConfigError
        If the program ends with an error, or the memory's channels stall at random: neither is predicted.
    """
    return trace(config, program, (), host=host, weights=weights, address=address, timing=timing)[-1]


def trace(
    config: TpuConfig,
    program: bytes,
    ends: Sequence[tuple[int, int, int]],
    *,
    host: Sequence[Stretch],
    weights: Stretch,
    address: int = 0,
    timing: MemoryTiming = MemoryTiming(),  # noqa: B008 (frozen)
) -> list[TpuCycles]:
    """Predict the counters for a program, at some of its instructions and at its end; see `predict`.

    Parameters
    ----------
    ends
        When to look: how many entries the matrix unit, the activation unit and the vector unit must have completed,
        in an order in which no number falls.
    """
    check("timing", not timing.random, "without random stalls", timing)
    from .model.build import new_machine
    from .model.machine import advance
    from .model.state import ACTIVATION, MATRIX, VECTOR

    first, second = host
    beat = config.bus_bytes
    addresses = {
        "host[0]": first.address, "host[1]": second.address, "weights": weights.address, "address": address,
    }  # fmt: skip
    for name, byte in addresses.items():
        check(name, byte % beat == 0, f"at a multiple of a beat's {beat} bytes", byte)
    *bases, start = (byte // beat for byte in addresses.values())
    machine = new_machine(config, program, Room((first.size, second.size), weights.size), bases, timing, start)
    core = machine.core[0]
    found = []
    for end in (*ends, (NEVER,) * 3):
        for unit, entries in zip((MATRIX, ACTIVATION, VECTOR), end, strict=True):
            while not core["halted"] and machine.board["completed"][0, unit] < entries:
                advance(machine, int(core["cycle"]) + CHUNK, unit, entries)
        counted = {one.name: int(core[one.name]) for one in dataclasses.fields(TpuCycles) if one.name != "cycles"}
        found.append(TpuCycles(cycles=int(core["cycle"]) - 1, **counted))
    return found
