"""Every testbench of tb/snap, in both simulators."""

import pytest

from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.cases import find_cases
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.runner import run_cocotb
from tensorloom.tb.snap.bundle import component

COMPONENTS = (
    "aim", "list_queue", "sequence_decoder", "reduction_selector", "ring", "psum_file", "core_reducer",
    "job_signature", "requester", "aim_port", "index_file", "entry_file", "stream_check", "multiply_add", "row", "pe",
    "core",
)  # fmt: skip


CASES = {case: found for name in COMPONENTS for case, found in find_cases("snap", name).items()}


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, bench_seed):
    check, part, config = CASES[case]
    rng = random_generator(bench_seed, check.__name__, part)
    assert simulate(component(part), lambda bench: check(bench, config, rng)) > 20


@pytest.mark.parametrize("name", COMPONENTS)
def test_on_verilog(name, bundle, build_dir, bench_seed):
    ran = run_cocotb(bundle, f"tensorloom.tb.snap.{name}", build_dir=build_dir, seed=bench_seed, hierarchical=False)
    assert ran == len(find_cases("snap", name))
