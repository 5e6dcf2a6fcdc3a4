import os
import random

import pytest

SEED = int(os.environ.get("TEST_SEED", "1"))


@pytest.hookimpl(tryfirst=True)  # before those that are slow are left out
def pytest_collection_modifyitems(items):
    """In Amaranth's simulator, the slow one, a testbench runs on one of its parts, drawn by the seed; others are slow.

    On Verilog all testbenches run on all parts.
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
