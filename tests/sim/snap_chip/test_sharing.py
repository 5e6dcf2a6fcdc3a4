"""What sharing of activations costs: a core at its own pace, and all together."""

import dataclasses

import numpy as np
import pytest

from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.sim.snap_chip.cycles import simulate_chip
from tensorloom.sim.snap_chip.frame import layer_work
from tensorloom.sim.snap_chip.sharing import Sharing, alone, share
from tensorloom.sim.workloads.layers import LayerShape

CONFIG = PRESETS["snap-chip-tiny"]
SHAPE = LayerShape(name="any/3x3", height=9, width=9, channels=16, rows=3, columns=3, kernels=16, padding=1)


def test_loss():
    assert Sharing(shared=110, alone=[60, 100]).loss == pytest.approx(0.1)


@pytest.mark.parametrize("core", [0, 1])
def test_all_cores_do_the_work_of_one(core, seed):
    work = layer_work(CONFIG, SHAPE, (0.4, 0.5), seed=seed)
    both = simulate_chip(CONFIG, [work]).layers[0]
    found = simulate_chip(CONFIG, [alone(CONFIG, work, core)]).layers[0]
    for counted in (found.multiplies, found.sums, found.waits["busy"]):
        assert np.array_equal(counted[0], counted[1])
    assert np.array_equal(found.multiplies[0], both.multiplies[core])
    columns = CONFIG.core.core_columns
    beats = sum(work.command[f"weight_beats_{core * columns + column}"] for column in range(columns))
    assert found.beats["weight"] == 2 * beats * work.command["passes"]


def test_what_is_lost_by_unequal_kernels_is_not_lost_by_sharing(seed):
    """Three cores have half as many weights as the first, which takes as long as if it were alone."""
    config = PRESETS["snap-chip"]
    shape = dataclasses.replace(SHAPE, height=21, width=21, channels=96, kernels=32)
    heavy, light = (layer_work(config, shape, (0.5, density), seed=seed) for density in (1.0, 0.5))
    columns, command = config.core.core_columns, dict(heavy.command)
    for ring in range(columns, config.rings):
        command[f"weight_beats_{ring}"] = light.command[f"weight_beats_{ring}"]
    weights = heavy.weights[:columns] + light.weights[columns:]
    found = share(config, dataclasses.replace(heavy, command=command, weights=weights), MemoryTiming())
    assert found.alone[0] > 1.3 * max(found.alone[1:])
    assert abs(found.loss) < 0.02  # memory sends fewer weights


def test_equal_cores_lose_nothing(seed):
    work = layer_work(CONFIG, SHAPE, (0.4, 0.5), seed=seed)
    found = share(CONFIG, alone(CONFIG, work, 1), MemoryTiming(latency=9, pace=8))
    assert found.alone == [found.shared] * 2
    assert found.loss == 0
