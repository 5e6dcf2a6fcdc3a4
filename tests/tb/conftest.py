import importlib.util
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
def cache() -> Cache:
    """The user's cache: what all designs share, and takes longer than they do, is there from other tests."""
    return Cache()
