"""A sweep: its points spread over processes, kept when they are finished, put together as rows."""

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ...hw.config import check_int
from ...hw.errors import UsageError
from ...hw.folders import cache_folder
from ..distribution import Pool, Task, connect
from ..finished import Finished
from ..progress import Stages, silent
from ..registry import Design
from .points import Point
from .work import measure_design, models_digest, run_point

__all__ = ["known_area", "run_sweep", "totals"]

AREA_WORK = 2e9
"""Time of an area beside that of a multiplication in the cycle model: a guess, for the time that is left."""

RTL_WORK = 20
"""Time of the Verilog beside that of the cycle model: a guess too."""


def run_sweep(
    points: Sequence[Point],
    *,
    seed: int = 1,
    rtl: int = 0,
    area: bool = False,
    workers: int = 1,
    scheduler: str | None = None,
    folder: Path | None = None,
    stages: Stages = silent,
) -> list[dict[str, Any]]:
    """Run points of one engine; finished ones are kept, and not run again.

    Parameters
    ----------
    points
        By `make_points`.
    seed
        Of random tensors, and of which points run on the Verilog.
    rtl
        So many points run on the Verilog too, and everything is compared.
    area
        Measure the area of each configuration, which takes a minute or two for a big core.
    workers
        Processes of this machine; 1 is this one.
    scheduler
        Address of a scheduler of ``dask.distributed`` whose workers are taken instead.
    folder
        Where finished points are kept, and found; by default in the cache.

    Returns
    -------
    list of dict
        A row a point, in order: ``design``, ``fields``, ``layer``, ``count``, ``activation_density``,
        ``weight_density``, ``multipliers``, then what `run_point` says, and ``area``, ``memory_bits`` and ``depth``.

    Raises
    ------
    UsageError
        For a scheduler that can't be used, and a folder with results of something else.
    FailureError
        If the Verilog of a point differs from its models.
    """
    check_int("rtl", rtl, 0)
    check_int("seed", seed, 0)
    check_int("workers", workers, 1, 1024)
    chosen = set(random.Random(seed).sample(range(len(points)), min(rtl, len(points))))
    finished, digest = _finished(points[0].design, folder), models_digest(points[0].design.engine.name)
    tasks: dict[str, Task] = {}
    for number, point in enumerate(points):
        work = point.layer.macs * point.densities[0] * point.densities[1] + 1e6
        on_verilog = number in chosen
        arguments = point.design, point.layer, point.densities, point.bits, seed, digest, on_verilog
        name = _name(point, seed, on_verilog)
        tasks[name] = Task(
            name=name, function=run_point, arguments=arguments, work=work * (RTL_WORK if on_verilog else 1)
        )
        if area:
            name = _area_name(point.design)
            tasks[name] = Task(name=name, function=measure_design, arguments=(point.design,), work=AREA_WORK)
    found = {name: figures for name in tasks if (figures := finished.read(name)) is not None}
    missing = [task for name, task in tasks.items() if name not in found]
    if missing:
        before = f"; {len(found)} were finished before ({finished.folder})" if found else ""
        title = f"Sweeping {points[0].design.engine.name}, {len(tasks)} points{before}"
        if scheduler is None and workers == 1:
            results = _here(missing, title, stages)
        else:
            results = _elsewhere(missing, title, workers, scheduler, stages)
        for name, figures in results:
            finished.write(name, figures)
            found[name] = figures
    return [_row(point, found[_name(point, seed, n in chosen)], found, area) for n, point in enumerate(points)]


def known_area(design: Design, folder: Path | None = None) -> dict[str, Any] | None:
    """Area of a design that a sweep has measured before, or None."""
    return _finished(design, folder).read(_area_name(design))


def totals(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of all layers together, each as often as it counts: one for each configuration and densities.

    ``cycles`` and all that follows of it are None where a layer was refused; ``refused`` says so. With an area there is
    ``useful_per_mnand2``, useful operations a cycle for a million NAND2-equivalents.
    """
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["design"], row["activation_density"], row["weight_density"]), []).append(row)
    whole = []
    for group in groups.values():
        first, refused = group[0], next((row["refused"] for row in group if "refused" in row), None)
        areas = "area", "memory_bits", "depth"
        names = ("design", "fields", "activation_density", "weight_density", "multipliers", *areas)
        total: dict[str, Any] = {name: first[name] for name in names if name in first}
        total |= {"layers": sum(row["count"] for row in group), "cycles": None, "macs": None, "utilisation": None}
        if refused is None and all(row["cycles"] is not None for row in group):
            cycles, macs = (sum(row["count"] * row[name] for row in group) for name in ("cycles", "macs"))
            went: dict[str, float] = {}
            for row in group:
                for name, share in row["where_cycles_went"].items():
                    went[name] = went.get(name, 0.0) + share * row["cycles"] * row["count"] / max(1, cycles)
            slots = cycles * first["multipliers"]
            total |= {"cycles": cycles, "macs": macs, "utilisation": round(macs / slots, 6) if slots else None}
            total["where_cycles_went"] = {name: round(share, 6) for name, share in went.items()}
            if cycles and total.get("area"):
                total["useful_per_mnand2"] = round(macs / cycles / total["area"] * 1e6, 3)
        elif refused is not None:
            total["refused"] = refused
        whole.append(total)
    return whole


def _row(point: Point, figures: dict[str, Any], found: dict[str, Any], area: bool) -> dict[str, Any]:
    row = {
        "design": point.design.name, "fields": dict(point.changes), "layer": point.layer.name,
        "sizes": point.layer.text, "count": point.count, "activation_density": point.densities[0],
        "weight_density": point.densities[1], "multipliers": point.design.config.multipliers,
    }  # fmt: skip
    return row | figures | (found[_area_name(point.design)] if area else {})


def _here(missing: Sequence[Task], title: str, stages: Stages) -> Iterator[tuple[str, dict[str, Any]]]:
    """In this process, one after the other; those of a layer together, as its tensors are made once."""
    whole, done = sum(task.work for task in missing), 0.0
    ordered = sorted(missing, key=lambda task: [str(part) for part in task.arguments[1:3]])
    with stages(title) as update:
        told = 0.0
        for number, task in enumerate(ordered):
            if time.monotonic() - told >= 1:
                told = time.monotonic()
                update(f"{number} of {len(missing)} done", done / whole)
            more = {"stages": stages} if task.function is run_point else {}
            yield task.name, task.function(*task.arguments, lambda share: None, **more)
            done += task.work


def _elsewhere(
    missing: Sequence[Task], title: str, workers: int, scheduler: str | None, stages: Stages
) -> Iterator[tuple[str, dict[str, Any]]]:
    with connect(scheduler, workers) as client:
        pool = Pool(client)
        with stages(title) as update:
            for task in missing:
                pool.submit(task)
            yield from pool.results(update)


def _finished(design: Design, folder: Path | None) -> Finished:
    subject = {"engine": design.engine.name, "models": models_digest(design.engine.name)}
    default: Callable[[], Path] = lambda: cache_folder("sweeps") / f"{design.engine.name}-{subject['models'][:16]}"  # noqa: E731
    try:
        return Finished(folder or default(), subject)
    except UsageError as error:
        raise UsageError(str(error), (error.hint or "").replace("--output", "--keep")) from error


def _name(point: Point, seed: int, rtl: bool) -> str:
    """Of a point's file: all that its figures depend on beside the sources."""
    layer = point.layer.text
    return _key("rtl" if rtl else "model", point.design, layer, *point.densities, point.bits, seed)


def _area_name(design: Design) -> str:
    return _key("area", design)


def _key(kind: str, design: Design, *values: Any) -> str:
    text = json.dumps([design.config.to_dict(), *values], sort_keys=True)
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"
