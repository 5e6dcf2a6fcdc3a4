"""Every testbench of tb/common, in both simulators."""

import pytest

from tensorloom.hw.common.multiplier import Multiplier
from tensorloom.hw.common.ram import Ram
from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bundle import PartsBundle
from tensorloom.tb.cases import find_cases
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.common.bundle import COMPONENTS, Bundle, component
from tensorloom.tb.common.multiplier import products
from tensorloom.tb.common.parts import PARTS
from tensorloom.tb.common.ram import every_row, random_traffic
from tensorloom.tb.memories import with_bare_memories
from tensorloom.tb.runner import run_cocotb

CASES = {case: found for name in COMPONENTS for case, found in find_cases("common", name).items()}


WITH_MEMORIES = ["fifo", "ram"]


@pytest.fixture(scope="session")
def bundle():
    return emit(Bundle())


@pytest.fixture(scope="session")
def bare():
    """Parts with memories only, as all of them would take long to compile."""
    return with_bare_memories(emit(PartsBundle(COMPONENTS, {name: PARTS[name] for name in WITH_MEMORIES})))


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, bench_seed):
    check, part, config = CASES[case]
    rng = random_generator(bench_seed, check.__name__, part)
    assert simulate(component(part), lambda bench: check(bench, config, rng)) > 10


@pytest.mark.parametrize("name", COMPONENTS)
def test_on_verilog(name, bundle, build_dir, bench_seed):
    ran = run_cocotb(bundle, f"tensorloom.tb.common.{name}", build_dir=build_dir, seed=bench_seed)
    assert ran == len(find_cases("common", name))


@pytest.mark.parametrize("name", WITH_MEMORIES)
def test_on_memories_that_do_no_more_than_they_must(name, bare, build_dir, bench_seed):
    """The testbench asks for nothing that an SRAM macro doesn't promise."""
    ran = run_cocotb(bare, f"tensorloom.tb.common.{name}", build_dir=build_dir, seed=bench_seed)
    assert ran == len(find_cases("common", name))


@pytest.mark.parametrize("config", [(9, 4096, 1), (300, 65, 1), (2, 64, 2), (9, 1, 3)])
def test_memories_of_any_size(config, bench_seed):
    for check in (every_row, random_traffic):
        rng = random_generator(bench_seed, check.check.__name__)
        simulate(Ram(*config), lambda bench, check=check, rng=rng: check.check(bench, config, rng))


@pytest.mark.parametrize("config", [(1, 1, 0), (2, 16, 3), (30, 34, 2)])
def test_multipliers_of_any_size(config, bench_seed):
    rng = random_generator(bench_seed, "products")
    simulate(Multiplier(*config), lambda bench: products.check(bench, config, rng))
