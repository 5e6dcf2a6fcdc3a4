import os
import random

import pytest

from tensorloom.tb.cases import draw_cases

SEED = int(os.environ.get("TEST_SEED", "1"))


@pytest.hookimpl(tryfirst=True)  # before those that are slow are left out
def pytest_collection_modifyitems(items):
    """In Amaranth's simulator a testbench runs on one of its parts, drawn by the seed; on the others it is slow.

    So it is on Verilog, with another draw (`drawn`).
    """
    benches = {}
    for item in items:
        if getattr(item, "originalname", "") == "test_on_amaranth":
            bench = item.callspec.params["case"].rpartition("-")[0]
            benches.setdefault(f"{item.path} {bench}", []).append(item)
    for bench, parts in sorted(benches.items()):
        chosen = random.Random(f"{SEED} {bench.rpartition('/')[2]}").choice(parts)
        for item in parts:
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
    """Which of the cases run on Verilog: compiling the parts takes longer than testing them."""
    return (lambda cases: draw_cases(cases, SEED)) if request.param == "drawn" else lambda cases: cases
