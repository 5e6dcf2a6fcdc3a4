"""Every testbench of tb/systolic, in both simulators."""

import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bundle import PartsBundle
from tensorloom.tb.cases import cocotb_names, find_cases, parts_of
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.runner import run_cocotb
from tensorloom.tb.systolic.bundle import COMPONENTS, component
from tensorloom.tb.systolic.parts import PARTS

BENCHES = (
    "pe", "tile", "mesh", "edges", "weight_fifo", "weight_loader", "sequencer", "accumulators", "accumulator_column",
    "drain", "matrix_unit",
)  # fmt: skip


CASES = {case: found for name in BENCHES for case, found in find_cases("systolic", name).items()}


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
    assert simulate(component(part), lambda bench: check(bench, config, rng)) > 20


def test_on_verilog(cases, bundle, build_dir, bench_seed):
    modules, tests = [f"tensorloom.tb.systolic.{name}" for name in BENCHES], cocotb_names(cases, BENCHES)
    ran = run_cocotb(bundle, modules, tests=tests, build_dir=build_dir, seed=bench_seed, hierarchical=False)
    assert ran == len(tests)
