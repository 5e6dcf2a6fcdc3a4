"""The page of the SNAP chip says what the design says."""

import runpy

import pytest

from ..pages import ROOT, table

TABLES = runpy.run_path(str(ROOT / "docs/draw/chip_tables.py"))["chip_tables"]()


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_those_of_the_design(name: str) -> None:
    assert table(name) == [[cell.replace("`", "") for cell in row] for row in TABLES[name]], "run scripts/pictures"
