"""What ``tensorloom demo`` runs on a SNAP chip: a pruned convolutional network that reads digits, by one start."""

import time
from typing import TYPE_CHECKING, Any

from ...hw.errors import FailureError
from ..demonstration import Demonstration, load

if TYPE_CHECKING:
    import numpy as np

    from ..driving import Driven
    from ..execution import Simulator
    from .program import SnapChipProgram

__all__ = ["IMAGES", "run"]

IMAGES = 8
"""Held-out digits that the network reads; each is some 8,700 cycles on ``snap-chip-tiny``."""

NOTE = (
    "All layers of all images are one list of commands in memory: one start, one interrupt, nothing between them.\n"
    "Density is the share of non-zeros; all activations cross the memory ports compressed. Scores are the last sums,\n"
    "requantized to int8. Outputs of each layer are compared with the network's own golden model, the whole memory\n"
    "with that of the chip, cycles and what crossed the ports with the cycle model."
)


class _Reference:
    """The network's own golden model: what each layer gets, and how many pairs of non-zeros it multiplies."""

    def __init__(self, network: Any, images: "np.ndarray") -> None:
        from ...sim.snap_chip.digits import digits_scores
        from ...sim.workloads.digits_cnn import infer

        self.inputs: list[np.ndarray] = []
        self.pairs: list[int] = []
        self.scores = digits_scores(infer(network, images, self._conv, self._fc))

    def _conv(self, x: "np.ndarray", w: "np.ndarray", **steps: Any) -> "np.ndarray":
        from ...sim.golden.convolution import convolution

        self.inputs.append(x)
        self.pairs.append(int(convolution((x != 0).astype("int8"), (w != 0).astype("int8"), **steps).sum()))
        return convolution(x, w, **steps)

    def _fc(self, x: "np.ndarray", w: "np.ndarray") -> "np.ndarray":
        from ...sim.golden.matmul import matmul

        self.inputs.append(x)
        self.pairs.append(int(matmul((x != 0).astype("int8"), (w != 0).astype("int8")).sum()))
        return matmul(x, w)


def run(simulator: "Simulator") -> Demonstration:
    """Read digits on the Verilog, from compressed images to scores."""
    from ...sim.workloads.digits import accuracy, digits_images
    from ...sim.workloads.digits_cnn import load_digits_cnn

    data, network = load(digits_images), load_digits_cnn()
    images = data.test_images[:IMAGES]
    reference = _Reference(network, images)
    program, targets = _compile(simulator, network, images, sum(reference.pairs))
    start = time.perf_counter()
    driven = simulator.drive(program, f"digits, {len(program.compiled.commands)} layers")
    whole = _whole(simulator, program, driven, time.perf_counter() - start)
    layers = [_layer(program, driven, reference, network, *found) for found in enumerate(targets)]
    columns = [
        "on the Verilog", "size", "bit-exact", "density, IA/W", "pairs", "cycles", "utilisation", "seconds"
    ]  # fmt: skip
    rows: list[list[object]] = [
        [one["name"], one["size"], one["bit_exact"], f"{one['ia_density']:.2f}/{one['w_density']:.2f}", one["macs"]]
        + ["", "", ""]
        for one in layers
    ]
    figures = [whole["cycles"], f"{whole['utilisation']:.1%}", round(whole["seconds"], 2)]
    rows.append([whole["name"], whole["size"], whole["bit_exact"], "", whole["macs"], *figures])
    return Demonstration(
        layers=[*layers, whole], images=len(images), columns=columns, rows=rows, note=NOTE,
        accuracy=accuracy(program.assemble(driven.outputs), data.test_labels[:IMAGES]),
    )  # fmt: skip


def _compile(
    simulator: "Simulator", network: Any, images: "np.ndarray", pairs: int
) -> "tuple[SnapChipProgram, list[list[str]]]":
    """One list for all images, and the outputs of each layer of the network: a name for each image."""
    from ...sim.snap_chip.compiler import compile_layers
    from ...sim.snap_chip.digits import digits_layers, image_tensor
    from ...sim.workloads.digits_cnn import SIDE
    from .program import SnapChipProgram

    names = [f"image_{number}" for number in range(len(images))]
    lists = [digits_layers(network, name, f"{name}_") for name in names]
    targets = [[layer.target for layer in layers] for layers in zip(*lists, strict=True)]
    compiled = compile_layers(simulator.design.config, dict.fromkeys(names, image_tensor()), sum(lists, []))
    values = dict(zip(names, images.reshape(-1, SIDE, SIDE, 1), strict=True))
    shape = len(images), len(network[-1].bias)
    return SnapChipProgram(
        compiled=compiled, inputs_by_name=values, results=targets[-1], shape=shape, pairs=pairs
    ), targets  # fmt: skip


def _layer(
    program: "SnapChipProgram",
    driven: "Driven",
    reference: _Reference,
    network: Any,
    number: int,
    targets: list[str],
) -> dict[str, Any]:
    """Figures of one layer for all images; its outputs, as they are in memory, beside the network's own."""
    import numpy as np

    from .program import MEMORY_PORTS

    layer, source = network[number], reference.inputs[number]
    memory = driven.outputs[MEMORY_PORTS[0]]
    found = np.stack([program.compiled.read(memory, name) for name in targets])
    expected = reference.scores if layer.factor is None else reference.inputs[number + 1]
    wrong = int(np.count_nonzero(found.reshape(expected.shape) != expected))
    kernel = "FC" if layer.weights.ndim == 2 else "x".join(map(str, layer.weights.shape[:2]))
    return {
        "name": f"digits {kernel}" + (f" stride {layer.stride}" if layer.stride > 1 else ""),
        "size": f"{'x'.join(map(str, source.shape[1:]))} to {layer.weights.shape[-1]}",
        "source": "rtl",
        "bit_exact": not wrong,
        "mismatches": wrong,
        "ia_density": round(np.count_nonzero(source) / source.size, 4),
        "w_density": round(np.count_nonzero(layer.weights) / layer.weights.size, 4),
        "macs": reference.pairs[number],
        "passed": not wrong,
    }


def _whole(simulator: "Simulator", program: "SnapChipProgram", driven: "Driven", seconds: float) -> dict[str, Any]:
    """Figures of the whole list; its counters and all of the memory beside the chip's golden model."""
    from .engine import ENGINE, errors_text

    config, registers = simulator.design.config, driven.result.counters
    if text := errors_text(registers):
        raise FailureError(text)
    counters = ENGINE.read_counters(registers)
    predicted, _ = simulator.predict(program)
    cycles, differences = counters.cycles or 0, counters.differences(predicted)
    went = (counters if differences else predicted).where_cycles_went()
    return {
        "name": "the whole list",
        "size": f"{counters.layers} layers",
        "source": "rtl",
        "bit_exact": not driven.wrong_bytes,
        "wrong_bytes": driven.wrong_bytes,
        "cycles": cycles,
        "predicted_cycles": predicted.cycles,
        "equals_cycle_model": not differences,
        "macs": program.macs,
        "utilisation": round(program.macs / (cycles * config.multipliers), 6),
        "where_cycles_went": {name: round(share, 4) for name, share in went.items()},
        **counters.bytes(config),
        "seconds": round(seconds, 3),
        "passed": not driven.wrong_bytes and not differences,
    }
