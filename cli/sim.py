"""``tensorloom sim``: run a job on a design's Verilog."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..hw.errors import FAILURE, UsageError
from ..run.files import check_apart, check_file
from ..run.jobs import check_pauses
from .errors import usage_errors
from .jobs import DEFAULT_KINDS, STEP_OPTIONS, layer_job, make_job, parse_steps, write_tensor
from .options import (
    Assignments,
    ConfigFile,
    Json,
    Preset,
    choose_design,
    examples,
    existing_file,
    read_text,
    to_int,
    to_number,
    to_path,
)
from .output import Stages, print_json, print_table, say

if TYPE_CHECKING:
    from ..sim.energy import EnergyTable
    from ..sim.golden.geometry import ConvolutionSteps

__all__ = ["EXAMPLES", "figure_rows", "sim"]

EXAMPLES = examples("sim")

PUBLISHED = "45nm"
"""Table of energies that comes with the project."""

WHOLE_WINDOW = "0:1000"

MOST_CYCLES = 1 << 32
"""That are counted; a window behind them would begin at 0 again."""

Tensor = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", parser=existing_file, help="Tensor as .npy, of integers of a type that the engine takes."
    ),
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
    stride: Annotated[Any, typer.Option(metavar="N|Y,X", parser=parse_steps, help="Of a convolution.")] = "1",
    padding: Annotated[
        Any,
        typer.Option(
            metavar="N|Y,X|T,B,L,R",
            parser=parse_steps,
            help="Zeros on each side of the images; four numbers are top, bottom, left and right.",
        ),
    ] = "0",
    dilation: Annotated[
        Any, typer.Option(metavar="N|Y,X", parser=parse_steps, help="Distance of the kernel's elements.")
    ] = "1",
    groups: Annotated[Any, typer.Option(metavar="N", parser=to_int, help="Groups of channels.")] = "1",
    wraps: Annotated[bool, typer.Option("--wraps", help="Accept sums that wrap around in the accumulators.")] = False,
    model_only: Annotated[
        bool, typer.Option("--model-only", help="Answer from the golden model and the cycle model, without Verilog.")
    ] = False,
    seed: Annotated[Any, typer.Option(metavar="N", parser=to_int, help="Of random tensors and stalls.")] = "1",
    stall: Annotated[
        Any,
        typer.Option(
            metavar="P", parser=to_number, help="Probability that a stream pauses in a cycle, from 0 to 0.99."
        ),
    ] = "0",
    vcd: Annotated[Path | None, typer.Option(metavar="FILE", parser=to_path, help="Write waveforms.")] = None,
    window: Annotated[str, typer.Option(metavar="FIRST:END", help="Cycles of the waveforms.")] = WHOLE_WINDOW,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", parser=to_path, help="Write the result as .npy."),
    ] = None,
    energy: Annotated[
        str | None,
        typer.Option(metavar="45nm|FILE", help="Estimate the energy, by the published table or one of yours (TOML)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a product or a convolution on a design's Verilog.

    The Verilog is compiled with Verilator (kept for the next time). The result is compared with the golden model,
    and every counter with the cycle model: exit code 1 if one differs. With --model-only nothing is compiled: the
    answer comes from these models, in a fraction of the time.
    """
    design = choose_design(preset, config_file, assignments)
    with usage_errors():
        check_pauses(stall, seed, ("--stall", "--seed"))
    span = _window(window)
    if window != WHOLE_WINDOW and vcd is None:
        raise UsageError("--window goes with --vcd")
    if vcd and output and vcd.resolve() == output.resolve():
        raise UsageError(f"--vcd and --output must be two files, not both {output}")
    for path in filter(None, (vcd, output)):
        check_file(path)
    check_apart([*filter(None, (vcd, output))], [*filter(None, (a, b))])
    if model_only and (stall or vcd):
        raise UsageError("--stall and --vcd need the Verilog; --model-only leaves it out")
    table = _energy_table(energy)
    if table and stall:
        raise UsageError("--energy needs the cycle model, which knows nothing of --stall")
    steps: ConvolutionSteps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    if layer is not None or shape is not None:
        if matmul is not None or conv is not None or a or b:
            raise UsageError("give a layer (--layer, --shape), sizes (--matmul, --conv) or tensors (--a, --b)")
        if kinds != DEFAULT_KINDS:
            raise UsageError("--kinds goes with --matmul or --conv; numbers of a layer are as wide as the design's")
        bits = design.engine.data_bits(design.config)
        job = layer_job(
            layer=layer, shape=shape, part=part, density=density, bits=bits, seed=seed, steps=steps, wraps=wraps
        )
    else:
        if part is not None or density != "1/1":
            raise UsageError("--part and --density go with --layer or --shape")
        job = make_job(matmul=matmul, conv=conv, a_file=a, b_file=b, kinds=kinds, seed=seed, steps=steps, wraps=wraps)
    if a is None:
        from ..run.random_jobs import with_weights_for

        job = with_weights_for(job, design.engine, design.config)
    with usage_errors(options=STEP_OPTIONS):
        program = design.engine.map(design.config, job)  # before anything that takes long
    stages = Stages()
    if model_only:
        from ..run.execution import predict

        outcome, extra = predict(design, job, program, stages=stages), {}
    else:
        from ..run.execution import Simulator

        simulator = Simulator(design, stages=stages, trace=vcd is not None)
        with usage_errors(options={"window": "--window"}):
            outcome = simulator.run(job, program, stall=stall, seed=seed, vcd=vcd, window=span)
        extra = {"build_seconds": simulator.model.meta["build_seconds"]}
    if output:
        write_tensor(output, outcome.output)
    figures = outcome.figures()
    if table:
        from ..run.energy import energy_figures

        figures |= energy_figures(outcome, job, table)
    if as_json:
        print_json(
            {"design": design.name, "job": job.name, "shape": list(outcome.output.shape), "seed": seed, "stall": stall}
            | figures
            | extra
            | {"passed": outcome.passed}
        )
    else:
        print_table(["", f"{job.name} on {design.name}"], figure_rows(figures))
        say("by the models alone" if model_only else f"failed: {outcome.complaint}" if outcome.complaint else "passed")
    if not outcome.passed:
        raise typer.Exit(FAILURE)


def _energy_table(name: str | None) -> "EnergyTable | None":
    if name is None:
        return None
    from ..sim.energy import EnergyTable

    if name == PUBLISHED:
        return EnergyTable.default()
    try:
        path = existing_file(name)
    except typer.BadParameter as error:
        raise UsageError(f"--energy: {error.message}", f"--energy {PUBLISHED} takes the published table") from None
    with usage_errors(path):
        return EnergyTable.from_toml(read_text(path))


def figure_rows(figures: dict[str, Any]) -> list[list[object]]:
    """Rows of a table of a run's figures."""
    return [[name.replace("_", " "), _text(value)] for name, value in figures.items() if value is not None]


def _window(text: str) -> tuple[int, int]:
    first, _, end = text.partition(":")
    if not (text.isascii() and first.isdecimal() and end.isdecimal() and int(first) < int(end)):
        raise UsageError(f"--window must be FIRST:END with FIRST less than END, not {text!r}")
    if int(end) > MOST_CYCLES:
        raise UsageError(f"--window must end at cycle {MOST_CYCLES:,} at most, not {int(end):,}")
    return int(first), int(end)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {part:.1%}" for name, part in value.items())
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)
