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


def test_on_verilog(emission, build_dir, bench_seed):
    assert run_cocotb(emission, "tensorloom.tb.snap_chip.chip", build_dir=build_dir, seed=bench_seed) == 29


def test_lint(emission):
    assert lint(emission) == []
