"""Testbenches of the unified buffer, the feeder, and both with a matrix unit, in both simulators."""

import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.tpu.config import PRESETS
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bundle import PartsBundle
from tensorloom.tb.cases import cocotb_names, find_cases, parts_of
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.formal import grouped
from tensorloom.tb.lint import lint
from tensorloom.tb.memories import with_bare_memories
from tensorloom.tb.runner import run_cocotb
from tensorloom.tb.tpu.bundle import COMPONENTS, component
from tensorloom.tb.tpu.formal.proofs import window_proofs
from tensorloom.tb.tpu.parts import PARTS

NAMES = ("unified_buffer", "window_bounds", "window_address", "feeder", "feeding")
CASES = {case: found for name in NAMES for case, found in find_cases("tpu", name).items()}


@pytest.fixture(scope="module")
def cases(drawn):
    return drawn(CASES)


@pytest.fixture(scope="module")
def bundle(cases):
    return emit(PartsBundle(COMPONENTS, parts_of(cases, PARTS)))


@pytest.mark.parametrize("case", [case for case in CASES if not case.endswith("_wide")])  # takes long
def test_on_amaranth(case, bench_seed):
    check, part, config = CASES[case]
    rng = random_generator(bench_seed, check.__name__, part)
    assert simulate(component(part), lambda bench: check(bench, config, rng)) > 10


def test_on_memories_that_do_no_more_than_they_must(cases, bundle, build_dir, bench_seed):
    """On Verilog whose memories do nothing that an SRAM macro doesn't promise."""
    modules = [f"tensorloom.tb.tpu.{name}" for name in NAMES]
    bare, tests = with_bare_memories(bundle), cocotb_names(cases, NAMES)
    ran = run_cocotb(bare, modules, tests=tests, build_dir=build_dir, seed=bench_seed, hierarchical=False)
    assert ran == len(tests)


def test_lint(bundle):
    assert lint(bundle) == []


@pytest.mark.parametrize("proof", list(grouped(window_proofs(PRESETS["tpu-16"]))), ids=lambda proof: proof.name)
def test_windows_lie_where_the_formula_says(proof):
    """And assumptions leave what is interesting."""
    proof.run(timeout_seconds=600)
