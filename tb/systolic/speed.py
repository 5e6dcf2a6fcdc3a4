"""Speed of the matrix unit's cycle model beside that of its Verilog."""

import dataclasses
import statistics
import time

from ...hw.systolic.config import SystolicConfig
from ...sim.systolic.cycles import predict
from ...sim.systolic.mapping import MatrixProgram
from ..bulk.model import Model

__all__ = ["Speeds", "compare_speeds"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Speeds:
    """Clock cycles that a second of CPU time brings.

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


def compare_speeds(config: SystolicConfig, unit: Model, program: MatrixProgram, *, rounds: int = 3) -> Speeds:
    """Let the cycle model and the Verilog run the same program by turns.

    Parameters
    ----------
    config, unit
        The matrix unit and its compiled simulation.
    program
        What they run. The longer it is, the less the start of a simulation counts.
    rounds
        Times that each of them is measured.
    """
    streams = {"i_weights": program.weights, "i_activations": program.activations, "i_commands": program.commands}
    cycles = predict(config, program.commands).cycles  # the first call also compiles the model
    verilog, model = [], []
    for _ in range(rounds):
        start = time.process_time()
        unit.run(streams, {"o_sums": program.sums})
        verilog.append(cycles / (time.process_time() - start))
        start, times = time.process_time(), 0
        while (seconds := time.process_time() - start) < 0.02:  # a single prediction is too short for the clock
            predict(config, program.commands)
            times += 1
        model.append(times * cycles / seconds)
    ratio = statistics.median(mine / its for mine, its in zip(model, verilog, strict=True))
    return Speeds(model=statistics.median(model), verilog=statistics.median(verilog), ratio=ratio)
