"""Draw the pictures of the pages from the design itself, and fill in their tables of measured figures."""

import argparse
import json
from pathlib import Path
from typing import Any

import beside_tables
import chip_diagram
import chip_tables
import fpga_tables
import matrix_unit
import mutation_tables
import snap_front
import snap_tables
import tables
import timing
import tpu_diagram
import tpu_roofline
import tpu_tables
import utilisation
import walks

from tensorloom.fpga.records import read_records
from tensorloom.run.mutation import records as mutation_records
from tensorloom.run.snap_chip.bottlenecks import RECORDS

PICTURES = {
    "matrix_unit.svg": matrix_unit,
    "snap_chip.svg": chip_diagram,
    "snap_front.svg": snap_front,
    "timing.svg": timing,
    "tpu.svg": tpu_diagram,
    "tpu_roofline.svg": tpu_roofline,
    "utilisation.svg": utilisation,
    "walk_matrix.svg": walks.Walk((4, 4, 4)),
    "walk_tiles.svg": walks.Walk((4, 4, 4), {"rows": 2, "columns": 2}),
    "walk_vector.svg": walks.Walk((1, 4, 4)),
}
DOCS = Path(__file__).parent.parent


def main() -> None:
    """Draw all pictures; files that are already equal are left untouched."""
    parser = argparse.ArgumentParser(prog="scripts/pictures", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=DOCS, metavar="DIR", help="folder of the pictures (docs)")
    for name, command in (
        ("demo", "demo"),
        ("bench", "bench ENGINE"),
        ("area", "area PRESET"),
        ("beside", "beside scale-sim"),
    ):
        text = f"also fill in what tensorloom {command} --json printed (several times: several files)"
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", action="append", default=[], help=text)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for name, module in PICTURES.items():
        write(options.output / name, module.draw())
    if options.output.resolve() == DOCS.resolve():
        fill(fpga_tables.fpga_tables(read_records()) | snap_front.front_tables())
        fill(chip_tables.chip_tables() | tpu_tables.tpu_tables())
        mutations = mutation_records.read_records()
        fill(mutation_tables.mutation_tables(mutations, map(mutation_records.is_stale, mutations)))
        blocks = mutation_records.read_records(RECORDS)
        fill(chip_tables.bottleneck_tables(blocks, map(mutation_records.is_stale, blocks)))
        frames = [record for folder in sorted(RECORDS.iterdir()) for record in mutation_records.read_records(folder)]
        fill(chip_tables.network_tables(frames, map(mutation_records.is_stale, frames)))
    if options.beside:
        fill(beside_tables.beside_tables([json.loads(path.read_text(encoding="utf-8")) for path in options.beside]))
    for sources, rows, keep in (
        (options.demo, demo_tables, False),
        (options.bench, bench_tables, False),
        (options.area, snap_tables.area_tables, True),
    ):
        for source in sources:
            fill(rows(json.loads(source.read_text(encoding="utf-8"))), keep=keep)


def demo_tables(report: dict[str, Any]) -> dict[str, list[list[str]]]:
    """Tables of both engines."""
    return tables.demo_tables(report) | snap_tables.demo_tables(report["snap"])


def bench_tables(figures: dict[str, Any]) -> dict[str, list[list[str]]]:
    """Tables of the engine that was measured."""
    if "frames" in figures:
        return chip_tables.bench_tables(figures)
    if "apps" in figures:
        return tpu_tables.bench_tables(figures)
    return (snap_tables if figures["preset"].startswith("snap") else tables).bench_tables(figures)


def fill(figures: dict[str, list[list[str]]], *, keep: bool = False) -> None:
    """Replace tables, each on the page that it is on; see `tables.replace_tables`."""
    for name, rows in figures.items():
        pages = [page for page in DOCS.glob("*.md") if f"<!-- table: {name} " in page.read_text(encoding="utf-8")]
        if len(pages) != 1:
            raise ValueError(f"table {name} must be on one page, not {len(pages)}")
        write(pages[0], tables.replace_tables(pages[0].read_text(encoding="utf-8"), {name: rows}, keep=keep))


def write(path: Path, text: str) -> None:
    """Write a file if it isn't equal already, and say so."""
    changed = not path.exists() or path.read_text(encoding="utf-8") != text
    if changed:
        path.write_text(text, encoding="utf-8")
    print(f"{path}: {'written' if changed else 'unchanged'}")


if __name__ == "__main__":
    main()
