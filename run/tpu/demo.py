"""What ``tensorloom demo`` runs on a TPU: a perceptron that reads digits, all layers of all batches by one program."""

import time
from typing import TYPE_CHECKING, Any

from ...hw.errors import FailureError
from ..demonstration import Demonstration, load

if TYPE_CHECKING:
    from ..driving import Driven
    from ..execution import Simulator
    from .program import NetworkProgram

__all__ = ["BATCHES", "run"]

BATCHES = 5
"""In which the held-out digits are read: a program of as many inputs."""

NOTE = (
    "One program in memory: one start, one interrupt, nothing between them. It reads each batch's images from the\n"
    "host's memory, runs all layers out of the unified buffer, and writes the scores back. These are compared with\n"
    "the network's own golden model, all of the host's memory with the interpreter of the instructions, every counter\n"
    "with the cycle model."
)


def run(simulator: "Simulator") -> Demonstration:
    """Read digits on the Verilog, from images to scores."""
    import numpy as np

    from ...sim.tpu.chain import infer
    from ...sim.tpu.networks import digits_mlp
    from ...sim.workloads.digits import accuracy, digits_images
    from .program import map_network

    data = load(digits_images)
    images = data.test_images
    inputs = np.split(images, BATCHES)
    network = digits_mlp(len(inputs[0]))
    program = map_network(simulator.design.config, network, inputs)
    start = time.perf_counter()
    driven = simulator.drive(program, f"digits, {BATCHES} batches")
    seconds = time.perf_counter() - start
    scores = program.assemble(driven.outputs).reshape(len(images), -1)
    wrong = int(np.count_nonzero(scores != np.concatenate([infer(network, one) for one in inputs])))
    whole = _figures(simulator, program, driven, wrong, seconds)
    columns = ["on the Verilog", "size", "bit-exact", "instructions", "cycles", "model", "utilisation", "seconds"]
    row = [whole[key] for key in ("name", "size", "bit_exact", "instructions", "cycles", "predicted_cycles")]
    return Demonstration(
        layers=[whole], images=len(images), accuracy=accuracy(scores, data.test_labels), columns=columns,
        rows=[[*row, f"{whole['utilisation']:.2%}", round(seconds, 2)]], note=NOTE,
    )  # fmt: skip


def _figures(
    simulator: "Simulator", program: "NetworkProgram", driven: "Driven", wrong: int, seconds: float
) -> dict[str, Any]:
    """Figures of the program."""
    from .engine import ENGINE, error_text

    config, registers = simulator.design.config, driven.result.counters
    if text := error_text(registers):
        raise FailureError(text)
    counters, predicted = ENGINE.read_counters(registers), ENGINE.predict(config, program)
    differences, cycles = counters.differences(predicted), counters.cycles or 0
    layers = program.compiled.graph.nodes
    return {
        "name": "digits MLP",
        "size": f"{len(program.host[0]):,} bytes, {len(layers)} layers, {program.compiled.batches} batches",
        "source": "rtl",
        "bit_exact": not wrong and not driven.wrong_bytes,
        "mismatches": wrong,
        "wrong_bytes": driven.wrong_bytes,
        "instructions": counters.instructions,
        "cycles": cycles,
        "predicted_cycles": predicted.cycles,
        "equals_cycle_model": not differences,
        "macs": program.macs,
        "utilisation": round(program.macs / (cycles * config.multipliers), 6),
        "where_cycles_went": {name: round(share, 4) for name, share in counters.where_cycles_went().items()},
        "seconds": round(seconds, 3),
        "passed": not wrong and not driven.wrong_bytes and not differences,
    }
