"""Figures of ``tensorloom bench snap-chip`` as tables to read."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...sim.snap_chip.counters import KINDS
from ..contract import Table

__all__ = ["figure_tables", "frame_tables", "went_text"]

LEAST_SHARE = 0.005
"""Smaller ones are left out of texts."""


def figure_tables(figures: Mapping[str, Any]) -> list[Table]:
    """Tables of all that the benchmark measured."""
    tables = [_frames(figures["frames"]), _layers(figures["layers"]), _cores(figures["cores"])]
    ways = "Row taps beside diagonal mode, with a global accumulator"
    for title, name in ((ways, "ways"), ("Area", "area"), ("Beside the paper's chip", "paper"), ("Goals", "goals")):
        if rows := figures.get(name):
            tables.append(_plain(title, rows))
    names = ("preset", "emit_seconds", "emitted_bytes", "build_seconds", "cycles_per_second")
    return [*tables, _plain("Verilog", [{name: figures[name] for name in names}])]


def frame_tables(figures: Mapping[str, Any]) -> list[Table]:
    """Tables of a network: its layers, the units that they run in, and the whole."""
    units = figures["units"]
    columns = ["layer", "size", "cycles", "utilisation", "kB in and out", "bounded by", "share", "over dense"]
    layers = [
        [
            layer["name"], layer["size"], layer["cycles"], layer["utilisation"], _kilobytes(layer), layer["bound_by"],
            f"{layer['where_cycles_went'][layer['bound_by']]:.0%}", layer["speedup_over_dense"],
        ]
        for unit in units
        for layer in unit["layers"]
    ]  # fmt: skip
    names = ["unit", "source", "bit-exact", "cycles of model", "cycles", "kB in and out", "over dense"]
    rows = [
        [
            unit["name"], unit["source"], unit["bit_exact"], unit["equals_cycle_model"], unit["cycles"],
            _kilobytes(unit), unit["speedup_over_dense"], unit["speedup_over_channel_last"], unit["cpu_seconds"],
        ]
        for unit in units
    ]  # fmt: skip
    whole = ("densities", "source", "bit_exact", "equals_cycle_model", "cycles", "utilisation", "speedup_over_dense")
    title = f"{figures['network']} on {figures['design']}"
    return [
        Table("Layers; cycles of each are the cycle model's, and those of units the sum", columns, layers),
        Table("Units", [*names, "over channel-last", "CPU seconds"], rows),
        _plain(
            title + ", a part of it" * (not figures["complete"]),
            [{name: figures[name] for name in (*whole, "simulated_seconds")}],
        ),
    ]


def _kilobytes(row: Mapping[str, Any]) -> float:
    return sum(row[f"{kind}_bytes"] for kind in KINDS) / 1e3


def went_text(shares: Mapping[str, float]) -> str:
    """Where cycles went, in a line, the most first."""
    parts = sorted(((share, name) for name, share in shares.items() if share >= LEAST_SHARE), reverse=True)
    return ", ".join(f"{name.replace('_', ' ')} {share:.1%}" for share, name in parts)


def _frames(frames: Sequence[Mapping[str, Any]]) -> Table:
    columns = ["preset", "densities, IA/W", "cycles", "ideal", "utilisation", "MB in and out", "where cycles went"]
    rows = [
        [
            frame["preset"], frame["densities"], frame["cycles"], frame["ideal_cycles"], frame["utilisation"],
            sum(frame[f"{kind}_bytes"] for kind in KINDS) / 1e6, went_text(frame["where_cycles_went"]),
        ]
        for frame in frames
    ]  # fmt: skip
    return Table(f"{frames[0]['network']}, {frames[0]['layers_run']} layers, by the cycle model", columns, rows)


def _layers(layers: Sequence[Mapping[str, Any]]) -> Table:
    columns = ["layer", "part", "source", "bit-exact", "cycles", "utilisation", "kB in and out", "where cycles went"]
    rows = [
        [
            layer["name"], layer.get("part", ""), layer["source"], layer["bit_exact"], layer["cycles"],
            layer["utilisation"], sum(layer[f"{kind}_bytes"] for kind in KINDS) / 1e3,
            went_text(layer["where_cycles_went"]),
        ]
        for layer in layers
    ]  # fmt: skip
    return Table("Layers", columns, rows)


def _cores(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = ["preset", "layer", "block", "one core", "loss by sharing", "at worst", "by unequal kernels"]
    cells = [
        [
            row["preset"], row["kind"], f"{row['block_lines']} x {row['block_kernels']}", row["core_utilisation"],
            *(f"{row[f'{name}_loss']:.2%}" for name in ("sharing", "worst_sharing", "imbalance")),
        ]
        for row in rows
    ]  # fmt: skip
    return Table("Utilisation of one core; what is lost as all share activations", columns, cells)


def _plain(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[row.get(name) for name in columns] for row in rows]
    return Table(title, [name.replace("_", " ") for name in columns], cells)
