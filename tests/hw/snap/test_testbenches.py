"""Every testbench of tb/snap, in both simulators."""

import importlib

import pytest
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.runner import run_cocotb
from tensorloom.tb.snap.bundle import component

COMPONENTS = (
    "aim", "list_queue", "sequence_decoder", "reduction_selector", "ring", "psum_file", "core_reducer",
    "job_signature", "pe", "core",
)  # fmt: skip


def testbenches(name):
    module = importlib.import_module(f"tensorloom.tb.snap.{name}")
    return [
        (test.check, part, config)
        for test in vars(module).values()
        if hasattr(test, "check")
        for part, config in test.parts.items()
    ]


testbenches.__test__ = False
CASES = {
    f"{name}-{check.__name__}-{part}": (check, part, config)
    for name in COMPONENTS
    for check, part, config in testbenches(name)
}


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, bench_seed):
    check, part, config = CASES[case]
    rng = random_generator(bench_seed, check.__name__, part)
    assert simulate(component(part), lambda bench: check(bench, config, rng)) > 20


@pytest.mark.parametrize("name", COMPONENTS)
def test_on_verilog(name, bundle, build_dir, bench_seed):
    ran = run_cocotb(bundle, f"tensorloom.tb.snap.{name}", build_dir=build_dir, seed=bench_seed, hierarchical=False)
    assert ran == len(testbenches(name))
