"""Testbenches of a module's `CASES` in both simulators, on the parts in the bundle of their package."""

import importlib
import os
import random

import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bundle import PartsBundle
from tensorloom.tb.cases import cocotb_names, draw_cases, parts_of
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.runner import run_cocotb

SEED = int(os.environ.get("TEST_SEED", "1"))


@pytest.hookimpl(tryfirst=True)  # before those that are slow are left out
def pytest_collection_modifyitems(items):
    """In Amaranth's simulator a component has one testbench on one part, drawn by the seed; the others are slow.

    On Verilog it has all of them, on parts of another draw (`drawn`), but those that a module calls `SELDOM`.
    """
    benches = {}
    for item in items:
        if getattr(item, "originalname", "") == "test_on_amaranth" and not item.get_closest_marker("slow"):
            component = item.callspec.params["case"].partition("-")[0]
            benches.setdefault(f"{item.path} {component}", []).append(item)
    for component, cases in sorted(benches.items()):
        chosen = random.Random(f"{SEED} {component.rpartition('/')[2]}").choice(cases)
        for item in cases:
            if item is not chosen:
                item.add_marker(pytest.mark.slow)


@pytest.fixture
def bench_seed():
    """One seed for both simulators, which so run the same testbenches with the same numbers; shown on failure."""
    print(f"seed of the testbenches: {SEED}")
    return SEED


@pytest.fixture(scope="session")
def build_dir(tmp_path_factory):
    """Folder of builds that all processes of this run of the tests share."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "cocotb"


@pytest.fixture(scope="session", params=["drawn", pytest.param("all", marks=pytest.mark.slow)])
def drawn(request):
    """Whether some of the cases run on Verilog, or all: compiling the parts takes longer than testing them."""
    return request.param == "drawn"


@pytest.fixture(scope="module")
def cases(drawn, request):
    """Those of the module's cases that run on Verilog: without those that it calls `SELDOM`, if they are drawn."""
    found, seldom = request.module.CASES, getattr(request.module, "SELDOM", ())
    if not drawn:
        return found
    return draw_cases({name: case for name, case in found.items() if not name.startswith(seldom)}, SEED)


def all_parts(cases):
    """The module ``tensorloom.tb.<package>.bundle`` with the parts of some cases."""
    check, _, _ = next(iter(cases.values()))
    return importlib.import_module(f"{check.__module__.rpartition('.')[0]}.bundle")


@pytest.fixture(scope="module")
def bundle(cases):
    """Their parts side by side."""
    parts = all_parts(cases)
    return emit(PartsBundle(parts.COMPONENTS, parts_of(cases, parts.PARTS)))


@pytest.fixture
def on_amaranth(request, bench_seed):
    """A function that runs one of the module's cases in Amaranth's simulator, and says how many cycles it took."""

    def run(case):
        check, part, config = request.module.CASES[case]
        rng = random_generator(bench_seed, check.__name__, part)
        component = all_parts(request.module.CASES).component(part)
        return simulate(component, lambda bench: check(bench, config, rng))

    return run


@pytest.fixture
def on_verilog(cases, build_dir, bench_seed):
    """A function that runs the cases on a bundle, with options of `run_cocotb`; all of them must pass."""

    def run(bundle, **options):
        modules = sorted({check.__module__ for check, _, _ in cases.values()})
        tests = cocotb_names(cases, {name.partition("-")[0] for name in cases})
        assert run_cocotb(
            bundle, modules, tests=tests, build_dir=build_dir, seed=bench_seed, optimize=False, **options
        ) == len(cases)

    return run
