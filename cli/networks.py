"""What ``tensorloom run MODEL.onnx`` does, and what other commands about networks share with it."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..hw.emit.files import write_files
from ..hw.errors import FAILURE, ConfigError, UsageError, did_you_mean
from ..run.contract import Engine
from ..run.files import check_apart, check_file, writing
from ..run.registry import Design, design_name, engines
from .errors import usage_errors
from .jobs import read_tensor, write_tensor, write_tensors
from .options import choose_design, choose_engine, existing_file, parse_changes
from .output import Stages, print_json, print_table, say

if TYPE_CHECKING:
    import numpy as np

    from ..run.network.execution import NetworkOutcome
    from ..sim.memory_timing import MemoryTiming
    from ..sim.network.graph import Network

__all__ = ["COLUMNS", "SUFFIX", "check_picture", "choose_machine", "load_network", "network_engines", "run_model"]

SUFFIX = ".onnx"
"""Of the files that are networks."""

ARCHIVE = ".npz"
"""Of files that hold arrays by name."""

COLUMNS = ("name", "operator", "cycles", "macs", "utilisation", "read_bytes", "written_bytes", "bound")
"""Of the table of layers."""


def network_engines() -> list[Engine[Any, Any, Any]]:
    """Engines that take networks."""
    return [engine for engine in engines().values() if engine.takes_networks]


def choose_machine(
    engine: str | None, design: str | None, config_file: Path | None, assignments: list[str] | None
) -> Design:
    """The design that a network runs on: one that is named, or an engine's for demonstrations.

    Raises
    ------
    UsageError
        If none or several are named, or it takes no networks.
    """
    able = ", ".join(one.name for one in network_engines())
    if sum(one is not None for one in (engine, design, config_file)) != 1:
        hint = f"engines that take networks: {able}"
        raise UsageError("name the machine: --engine ENGINE, --design PRESET or --config FILE, one of them", hint)
    if engine is None:
        chosen = choose_design(design, config_file, assignments)
    else:
        found = choose_engine(engine)
        name = next(iter((*found.demo_presets, *found.presets)))
        with usage_errors():
            changes = parse_changes(found, assignments)
            config = found.presets[name].replace(**changes)
        chosen = Design(engine=found, name=design_name(name, changes), config=config)
    if not chosen.engine.takes_networks:
        raise UsageError(f"{chosen.engine.name} takes no networks; engines that do: {able}")
    return chosen


def load_network(path: Path, given: Sequence[str] = (), seed: int = 1) -> "tuple[Network, dict[str, np.ndarray]]":
    """A network from a file, and its inputs: from ``FILE`` or ``NAME=FILE``, or random ones.

    Raises
    ------
    UsageError
        If the file is no model that is supported, or an input has another name, shape or type.
    """
    from ..sim.network.execute import check_inputs
    from ..sim.network.importer import from_model
    from ..sim.network.model import read

    model = read(path)
    weights = {tensor.name for tensor in model.graph.initializer}
    sizes = {
        value.name: [size.dim_value or None for size in value.type.tensor_type.shape.dim]
        for value in model.graph.input
        if value.name not in weights
    }
    arrays = _arrays(given, list(sizes))
    for name, array in arrays.items():
        wanted, found = sizes[name], list(array.shape)
        alike = len(wanted) == len(found) and all(
            size in (None, one) for size, one in zip(wanted[1:], found[1:], strict=True)
        )
        if not alike or 0 in found:
            text = " x ".join(["N", *(str(size or "?") for size in wanted[1:])])
            raise UsageError(f"input {name} must be of shape {text}, not {' x '.join(map(str, found))}")
    network = from_model(model, str(path), 1, {name: array.shape for name, array in arrays.items()})
    if not arrays:
        return network, _random(network, seed)
    return network, check_inputs(network, arrays)


def _arrays(given: Sequence[str], names: list[str]) -> "dict[str, np.ndarray]":
    """Arrays by the name of the input that they are for."""
    found = {}
    for text in given:
        name, equals, file = text.partition("=")
        if not equals or name not in names:
            if len(names) > 1 or (equals and not Path(text).exists()):
                hint = did_you_mean(name, names) if equals else ""
                raise UsageError(f"--input must be NAME=FILE for one of {', '.join(names)}, not {text!r}", hint)
            name, file = names[0], text
        if name in found:
            raise UsageError(f"--input for {name} is given twice")
        try:
            found[name] = read_tensor(existing_file(file))
        except typer.BadParameter as error:
            raise UsageError(f"--input: {error.message}") from None
    return found


def _random(network: "Network", seed: int) -> "dict[str, np.ndarray]":
    """Inputs over the whole range of their types, floats from 0 to 1."""
    import numpy as np

    rng = np.random.default_rng(seed)
    return {
        value.name: rng.integers(*value.limits, value.shape, endpoint=True).astype(value.dtype)
        if value.is_bytes
        else rng.random(value.shape, np.float32)
        for value in network.inputs
    }


def run_model(
    path: Path,
    design: Design,
    *,
    inputs: Sequence[str],
    output: Path | None,
    model_only: bool,
    stall: float,
    seed: int,
    timing: "MemoryTiming",
    table: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Run a network from a file; see ``tensorloom run``."""
    files = [*filter(None, (output, table, plot))]
    for file in files:
        check_file(file)
    check_apart(files, [path, *(Path(text[at:]) for text in inputs for at in (0, text.find("=") + 1))])
    check_picture(plot)
    network, arrays = load_network(path, inputs, seed)
    if output and output.suffix != ARCHIVE and len(network.outputs) > 1:
        names = ", ".join(value.name for value in network.outputs)
        raise UsageError(
            f"the network has several outputs, {names}: --output must be a file {ARCHIVE}, which holds all"
        )
    stages = Stages()
    from ..run.execution import Simulator
    from ..run.network.execution import run_network

    try:
        with stages(f"Mapping {path.name} onto {design.name}"):
            plan = design.engine.plan_network(design.config, network)
        simulator = None if model_only else Simulator(design, stages=stages)
        outcome = run_network(
            design,
            network,
            arrays,
            simulator=simulator,
            plan=plan,
            timing=timing,
            stall=stall,
            seed=seed,
            stages=stages,
        )
    except ConfigError as error:
        raise UsageError(f"{path}: {error}", "; ".join(filter(None, (error.hint, _larger(design))))) from error
    if output and output.suffix == ARCHIVE:
        write_tensors(output, outcome.outputs)
    elif output:
        (result,) = outcome.outputs.values()
        write_tensor(output, result)
    rows = [[_rounded(getattr(layer, name)) for name in COLUMNS] for layer in outcome.layers]
    if table:
        _write(table, _csv(rows))
    if plot:
        from ..run.network.picture import draw_layers

        _write(plot, draw_layers(f"{path.name} on {design.name}", outcome.layers))
    host = [(node.name, node.operator, outcome.plan.reasons.get(node.name, "")) for node in outcome.host_nodes]
    if as_json:
        report = {
            "design": design.name, "model": str(path), "seed": seed, "stall": stall, **outcome.figures(),
            "layers": [dict(zip(COLUMNS, row, strict=True)) for row in rows],
            "host": [dict(zip(("name", "operator", "reason"), one, strict=True)) for one in host],
            "outputs": {
                name: {"shape": list(one.shape), "type": str(one.dtype)} for name, one in outcome.outputs.items()
            },
            "passed": outcome.passed,
        }  # fmt: skip
        print_json(report)
    else:
        _print(path, outcome, rows, host)
    if not outcome.passed:
        raise typer.Exit(FAILURE)


def _print(path: Path, outcome: "NetworkOutcome", rows: list[list[Any]], host: Sequence[tuple[str, str, str]]) -> None:
    shown = [[*row[:4], f"{row[4]:.1%}", *row[5:]] for row in rows]
    print_table([name.replace("_", " ") for name in COLUMNS], shown, title=f"{path.name} on {outcome.design.name}")
    for name, operator, reason in host:
        say(f"on the host: {name} ({operator}){': ' + reason if reason else ''}")
    figures = outcome.figures()
    source = "by the models alone" if figures["source"] == "model" else "on the Verilog"
    say(f"{figures['cycles']:,} cycles, {figures['utilisation']:.1%} of all multipliers' time useful, {source}")
    if outcome.complaint:
        say(f"failed: {outcome.complaint}")
    elif figures["source"] == "rtl":
        say("passed")


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _larger(design: Design) -> str:
    """Which designs of the engine are larger, if there are any."""
    presets = design.engine.presets.items()
    names = [name for name, config in presets if config.multipliers > design.config.multipliers]
    return f"a larger design may do: --design {' or '.join(names)}" if names else ""


def check_picture(path: Path | None) -> None:
    """Check that a picture's file is named as one.

    Raises
    ------
    UsageError
        If not.
    """
    if path is not None and path.suffix.lower() != ".svg":
        raise UsageError(f"pictures are SVG: the file must end in .svg, not {path.name!r}")


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    with writing(path):
        write_files(path.parent, {path.name: text})
