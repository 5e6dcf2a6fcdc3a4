import importlib.util
from pathlib import Path

import pytest

from tensorloom.tb.eie.random_layers import random_chain


@pytest.fixture(scope="session")
def literal():
    """The machine with everything that moves in it: `literal.py` beside this file."""
    spec = importlib.util.spec_from_file_location("eie_literal", Path(__file__).with_name("literal.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def chain():
    return random_chain
