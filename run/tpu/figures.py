"""The TPU's side of figures of the TPU paper and the lecture."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any

from ...hw.tpu.config import PRESETS
from ...sim.tpu.networks import NETWORKS
from ..progress import Stages
from .networks import CLOCK, TIMING, app_figures, scaled_timing
from .program import NetworkProgram

__all__ = ["REPRODUCE"]

PRESET = "tpu-v1"

SMALL = "MLP1"
"""The network that the cycle model is through with first."""

FMA_OVERHEAD = 20
"""Of an instruction, in multiply-accumulates: what the lecture says of the one that does a single one."""


def applications(stages: Stages) -> dict[str, Any]:
    """Cycles and TOPS of all six."""
    return {
        f"{name}, {title}": figures[key]
        for name in NETWORKS
        for figures in [_app(name, stages)]
        for key, title in (
            ("active", "array active"),
            ("weight_stall", "waits for weights"),
            ("tops", "TOPS"),
            ("weight_uses", "uses of a weight"),
        )
    }


def roofline(stages: Stages) -> dict[str, Any]:
    """The roof, and shares of it."""
    multipliers = PRESETS[PRESET].multipliers
    pace = (TIMING.read_pace or 0) / TIMING.pace_cycles
    return {
        "ridge, operations a byte of weights": round(multipliers / pace),
        "peak, TOPS": round(2 * multipliers * CLOCK / 1e12, 2),
        **{f"{name}, share of the roofline": round(_app(name, stages)["roofline_share"], 3) for name in NETWORKS},
    }


def amortisation(stages: Stages) -> dict[str, Any]:
    """Overhead of instructions of so many multiply-accumulates, and those of a network."""
    figures, macs = _app(SMALL, stages), NETWORKS[SMALL](1).macs
    each = macs / figures["instructions"]
    return {
        "overhead of FMA, 1 multiply-accumulate, %": _overhead(1),
        "overhead of DP4, 4 of them, %": _overhead(4),
        "overhead of MMA, 64 of them, %": _overhead(64),
        f"multiply-accumulates an instruction, {SMALL}": round(each),
        f"overhead of the TPU's instructions, {SMALL}, %": float(f"{_overhead(each):.2g}"),
        "cycles an instruction of the TPU": round(figures["cycles"] / figures["instructions"]),
    }


def _overhead(macs: float) -> float:
    return round(100 * FMA_OVERHEAD / macs, 6)


def _app(name: str, stages: Stages) -> Mapping[str, Any]:
    with stages(f"Predicting {name}"):
        return _figures(name)


@cache
def _figures(name: str) -> Mapping[str, Any]:
    """Figures of a network by the cycle model, which several figures show."""
    config = PRESETS[PRESET]

    def count(program: NetworkProgram) -> Mapping[str, int]:
        return dataclasses.asdict(program.predict(scaled_timing(config)))

    return app_figures(config, name, count)


REPRODUCE = {"tpu-table3": applications, "tpu-roofline": roofline, "tensor-cores": amortisation}
"""What makes each figure."""
