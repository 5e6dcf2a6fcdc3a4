"""Parts that a bundle holds side by side, told apart by the beginnings of their ports' names."""

from itertools import permutations

import pytest

from tensorloom.tb.bus import bundle as bus
from tensorloom.tb.cases import cocotb_names, draw_cases, parts_of
from tensorloom.tb.common import bundle as common
from tensorloom.tb.snap import bundle as snap
from tensorloom.tb.snap_chip import bundle as snap_chip
from tensorloom.tb.systolic import bundle as systolic


@pytest.mark.parametrize("parts", [bus, common, snap, snap_chip, systolic], ids=lambda module: module.__name__)
def test_no_part_takes_the_ports_of_another(parts) -> None:
    names = [name for configs in parts.PARTS.values() for name in configs]
    assert len(names) >= 10
    assert not [(name, other) for name, other in permutations(names, 2) if other.startswith(f"{name}_")]


def check() -> None:
    """Stands for what checks a part."""


def test_every_testbench_is_drawn_once_and_only_its_parts_are_there() -> None:
    kinds = {"a": [f"a{number}" for number in range(6)], "b": ["b0"]}
    cases = {f"a-first-{part}": (check, part, 1) for part in kinds["a"]}
    cases |= {f"a-second-{part}": (check, part, 1) for part in kinds["a"][2:]} | {"b-third-b0": (check, "b0", 2)}
    seen = set()
    for seed in range(50):
        drawn = draw_cases(cases, seed)
        assert drawn == draw_cases(cases, seed) and drawn.items() <= cases.items()
        assert sorted(name.rpartition("-")[0] for name in drawn) == ["a-first", "a-second", "b-third"]
        parts = parts_of(drawn, {kind: dict.fromkeys(names, kind) for kind, names in kinds.items()})
        assert {part for names in parts.values() for part in names} == {part for _, part, _ in drawn.values()}
        assert len(parts["a"]) <= 2 and parts["b"] == {"b0": "b"}
        assert cocotb_names(drawn, ["b"]) == ["third/part=b0"] and len(cocotb_names(drawn, kinds)) == 3
        seen |= set(parts["a"])
    assert seen == set(kinds["a"])
