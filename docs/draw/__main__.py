"""Draw the README's pictures from the design itself, and fill in its tables of measured figures."""

import argparse
import json
from pathlib import Path

import matrix_unit
import tables
import timing
import utilisation

PICTURES = {"matrix_unit.svg": matrix_unit, "timing.svg": timing, "utilisation.svg": utilisation}
DOCS = Path(__file__).parent.parent


def main() -> None:
    """Draw all pictures; files that are already equal are left untouched."""
    parser = argparse.ArgumentParser(prog="scripts/pictures", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=DOCS, metavar="DIR", help="folder of the pictures (docs)")
    parser.add_argument("--demo", type=Path, metavar="FILE", help="also fill in what tensorloom demo --json printed")
    parser.add_argument("--bench", type=Path, metavar="FILE", help="the same for tensorloom bench systolic --json")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for name, module in PICTURES.items():
        write(options.output / name, module.draw())
    for source, rows in ((options.demo, tables.demo_tables), (options.bench, tables.bench_tables)):
        if source:
            readme = DOCS.parent / "README.md"
            figures = json.loads(source.read_text(encoding="utf-8"))
            write(readme, tables.replace_tables(readme.read_text(encoding="utf-8"), rows(figures)))


def write(path: Path, text: str) -> None:
    """Write a file if it isn't equal already, and say so."""
    changed = not path.exists() or path.read_text(encoding="utf-8") != text
    if changed:
        path.write_text(text, encoding="utf-8")
    print(f"{path}: {'written' if changed else 'unchanged'}")


if __name__ == "__main__":
    main()
