"""Plots as texts of pictures that are the same each time they are drawn."""

import json
from io import StringIO
from typing import Any

__all__ = ["plot_text", "pyplot"]


def pyplot() -> Any:
    """The library, set up so that equal plots are equal texts."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "tensorloom", "svg.fonttype": "none", "font.family": "sans-serif"}
    from matplotlib import pyplot

    return pyplot


def plot_text(figure: Any, values: dict[str, Any]) -> str:
    """Text of a figure, which is closed; its description holds the figures that it is made from, as JSON."""
    text = StringIO()
    metadata = {"Date": None, "Creator": "scripts/pictures", "Description": json.dumps(values)}
    figure.savefig(text, format="svg", metadata=metadata)
    pyplot().close(figure)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"
