"""The whole chip, with a memory and software that nobody here wrote."""

import pytest

from tensorloom.tb.lint import lint
from tensorloom.tb.runner import run_cocotb
from tensorloom.tb.snap_chip.parts import TINY

from ...designs import emitted


@pytest.fixture(scope="module")
def emission():
    return emitted("snap-chip", TINY)


SOME = (
    "lists/stalls=all", "read_failures/what=weights", "write_failures/place=table",
    "regions_that_do_not_fit/pools=True/stalls=all", "reset_in_the_middle", "memory_that_never_answers/channel=w",
)  # fmt: skip
"""One of each kind. Lists and failures of all kinds run many times faster in tests/run/snap_chip/test_trials.py."""


@pytest.mark.parametrize(("tests", "count"), [(SOME, len(SOME)), pytest.param(None, 29, marks=pytest.mark.slow)])
def test_on_verilog(emission, build_dir, bench_seed, tests, count):
    module = "tensorloom.tb.snap_chip.chip"
    assert run_cocotb(emission, module, build_dir=build_dir, seed=bench_seed, tests=tests, optimize=False) == count


def test_lint(emission):
    assert lint(emission) == []
