"""The whole chip, with a memory and software that nobody here wrote."""

import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.snap_chip.chip import SnapChip
from tensorloom.tb.lint import lint
from tensorloom.tb.runner import run_cocotb
from tensorloom.tb.snap_chip.parts import TINY


@pytest.fixture(scope="module")
def emission():
    return emit(SnapChip(TINY))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("lists", 8), ("start_while_running", 1), ("read_failures", 10), ("write_failures", 2),
        ("reset_in_the_middle", 1), ("memory_that_never_answers", 5),
    ],
)  # fmt: skip
def test_on_verilog(name, count, emission, build_dir, bench_seed):
    ran = run_cocotb(emission, "tensorloom.tb.snap_chip.chip", build_dir=build_dir, seed=bench_seed, tests=[name])
    assert ran == count


def test_lint(emission):
    assert lint(emission) == []
