"""The Markdown pages, and the tables and examples in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
"""Text by path."""


def blocks(language: str, text: str) -> list[str]:
    """Code blocks of a language; those without one for ``""``."""
    found = re.findall(r"^ *```([\w+]*)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [code for name, code in found if name == language]


def table(name: str) -> list[list[str]]:
    """Rows of the table behind a comment, on whichever page it is, without its head; backticks are left out."""
    pattern = rf"<!-- table: {name} [^\n]*-->\n\n((?:\|[^\n]*\n)+)"
    found = [match for text in PAGES.values() for match in re.findall(pattern, text)]
    assert len(found) == 1, name
    rows = [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in found[0].splitlines()]
    assert len(rows) > 2, name
    return rows[2:]


def number(text: str) -> float:
    """A number with its thousands grouped."""
    return float(text.replace(",", ""))
