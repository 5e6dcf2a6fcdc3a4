"""A frame of a whole network on the chip, unit by unit, spread over processes; finished units are kept."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...hw.errors import UsageError, did_you_mean
from ...hw.folders import cache_folder
from ...sim.snap_chip.cycles import WENT
from ...sim.snap_chip.draw import draw_unit
from ...sim.snap_chip.units import NETWORK_UNITS, Unit
from ..distribution import Pool, Task, connect
from ..files import check_folder
from ..finished import Finished, sources_digest
from ..progress import Stages
from ..registry import Design
from .unit import run_dense, run_unit, verilog_digest

__all__ = ["run_frame"]

SEEDS = 4
"""Of the layers of a unit."""

MODELS = ("golden", "formats", "workloads", "snap", "snap_chip")
"""Folders of `sim` that results depend on."""

MODEL_WORK, DENSE_WORK = 0.05, 0.006
"""Time of the cycle model for a multiplication beside that of the Verilog, and of dense tensors."""


def run_frame(
    design: Design,
    network: str,
    *,
    layers: Sequence[str] = (),
    seed: int = 0,
    model_only: bool = False,
    workers: int = 2,
    scheduler: str | None = None,
    folder: Path | None = None,
    stages: Stages,
) -> dict[str, Any]:
    """Run a frame; see `Engine.run_frame`."""
    units = _chosen(network, layers)
    if scheduler is not None:
        with connect(scheduler):  # before anything that takes long
            pass
    if folder is not None:
        check_folder(folder)
    with stages(f"Emitting {design.name}"):  # by its digest results are kept, the models' too
        verilog = verilog_digest(design)
    subject = {
        "network": network, "design": design.name, "Verilog": verilog, "models": _models_digest(), "seed": seed,
        "densities": _densities(NETWORK_UNITS[network]()),
    }  # fmt: skip
    finished = Finished(folder or _default_folder(subject), subject)
    dense = {_shape(unit): unit for unit in reversed(units)}  # the first of those that are alike
    names = [*(unit.name for unit in units), *(_dense_name(unit) for unit in dense.values())]
    found = {name: figures for name in names if (figures := finished.read(name)) is not None}
    for unit in units:
        if not model_only and unit.simulated and found.get(unit.name, {}).get("source") == "model":
            del found[unit.name]  # what the model said before; the Verilog is still to say it
    damaged = [name for name in names if finished.is_damaged(name)]
    if missing := [name for name in names if name not in found]:
        with connect(scheduler, workers) as client:
            pool = Pool(client)
            with stages(_title(network, design, names, found, damaged, finished)) as update:
                _submit(pool, design, NETWORK_UNITS[network](), set(missing), seed, None if model_only else verilog)
                for unit in dense.values():
                    if _dense_name(unit) in missing:
                        work = DENSE_WORK * sum(node.shape.macs for node in unit.nodes)
                        arguments = design.config, unit
                        pool.submit(Task(name=_dense_name(unit), function=run_dense, arguments=arguments, work=work))
                for name, figures in pool.results(update):
                    finished.write(name, figures)
                    found[name] = figures
    compared = {shape: found[_dense_name(unit)] for shape, unit in dense.items()}
    rows = [_with_dense(unit, found[unit.name], compared[_shape(unit)]) for unit in units]
    return _summary(design, subject, units, rows) | {"kept_in": str(finished.folder)}


def _submit(
    pool: Pool, design: Design, units: Sequence[Unit], missing: set[str], seed: int, verilog: str | None
) -> None:
    """Give units to the cluster that are not finished, each with its input, which the units before it make."""
    output, last = None, max((n for n, unit in enumerate(units) if unit.name in missing), default=-1)
    for number, unit in enumerate(units[: last + 1]):
        first, drawn = seed + SEEDS * number, None
        if unit.follows or (number < last and units[number + 1].follows):
            drawn = draw_unit(design.config, unit, first, output if unit.follows else None)
            output = drawn.output
        if unit.name in missing:
            digest = verilog if unit.simulated else None
            arguments = design.name, design.config, unit, first, drawn, digest
            work = unit.work * (1 if digest else MODEL_WORK)
            pool.submit(Task(name=unit.name, function=run_unit, arguments=arguments, work=work))


def _chosen(network: str, names: Sequence[str]) -> list[Unit]:
    if network not in NETWORK_UNITS:
        text = f"network must be one of {', '.join(NETWORK_UNITS)}, not {network!r}"
        raise UsageError(text, did_you_mean(network, NETWORK_UNITS))
    units = {unit.name: unit for unit in NETWORK_UNITS[network]()}
    for name in names:
        if name not in units:
            raise UsageError(f"layers must be of {', '.join(units)}, not {name!r}", did_you_mean(name, units))
    return [unit for name, unit in units.items() if not names or name in names]


def _title(
    network: str, design: Design, names: Sequence[str], found: dict[str, Any], damaged: Sequence[str], kept: Finished
) -> str:
    title = f"Running {network} on {design.name}"
    if found:
        title += f"; {len(found)} of {len(names)} parts were finished before ({kept.folder})"
    if damaged:
        title += f"; again, as their files are damaged: {', '.join(damaged)}"
    return title


def _dense_name(unit: Unit) -> str:
    return f"{unit.name}-dense"


def _shape(unit: Unit) -> tuple[Any, ...]:
    """Equal for units that are alike when there are no zeros."""
    return tuple((node.shape.text, node.residual is not None, node.pool) for node in unit.nodes)


def _densities(units: Sequence[Unit]) -> str:
    pairs = dict.fromkeys(f"{unit.density:g}/{node.density:g}" for unit in units for node in unit.nodes)
    return ", ".join(pairs)


def _models_digest() -> str:
    """Hash of the sources that results depend on beside the Verilog: of models, compiler and random tensors."""
    return sources_digest(Path(__file__).parent.parent.parent / "sim", MODELS)


def _default_folder(subject: dict[str, Any]) -> Path:
    key = hashlib.sha256(repr(sorted(subject.items())).encode()).hexdigest()[:16]
    return cache_folder("networks") / f"{subject['network']}-{key}"


def _with_dense(unit: Unit, figures: dict[str, Any], dense: dict[str, Any]) -> dict[str, Any]:
    """Figures of a unit beside dense tensors, and channel-last machines."""
    names = [layer["name"] for layer in figures["layers"]]
    cycles = list(dense["layers"].values())  # of a unit of the same sizes, whose layers may have other names
    peers = [layer["channel_last_cycles"] for layer in figures["layers"]]
    layers = [
        layer | {
            "dense_cycles": cycles[n],
            "speedup_over_dense": round(cycles[n] / layer["cycles"], 3),
            "bound_by": _bound(layer["where_cycles_went"]),
        }
        for n, layer in enumerate(figures["layers"])
    ]  # fmt: skip
    assert len(names) == len(cycles)
    total = sum(peers) if unit.is_block else None
    return figures | {
        "layers": layers,
        "sampled": unit.sampled,
        "dense_cycles": dense["cycles"],
        "speedup_over_dense": round(dense["cycles"] / figures["cycles"], 3),
        "channel_last_cycles": total,
        "speedup_over_channel_last": None if total is None else round(total / figures["cycles"], 3),
        "cpu_seconds": round(figures["cpu_seconds"], 2),
    }


def _bound(went: dict[str, float]) -> str:
    """What took the most cycles."""
    return max(WENT, key=went.__getitem__)


def _summary(design: Design, subject: dict[str, Any], units: Sequence[Unit], rows: list[dict[str, Any]]) -> dict:
    whole = [row for row in rows if not row["sampled"]] or rows
    simulated = [row for row in rows if row["source"] == "rtl"]
    cycles, products = (sum(row[name] for row in whole) for name in ("cycles", "products"))
    dense = sum(row["dense_cycles"] for row in whole)
    seconds = sum(row["simulated_seconds"] for row in simulated)
    return {
        "design": design.name,
        "network": subject["network"],
        "complete": len(units) == len(NETWORK_UNITS[subject["network"]]()),
        "seed": subject["seed"],
        "densities": subject["densities"],
        "source": "rtl" if all(row["source"] == "rtl" for row in whole) else "model",
        "convolutions": sum(not layer["where_cycles_went"]["pooling"] for row in whole for layer in row["layers"]),
        "cycles": cycles,
        "products": products,
        "utilisation": round(products / cycles / design.config.multipliers, 6),
        "dense_cycles": dense,
        "speedup_over_dense": round(dense / cycles, 3),
        "simulated_cycles": sum(row["cycles"] for row in simulated),
        "simulated_seconds": round(seconds, 1),
        "cycles_per_second": round(sum(row["cycles"] for row in simulated) / seconds) if seconds else None,
        "bit_exact": all(row["bit_exact"] for row in simulated) if simulated else None,
        "equals_cycle_model": all(row["equals_cycle_model"] for row in simulated) if simulated else None,
        "units": rows,
    }
