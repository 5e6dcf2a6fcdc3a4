"""High bits of the matrix unit's counters, which a short run reaches only if they begin near their end."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.systolic.layouts import COUNTER_BITS
from tensorloom.hw.systolic.matrix_unit import MatrixUnit
from tensorloom.sim.systolic.cycles import predict
from tensorloom.tb.bulk.model import build
from tensorloom.tb.counters import with_counters_at
from tensorloom.tb.systolic.parts import SQUARE
from tensorloom.tb.systolic.programs import random_program


@pytest.mark.parametrize("start", [(1 << 32) - 5, pytest.param(0xFFF0_0000, marks=pytest.mark.slow)])
def test_counters_that_begin_elsewhere(start: int, seed: int) -> None:
    """They wrap around, which takes a carry through all bits, or keep their high bits."""
    model = build(with_counters_at(emit(MatrixUnit(SQUARE)), start, bits=COUNTER_BITS))
    program = random_program(SQUARE, np.random.default_rng(seed), 120)
    inputs = {name: getattr(program, name.removeprefix("i_")) for name in ("i_weights", "i_activations", "i_commands")}
    stalls = {"i_activations": 0.3, "o_sums": 0.5}
    drawn: list[dict[str, Any]] = [{}, {"stalls": stalls, "seed": seed % 1000}]
    for options in drawn:
        result = model.run(inputs, {"o_sums": len(program.sums)}, idle_cycles=50, **options)
        np.testing.assert_array_equal(result.outputs["o_sums"], program.sums)
        counters = {name: (int(value) - start) % (1 << 32) for name, value in result.counters["o_counters"].items()}
        assert counters["issued"] == len(program.activations)
        if options:
            assert min(counters.values()) > 5
            assert sum(counters.values()) <= 2 * counters["cycles"] <= 3 * result.cycles
        else:
            assert counters == dataclasses.asdict(predict(SQUARE, program.commands))
