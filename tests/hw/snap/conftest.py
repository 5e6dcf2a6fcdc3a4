import pytest

LONG = {f"core-{bench}" for bench in ("overflows", "stalls", "counters", "different_cuts", "every_density")}
"""Testbenches of a whole core that take Amaranth's simulator from 15 to 60 seconds; on Verilog they always run."""


@pytest.hookimpl(tryfirst=True)  # before those that are slow are left out
def pytest_collection_modifyitems(items):
    for item in items:
        if getattr(item, "originalname", "") == "test_on_amaranth":
            if item.callspec.params["case"].rpartition("-")[0] in LONG:
                item.add_marker(pytest.mark.slow)
