"""The page of networks says what the importer reads."""

from tensorloom.sim.network.importer import HANDLERS

from .pages import table


def test_operators() -> None:
    rows = table("network-operators")
    integers, floats = ([name for row in rows for name in row[at].split(", ") if name] for at in (1, 2))
    assert sorted(integers + floats) == sorted(HANDLERS)
    assert all(name.startswith("Q") or name.endswith("Integer") for name in integers)
