import pytest

from tensorloom.hw.emit.emission import Emission
from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.snap.bundle import Bundle


@pytest.fixture(scope="session")
def bundle() -> Emission:
    return emit(Bundle())
