"""Figures of the SNAP chip beside the paper's, and beside those that it has to reach."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..measuring import goal
from .frames import DENSE, FALLING, MEAN, find_frame

__all__ = ["PAPER", "compare_paper", "list_goals"]

PAPER = {"cycles_per_frame": 5_280_000, "speedup_over_dense": 2.87, "sram_kb": 280.6}
"""Of the SNAP paper's chip with ResNet-50 (480 MHz / 90.98 frames a second)."""

CYCLES = {
    ("snap-chip", MEAN): 3_500_000, ("snap-chip-large", MEAN): 3_350_000,
    ("snap-chip", FALLING): 3_700_000, ("snap-chip-large", FALLING): 3_500_000,
}  # fmt: skip

SPEEDUP = {"snap-chip": 4.3, "snap-chip-large": 4.5}

CORE = {
    "snap-chip": {"3x3, 56 wide": 0.92, "3x3, 14 wide": 0.91, "3x3, 7 wide": 0.86},
    "snap-chip-large": {"3x3, 56 wide": 0.94, "3x3, 14 wide": 0.96, "3x3, 7 wide": 0.94},
}

SHARING = 0.015

SRAM = 280.0

PRODUCTS = {"snap-chip": 13.0, "snap-chip-8b": 18.0}
"""A cycle and million NAND2."""

SPEEDS = {"emit_seconds": ("<=", 20), "build_seconds": ("<=", 180), "cycles_per_second": (">=", 4000)}


def compare_paper(frames: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Cycles and speed-ups beside the paper's: how much better they are."""
    rows = []
    for preset in SPEEDUP:
        cycles, speedup = _frame(frames, preset, MEAN)["cycles"], speedup_over_dense(frames, preset)
        for name, ratio in (
            ("cycles_per_frame", PAPER["cycles_per_frame"] / cycles),
            ("speedup_over_dense", speedup / PAPER["speedup_over_dense"]),
        ):
            value = cycles if name == "cycles_per_frame" else round(speedup, 3)
            rows.append(
                {"preset": preset, "name": name, "value": value, "paper": PAPER[name], "better_by": round(ratio, 3)}
            )
    return rows


def speedup_over_dense(frames: Sequence[Mapping[str, Any]], preset: str) -> float:
    """Cycles of dense tensors over those of the mean densities."""
    return _frame(frames, preset, DENSE)["cycles"] / _frame(frames, preset, MEAN)["cycles"]


def list_goals(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All goals, each with its figure, whether it is met, and figure / goal."""
    frames, goals = figures["frames"], []

    def add(name: str, value: float, relation: str, limit: float) -> None:
        ratio = {"ratio": round(value / limit, 3)} if limit else {}
        goals.append({"name": name} | goal(value, relation, limit) | ratio)

    for (preset, densities), most in CYCLES.items():
        add(f"cycles a frame, {preset}, {densities}", _frame(frames, preset, densities)["cycles"], "<=", most)
    for preset, least in SPEEDUP.items():
        add(f"speed-up over dense, {preset}", round(speedup_over_dense(frames, preset), 3), ">=", least)
        add(f"sums for an output, {preset}", _frame(frames, preset, MEAN)["sums_per_output"], "<=", 1)
    for preset, kinds in CORE.items():
        rows = [row for row in figures["cores"] if row["preset"] == preset]
        for kind, least in kinds.items():
            found = next(row["core_utilisation"] for row in rows if row["kind"] == kind)
            add(f"utilisation of one core, {kind}, {preset}", found, ">=", least)
        worst = max(row["sharing_loss"] for row in rows)
        add(f"loss by sharing activations, the worst layer, {preset}", worst, "<=", SHARING)
    for row in figures["area"]:
        add(f"SRAM, kB, {row['preset']}", row["sram_kb"], "<=", SRAM)
        if row["preset"] in PRODUCTS:
            found, least = row["products_per_cycle_per_m_nand2"], PRODUCTS[row["preset"]]
            add(f"products a cycle per M NAND2, {row['preset']}", found, ">=", least)
    for name, (relation, limit) in SPEEDS.items():
        add(name, figures[name], relation, limit)
    return goals


def _frame(frames: Sequence[Mapping[str, Any]], preset: str, densities: str) -> Mapping[str, Any]:
    found = find_frame(frames, preset, densities)
    assert found is not None
    return found
