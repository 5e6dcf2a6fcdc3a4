import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

from tensorloom.tb.bulk.cache import Cache


@pytest.fixture(scope="session")
def designs() -> ModuleType:
    """Small hand-written designs: `designs.py` beside this file."""
    spec = importlib.util.spec_from_file_location("tb_designs", Path(__file__).with_name("designs.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """A cache of compiled designs that all processes of this run of the tests share."""
    base = tmp_path_factory.getbasetemp()
    return Cache((base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "cache")
