import os

import pytest


@pytest.fixture
def bench_seed():
    """One seed for both simulators, which so run the same testbenches with the same numbers; shown on failure."""
    value = int(os.environ.get("TEST_SEED", "1"))
    print(f"seed of the testbenches: {value}")
    return value


@pytest.fixture(scope="session")
def build_dir(tmp_path_factory):
    """Folder of builds that all processes of this run of the tests share."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "cocotb"
