"""The activation unit's testbench, in both simulators."""

import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bundle import PartsBundle
from tensorloom.tb.cases import cocotb_names, find_cases, parts_of
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.lint import lint
from tensorloom.tb.runner import run_cocotb
from tensorloom.tb.tpu.activation_parts import PARTS
from tensorloom.tb.tpu.bundle import COMPONENTS, component

CASES = find_cases("tpu", "activation_unit")


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
    tests, module = cocotb_names(cases, ["activation_unit"]), "tensorloom.tb.tpu.activation_unit"
    assert run_cocotb(bundle, module, tests=tests, build_dir=build_dir, seed=bench_seed) == len(cases)


def test_lint(bundle):
    assert lint(bundle) == []
