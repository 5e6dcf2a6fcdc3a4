"""Tables of the SNAP core, from what ``tensorloom`` prints with ``--json``."""

from typing import Any

from tables import goal_text

__all__ = ["area_tables", "bench_tables", "demo_tables"]


def demo_tables(report: dict[str, Any]) -> dict[str, list[list[str]]]:
    """Layers of the demo's network."""
    return {
        "snap-demo": [
            [
                f"{layer['name']}: {layer['size']}",
                f"{layer['ia_density']:.2f}/{layer['w_density']:.2f}",
                f"{layer['cycles']:,}",
                f"{layer['predicted_cycles']:,}",
                f"{layer['utilisation']:.3f}",
                f"{layer['speedup_over_dense']:.2f}",
            ]
            for layer in report["layers"]
        ]
    }


def bench_tables(figures: dict[str, Any]) -> dict[str, list[list[str]]]:
    """Layers of the benchmark, and its goals."""
    rows = [
        [
            f"{row['layer']} ({row['kind']})",
            row["part"] or "whole",
            f"{row['ia_density']:g}/{row['w_density']:g}",
            f"{row['cycles']:,}",
            f"{row['utilisation']:.3f}",
            f"{row['oa_updates_per_cycle']:.2f}",
        ]
        for row in figures["rows"]
    ]
    return {"snap-bench": rows, "snap-goals": [_goal(goal) for goal in figures["goals"]]}


def _goal(goal: dict[str, Any]) -> list[str]:
    value = goal["value"]
    text = f"{value:,}" if isinstance(value, int) else f"{value:.3f}" if value < 1 else f"{value:.1f}"
    return [goal["name"].replace("_", " "), text, goal_text(goal["goal"])]


def area_tables(report: dict[str, Any]) -> dict[str, list[list[str]]]:
    """One row of the table of areas, which keeps its others."""
    shares = report["shares"]
    areas = (f"{report[name]:,.0f}" for name in ("area", "macro_area"))
    row = [f"`{report['design']}`", *areas, *(f"{share:.1%}" for share in shares.values()), str(report["depth"])]
    return {"snap-area": [row]}
