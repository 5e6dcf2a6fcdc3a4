#!/usr/bin/env python3
"""Redraw two figures of the SNAP paper from the cycle model: AIM sizes (Fig. 9) and dataflows (Fig. 7).

Writes snap_aim.svg, snap_dataflow.svg and snap_exploration.json. It needs matplotlib and takes some seconds.
"""

import argparse
import json
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib

from tensorloom.sim.snap.exploration import aim_sizes, dataflows

matplotlib.use("svg")
matplotlib.rcParams |= {"svg.hashsalt": "tensorloom", "svg.fonttype": "none", "font.family": "sans-serif"}

from matplotlib import pyplot  # noqa: E402 (after the choice of its back end)

COLOURS = {"16": "#c05a2b", "32": "#205493", "64": "#2e8540"}


def text_of(figure: Any) -> str:
    """SVG text of a figure, the same bytes for the same figure."""
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": "scripts/explore_snap.py"})
    pyplot.close(figure)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def draw_aim_sizes(values: dict[str, Any]) -> str:
    """Utilisation against density, a line for each AIM."""
    figure, axes = pyplot.subplots(figsize=(8, 4.6), layout="constrained")
    for name, utilisation in values["utilisation"].items():
        alone = "a PE" in name
        line, marker = "-" if "prefetch" in name else "--", "D" if alone else "o"
        colour = "#6b7785" if alone else COLOURS[name.split()[2].rstrip(",")]
        axes.plot(values["densities"], utilisation, ls=line, marker=marker, color=colour, markersize=4, label=name)
    axes.set_xlabel("density of activations and of weights")
    axes.set_ylabel("effectual multiplier utilisation")
    axes.set_ylim(0, 1.02)
    axes.set_title("AIM of N x N comparators, 7 x 3 PEs, 3x3 kernels, 128 channels")
    axes.grid(color="#e3e8ee")
    axes.legend(loc="lower right", fontsize="small")
    return text_of(figure)


def draw_dataflows(values: dict[str, Any]) -> str:
    """Utilisation, latency and writebacks against density, a line for each machine."""
    figure, panels = pyplot.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
    titles = {
        "utilisation": "effectual utilisation",
        "cycles_per_mac": "multiplier cycles a useful product",
        "writebacks_per_mac": "writebacks a useful product",
    }
    for axes, (field, title) in zip(panels, titles.items(), strict=True):
        for (name, figures), colour in zip(values["machines"].items(), ("#205493", "#c05a2b", "#8a6d3b"), strict=True):
            axes.plot(values["densities"], figures[field], "o-", color=colour, markersize=4, label=name)
        axes.set_title(title)
        axes.set_xlabel("density of activations and of weights")
        axes.grid(color="#e3e8ee")
    panels[0].set_ylim(0, 1.02)
    panels[1].set_ylim(0)
    panels[2].set_yscale("log")
    panels[0].legend(loc="lower right", fontsize="small")
    return text_of(figure)


def main() -> None:
    """Run the models, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parent.parent / "docs"
    parser.add_argument("-o", "--output", type=Path, default=default, metavar="DIR", help="folder to write to (docs)")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    sizes, flows = aim_sizes(print), dataflows(print)
    files = {
        "snap_aim.svg": draw_aim_sizes(sizes),
        "snap_dataflow.svg": draw_dataflows(flows),
        "snap_exploration.json": json.dumps({"aim_sizes": sizes, "dataflows": flows}, indent=2) + "\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        print(f"wrote {folder / name}")


if __name__ == "__main__":
    main()
