import numpy as np
import pytest

from tensorloom.hw.eie.config import PRESETS
from tensorloom.hw.snap.config import SnapConfig
from tensorloom.hw.systolic.config import SystolicConfig
from tensorloom.run.registry import engines
from tensorloom.tb.bulk.model import Model

from ..marks import slow

TARGETS = {engine.name: engine.fpga for engine in engines().values() if engine.fpga}
"""How each engine gets onto boards."""

SMALL = {
    "systolic": SystolicConfig(rows=4, columns=2, tile_rows=4, tile_columns=2, accumulator_rows=8, accumulator_bits=24),
    "snap": SnapConfig(
        core_rows=2, core_columns=2, pe_multipliers=2, aim_entries=4, data_bits=4, beat_entries=1, weight_entries=16,
        activation_entries=8, weight_windows=2, activation_tiles=2, list_depth=2, psum_slots=4,
    ),
    "eie": PRESETS["eie-tiny"],
}  # fmt: skip
"""A small configuration of each engine; most of what is tested is the same of all, and slow but of the one with most
streams."""


@pytest.fixture(scope="session", params=slow(SMALL, lambda engine: engine != "snap"))
def small(request: pytest.FixtureRequest):
    """Engine and small configuration."""
    return request.param, SMALL[request.param]


def run_leds(model: Model, button: np.ndarray, *, fresh: bool = False) -> dict[str, np.ndarray]:
    """Reset, press the button as `button` says cycle by cycle, return the LEDs."""
    return model.cycles({"i_button": button}, ["o_leds"], fresh=fresh)["o_leds"]


def check_life(model: Model, cycles: int) -> None:
    """Pass; fail after injection, in a pass after the press; pass again after reset."""
    quiet, press = np.zeros(cycles, int), np.zeros(cycles, int)
    press[cycles // 2 : cycles // 2 + 100] = 1
    for number, button in enumerate((quiet, press, quiet)):
        leds = run_leds(model, button)
        passed, failed = np.flatnonzero(leds["passed"]), np.flatnonzero(leds["failed"])
        assert leds["running"][1:].all()
        assert len(passed), f"no pass finished in run {number}; failed in cycles {failed[:1]}"
        assert 0 < passed[0] < cycles // 2
        assert len(np.unique(leds["heartbeat"])) == 2
        if button is quiet:
            assert not len(failed)
            assert leds["passed"][passed[0] :].all()
        else:
            assert failed[0] > cycles // 2
            assert leds["failed"][failed[0] :].all()
            assert not leds["passed"][failed[0] :].any()
