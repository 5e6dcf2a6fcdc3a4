"""Runs a program on a compiled SNAP core: streams as arrays of beats, counters as the cycle model has them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap.config import SnapConfig
from ...sim.snap.beats import block_sums, program_inputs, program_outputs
from ...sim.snap.cycles import WAITS, CoreCounters, Stalls
from ...sim.snap.program import CoreProgram
from ..bulk.model import Model, Result
from ..bulk.stalls import random_stalls

__all__ = [
    "ProgramResult",
    "core_counters",
    "core_stalls",
    "run_program",
]


@dataclasses.dataclass(frozen=True)
class ProgramResult:
    """What a core gave for a program.

    Attributes
    ----------
    sums
        By block ``[ports, slots]``, 0 for ports that don't send.
    counters
        The core's performance counters.
    errors
        Its sticky errors.
    result
        Of the simulation.
    """

    sums: list[np.ndarray]
    counters: CoreCounters
    errors: dict[str, int]
    result: Result


def run_program(model: Model, config: SnapConfig, program: CoreProgram, **options: Any) -> ProgramResult:
    """Run `program` on `model`, a compiled `SnapCore`.

    Parameters
    ----------
    model, config, program
        The compiled core, its configuration, and what it is fed.
    options
        As in `Model.run`.

    Raises
    ------
    SimulationError
        If sums are missing, too many, or not in the order of their slots.
    """
    options.setdefault("idle_cycles", 20)  # for sums that should not come
    result = model.run(program_inputs(program), program_outputs(config, program), **options)
    return ProgramResult(
        sums=block_sums(config, program, result.outputs),
        counters=core_counters(result.counters["o_counters"]),
        errors=result.counters["o_errors"],
        result=result,
    )


def core_stalls(model: Model, config: SnapConfig, stalls: float | Mapping[str, float], seed: int = 0) -> Stalls:
    """What the cycle model has to be told of the stalls in a run of `run_program`."""
    found = random_stalls(model.manifest, stalls, seed)
    return Stalls(
        weights=[found[f"i_weights_{column}"] for column in range(config.core_columns)],
        activations=[found[f"i_activations_{row}"] for row in range(config.core_rows)],
        sums=[found[f"o_sums_{port}"] for port in range(config.ports)],
        commands=[found["i_commands"]],
    )


def core_counters(counters: Mapping[str, Any]) -> CoreCounters:
    """The core's port of counters, as structs of arrays or as arrays of structs, as the cycle model has them."""
    counters = {name: _arrays(value) for name, value in counters.items()}
    pes, rows = counters["pes"], counters["rows"]
    return CoreCounters(
        cycles=int(counters["cycles"]),
        multiplies=pes["multiplies"],
        waits={name: pes[name] for name in WAITS},
        aim_operations=rows["aim_operations"],
        lists=rows["lists"],
        sums=counters["sums"],
        weight_beats=counters["weight_beats"],
        activation_beats=counters["activation_beats"],
    )


def _arrays(value: Any) -> Any:
    """Lists of dicts as dicts of arrays."""
    if isinstance(value, Mapping):
        return {name: _arrays(part) for name, part in value.items()}
    if isinstance(value, list):
        parts = [_arrays(part) for part in value]
        if isinstance(parts[0], dict):
            return {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    return np.asarray(value)
