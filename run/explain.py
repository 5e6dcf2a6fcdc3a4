"""What bounds layers on a design, and what twice as much of each field would buy: by the models."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..hw.errors import ConfigError, UsageError
from .execution import predict_counters
from .progress import Stages, silent
from .registry import Design, design_name
from .sweep.points import Point, fields_of, make_points
from .sweep.sweep import known_area, run_sweep, totals

if TYPE_CHECKING:
    import numpy as np

    from ..sim.memory_timing import MemoryTiming
    from ..sim.network.graph import Network
    from ..sim.workloads.layers import LayerShape

__all__ = ["doubled", "explain_layers", "explain_network"]


def doubled(design: Design) -> tuple[list[tuple[str, Design]], dict[str, str]]:
    """A design for each number of the configuration with twice of it; and why not, where a rule is in the way."""
    designs, refused = [], {}
    for path, value in fields_of(design.config).items():
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            changes = {path: 2 * value}
            try:
                config = design.config.replace(**changes)
            except ConfigError as error:
                refused[path] = str(error)
                continue
            name = design_name(design.name, changes)
            designs.append((path, Design(engine=design.engine, name=name, config=config)))
    return designs, refused


def explain_layers(
    design: Design,
    layers: "Sequence[tuple[LayerShape, int]]",
    densities: tuple[float, float] = (1.0, 1.0),
    *,
    area: bool = False,
    seed: int = 1,
    workers: int = 1,
    scheduler: str | None = None,
    folder: Path | None = None,
    stages: Stages = silent,
) -> dict[str, Any]:
    """What layers with random tensors wait for, and what each field would buy.

    Parameters
    ----------
    design, layers, densities
        What runs on what; layers with how often each counts.
    area
        Measure areas that aren't known yet.
    seed, workers, scheduler, folder
        As of `run_sweep`.

    Returns
    -------
    dict
        For JSON. ``layers``: by layer ``cycles``, ``utilisation``, ``where_cycles_went``, its largest ``wait``, the
        share of it, and what it means. ``fields``: by field ``value`` and ``cycles`` of all layers with twice of it,
        ``saved`` as a share, ``area`` if it is known; or ``refused``, and why. Those that save most come first.

    Raises
    ------
    UsageError
        If a layer doesn't fit the design as it is.
    """
    points = make_points(design, {}, layers, [densities])
    designs, refused = doubled(design)
    how: dict[str, Any] = {"seed": seed, "area": area, "workers": workers, "scheduler": scheduler, "folder": folder}
    rows = run_sweep(points, **how, stages=stages)
    if found := next((row for row in rows if "refused" in row), None):
        raise UsageError(f"{found['layer']} on {design.name}: {found['refused']}")
    whole = []
    for path, one in designs:
        changed = {path: fields_of(one.config)[path]}
        whole += [dataclasses.replace(point, design=one, changes=changed, bits=_bits(point, one)) for point in points]
    (base,), others = totals(rows), totals(run_sweep(whole, **how, stages=stages)) if whole else []
    areas = {one.name: known_area(one, folder) for one in (design, *(one for _, one in designs))}
    fields = [_field(design, path, one, base, total, areas) for (path, one), total in zip(designs, others, strict=True)]
    return _report(design, [_layer(design, row) for row in rows], base, fields, refused, areas)


def explain_network(
    design: Design,
    network: "Network",
    inputs: "Mapping[str, np.ndarray]",
    *,
    timing: "MemoryTiming | None" = None,
    folder: Path | None = None,
    stages: Stages = silent,
) -> dict[str, Any]:
    """The same of a network from a file: see `explain_layers`. Areas are those that are known.

    Raises
    ------
    UsageError
        If the network doesn't fit the design as it is.
    """
    from ..sim.network.execute import check_inputs, execute_all

    with stages("Computing the network by its golden execution"):
        golden = {**check_inputs(network, inputs), **execute_all(network, inputs)}
    designs, refused = doubled(design)
    layers, base = _network(design, network, golden, timing, stages)
    fields, areas = [], {one.name: known_area(one, folder) for one in (design, *(one for _, one in designs))}
    with stages(f"Asking the models of {design.name}") as update:
        for number, (path, one) in enumerate(designs):
            update(f"twice {path}", number / len(designs))
            try:
                _, total = _network(one, network, golden, timing, silent)
            except UsageError as error:
                total = {"cycles": None, "refused": str(error)}
            fields.append(_field(design, path, one, base, total, areas))
    return _report(design, layers, base, fields, refused, areas)


def _bits(point: Point, design: Design) -> int:
    """The same tensors for a wider machine."""
    return min(point.bits, design.engine.data_bits(design.config))


def _network(
    design: Design, network: "Network", golden: "Mapping[str, np.ndarray]", timing: "MemoryTiming | None",
    stages: Stages,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:  # fmt: skip
    """Figures of each layer, and of the whole network."""
    engine, config = design.engine, design.config
    layers, cycles, macs = [], 0, 0
    spent: dict[str, float] = {}
    for part in engine.plan_network(config, network).machine_parts:
        program = part.program(golden)
        counters, _ = predict_counters(design, program, timing, stages)
        cycles, macs = cycles + (counters.cycles or 0), macs + engine.macs(program, counters)
        for name, share in counters.where_cycles_went().items():
            spent[name] = spent.get(name, 0.0) + share * (counters.cycles or 0)
        layers += [
            {"layer": one.name, "cycles": one.cycles, "utilisation": round(one.utilisation, 6), "wait": one.bound}
            for one in part.layers(program, timing)
        ]
    went = {name: round(part / max(1, cycles), 6) for name, part in spent.items()}
    utilisation = round(macs / max(1, cycles * config.multipliers), 6)
    return layers, {"cycles": cycles, "macs": macs, "utilisation": utilisation, "where_cycles_went": went}


def _layer(design: Design, row: dict[str, Any]) -> dict[str, Any]:
    names = "layer", "sizes", "count", "cycles", "utilisation", "where_cycles_went"
    return {name: row[name] for name in names} | _wait(design, row["where_cycles_went"])


def _wait(design: Design, went: Mapping[str, float]) -> dict[str, Any]:
    """The largest share that isn't work, and what it means."""
    work = next(iter(design.engine.causes), "")
    waits = {name: share for name, share in went.items() if name != work}
    name = max(waits, key=lambda name: waits[name], default="")
    return {"wait": name, "wait_share": waits.get(name, 0.0), "meaning": design.engine.causes.get(name, "")}


def _field(
    design: Design, path: str, one: Design, base: dict[str, Any], total: dict[str, Any],
    areas: Mapping[str, dict[str, Any] | None],
) -> dict[str, Any]:  # fmt: skip
    before, after = areas[design.name], areas[one.name]
    found = {"field": path, "value": fields_of(design.config)[path], "doubled": fields_of(one.config)[path]}
    if total["cycles"] is None:
        return found | {"refused": total.get("refused", "nobody knows the cycles")}
    found |= {"cycles": total["cycles"], "saved": round(1 - total["cycles"] / max(1, base["cycles"]), 6)}
    if before and after:
        found |= {"area": after["area"], "area_added": round(after["area"] / before["area"] - 1, 6)}
    return found


def _report(
    design: Design, layers: list[dict[str, Any]], base: dict[str, Any], fields: list[dict[str, Any]],
    refused: Mapping[str, str], areas: Mapping[str, dict[str, Any] | None],
) -> dict[str, Any]:  # fmt: skip
    values = fields_of(design.config)
    fields += [{"field": path, "value": values[path], "refused": reason} for path, reason in refused.items()]
    known = areas[design.name]
    return {
        "design": design.name,
        "cycles": base["cycles"],
        "utilisation": base["utilisation"],
        "where_cycles_went": base["where_cycles_went"],
        **_wait(design, base["where_cycles_went"]),
        "area": known["area"] if known else None,
        "layers": layers,
        "fields": sorted(fields, key=lambda field: -field.get("saved", -2.0)),
    }
