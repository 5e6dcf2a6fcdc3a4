"""Tables of SCALE-Sim beside the matrix unit, from what ``tensorloom beside scale-sim ... --json`` printed."""

from collections.abc import Sequence
from typing import Any

from tensorloom.run.systolic.beside import WHAT

__all__ = ["beside_tables"]


def beside_tables(reports: Sequence[dict[str, Any]]) -> dict[str, list[list[str]]]:
    """Layers of all reports, and the totals of the first."""
    layers = [
        [
            f"`{report['design']}`",
            row["name"],
            row["size"],
            f"{row['scale_sim']['cycles']:,}",
            f"{row['ours']['cycles']:,}",
            f"{row['scale_sim']['cycles'] / row['ours']['cycles']:.2f}",
            f"{row['scale_sim']['utilisation']:.1%}",
            f"{row['ours']['utilisation']:.1%}",
        ]
        for report in reports
        for row in report["layers"]
    ]
    first = reports[0]
    ours, theirs = first["total"]["ours"], first["total"]["scale_sim"]
    figures = [
        [text, _text(name, theirs[name]), _text(name, ours.get(name)), first["alike"][name]]
        for name, text in WHAT.items()
    ]
    return {"beside-layers": layers, "beside-figures": figures}


def _text(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return (
        f"{value:.1%}"
        if name in ("mapping", "utilisation")
        else f"{value:,}"
        if isinstance(value, int)
        else f"{value:.1f}"
    )
