"""``tensorloom sim``: run a job on a design's Verilog."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .emission import emit_design
from .errors import FAILURE, UsageError
from .jobs import DEFAULT_KINDS, layer_job, make_job, write_tensor
from .options import (
    Assignments,
    ConfigFile,
    Json,
    Preset,
    check_folder,
    choose_design,
    examples,
    existing_file,
    to_path,
)
from .output import Stages, print_json, print_table, say

__all__ = ["EXAMPLES", "sim"]

EXAMPLES = examples(
    "tensorloom sim tpu-v1 --matmul 512x256x256 --kinds int8,uint8 --seed 1",
    "tensorloom sim systolic-16 --conv 1x28x28x3,3x3,64 --padding 1 --stall 0.2",
    "tensorloom sim snap-core --layer resnet50/res4b_branch2b --part 14x14x256,64 --density 0.38/0.52",
    "tensorloom sim snap-core --shape 14x14x256,1x1,64 --density 0.2/0.3 --json",
    "tensorloom sim tiny --matmul 8x8x8 --vcd waves.vcd --window 0:200",
    "tensorloom sim tiny --a activations.npy --b weights.npy -o result.npy --json",
)

WHOLE_WINDOW = "0:1000"

MOST_CYCLES = 1 << 32
"""That are counted; a window behind them would begin at 0 again."""

Tensor = Annotated[
    Path | None,
    typer.Option(metavar="FILE", parser=existing_file, help="Tensor as .npy: int8, uint8, int16 or uint16."),
]


def sim(
    preset: Preset = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    matmul: Annotated[
        str | None, typer.Option(metavar="MxKxN", help="Random product: activations M x K by weights K x N.")
    ] = None,
    conv: Annotated[
        str | None, typer.Option(metavar="NxHxWxC,RxS,K", help="Random convolution: images, then kernels.")
    ] = None,
    layer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Layer of a network, as resnet50/res4b_branch2b, random tensors.")
    ] = None,
    shape: Annotated[
        str | None, typer.Option(metavar="HxWxC,RxS,K", help="Layer of this shape, random tensors.")
    ] = None,
    part: Annotated[
        str | None, typer.Option(metavar="HxWxC,K", help="Cut the layer down to at most these sizes.")
    ] = None,
    density: Annotated[
        str, typer.Option(metavar="IA/W", help="Share of non-zeros in a layer's activations and weights, from 0 to 1.")
    ] = "1/1",
    a: Tensor = None,
    b: Tensor = None,
    kinds: Annotated[
        str, typer.Option(metavar="A,B", help="Types of random activations and weights: int8, uint8, int16, uint16.")
    ] = DEFAULT_KINDS,
    stride: Annotated[int, typer.Option(help="Of a convolution.")] = 1,
    padding: Annotated[int, typer.Option(help="Zeros on each side of the images.")] = 0,
    dilation: Annotated[int, typer.Option(help="Distance of the kernel's elements.")] = 1,
    groups: Annotated[int, typer.Option(help="Groups of channels.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of random tensors and stalls.")] = 1,
    stall: Annotated[float, typer.Option(help="Probability that a stream pauses in a cycle, from 0 to 0.99.")] = 0.0,
    vcd: Annotated[Path | None, typer.Option(metavar="FILE", parser=to_path, help="Write waveforms.")] = None,
    window: Annotated[str, typer.Option(metavar="FIRST:END", help="Cycles of the waveforms.")] = WHOLE_WINDOW,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", parser=to_path, help="Write the result as .npy."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a product or a convolution on a design's Verilog.

    The Verilog is compiled with Verilator (kept for the next time). The result is compared with the golden model,
    and the cycles with the cycle model: exit code 1 if either differs.
    """
    design = choose_design(preset, config_file, assignments)
    if not 0 <= stall <= 0.99:
        raise UsageError(f"--stall must be from 0 to 0.99, not {stall}")
    span = _window(window)
    if window != WHOLE_WINDOW and vcd is None:
        raise UsageError("--window goes with --vcd")
    if vcd and output and vcd.resolve() == output.resolve():
        raise UsageError(f"--vcd and --output must be two files, not both {output}")
    for path in filter(None, (vcd, output)):
        if not path.parent.is_dir():
            raise UsageError(f"cannot write {path}: there is no folder {path.parent}")
        if path.exists() and not path.is_file():
            raise UsageError(f"cannot write {path}: it is not a regular file")
        check_folder(path.parent)
    steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    if layer or shape:
        if matmul or conv or a or b:
            raise UsageError("give a layer (--layer, --shape), sizes (--matmul, --conv) or tensors (--a, --b)")
        if kinds != DEFAULT_KINDS:
            raise UsageError("--kinds goes with --matmul or --conv; numbers of a layer are as wide as the design's")
        bits = design.config.data_bits
        job = layer_job(layer=layer, shape=shape, part=part, density=density, bits=bits, seed=seed, steps=steps)
    else:
        if part or density != "1/1":
            raise UsageError("--part and --density go with --layer or --shape")
        job = make_job(matmul=matmul, conv=conv, a_file=a, b_file=b, kinds=kinds, seed=seed, steps=steps)
    program = design.engine.map_job(design, job)  # before anything that takes long
    stages = Stages()
    with stages(f"Emitting {design.name}"):
        emission = emit_design(design)
    simulator = design.engine.simulator(design, emission, stages, trace=vcd is not None)
    outcome = simulator.run(job, program, stall=stall, seed=seed, vcd=vcd, window=span)
    if output:
        write_tensor(output, outcome.output)
    figures = outcome.figures()
    if as_json:
        print_json(
            {"design": design.name, "job": job.name, "shape": list(outcome.output.shape), "seed": seed, "stall": stall}
            | figures
            | {"build_seconds": simulator.model.meta["build_seconds"], "passed": outcome.passed}
        )
    else:
        rows = [[name.replace("_", " "), _text(value)] for name, value in figures.items() if value is not None]
        print_table(["", f"{job.name} on {design.name}"], rows)
        say("passed" if outcome.passed else f"failed: {_reason(outcome)}")
    if not outcome.passed:
        raise typer.Exit(FAILURE)


def _window(text: str) -> tuple[int, int]:
    first, _, end = text.partition(":")
    if not (first.isdecimal() and end.isdecimal() and int(first) < int(end)):
        raise UsageError(f"--window must be FIRST:END with FIRST less than END, not {text!r}")
    if int(end) > MOST_CYCLES:
        raise UsageError(f"--window must end at cycle {MOST_CYCLES:,} at most, not {int(end):,}")
    return int(first), int(end)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {part:.1%}" for name, part in value.items())
    return f"{value:,}"


def _reason(outcome: Any) -> str:
    if outcome.mismatches:
        return f"{outcome.mismatches:,} of {outcome.output.size:,} results differ from the golden model"
    if outcome.cycles != outcome.predicted_cycles:
        return f"{outcome.cycles:,} cycles, but the cycle model says {outcome.predicted_cycles:,}"
    return f"counters that differ from the cycle model: {', '.join(outcome.differences)}"
