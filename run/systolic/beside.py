"""SCALE-Sim's figures of layers, and those of the matrix unit's cycle model beside them."""

import dataclasses
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ...hw.systolic.config import SystolicConfig
from ...sim.systolic.cycles import predict
from ...sim.systolic.plan import plan_matmul
from ...sim.systolic.traffic import array_traffic
from ...sim.workloads.layers import LayerShape
from ..contract import Table
from ..progress import Stages
from ..registry import Design
from .scale_sim import run_scale_sim

__all__ = ["beside_tables", "figures_beside"]

SUMMED = ("macs", "tiles", "cycles", "activations", "weights", "sums", "memory_reads", "memory_writes")
"""Figures that add up over layers; the last two are SCALE-Sim's alone."""

WHAT: dict[str, str] = {
    "macs": "multiply-accumulates",
    "tiles": "weight tiles (folds)",
    "mapping": "PEs that hold a weight",
    "cycles": "cycles",
    "utilisation": "utilisation",
    "activations": "activations that enter the array",
    "weights": "weights that enter the array",
    "sums": "sums that leave the array",
    "memory_reads": "elements read from memory",
    "memory_writes": "elements written to memory",
    "seconds": "seconds of processor time",
}
"""Figures of both, in the order of tables."""


def figures_beside(design: Design, layers: Sequence[LayerShape], stages: Stages) -> dict[str, Any]:
    """Run layers by both; values for JSON. Layers of equal sizes run once, and groups, which are alike, too."""
    counts = Counter(dataclasses.replace(layer, name="") for layer in layers)
    names: dict[LayerShape, str] = {}
    for layer in layers:
        names.setdefault(dataclasses.replace(layer, name=""), layer.name)
    rows, whole, done = [], sum(layer.macs for layer in counts), 0
    with stages(f"Running {len(counts)} different of {len(layers)} layers on {design.name} and SCALE-Sim") as update:
        for layer, count in counts.items():
            update(names[layer], done / whole)
            rows.append({
                "name": names[layer], "size": layer.text, "layers": count, "groups": layer.groups,
                "ours": _ours(design.config, layer), "scale_sim": _theirs(design.config, layer),
            })  # fmt: skip
            done += layer.macs
    total = {who: _total(design.config, rows, who) for who in ("ours", "scale_sim")}
    return {"design": design.name, "layers": rows, "total": total, "alike": alike(total, rows)}


def _ours(config: SystolicConfig, layer: LayerShape) -> dict[str, Any]:
    """Of one group."""
    start = time.process_time()
    x, y = layer.geometry.output
    k, n = layer.rows * layer.columns * layer.channels // layer.groups, layer.kernels // layer.groups
    plan = plan_matmul(config, x * y, k, n)
    counters, traffic = predict(config, plan.commands), array_traffic(config, plan)
    held = k * n / (plan.k_tiles * plan.n_tiles * config.multipliers)
    return {
        "macs": plan.macs, "mapping": round(held, 6), "cycles": counters.cycles,
        "utilisation": round(counters.utilisation(config, plan.macs), 6), **dataclasses.asdict(traffic),
        "tiles": plan.k_tiles * plan.n_tiles, "seconds": round(time.process_time() - start, 3),
    }  # fmt: skip


def _theirs(config: SystolicConfig, layer: LayerShape) -> dict[str, Any]:
    """Of one group."""
    start = time.process_time()
    found = run_scale_sim(config, layer)
    return dataclasses.asdict(found) | {
        "mapping": round(found.mapping, 6),
        "utilisation": round(found.macs / (found.cycles * config.multipliers), 6),
        "seconds": round(time.process_time() - start, 3),
    }


def _total(config: SystolicConfig, rows: Sequence[Mapping[str, Any]], who: str) -> dict[str, Any]:
    """Of all layers with all of their groups; seconds are those that were spent."""

    def add(value: Any) -> Any:
        return sum(row["layers"] * row["groups"] * value(row[who]) for row in rows)

    found = {name: add(lambda row, name=name: row[name]) for name in SUMMED if name in rows[0][who]}
    mapping = add(lambda row: row["mapping"] * row["tiles"]) / found["tiles"]
    return found | {
        "mapping": round(mapping, 6),
        "utilisation": round(found["macs"] / (found["cycles"] * config.multipliers), 6),
        "seconds": round(sum(row[who]["seconds"] for row in rows), 2),
    }


def alike(total: Mapping[str, Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What is alike in each figure and what isn't, a sentence each, with what was measured."""
    ours, theirs = total["ours"], total["scale_sim"]
    ratio = {name: theirs[name] / ours[name] for name in ours if ours[name] and name in theirs}
    more = max(rows, key=lambda row: row["scale_sim"]["cycles"] / row["ours"]["cycles"])
    less = min(rows, key=lambda row: row["scale_sim"]["cycles"] / row["ours"]["cycles"])
    most, least = (row["scale_sim"]["cycles"] / row["ours"]["cycles"] for row in (more, less))
    return {
        "macs": f"Both count those of dense layers: {_same(ratio['macs'])}.",
        "tiles": f"Both cut K x N into tiles of the array's size: {_same(ratio['tiles'])}.",
        "mapping": f"The padding of these tiles, a limit of utilisation: {_same(ratio['mapping'])}.",
        "cycles": "SCALE-Sim loads, fills and empties the array for each tile, the matrix unit does so while another "
        f"works: {ratio['cycles']:.2f} times as many, from {least:.2f} ({less['name']}) "
        f"to {most:.2f} ({more['name']}); "
        "the matrix unit's include its FIFO and accumulators, which SCALE-Sim has not.",
        "utilisation": "The same by definition; differs by the cycles alone.",
        "activations": f"Both send a row once for each column of tiles: {_same(ratio['activations'])}.",
        "weights": "SCALE-Sim loads a tile once, as if there were accumulators for all rows of sums; the matrix unit "
        f"again for each block of rows that has room: {1 / ratio['weights']:.2f} times as often.",
        "sums": "SCALE-Sim stores the sums of each tile, the matrix unit adds them up in its accumulators, and only "
        f"finished ones leave: {ratio['sums']:.2f} times as many.",
        "memory_reads": "SCALE-Sim's alone, for buffers of 24 MiB; the matrix unit has streams, no memory.",
        "memory_writes": "SCALE-Sim's alone; with unfinished sums "
        f"{theirs['memory_writes'] / ours['sums']:.2f} times the results.",
        "seconds": f"SCALE-Sim walks through requests one by one: {_times(theirs, ours)}",
    }  # fmt: skip


def _same(ratio: float) -> str:
    return "equal" if abs(ratio - 1) < 1e-6 else f"{ratio:.4f} times as many"


def _times(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    return f"{theirs['seconds']:.0f} s, the cycle model {ours['seconds']:.1f} s."


def beside_tables(figures: Mapping[str, Any]) -> list[Table]:
    """Totals with what is alike in them, and cycles by layer."""
    total = figures["total"]
    rows = [
        [text, total["scale_sim"].get(name), total["ours"].get(name), figures["alike"][name]]
        for name, text in WHAT.items()
    ]
    layers = [
        [
            row["name"], row["size"], row["layers"] * row["groups"], row["scale_sim"]["cycles"], row["ours"]["cycles"],
            round(row["scale_sim"]["cycles"] / row["ours"]["cycles"], 3),
            row["scale_sim"]["utilisation"], row["ours"]["utilisation"],
        ]
        for row in figures["layers"]
    ]  # fmt: skip
    design = figures["design"]
    return [
        Table(
            "Layers, one group of each",
            ["layer", "size", "times", "SCALE-Sim, cycles", f"{design}, cycles", "ratio", "utilisation", "ours"],
            layers,
        ),
        Table("All layers", ["", "SCALE-Sim", design, "what is alike, and what isn't"], rows),
    ]
