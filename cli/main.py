"""The command ``tensorloom``."""

import contextlib
import importlib.metadata
import os
import signal
import sys
import traceback
import warnings
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..hw.errors import INTERRUPTED
from . import (
    area,
    bench,
    beside,
    compare,
    compress,
    demo,
    explain,
    explore,
    fpga,
    frame,
    lint,
    mutate,
    presets,
    registers,
    reproduce,
    run,
    sim,
    sweep,
    test,
    verilator,
    verilog,
    walk,
)
from .errors import report

__all__ = ["app", "main"]

STOPPED = {128 + signal.SIGTERM: "terminated", 128 + signal.SIGHUP: "the terminal was closed"}
"""Exit codes after signals, and what is said then."""


class _Group(TyperGroup):
    """Every error becomes one line on standard error and an exit code; ``--debug`` works behind any command."""

    def main(self, args: Any = None, *rest: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        end = given.index("--") if "--" in given else len(given)  # what follows is another program's
        debug = "--debug" in given[:end] or os.environ.get("TENSORLOOM_DEBUG", "") not in ("", "0")
        given[:end] = [arg for arg in given[:end] if arg != "--debug"]
        try:
            # An interrupt comes back as its exit code.
            code = super().main(given, *rest, standalone_mode=False, **extra)
        except (Exception, KeyboardInterrupt) as error:
            if debug:
                traceback.print_exception(error)
            code = report(error)
        else:
            if code == INTERRUPTED:
                report(KeyboardInterrupt())
        sys.exit(code or 0)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tensorloom {importlib.metadata.version('tensorloom')}")
        raise typer.Exit


@app.callback()
def _tensorloom(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks of errors (or set TENSORLOOM_DEBUG=1).")
    ] = False,
) -> None:
    """Generate neural-network accelerators in Verilog, check them, run them, measure them.

    Exit codes: 0 fine, 1 a failure (mismatch, lint warning, failed build, missing tool), 2 a wrong option,
    configuration, tensor or path.
    """


app.command("list", epilog=presets.LIST_EXAMPLES)(presets.list_presets)
app.command("layers", epilog=presets.LAYER_EXAMPLES)(presets.list_layers)
app.command("config", epilog=presets.CONFIG_EXAMPLES)(presets.print_config)
app.command("verilog", epilog=verilog.EXAMPLES)(verilog.verilog)
app.command("registers", epilog=registers.EXAMPLES)(registers.registers)
app.command("lint", epilog=lint.EXAMPLES)(lint.lint)
app.command("test", epilog=test.EXAMPLES)(test.test)
app.command("verilator", epilog=verilator.EXAMPLES, context_settings=verilator.SETTINGS)(verilator.verilator)
app.command("sim", epilog=sim.EXAMPLES)(sim.sim)
app.command("sweep", epilog=sweep.EXAMPLES)(sweep.sweep)
app.command("explain", epilog=explain.EXAMPLES)(explain.explain)
app.command("explore", epilog=explore.EXAMPLES)(explore.explore)
app.command("walk", epilog=walk.EXAMPLES)(walk.walk)
app.command("run", epilog=run.EXAMPLES)(run.run)
app.command("compress", epilog=compress.EXAMPLES)(compress.compress)
app.command("compare", epilog=compare.EXAMPLES)(compare.compare)
app.command("frame", epilog=frame.EXAMPLES)(frame.frame)
app.command("area", epilog=area.EXAMPLES)(area.area)
app.command("mutate", epilog=mutate.EXAMPLES)(mutate.mutate)
app.command("bench", epilog=bench.EXAMPLES)(bench.bench)
app.command("beside", epilog=beside.EXAMPLES)(beside.beside)
app.command("reproduce", epilog=reproduce.EXAMPLES)(reproduce.reproduce)
app.command("demo", epilog=demo.EXAMPLES)(demo.demo)
app.add_typer(fpga.app, name="fpga")


def main() -> None:
    """Entry point of the installed program."""
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # nohup ignores it
        signal.signal(signal.SIGHUP, _stop)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # it is ignored in the background of a shell
        signal.signal(signal.SIGINT, _stop)
    try:
        app()
    except SystemExit as stop:
        if stop.code in STOPPED:
            with contextlib.suppress(OSError):  # of a terminal that is gone
                typer.echo(f"error: {STOPPED[stop.code]}", err=True)
        raise


class _StoppedError(KeyboardInterrupt):
    """An interrupt that ends with our exit code.

    When a KeyboardInterrupt, and none of its kinds, leaves a text that is executed, as packages do with some, Python
    ends by the signal, even if it was caught.
    """


def _stop(number: int, frame: Any) -> None:
    """End after any of the signals as after an interrupt, so that no tool goes on and no work files stay."""
    # That the rest of the design was not used is no news; Amaranth says so for each part of it.
    warnings.filterwarnings("ignore", "<.*> created but never used")
    if number == signal.SIGINT:
        raise _StoppedError
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
