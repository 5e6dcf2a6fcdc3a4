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

COLOURS = {"16": "#c05a2b", "32": "#205493", "64": "#7fbf8a"}

WIDTHS = {"64": 6, "channel-last": 6}
"""Of lines that others lie upon: wide and pale, below them."""

DENSITY = "density of activations and of weights"


def text_of(figure: Any, values: dict[str, Any]) -> str:
    """SVG text of a figure, the same bytes for the same figure; its description has the values as JSON."""
    text = StringIO()
    metadata = {"Date": None, "Creator": "scripts/explore_snap.py", "Description": json.dumps(values)}
    figure.savefig(text, format="svg", metadata=metadata)
    pyplot.close(figure)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def prepare(panels: Any, densities: list[float]) -> None:
    """Densities across, by their logarithms, since what matters is at the low ones."""
    for axes in panels:
        axes.set_xscale("log")
        axes.set_xticks(densities, [f"{density:g}" for density in densities])
        axes.minorticks_off()
        axes.set_xlabel(DENSITY)
        axes.grid(color="#e3e8ee")


def draw_aim_sizes(values: dict[str, Any]) -> str:
    """Utilisation against density, a line for each AIM: without prefetch on the left, with it on the right."""
    figure, panels = pyplot.subplots(1, 2, figsize=(10, 4.4), layout="constrained", sharey=True)
    prepare(panels, values["densities"])
    for name, utilisation in reversed(values["utilisation"].items()):
        alone, size = "a PE" in name, name.split()[2].rstrip(",")
        colour = "#6b7785" if alone else COLOURS[size]
        width, marker = 2 if alone else WIDTHS.get(size, 2), "D" if alone else "o"
        label = f"N = {size}, one a PE" if alone else f"N = {size}"
        axes = panels[int("prefetch" in name)]
        axes.plot(values["densities"], utilisation, marker + "-", color=colour, lw=width, markersize=5, label=label)
    for axes, title in zip(panels, ("a list at a time", "with prefetch: four lists queued"), strict=True):
        axes.set_title(title)
        axes.legend(*(found[::-1] for found in axes.get_legend_handles_labels()), loc="lower right")
    panels[0].set_ylim(0, 1.02)
    panels[0].set_ylabel("effectual multiplier utilisation")
    figure.suptitle("AIM of N x N comparators, one a row, 7 x 3 PEs, 3x3 kernels, 128 channels")
    return text_of(figure, values)


def draw_dataflows(values: dict[str, Any]) -> str:
    """Utilisation and writebacks against density by machine, and how much faster the first is than the others."""
    figure, panels = pyplot.subplots(1, 3, figsize=(12, 4), layout="constrained")
    prepare(panels, values["densities"])
    (ours, own), *others = values["machines"].items()
    colours = {ours: "#205493", **dict(zip((name for name, _ in others), ("#e0a080", "#6b4a1d"), strict=True))}
    for name, figures in reversed(values["machines"].items()):
        for axes, field in ((panels[0], "utilisation"), (panels[2], "writebacks_per_mac")):
            width = WIDTHS.get(name, 2) if axes is panels[2] else 2
            look = {"color": colours[name], "lw": width, "markersize": 4, "zorder": 1 if width > 2 else 2}
            axes.plot(values["densities"], figures[field], "o-", label=name, **look)
    for name, figures in others:
        ratio = [slow / fast for slow, fast in zip(figures["cycles_per_mac"], own["cycles_per_mac"], strict=True)]
        panels[1].plot(values["densities"], ratio, "o-", color=colours[name], markersize=4, label=f"over {name}")
    panels[1].axhline(1, color="#6b7785", ls=":")
    for axes, title in zip(
        panels,
        ("effectual utilisation", f"speed of {ours} over the others", "writebacks a useful product"),
        strict=True,
    ):
        axes.set_title(title)
    panels[0].set_ylim(0, 1.02)
    panels[1].set_ylim(0)
    panels[2].set_yscale("log")
    for axes, place in zip(panels, ("lower right", "lower left", "lower left"), strict=True):
        axes.legend(loc=place, fontsize="small")
    return text_of(figure, values)


def main() -> None:
    """Run the models, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parent.parent / "docs"
    parser.add_argument("-o", "--output", type=Path, default=default, metavar="DIR", help="folder to write to (docs)")
    text = "draw what this file of an earlier run says, and run nothing"
    parser.add_argument("--recorded", type=Path, metavar="FILE", help=text)
    options = parser.parse_args()
    folder = options.output
    folder.mkdir(parents=True, exist_ok=True)
    if options.recorded:
        recorded = json.loads(options.recorded.read_text(encoding="utf-8"))
        sizes, flows = recorded["aim_sizes"], recorded["dataflows"]
    else:
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
