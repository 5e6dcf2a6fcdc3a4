"""High bits of the core's counters, which a short run reaches only if they begin near their end."""

import dataclasses

import numpy as np
import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.snap.core import SnapCore
from tensorloom.hw.snap.layouts import COUNTER_BITS
from tensorloom.sim.snap.cycles import simulate_core
from tensorloom.tb.bulk.model import build
from tensorloom.tb.counters import with_counters_at
from tensorloom.tb.snap.parts import TINY
from tensorloom.tb.snap.program import run_program
from tensorloom.tb.snap.random_programs import mixed_program

CONFIG = TINY.replace(core_rows=2, data_bits=4, psum_bits=21)
"""No register but the counters is 32 bits wide or a multiple of it."""


@pytest.mark.parametrize("start", [(1 << 32) - 5, pytest.param(0xFFF0_0000, marks=pytest.mark.slow)])
def test_counters_that_begin_elsewhere(start: int, seed: int) -> None:
    """They wrap around, which takes a carry through all bits, or keep their high bits."""
    model = build(with_counters_at(emit(SnapCore(CONFIG)), start, bits=COUNTER_BITS))
    program = mixed_program(CONFIG, np.random.default_rng(seed), 2)
    found = run_program(model, CONFIG, program)
    assert not any(found.errors.values())
    predicted = simulate_core(CONFIG, program)
    assert min(predicted.sums.min(), predicted.lists.min()) > 5

    def since(value: np.ndarray | int) -> np.ndarray:
        return (np.asarray(value, np.int64) - start) % (1 << COUNTER_BITS)

    got = {field.name: getattr(found.counters, field.name) for field in dataclasses.fields(found.counters)}
    waits = got.pop("waits")
    for name, value in got.items():
        np.testing.assert_array_equal(since(value), getattr(predicted, name), name)
    for name, value in waits.items():  # waits for weights are the difference of two counters
        counted = value if name == "wait_weights" else since(value)
        np.testing.assert_array_equal(counted, predicted.waits[name], name)
