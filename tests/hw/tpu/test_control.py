"""Testbenches and proofs of what controls the TPU: fetch, decoder and scoreboard."""

import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bundle import PartsBundle
from tensorloom.tb.cases import cocotb_names, find_cases, parts_of
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.lint import lint
from tensorloom.tb.runner import run_cocotb
from tensorloom.tb.tpu.bundle import COMPONENTS, component
from tensorloom.tb.tpu.control_parts import NARROW, PARTS
from tensorloom.tb.tpu.formal.proofs import scoreboard_proofs

CASES = {case: found for name in PARTS for case, found in find_cases("tpu", name).items()}


@pytest.fixture(scope="module")
def cases(drawn):
    return drawn(CASES)


@pytest.fixture(scope="module")
def bundle(cases):
    return emit(PartsBundle(COMPONENTS, parts_of(cases, PARTS)))


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, bench_seed):
    check, part, config = CASES[case]
    rng = random_generator(bench_seed, check.__name__, part)
    assert simulate(component(part), lambda bench: check(bench, config, rng)) > 10


def test_on_verilog(cases, bundle, build_dir, bench_seed):
    modules, tests = [f"tensorloom.tb.tpu.{name}" for name in PARTS], cocotb_names(cases, PARTS)
    assert run_cocotb(bundle, modules, tests=tests, build_dir=build_dir, seed=bench_seed) == len(cases)


def test_lint(bundle):
    assert lint(bundle) == []


LONG = "scoreboard_matrix", "scoreboard_vector"
"""Proofs that take as long as all the others together."""


@pytest.mark.parametrize(
    "proof",
    [
        pytest.param(proof, marks=[pytest.mark.slow] if proof.name in LONG else [], id=proof.name)
        for proof in scoreboard_proofs(NARROW)
    ],
)
def test_what_begins_waits_for_nothing_and_what_waits_will_begin(proof):
    """And assumptions leave an instruction that waits for all others."""
    proof.run(timeout_seconds=600)
