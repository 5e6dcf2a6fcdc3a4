"""The TPU's roofline with the networks of published sizes, from the table of measured figures on its page."""

import re
from pathlib import Path
from typing import Any

from plot import plot_text, pyplot

from tensorloom.hw.tpu.config import PRESETS
from tensorloom.run.tpu.networks import CLOCK, TIMING

__all__ = ["draw", "figures"]

PRESET, PAPER = "tpu-v1", "the published machine"
PAGE = Path(__file__).parent.parent / "tpu.md"


def figures() -> dict[str, Any]:
    """Weights' uses and TOPS of each network, of this machine and the published one; the roof's slope and height."""
    config = PRESETS[PRESET]
    points: dict[str, dict[str, list[float]]] = {PRESET: {}, PAPER: {}}
    rows = re.findall(
        r"^\| (\w+) \| `?([\w -]+?)`? \| .* \| ([\d,]+) \| ([\d.]+) \| [\d.]+% \|$", PAGE.read_text(), re.M
    )
    for name, machine, uses, tops in rows:
        if machine in points:
            points[machine][name] = [float(uses.replace(",", "")), float(tops)]
    pace = (TIMING.read_pace or 0) / TIMING.pace_cycles
    scale = 2 * CLOCK / 1e12
    return {"slope": pace * scale, "height": config.multipliers * scale, "points": points}


def draw() -> str:
    """Text of the picture; its description holds the figures as JSON."""
    values = figures()
    figure, axes = pyplot().subplots(figsize=(8, 4.6), layout="constrained")
    uses = [10.0, values["height"] / values["slope"], 10000.0]
    roof = [min(use * values["slope"], values["height"]) for use in uses]
    axes.plot(uses, roof, "-", color="#6b7785", label="roofline: 34 GB/s of weights, 92 TOPS")
    for machine, marker, color in ((PRESET, "o", "#205493"), (PAPER, "s", "#c05a2b")):
        points = values["points"][machine]
        label = f"{machine} (cycle model)" if machine == PRESET else f"{machine}, its own networks"
        axes.plot(*zip(*points.values(), strict=True), marker, color=color, label=label)
    for name, (x, y) in values["points"][PRESET].items():
        axes.annotate(name, (x, y), xytext=(-6, 6), textcoords="offset points", ha="right")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("uses of each weight in a batch")
    axes.set_ylabel("tera operations a second")
    axes.grid(color="#e3e8ee", which="both")
    axes.legend(loc="lower right")
    return plot_text(figure, values)
