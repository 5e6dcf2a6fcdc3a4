"""The core's flag for sums that wrapped: from each PE, each lane of a PE, and each port, seen at the top, alone."""

import numpy as np
import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.snap.core import SnapCore
from tensorloom.sim.snap.golden import core_sums
from tensorloom.tb.bulk.model import build
from tensorloom.tb.snap.overflow import overflow_programs
from tensorloom.tb.snap.parts import NARROW
from tensorloom.tb.snap.program import run_program


@pytest.mark.parametrize("name", NARROW)
def test_sums_that_just_fit_and_that_just_wrap(name: str) -> None:
    config = NARROW[name]
    model, seen = build(emit(SnapCore(config))), {False: 0, True: 0}
    for case, program, wraps in overflow_programs(config):
        got = run_program(model, config, program)
        assert got.errors == {"weights": 0, "activations": 0, "commands": 0, "cuts": 0, "overflow": wraps}, case
        for port in range(config.ports):
            if int(program.ports[0]) >> port & 1:
                np.testing.assert_array_equal(got.sums[0][port], core_sums(config, program)[0][port], case)
        seen[wraps] += 1
    assert min(seen.values()) >= 2 * config.multipliers
