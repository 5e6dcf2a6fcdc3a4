"""Layers from memory to sums, on the cores with all that feeds them: what the whole chip's tests see from outside."""

import numpy as np
import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.snap_chip.core_array import CoreArray
from tensorloom.tb.bulk.model import build
from tensorloom.tb.compiled_bench import run_compiled
from tensorloom.tb.snap_chip.core_array import full_banks, layers, long_jobs, many_regions, pooling_layers
from tensorloom.tb.snap_chip.parts import TINY

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model():
    return build(emit(CoreArray(TINY)))


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize(
    "test", [layers, pooling_layers, full_banks, many_regions, long_jobs], ids=lambda test: test.check.__name__
)
def test_testbench(model, test, bench_seed, number):
    rng = np.random.default_rng([bench_seed, number])
    assert run_compiled(model, lambda bench: test.check(bench, TINY, rng), limit=200_000) > 200
