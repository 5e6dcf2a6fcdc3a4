"""The core's cycles when commands, or anything else, come late: from the first beat to the last sum."""

import numpy as np
import pytest

from tensorloom.hw.snap.config import PRESETS
from tensorloom.sim.snap.cycles import simulate_core
from tensorloom.sim.snap.mapping import map_convolution
from tensorloom.tb.bulk.model import Model, build
from tensorloom.tb.snap.program import core_stalls, run_program
from tensorloom.tb.snap.random_programs import mixed_program

from ...designs import emitted

CONFIG = PRESETS["snap-tiny"]


@pytest.fixture(scope="module")
def core() -> Model:
    return build(emitted("snap", CONFIG))


def test_a_command_that_is_very_late(core: Model) -> None:
    """The PEs work ahead of it, and wait; what follows the last sum doesn't count."""
    program = map_convolution(CONFIG, np.ones((3, 3, 64), int), np.ones((3, 3, 64, 1), int), padding=1)
    smooth = run_program(core, CONFIG, program).counters
    late = run_program(core, CONFIG, program, stalls={"i_commands": 0.999}, seed=1, idle_cycles=500).counters
    assert (smooth.cycles, late.cycles) == (579, 3578)
    assert late.multiplies.sum() == smooth.multiplies.sum() == 3136
    assert late.utilisation(CONFIG.multipliers) == 3136 / (3578 * CONFIG.multipliers)
    assert np.all(sum(late.waits.values()) == late.cycles)


@pytest.mark.parametrize("stream", ["i_commands", "i_weights_0", "i_activations_1", "o_sums_2", "all"])
@pytest.mark.parametrize("case", range(3))
def test_counters_under_stalls_are_those_of_the_model(core: Model, stream: str, case: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    program = mixed_program(CONFIG, rng, 2)
    rate = float(rng.choice([0.3, 0.9, 0.99]))
    stalls = rate if stream == "all" else {stream: rate}
    found = run_program(core, CONFIG, program, stalls=stalls, seed=case)
    predicted = simulate_core(CONFIG, program, stalls=core_stalls(core, CONFIG, stalls, case))
    assert found.counters.differences(predicted) == []
    assert found.counters.multiplies.sum() <= CONFIG.multipliers * found.counters.cycles
    assert np.all(sum(found.counters.waits.values()) == found.counters.cycles)
