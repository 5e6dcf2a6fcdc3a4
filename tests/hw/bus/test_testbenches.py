"""Every testbench of tb/bus, in both simulators."""

import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bundle import PartsBundle
from tensorloom.tb.bus.bundle import COMPONENTS, Bundle, component
from tensorloom.tb.bus.parts import PARTS
from tensorloom.tb.cases import find_cases
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.lint import lint
from tensorloom.tb.memories import with_bare_memories
from tensorloom.tb.runner import run_cocotb

CASES = {case: found for name in COMPONENTS for case, found in find_cases("bus", name).items()}


WITH_MEMORIES = ["reader", "writer", "read_arbiter"]


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
    ran = run_cocotb(bundle, f"tensorloom.tb.bus.{name}", build_dir=build_dir, seed=bench_seed)
    assert ran == len(find_cases("bus", name))


@pytest.mark.parametrize("name", WITH_MEMORIES)
def test_on_memories_that_do_no_more_than_they_must(name, bare, build_dir, bench_seed):
    """The FIFO asks for nothing that an SRAM macro doesn't promise."""
    ran = run_cocotb(bare, f"tensorloom.tb.bus.{name}", build_dir=build_dir, seed=bench_seed)
    assert ran == len(find_cases("bus", name))


def test_lint(bundle):
    assert lint(bundle) == []
