"""Every testbench of tb/common, in both simulators."""

import pytest

from tensorloom.hw.common.multiplier import Multiplier
from tensorloom.hw.common.ram import Ram
from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bundle import PartsBundle
from tensorloom.tb.cases import cocotb_names, find_cases, parts_of
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.common.bundle import COMPONENTS, component
from tensorloom.tb.common.multiplier import products
from tensorloom.tb.common.parts import PARTS
from tensorloom.tb.common.ram import every_row, random_traffic
from tensorloom.tb.memories import with_bare_memories
from tensorloom.tb.runner import run_cocotb

CASES = {case: found for name in COMPONENTS for case, found in find_cases("common", name).items()}


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
    modules, tests = [f"tensorloom.tb.common.{name}" for name in COMPONENTS], cocotb_names(cases, COMPONENTS)
    assert run_cocotb(bare, modules, tests=tests, build_dir=build_dir, seed=bench_seed) == len(tests)


@pytest.mark.parametrize("config", [(9, 4096, 1), (300, 65, 1), (2, 64, 2), (9, 1, 3)])
def test_memories_of_any_size(config, bench_seed):
    for check in (every_row, random_traffic):
        rng = random_generator(bench_seed, check.check.__name__)
        simulate(Ram(*config), lambda bench, check=check, rng=rng: check.check(bench, config, rng))


@pytest.mark.parametrize("config", [(1, 1, 0), (2, 16, 3), (30, 34, 2)])
def test_multipliers_of_any_size(config, bench_seed):
    rng = random_generator(bench_seed, "products")
    simulate(Multiplier(*config), lambda bench: products.check(bench, config, rng))
