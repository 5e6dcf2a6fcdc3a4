"""``tensorloom compress``: prune and quantize a trained model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..hw.emit.files import write_files
from ..hw.errors import UsageError
from ..run.files import check_apart, check_file, writing
from .errors import usage_errors
from .jobs import read_tensor
from .options import Json, examples, existing_file, to_int, to_number, to_path
from .output import Stages, print_json, print_table, say

if TYPE_CHECKING:
    from ..sim.network.compress import Compressed
    from ..sim.network.compress_weights import WeightSize

__all__ = ["EXAMPLES", "compress"]

EXAMPLES = examples(
    "compress",
    "tensorloom compress model.onnx --density 0.4 --calibrate x.npy -o small.onnx",
    "tensorloom compress model.onnx --density 0.1 --share 16 --calibrate x.npy -o small.onnx --json",
)

FLOAT_BITS = 32


def compress(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL.onnx", parser=existing_file, help="Trained model, in float32.")
    ],
    calibrate: Annotated[
        Path,
        typer.Option(metavar="X.npy", parser=existing_file, help="Typical inputs, float32: they give the ranges."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="Q.onnx", parser=to_path, help="File to write.")],
    density: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]D", help="Share of weights to keep, in all layers or in one; again and again."),
    ] = None,
    least_weights: Annotated[
        Any, typer.Option(metavar="N", parser=to_int, help="Layers of fewer weights keep all, unless they are named.")
    ] = "0",
    share: Annotated[
        Any, typer.Option(metavar="N", parser=to_int, help="Values that the weights of a layer share, with zero.")
    ] = None,
    per_tensor: Annotated[
        bool, typer.Option("--per-tensor", help="One scale for the weights of a layer, not one a channel.")
    ] = False,
    symmetric: Annotated[
        bool, typer.Option("--symmetric", help="Activations int8 with zero points of 0, not uint8.")
    ] = False,
    evaluate: Annotated[
        Path | None,
        typer.Option(metavar="X.npy", parser=existing_file, help="Inputs to measure the accuracy on; needs --labels."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="Y.npy", parser=existing_file, help="Their classes, counted from 0."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compress a trained ONNX model: prune its weights, quantize it, and let weights share values.

    Of each layer the weights of the largest magnitudes stay. onnxruntime quantizes the rest to 8 bits; what was pruned
    is exactly zero then, and that is checked. Nothing is trained anew.
    """
    if (evaluate is None) != (labels is None):
        raise UsageError("--evaluate and --labels must be given together")
    check_file(output)
    check_apart([output], [model, calibrate, *filter(None, (evaluate, labels))])
    overall, densities = _densities(density or [])
    from ..sim.network.compress import Recipe
    from ..sim.network.compress import compress as compress_model

    with usage_errors(
        options={"density": "--density", "share": "--share"} | {name: f"--density {name}" for name in densities}
    ):
        recipe = Recipe(
            density=overall,
            densities=densities,
            least_weights=least_weights,
            per_tensor=per_tensor,
            symmetric=symmetric,
            codes=share,
        )
    examples = (read_tensor(evaluate), read_tensor(labels)) if evaluate and labels else None
    with Stages()(f"Compressing {model.name}") as update:
        found = compress_model(model, read_tensor(calibrate), recipe, examples, progress=update)
    with writing(output):
        write_files(output.parent, {output.name: found.model.SerializeToString()})
    if as_json:
        print_json({"model": str(model), "output": str(output)} | _figures(found))
    else:
        _print(found, output)


def _densities(given: list[str]) -> tuple[float, dict[str, float]]:
    """Density of all layers, and of some by name."""
    overall, named = None, {}
    for text in given:
        name, equals, number = text.rpartition("=")
        try:
            value = to_number(number)
        except typer.BadParameter as error:
            raise UsageError(f"--density must be D or NAME=D, not {text!r} ({error.message})") from None
        if (name in named) if equals else (overall is not None):
            raise UsageError(f"--density {name or 'of all layers'} is given twice")
        if equals:
            named[name] = value
        else:
            overall = value
    return 1.0 if overall is None else overall, named


def _size(size: "WeightSize") -> dict[str, Any]:
    """Figures of a layer's weights."""
    return {
        "weights": size.weights,
        "density": round(size.density, 4),
        "fillers": size.fillers,
        "zeros_left_out": size.indexed,
        "bits": size.bits,
        "bits_per_weight": round(size.bits / size.weights, 3),
        "size_against_float": round(size.bits / (FLOAT_BITS * size.weights), 4),
    }


def _figures(found: "Compressed") -> dict[str, Any]:
    weights, bits = (sum(getattr(layer.size, name) for layer in found.layers) for name in ("weights", "bits"))
    non_zeros = sum(layer.size.non_zeros for layer in found.layers)
    return {
        "layers": [
            {"name": layer.name, "operator": layer.operator, "shape": list(layer.shape)} | _size(layer.size)
            for layer in found.layers
        ],
        "weights": weights,
        "density": round(non_zeros / weights, 4),
        "bits_per_weight": round(bits / weights, 3),
        "size_against_float": round(bits / (FLOAT_BITS * weights), 4),
        "activations_with_zero_point_0": found.zero_points[0],
        "activations_with_other_zero_point": found.zero_points[1],
        "accuracy_before": found.accuracy_before,
        "accuracy_after": found.accuracy_after,
    }


def _print(found: "Compressed", output: Path) -> None:
    figures = _figures(found)
    columns = ["layer", "operator", "shape", "weights", "density", "zeros", "bits a weight", "of float32"]
    rows = [
        [
            layer["name"], layer["operator"], "x".join(map(str, layer["shape"])), layer["weights"],
            f"{layer['density']:.3f}", "left out" if layer["zeros_left_out"] else "stored",
            f"{layer['bits_per_weight']:.2f}", f"{layer['size_against_float']:.1%}",
        ]
        for layer in figures["layers"]
    ]  # fmt: skip
    rows.append(
        [
            "all", "", "", figures["weights"], f"{figures['density']:.3f}", "",
            f"{figures['bits_per_weight']:.2f}", f"{figures['size_against_float']:.1%}",
        ]
    )  # fmt: skip
    print_table(columns, rows)
    zero, other = found.zero_points
    say(f"activations: zero point 0 in {zero} places, another in {other}")
    if found.accuracy_before is not None:
        say(f"accuracy: {found.accuracy_before:.2%} before, {found.accuracy_after:.2%} after")
    say(f"{output}: {figures['size_against_float']:.1%} of the size of the float32 weights, biases left aside")
