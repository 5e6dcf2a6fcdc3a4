import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.sim.systolic.scale_sim import scale_sim_cycles


@pytest.mark.parametrize(
    "sizes, cycles",
    [
        ((256, 256, 4096, 1024, 1024), (512 + 256 + 4096 - 2) * 16),
        ((256, 256, 256, 257, 1), (512 + 256 + 256 - 2) * 2),
        ((4, 8, 10, 3, 17), (8 + 8 + 10 - 2) * 3),
        ((1, 1, 1, 1, 1), 2),
    ],
)
def test_formula(sizes, cycles):
    assert scale_sim_cycles(*sizes) == cycles


def test_bad_sizes():
    with pytest.raises(ConfigError, match="k must be an integer of at least 1, not 0"):
        scale_sim_cycles(4, 4, 1, 0, 1)
    with pytest.raises(TypeError, match="m must be an integer, not 1.5"):
        scale_sim_cycles(4, 4, 1.5, 1, 1)  # pyrefly: ignore[bad-argument-type]  # wrong on purpose
