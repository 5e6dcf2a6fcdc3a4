"""Energies of events."""

import re
from collections.abc import Callable

import pytest

from tensorloom.hw.errors import UsageError
from tensorloom.sim.energy import DEFAULT_TABLE, EnergyTable, Event, count_energy

TABLE = """
source = "someone"
technology = "1 nm"
add = {8 = 1}
multiply = {8 = 2, 16 = 8}
memory = {100 = 3, 400 = 6}
dram = {64 = 1000}
"""


@pytest.mark.parametrize(
    ("event", "energy"),
    [
        (Event("p", "multiply", 3, 8), 6),
        (Event("p", "multiply", 1, 32), 32),  # on the line through both points, a square
        (Event("p", "multiply", 1, 4), 0.5),
        (Event("p", "add", 1, 32), 4),  # in proportion
        (Event("p", "memory", 2, 64, 100), 6),
        (Event("p", "memory", 1, 32, 1600), 6),
        (Event("p", "dram", 5, 128), 10000),
    ],
)
def test_energy_of_an_event(event: Event, energy: float) -> None:
    assert EnergyTable.from_toml(TABLE).energy(event) == pytest.approx(energy)


def test_lines_between_three_points() -> None:
    table = EnergyTable.from_toml(TABLE.replace("400 = 6", "400 = 6, 1600 = 60"))
    sizes = (25, 100, 200, 400, 800, 1600, 6400)
    found = [table.energy(Event("p", "memory", 1, 64, size)) for size in sizes]
    assert found == pytest.approx([1.5, 3, 3 * 2**0.5, 6, 6 * 10**0.5, 60, 600])


def test_parts_are_added_up() -> None:
    events = [Event("a", "add", 1, 8), Event("b", "add", 1, 8), Event("a", "multiply", 1, 8)]
    assert count_energy(EnergyTable.from_toml(TABLE), events) == {"a": 3, "b": 1}


def test_the_published_table() -> None:
    table = EnergyTable.default()
    assert "Horowitz" in table.source and table.technology == "45 nm, 0.9 V"
    # Its own entries, and 16 bits between those of 8 and 32.
    assert table.energy(Event("p", "multiply", 1, 32)) == pytest.approx(3.1)
    assert table.energy(Event("p", "memory", 1, 64, 8192)) == pytest.approx(10)
    assert 0.7 < table.energy(Event("p", "multiply", 1, 16)) < 0.9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("source =", "sauce ="), "field must be one of source, .*, not 'sauce'"),
        (lambda text: text.replace('"someone"', "7"), "source must be a text that says where the energies are from"),
        (lambda text: text.replace("add = {8 = 1}", ""), "add must be a table of energies by size, not None"),
        (lambda text: text.replace("{8 = 1}", "{}"), "add must be a table of energies by size"),
        (lambda text: text.replace("{8 = 1}", "{b = 1}"), "size in add must be a number of at least 1, not 'b'"),
        (lambda text: text.replace("{8 = 1}", "{0 = 1}"), "size in add must be a number of at least 1, not '0'"),
        (lambda text: text.replace("{8 = 1}", "{8 = 0}"), "add.8 must be more than 0, not 0"),
        (lambda text: text.replace("{8 = 1}", '{8 = "a"}'), "add.8 must be a number, not 'a'"),
        (lambda text: text.replace("{8 = 1}", "{8 = nan}"), "add.8 must be from 0 to 1e[+]09, not nan"),
        (lambda text: text + "=", "valid TOML"),
    ],
)
def test_wrong_tables(change: Callable[[str], str], message: str) -> None:
    changed = change(DEFAULT_TABLE.read_text() if message == "valid TOML" else TABLE)
    with pytest.raises(UsageError) as caught:
        EnergyTable.from_toml(changed)
    assert re.search(message, str(caught.value))
