"""The whole TPU, with memories and software that nobody here wrote."""

import pytest

from tensorloom.tb.lint import lint
from tensorloom.tb.runner import run_cocotb
from tensorloom.tb.tpu.whole_parts import TINY

from ...designs import emitted


@pytest.fixture(scope="module")
def emission():
    return emitted("tpu", TINY)


SOME = (
    "programs/stalls=1", "illegal_programs/error=5", "failures/kind=0", "interrupts_wait/unit=host_out",
    "memory_that_answers_late/channel=6", "stops/stalls=1", "ends_of_memories", "start_while_running",
    "again_at_once", "reset_in_the_middle", "interrupts", "counters", "tiles_ahead",
)  # fmt: skip
"""All kinds. Programs of each kind, legal and not, run many times faster in test_programs.py."""


@pytest.mark.parametrize(("tests", "count"), [(SOME, len(SOME)), pytest.param(None, 58, marks=pytest.mark.slow)])
def test_on_verilog(emission, build_dir, bench_seed, tests, count):
    modules = [f"tensorloom.tb.tpu.{name}" for name in ("tpu", "faults", "order")]
    assert run_cocotb(emission, modules, build_dir=build_dir, seed=bench_seed, tests=tests, optimize=False) == count


def test_lint(emission):
    assert lint(emission) == []
