"""What ``tensorloom demo`` runs on a SNAP core: a pruned convolutional network that reads digits."""

from typing import TYPE_CHECKING, Any

from ..demonstration import Demonstration, layer_figures, load
from ..jobs import Job

if TYPE_CHECKING:
    import numpy as np

    from ..execution import Simulator
    from .program import SnapProgram

__all__ = ["IMAGES", "run"]

IMAGES = 8
"""Held-out digits that the network reads; each is some 2,300 cycles on ``snap-core``."""

NOTE = (
    "Density is the share of non-zeros. Utilisation counts pairs of two non-zeros only. Speed-up is against the same\n"
    "layer without any zero on the same core, by the cycle model. The network's weights are half to four fifths zeros."
)


def run(simulator: "Simulator") -> Demonstration:
    """Read digits on the Verilog, layer after layer, one image after the other."""
    import numpy as np

    from ...sim.workloads.digits import accuracy, digits_images
    from ...sim.workloads.digits_cnn import infer, load_digits_cnn
    from ..execution import predict
    from .program import map_rows

    data, design = load(digits_images), simulator.design
    layers: list[dict[str, Any]] = []

    def conv(x: "np.ndarray", w: "np.ndarray", stride: int, padding: int) -> "np.ndarray":
        kernel = f"{w.shape[0]}x{w.shape[1]}" + (f" stride {stride}" if stride > 1 else "")
        job = Job(name=f"digits {kernel}", a=x, b=w, convolution={"stride": stride, "padding": padding})
        return add(job, f"{'x'.join(map(str, x.shape[1:]))} to {w.shape[3]}", None)

    def fc(x: "np.ndarray", w: "np.ndarray") -> "np.ndarray":
        job = Job(name="digits FC", a=x, b=w)
        return add(job, f"{len(w)} to {w.shape[1]}", map_rows(design.config, job))  # at batch 1

    def add(job: Job, size: str, program: "SnapProgram | None") -> "np.ndarray":
        outcome = simulator.run(job, program)
        one = Job(name=job.name, a=np.ones_like(job.a[:1]), b=np.ones_like(job.b), convolution=job.convolution)
        figures = layer_figures(job.name, size, outcome) | {
            "ia_density": round(np.count_nonzero(job.a) / job.a.size, 4),
            "w_density": round(np.count_nonzero(job.b) / job.b.size, 4),
            "dense_cycles": predict(design, one).counters.cycles * len(job.a),
        }
        layers.append(figures | {"speedup_over_dense": round(figures["dense_cycles"] / figures["cycles"], 2)})
        return outcome.output

    images = data.test_images[:IMAGES]
    scores = infer(load_digits_cnn(), images, conv, fc)
    columns = [
        "on the Verilog", "size", "bit-exact", "density, IA/W", "cycles", "model", "utilisation", "speed-up", "seconds"
    ]  # fmt: skip
    rows = [
        [
            layer["name"], layer["size"], layer["bit_exact"], f"{layer['ia_density']:.2f}/{layer['w_density']:.2f}",
            layer["cycles"], layer["predicted_cycles"], f"{layer['utilisation']:.1%}",
            f"{layer['speedup_over_dense']:.2f}", round(layer["seconds"], 2),
        ]
        for layer in layers
    ]  # fmt: skip
    return Demonstration(
        layers=layers, images=len(images), accuracy=accuracy(scores, data.test_labels[:IMAGES]), columns=columns,
        rows=rows, note=NOTE,
    )  # fmt: skip
