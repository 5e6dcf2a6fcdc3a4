"""What ``tensorloom demo`` runs on a matrix unit: a digits classifier and a convolution of a photograph."""

from typing import TYPE_CHECKING, Any

from ..demonstration import Demonstration, layer_figures, load
from ..jobs import Job

if TYPE_CHECKING:
    import numpy as np

    from ..execution import Simulator

__all__ = ["run"]

NOTE = "Utilisation counts useful multiply-accumulates, zeros included; the limit is one row of the array a cycle."


def run(simulator: "Simulator") -> Demonstration:
    """Run both on the Verilog, layer after layer."""
    layers, images, accuracy = _digits(simulator)
    layers.append(_photograph(simulator))
    columns = ["on the Verilog", "size", "bit-exact", "cycles", "model", "SCALE-Sim", "utilisation", "limit", "seconds"]
    keys = ["name", "size", "bit_exact", "cycles", "predicted_cycles", "scale_sim_cycles"]
    rows = [
        [
            *(layer[key] for key in keys),
            f"{layer['utilisation']:.2%}",
            f"{layer['utilisation_limit']:.2%}",
            round(layer["seconds"], 2),
        ]
        for layer in layers
    ]
    return Demonstration(layers=layers, images=images, accuracy=accuracy, columns=columns, rows=rows, note=NOTE)


def _digits(simulator: "Simulator") -> tuple[list[dict[str, Any]], int, float]:
    """Classify the held-out digits on the Verilog; gives the layers' figures, the images and the accuracy."""
    from ...sim.workloads.digits import accuracy, digits_images, infer, load_digits_mlp

    data = load(digits_images)
    layers: list[dict[str, Any]] = []

    def matmul(a: "np.ndarray", b: "np.ndarray") -> "np.ndarray":
        outcome = simulator.run(Job(name=f"digits layer {len(layers) + 1}", a=a, b=b))
        size = f"{len(a)} x {a.shape[1]} x {b.shape[1]}"
        layers.append(layer_figures(f"digits layer {len(layers) + 1}", size, outcome))
        return outcome.output

    scores = infer(load_digits_mlp(), data.test_images, matmul)
    return layers, len(scores), accuracy(scores, data.test_labels)


def _photograph(simulator: "Simulator") -> dict[str, Any]:
    """Convolve the photograph on the Verilog."""
    from ...sim.workloads.photo import filter_bank, photo

    job = Job(name="photograph", a=load(photo), b=filter_bank(), convolution={"padding": 1})
    outcome = simulator.run(job)
    size = f"{job.a.shape[1]} x {job.a.shape[2]} x {job.a.shape[3]}, 3 x 3, {job.b.shape[3]} kernels"
    return layer_figures("photograph", size, outcome)
