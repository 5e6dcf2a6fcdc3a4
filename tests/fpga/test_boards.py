"""Every board's project holds the top, its pins and its clocks."""

import re

import pytest

from tensorloom.fpga.boards import BOARDS
from tensorloom.fpga.plan import make_plan
from tensorloom.fpga.self_test import LEDS
from tensorloom.hw.systolic.config import SystolicConfig

from .conftest import TARGETS

SMALL = SystolicConfig(rows=2, columns=2, tile_rows=2, tile_columns=2, accumulator_rows=16, accumulator_bits=20)


@pytest.mark.parametrize("name", BOARDS)
def test_projects_of_the_vendors_are_complete(name: str) -> None:
    board = BOARDS[name]
    target = TARGETS["systolic"].boards[name]
    plan = make_plan(name, "systolic", TARGETS["systolic"], SMALL, target.frequency_hz, vendor=True)
    files = plan.build.files  # pyrefly: ignore[missing-attribute]  # not in the stubs
    assert "self_test.v" in files
    assert "top.v" in files
    scripts = "".join(str(text) for file, text in files.items() if file.endswith((".tcl", ".sh", ".prj")))
    assert "self_test.v" in scripts
    assert re.search(rf"\b{board.pll}\b", str(files["top.v"]))
    assert "self_test" in str(files["top.v"])
    pins = sum(len(re.findall(r"led_\w*__io", str(text))) > 0 for text in files.values())
    assert pins >= 2  # in the top and in the constraints
    assert any("clock" in str(text).lower() for file, text in files.items() if file.endswith((".sdc", ".xdc", ".lpf")))


@pytest.mark.parametrize("name", BOARDS)
def test_boards_describe_themselves(name: str) -> None:
    board = BOARDS[name]
    assert list(board.leds) == list(LEDS.members)
    for target in [found.boards[board.name] for found in TARGETS.values() if board.name in found.boards]:
        assert target.config.multipliers <= board.capacity["dsp"]


def test_the_ecp5_board_uses_most_multipliers() -> None:
    assert TARGETS["systolic"].boards["ulx3s-85f"].config.multipliers >= 128
