"""Testbenches and proofs of what controls the TPU: fetch, decoder and scoreboard."""

import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.tpu.config import QUEUES
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bundle import PartsBundle
from tensorloom.tb.cases import find_cases
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.formal import check_reachable, prove
from tensorloom.tb.lint import lint
from tensorloom.tb.runner import run_cocotb
from tensorloom.tb.tpu.bundle import COMPONENTS, component
from tensorloom.tb.tpu.control_parts import NARROW, PARTS
from tensorloom.tb.tpu.formal.scoreboard import ScoreboardSpec

CASES = {case: found for name in PARTS for case, found in find_cases("tpu", name).items()}
FEW_ROWS = NARROW.replace(ub_rows=4)
LIKE_OTHERS = ("host_out", "parameters")
"""Units whose proofs differ from those of another in the depth of the queue alone."""


@pytest.fixture(scope="module")
def bundle():
    return emit(PartsBundle(COMPONENTS, PARTS))


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, bench_seed):
    check, part, config = CASES[case]
    rng = random_generator(bench_seed, check.__name__, part)
    assert simulate(component(part), lambda bench: check(bench, config, rng)) > 10


@pytest.mark.parametrize("name", PARTS)
def test_on_verilog(name, bundle, build_dir, bench_seed):
    ran = run_cocotb(bundle, f"tensorloom.tb.tpu.{name}", build_dir=build_dir, seed=bench_seed)
    assert ran == len(find_cases("tpu", name))


def test_lint(bundle):
    assert lint(bundle) == []


@pytest.mark.parametrize(
    "unit",
    [pytest.param(unit, marks=pytest.mark.slow if unit in LIKE_OTHERS else ()) for unit in QUEUES],
)
def test_what_begins_waits_for_nothing_and_what_waits_will_begin(unit):
    prove(ScoreboardSpec(FEW_ROWS, unit))


def test_assumptions_leave_an_instruction_that_waits_for_all_others():
    check_reachable(ScoreboardSpec(FEW_ROWS, "activation"), depth=6)
