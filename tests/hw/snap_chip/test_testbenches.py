"""Every testbench of tb/snap_chip, in both simulators."""

import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bundle import PartsBundle
from tensorloom.tb.cases import cocotb_names, find_cases, parts_of
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.lint import lint
from tensorloom.tb.memories import with_bare_memories
from tensorloom.tb.runner import run_cocotb
from tensorloom.tb.snap_chip.bundle import COMPONENTS, component
from tensorloom.tb.snap_chip.parts import PARTS

CASES = {case: found for name in COMPONENTS for case, found in find_cases("snap_chip", name).items()}


@pytest.fixture(scope="session")
def cases(drawn):
    return drawn(CASES)


@pytest.fixture(scope="session")
def bundle(cases):
    return emit(PartsBundle(COMPONENTS, parts_of(cases, PARTS)))


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, bench_seed):
    check, part, config = CASES[case]
    rng = random_generator(bench_seed, check.__name__, part)
    assert simulate(component(part), lambda bench: check(bench, config, rng)) > 10


def test_on_verilog(cases, bundle, build_dir, bench_seed):
    """On memories that do no more than an SRAM macro promises."""
    bare = with_bare_memories(bundle)
    modules, tests = [f"tensorloom.tb.snap_chip.{name}" for name in COMPONENTS], cocotb_names(cases, COMPONENTS)
    assert run_cocotb(bare, modules, tests=tests, build_dir=build_dir, seed=bench_seed) == len(tests)


def test_lint(bundle):
    assert lint(bundle) == []
