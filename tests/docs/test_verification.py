"""What docs/verification.md says of planted faults is what the records say."""

import sys
from pathlib import Path

from tensorloom.run.mutation.records import is_stale, read_records

from .pages import table

DRAW = Path(__file__).parent.parent.parent / "docs" / "draw"


def test_tables_of_planted_faults(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(DRAW))
    monkeypatch.delitem(sys.modules, "mutation_tables", raising=False)
    from mutation_tables import mutation_tables  # a script's module

    records = read_records()
    tables = mutation_tables(records, map(is_stale, records))
    assert table("mutation") == plain(tables["mutation"])
    assert table("mutation-blocks") == plain(tables["mutation-blocks"])


def plain(rows: list[list[str]]) -> list[list[str]]:
    return [[cell.strip("`") for cell in row] for row in rows]


def test_every_survivor_has_its_reason() -> None:
    survivors = {survivor for record in read_records() for survivor in record["survivors"]}
    explained = {(row[0], row[1]) for row in table("survivors")}
    assert {tuple(survivor.split(": ", 2)[::2]) for survivor in survivors} == explained
    assert all(len(row[2]) > 20 for row in table("survivors"))
