"""``tensorloom sim``: run a job on a design's Verilog."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .emission import emit_design
from .errors import FAILURE, UsageError
from .jobs import make_job, write_tensor
from .options import Assignments, ConfigFile, Json, Preset, check_folder, choose_design, examples
from .output import Stages, print_json, print_table, say

__all__ = ["EXAMPLES", "sim"]

EXAMPLES = examples(
    "tensorloom sim tpu-v1 --matmul 512x256x256 --kinds int8,uint8 --seed 1",
    "tensorloom sim systolic-16 --conv 1x28x28x3,3x3,64 --padding 1 --stall 0.2",
    "tensorloom sim tiny --matmul 8x8x8 --vcd waves.vcd --window 0:200",
    "tensorloom sim tiny --a activations.npy --b weights.npy -o result.npy --json",
)

Tensor = Annotated[
    Path | None,
    typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Tensor as .npy: int8, uint8, int16 or uint16."),
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
    a: Tensor = None,
    b: Tensor = None,
    kinds: Annotated[
        str, typer.Option(metavar="A,B", help="Types of random activations and weights: int8, uint8, int16, uint16.")
    ] = "int8,int8",
    stride: Annotated[int, typer.Option(help="Of a convolution.")] = 1,
    padding: Annotated[int, typer.Option(help="Zeros on each side of the images.")] = 0,
    dilation: Annotated[int, typer.Option(help="Distance of the kernel's elements.")] = 1,
    groups: Annotated[int, typer.Option(help="Groups of channels.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of random tensors and stalls.")] = 1,
    stall: Annotated[float, typer.Option(help="Probability that a stream pauses in a cycle, from 0 to 0.99.")] = 0.0,
    vcd: Annotated[Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Write waveforms.")] = None,
    window: Annotated[str, typer.Option(metavar="FIRST:END", help="Cycles of the waveforms.")] = "0:1000",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="Write the result as .npy.")
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
    for path in filter(None, (vcd, output)):
        check_folder(path.parent)
    steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    job = make_job(matmul=matmul, conv=conv, a_file=a, b_file=b, kinds=kinds, seed=seed, steps=steps)
    program = design.engine.map_job(design, job)  # before anything that takes long
    stages = Stages()
    with stages(f"Emitting {design.name}"):
        emission = emit_design(design)
    simulator = design.engine.simulator(design, emission, stages)
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
    return int(first), int(end)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}"


def _reason(outcome: Any) -> str:
    if outcome.mismatches:
        return f"{outcome.mismatches:,} of {outcome.output.size:,} results differ from the golden model"
    return f"{outcome.cycles:,} cycles, but the cycle model says {outcome.predicted_cycles:,}"
