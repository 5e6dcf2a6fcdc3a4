"""What ``tensorloom demo`` runs on a SNAP chip: a pruned convolutional network that reads digits, by one start."""

import time
from typing import TYPE_CHECKING, Any

from ...hw.errors import FailureError
from ..demonstration import Demonstration, load
from ..jobs import Job

if TYPE_CHECKING:
    import numpy as np

    from ..execution import Simulator

__all__ = ["IMAGES", "run"]

IMAGES = 8
"""Held-out digits that the network reads."""

NOTE = (
    "All layers of all images are one list of commands in memory: one start, one interrupt, no step of the host between.\n"
    "Density is the share of non-zeros; every activation crosses the memory ports compressed. Scores are the last sums\n"
    "requantized to int8. The whole memory is compared with the golden model of the chip, each layer's outputs with the\n"
    "network's own. There is no cycle model yet."
)


def run(simulator: "Simulator") -> Demonstration:
    """Read digits on the Verilog, from compressed images to scores."""
    import numpy as np

    from ...sim.golden.convolution import convolution
    from ...sim.golden.matmul import matmul
    from ...sim.snap_chip.compiler import compile_layers
    from ...sim.snap_chip.digits import digits_layers, digits_scores, image_tensor
    from ...sim.workloads.digits import accuracy, digits_images
    from ...sim.workloads.digits_cnn import SIDE, infer, load_digits_cnn
    from .program import SnapChipProgram

    data, design = load(digits_images), simulator.design
    config, engine = design.config, design.engine
    network, images = load_digits_cnn(), data.test_images[:IMAGES]
    inputs: list[np.ndarray] = []
    """Of each layer, by the network's own golden models."""
    pairs: list[int] = []

    def conv(x: "np.ndarray", w: "np.ndarray", **steps: int) -> "np.ndarray":
        pairs.append(int(convolution((x != 0).astype(np.int8), (w != 0).astype(np.int8), **steps).sum()))
        inputs.append(x)
        return convolution(x, w, **steps)

    def fc(x: "np.ndarray", w: "np.ndarray") -> "np.ndarray":
        pairs.append(int(np.count_nonzero(x, axis=0) @ np.count_nonzero(w, axis=1)))
        inputs.append(x)
        return matmul(x, w)

    scores = digits_scores(infer(network, images, conv, fc))
    names = [f"image_{number}" for number in range(len(images))]
    lists = [digits_layers(network, name, f"{name}_") for name in names]
    program = SnapChipProgram(
        compiled=compile_layers(config, dict.fromkeys(names, image_tensor()), sum(lists, [])),
        inputs_by_name=dict(zip(names, images.reshape(-1, SIDE, SIDE, 1), strict=True)),
        results=[layers[-1].target for layers in lists], shape=scores.shape, macs=sum(pairs),
    )  # fmt: skip
    start = time.perf_counter()
    driven = simulator.drive(program, f"digits, {len(program.compiled.commands)} layers")
    seconds = time.perf_counter() - start
    registers = driven.result.counters
    if complaint := engine.complaint(registers, Job(name="digits", a=images, b=network[-1].weights.T[:, :64].T)):
        raise FailureError(complaint)
    counters, predicted = engine.read_counters(registers), engine.predict(config, program)
    memory = next(iter(driven.memories.values()))
    layers: list[dict[str, Any]] = []
    for number, layer in enumerate(network):
        found = np.stack([program.compiled.read(memory, layers[number].target) for layers in lists])
        expected = scores if layer.factor is None else inputs[number + 1]
        wrong = int(np.count_nonzero(found.reshape(expected.shape) != expected))
        kernel = "FC" if layer.weights.ndim == 2 else "x".join(map(str, layer.weights.shape[:2]))
        layers.append(
            {
                "name": f"digits {kernel}" + (f" stride {layer.stride}" if layer.stride > 1 else ""),
                "size": f"{'x'.join(map(str, inputs[number].shape[1:]))} to {layer.weights.shape[-1]}",
                "source": "rtl", "bit_exact": not wrong, "mismatches": wrong,
                "ia_density": round(np.count_nonzero(inputs[number]) / inputs[number].size, 4),
                "w_density": round(np.count_nonzero(layer.weights) / layer.weights.size, 4),
                "macs": pairs[number], "passed": not wrong,
            }
        )  # fmt: skip
    whole = {
        "name": "digits, whole list", "size": f"{len(program.compiled.commands)} layers", "source": "rtl",
        "bit_exact": not driven.wrong_bytes, "wrong_bytes": driven.wrong_bytes, "cycles": counters.cycles,
        "predicted_cycles": None, "equals_predicted_counters": not counters.differences(predicted),
        "macs": sum(pairs), "utilisation": round(sum(pairs) / (counters.cycles * config.multipliers), 6),
        "where_cycles_went": counters.where_cycles_went(),
        "bytes": {name.removesuffix("_beats"): beats * config.bus.bytes for name, beats in counters.beats.items()},
        "seconds": round(seconds, 3),
        "passed": not driven.wrong_bytes and not counters.differences(predicted),
    }  # fmt: skip
    rows = [
        [one["name"], one["size"], one["bit_exact"], f"{one['ia_density']:.2f}/{one['w_density']:.2f}", one["macs"]]
        + [""] * 3
        for one in layers
    ]
    rows.append(
        [
            whole["name"], whole["size"], whole["bit_exact"], "", whole["macs"], whole["cycles"],
            f"{whole['utilisation']:.1%}", whole["seconds"],
        ]
    )  # fmt: skip
    columns = [
        "on the Verilog", "size", "bit-exact", "density, IA/W", "non-zero pairs", "cycles", "utilisation", "seconds"
    ]  # fmt: skip
    return Demonstration(
        layers=[*layers, whole], images=len(images), accuracy=accuracy(program.assemble(driven.outputs), data.test_labels[:IMAGES]),
        columns=columns, rows=rows, note=NOTE,
    )  # fmt: skip
