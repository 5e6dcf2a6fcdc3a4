"""``tensorloom fpga``: boards, bitstreams that test themselves, and what was built."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ..fpga.boards import BOARDS, Board
from ..fpga.target import BoardConfig, FpgaTarget
from ..fpga.tools import INSTALL
from ..hw.emit.files import write_files
from ..hw.errors import FailureError, UsageError
from ..run.contract import Engine
from ..run.files import check_folder, writing
from ..run.registry import engines
from .errors import usage_errors
from .options import Assignments, Json, choose_engine, examples, parse_changes, to_int, to_number, to_path, unknown
from .output import Stages, print_json, print_table, say, seconds_text

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Bitstreams that test an engine on a board, and how fast and big it is.")

BUILD_EXAMPLES = examples("fpga build")
LIST_EXAMPLES = examples("fpga list", "tensorloom fpga list", "tensorloom fpga list --json")
REPORT_EXAMPLES = examples("fpga report", "tensorloom fpga report", "tensorloom fpga report --json")


@app.command("list", epilog=LIST_EXAMPLES)
def list_boards(as_json: Json = False) -> None:
    """List the boards with the engines and configurations that fill them."""
    if as_json:
        print_json(
            [
                {
                    "name": board.name,
                    "title": board.title,
                    "device": board.device,
                    "bitstream": board.toolchain is not None,
                    "capacity": dict(board.capacity),
                    "targets": {
                        engine.name: {"config": target.config.to_dict(), "frequency_hz": target.frequency_hz}
                        for engine, target in _targets(board)
                    },
                }
                for board in BOARDS.values()
            ]
        )
        return
    rows = [
        [
            board.name,
            engine.name,
            target.config.multipliers,
            target.frequency_hz / 1e6,
            "open tools" if board.toolchain else board.vendor_tool,
            board.title,
        ]
        for board in BOARDS.values()
        for engine, target in _targets(board)
    ]
    print_table(["board", "engine", "multipliers", "MHz", "bitstream by", "what"], rows)


@app.command(epilog=BUILD_EXAMPLES)
def build(
    board: Annotated[str, typer.Option(metavar="NAME", help="A board: see tensorloom fpga list.")],
    engine: Annotated[str, typer.Option(metavar="NAME", help="An engine: see tensorloom fpga list.")],
    assignments: Assignments = None,
    frequency: Annotated[
        Any,
        typer.Option(metavar="MHZ", parser=to_number, help="Clock of the engine in MHz; by default the board's goal."),
    ] = None,
    seed: Annotated[Any, typer.Option(metavar="N", parser=to_int, help="Of the placer.")] = "1",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", parser=to_path, help="Folder, by default build/fpga/BOARD-ENGINE."
        ),
    ] = None,
    project_only: Annotated[
        bool, typer.Option("--project-only", help="Write the complete project for the vendor's tool, without a build.")
    ] = False,
    record: Annotated[bool, typer.Option("--record", help="Keep the figures in fpga/builds.")] = False,
    as_json: Json = False,
) -> None:
    """Build a bitstream in which an engine tests itself.

    A build is kept and used again while design and tools stay the same. Environment variables such as YOSYS and
    NEXTPNR_ECP5 can name other programs than those of the Python packages.
    """
    chosen, target, config, frequency_hz = _choose(board, engine, assignments, frequency)
    folder = output or Path("build") / "fpga" / f"{board}-{engine}"
    if project_only and record:
        raise UsageError("--record needs a build; --project-only makes none")
    if seed >= 1 << 31:
        raise UsageError(f"--seed must be less than {1 << 31}, not {seed}")
    if project_only and seed != 1:
        raise UsageError("--seed is of the placer; --project-only runs none")
    if chosen.toolchain is None and not project_only:
        raise FailureError(
            f"{board} needs {chosen.vendor_tool} for a bitstream: there are no open tools for {chosen.device}",
            f"--project-only writes the complete {chosen.vendor_tool} project",
        )
    check_folder(folder)
    if record:
        from ..fpga.records import BUILDS

        check_folder(BUILDS)
    stages = Stages()
    with _fpga_errors():
        from ..fpga.build import check_programs
        from ..fpga.plan import make_plan

        if not project_only:
            check_programs(chosen)
        with stages(f"Emitting {engine} for {board}"):
            plan = make_plan(board, engine, target, config, frequency_hz, vendor=project_only)
        if project_only:
            _write_project(plan, folder, as_json)
            return
        _build(plan, seed, folder, stages, record=record, as_json=as_json)


@app.command(epilog=REPORT_EXAMPLES)
def report(as_json: Json = False) -> None:
    """Show the recorded builds; stale ones came from another design than the present sources make."""
    with _fpga_errors():
        from ..fpga.records import are_stale, read_records

        with usage_errors():
            records = read_records()
        questions, known = [], []
        for kept in records:
            engine = engines().get(kept["engine"])
            if engine and engine.fpga:
                questions.append((kept, engine.config_class, engine.fpga))
                known.append(kept)
        with Stages()("Comparing with the sources") as update:
            stale = are_stale(questions, update)
        rows = [kept | {"stale": kept not in known or stale[known.index(kept)]} for kept in records]
    if as_json:
        print_json(rows)
        return
    columns = ["board", "engine", "multipliers", "Fmax, MHz", "lut", "ff", "dsp", "ram", "GMAC/s", "GMAC/s/kLUT"]
    cells = [
        [
            *(row[name] for name in ("board", "engine", "multipliers")),
            round(row["fmax_hz"] / 1e6, 1),
            *(row[name] for name in ("lut", "ff", "dsp", "ram", "gmac_per_s", "gmac_per_s_per_klut")),
            seconds_text(row["build_seconds"]),
            "stale" if row["stale"] else "",
        ]
        for row in rows
    ]
    print_table([*columns, "build", ""], cells)


def _targets(board: Board) -> list[tuple[Engine[Any, Any, Any], BoardConfig]]:
    """Engines that fit a board, with what is built for each."""
    found = [engine for engine in engines().values() if engine.fpga and board.name in engine.fpga.boards]
    return [(engine, engine.fpga.boards[board.name]) for engine in found if engine.fpga]


def _choose(
    board: str, engine: str, assignments: list[str] | None, mhz: float | None
) -> tuple[Board, FpgaTarget, Any, int]:
    """The board, how the engine gets onto it, the configuration and the clock in Hz that the options mean."""
    if board not in BOARDS:
        raise unknown("board", board, list(BOARDS))
    known = [found.name for found in engines().values() if found.fpga]
    if engine not in known:
        raise unknown("engine", engine, known)
    chosen, fpga = choose_engine(engine), choose_engine(engine).fpga
    if fpga is None or board not in fpga.boards:
        names = [found.name for found, _ in _targets(BOARDS[board])]
        raise UsageError(f"engine must be {' or '.join(names)} on {board}, not {engine!r}: it is too big")
    target = fpga.boards[board]
    with usage_errors():
        config = target.config.replace(**parse_changes(chosen, assignments))
    if mhz is not None and not 0.001 <= mhz <= 10_000:
        raise UsageError(f"--frequency must be from 0.001 to 10000 MHz, not {mhz:g}")
    return BOARDS[board], fpga, config, target.frequency_hz if mhz is None else round(mhz * 1e6)


@contextmanager
def _fpga_errors() -> Iterator[None]:
    """Turn failures of the flow into `FailureError`."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise FailureError(f"the Python package {error.name} is missing", INSTALL) from error
        raise


def _write_project(plan: Any, folder: Path, as_json: bool) -> None:
    """Write the files of a vendor's project."""
    with writing(folder):
        write_files(folder, plan.build.files)
    files = [str(folder / name) for name in plan.build.files]
    if as_json:
        print_json({"board": plan.board.name, "engine": plan.engine, "files": files, "design": plan.digest})
        return
    say(f"{len(files)} files in {folder}; with {plan.board.vendor_tool} installed, build with")
    say(f"  cd {shlex.quote(str(folder))} && sh {plan.build.script}.sh")


def _build(plan: Any, seed: int, folder: Path, stages: Stages, *, record: bool, as_json: bool) -> None:
    """Build, copy the results to the folder, tell the figures."""
    from ..fpga.build import REPORTS, bitstream_name
    from ..fpga.build import build as run_build
    from ..fpga.records import make_record, write_record
    from ..fpga.reports import RESOURCES

    built = run_build(plan, stages, folder, seed=seed)
    bitstream = folder / bitstream_name(plan)
    with writing(folder):
        sources = {name: built.folder / name for name in REPORTS} | {bitstream.name: built.folder / built.bitstream}
        write_files(folder, {name: source.read_bytes() for name, source in sources.items()})
    figures = make_record(plan, built, seed)
    recorded = write_record(figures) if record else None
    if as_json:
        print_json(figures | {"bitstream": str(bitstream), "cached": built.cached})
        return
    capacity = plan.board.capacity
    rows = [["clock, MHz", round(plan.pll.output_hz / 1e6, 2), None], ["Fmax, MHz", figures["fmax_hz"] / 1e6, None]]
    rows += [[title, figures[name], capacity[name]] for name, title in RESOURCES.items()]
    print_table(["", "here", "of"], rows)
    path = figures["critical_path"]
    if path:
        delays = f"{path['logic_ns']} ns logic, {path['routing_ns']} ns routing"
        say(f"critical path: {path['from']} to {path['to']}, {delays}")
    say(f"{bitstream}{' (from the cache)' if built.cached else f', built in {seconds_text(built.seconds)}'}")
    if recorded:
        say(f"recorded in {recorded}")
    say(f"load it with {plan.board.loader.format(file=shlex.quote(str(bitstream)))}")
