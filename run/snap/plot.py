"""Picture of where a benchmark's cycles went: a bar for each row, as SVG text."""

from typing import Any
from xml.sax.saxutils import escape

__all__ = ["plot_rows"]

COLOURS = {
    "useful": "#205493", "lanes idle": "#8db4dd", "empty list": "#c05a2b", "wait weights": "#e0b04a",
    "wait activations": "#8a6d3b", "wait aim": "#9b6fb0", "wait psum": "#6b7785",
}  # fmt: skip
LEAST = 0.0005
"""Share of a bar that is a quarter of a pixel."""

LEFT, BAR, HEIGHT, STEP, TOP = 330, 520, 16, 24, 58


def plot_rows(figures: dict[str, Any]) -> str:
    """Draw the rows of `bench_snap.benchmark`.

    A PE's busy cycles are split into multiplier slots that multiplied two non-zeros and slots that stood empty. What is
    too little to be seen in any row is named below instead.
    """
    rows = figures["rows"]
    shares = [_shares(row) for row in rows]
    shown = {name: colour for name, colour in COLOURS.items() if max(row[name] for row in shares) >= LEAST}
    hidden = [name for name in COLOURS if name not in shown]
    height, width = TOP + STEP * len(rows) + (28 if hidden else 8), LEFT + BAR + 70
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        "<style>text{font-family:Helvetica,Arial,sans-serif;font-size:12px;fill:#1c2733}</style>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="18" font-weight="bold">Where the PEs\' cycles went, {escape(figures["preset"])}</text>',
    ]
    at = 10
    for name, colour in shown.items():
        parts.append(f'<rect x="{at}" y="28" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{at + 16}" y="38">{name}</text>')
        at += 40 + 7 * len(name)
    for number, row in enumerate(rows):
        y = TOP + STEP * number
        label = f"{row['layer']} {row['part'] or ''} {row['ia_density']:g}/{row['w_density']:g}"
        parts.append(f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(label)}</text>')
        x = float(LEFT)
        for name, colour in shown.items():
            share = shares[number][name]
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{share * BAR:.1f}" height="{HEIGHT}" fill="{colour}">'
                f"<title>{name} {share:.1%}</title></rect>"
            )
            x += share * BAR
        parts.append(f'<text x="{LEFT + BAR + 8}" y="{y + 12}">{row["utilisation"]:.1%}</text>')
    if hidden:
        text = f"Less than {LEAST:.2%} everywhere, so not drawn: {', '.join(hidden)}."
        parts.append(f'<text x="10" y="{height - 8}">{text}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _shares(row: dict[str, Any]) -> dict[str, float]:
    """Shares of all multiplier slots, by colour."""
    waits = {name.replace("_", " "): share for name, share in row["where_cycles_went"].items()}
    busy = waits.pop("busy")
    return {"useful": row["utilisation"], "lanes idle": max(0.0, busy - row["utilisation"])} | waits
