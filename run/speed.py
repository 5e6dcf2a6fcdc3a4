"""How fast an engine's cycle model is beside its Verilog."""

import dataclasses
import statistics
import time
from typing import TYPE_CHECKING, Any

from .driving import drive

if TYPE_CHECKING:
    from .contract import Program
    from .execution import Simulator

__all__ = ["Speeds", "compare_speeds"]

LEAST_SECONDS = 0.02
"""For which a prediction is repeated, as a single one is too short for the clock."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Speeds:
    """Clock cycles that a second of processor time brings.

    Attributes
    ----------
    model, verilog
        Of the cycle model and of the compiled simulation, medians.
    ratio
        Median of how much faster the model was.
    """

    model: float
    verilog: float
    ratio: float

    def figures(self) -> dict[str, Any]:
        """Values for JSON."""
        return {
            "model_cycles_per_second": round(self.model),
            "verilog_cycles_per_second": round(self.verilog),
            "ratio": round(self.ratio, 1),
        }


def compare_speeds(simulator: "Simulator", program: "Program", *, rounds: int = 3) -> Speeds:
    """Let the cycle model and the Verilog run the same program by turns.

    Parameters
    ----------
    simulator
        The compiled design.
    program
        What they run. The longer it is, the less the start of a simulation counts.
    rounds
        Times that each of them is measured.
    """
    engine, config = simulator.design.engine, simulator.design.config
    cycles = engine.predict(config, program).cycles  # the first call also compiles the model
    verilog, model = [], []
    for _ in range(rounds):
        start = time.process_time()
        drive(simulator.model, program)
        verilog.append(cycles / (time.process_time() - start))
        start, times = time.process_time(), 0
        while (seconds := time.process_time() - start) < LEAST_SECONDS:
            engine.predict(config, program)
            times += 1
        model.append(times * cycles / seconds)
    ratio = statistics.median(mine / its for mine, its in zip(model, verilog, strict=True))
    return Speeds(model=statistics.median(model), verilog=statistics.median(verilog), ratio=ratio)
