"""``tensorloom mutate``: plant faults in a design and see which of them its checks notice."""

from typing import Annotated, Any

import typer

from ..hw.errors import FailureError, UsageError
from .options import Assignments, ConfigFile, Json, Preset, choose_design, examples
from .output import Stages, print_json, print_table, say

__all__ = ["EXAMPLES", "mutate"]

EXAMPLES = examples(
    "mutate",
    "tensorloom mutate --config my.toml --count 1000 --at-least 0.99",
)

HIGHEST_COUNT = 20_000


def mutate(
    preset: Preset = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, max=HIGHEST_COUNT, help="How many faults, at most.")
    ] = 200,
    block: Annotated[
        str | None, typer.Option(metavar="NAME", help="Plant them in one block only, as the table names it.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of faults, and of all random numbers.")] = 1,
    at_least: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit with code 1 if the score is less than this.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Keep the result among the project's records (in a checkout).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Plant faults in a design and see which of them its checks notice.

    A fault is a bit of a cell's port that is inverted or stuck. Random programs run on each, then the testbenches of
    the blocks around it and their formal proofs; what nothing notices is compared with the design by a SAT solver. The
    score is the share of faults noticed of all that change anything. What survives is listed with file and line: a
    check is missing there, or the fault can do no harm.
    """
    from ..run.mutation.campaign import mutate as run_mutation
    from ..run.mutation.records import record_of, write_record

    if record and block is not None:
        raise UsageError("--record keeps results of whole designs: leave --block out")
    design = choose_design(preset, config_file, assignments)
    kept = record_of(design.name) if record else None
    if kept and count < (before := kept["blocks"]["all"]["mutants"]):
        text = f"--record would replace a record of {before} faults by one of {count}"
        raise UsageError(text, f"give --count {before} or more")
    report = run_mutation(design, count=count, seed=seed, block=block, stages=Stages())
    figures = report.figures()
    if as_json:
        print_json(figures)
    else:
        _show(figures)
    if record:
        write_record(figures)
    if at_least is not None and report.score < at_least:
        raise FailureError(f"the score, {report.score:.2%}, is less than --at-least {at_least}")


def _show(figures: dict[str, Any]) -> None:
    columns = ["block", "faults", "equivalent", "by programs", "by testbenches", "by proofs", "survived", "score"]
    rows = [
        [
            name, row["mutants"], row["equivalent"], row["programs"], row["benches"], row["proofs"], row["survived"],
            f"{row['score']:.1%}",
        ]
        for name, row in figures["blocks"].items()
    ]  # fmt: skip
    print_table(columns, rows)
    for check in figures["unfit"]:
        say(f"left out, as it doesn't pass on this configuration: {check}")
    for survivor in figures["survivors"]:
        say(f"survived: {survivor}")
    total = figures["blocks"]["all"]
    real = total["mutants"] - total["equivalent"]
    noticed = real - total["survived"]
    say(f"{figures['design']}: {noticed:,} of {real:,} faults noticed, {figures['score']:.1%}")
