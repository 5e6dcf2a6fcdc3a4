import random
from itertools import product

import numpy as np
import pytest

from tensorloom.hw.tpu.config import PRESETS
from tensorloom.hw.tpu.isa import GEOMETRY
from tensorloom.sim.tpu import windows
from tensorloom.sim.tpu.far_windows import far_program
from tensorloom.sim.tpu.golden import run

CONFIG = PRESETS["tpu-tiny"]


@pytest.mark.parametrize("unit", ["convolve", "pool"])
@pytest.mark.parametrize("most", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_each_bit_of_distances_counts(unit: str, most: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of them, or all: if it is taken for 0 or for 1 by one unit, results change."""
    scenario, real = far_program(CONFIG, seed), windows.granules_of

    def results() -> np.ndarray:
        return run(CONFIG, scenario.program, host=scenario.host, weights=scenario.weights).host[1]

    expected, unnoticed = results(), []
    others = {"window_first", "window_last", "pad"} | ({"tap_step"} if unit == "convolve" else set())
    bits = [(name, bit) for name, register in GEOMETRY.items() if name not in others for bit in range(register.bits)]
    faults = list(product(bits, (0, 1)))
    for (name, bit), value in random.Random(seed).sample(faults, min(most, len(faults))):

        def wrong(config, registers, v, k, c=0, name=name, bit=bit, value=value):
            if ("kernel_rows" in v) == (unit == "pool"):
                number = registers[name] & ~(1 << bit) | value << bit
                registers = {**registers, name: max(number, name in ("columns", "lines"))}
            return real(config, registers, v, k, c)

        monkeypatch.setattr(windows, "granules_of", wrong)
        if np.array_equal(results(), expected):
            unnoticed.append((name, bit, value))
    assert not unnoticed
