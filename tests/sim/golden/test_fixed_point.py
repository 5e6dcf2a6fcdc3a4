import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorloom.hw.config import ConfigError
from tensorloom.sim.golden.fixed_point import round_shift


@given(st.integers(-(1 << 47), 1 << 47), st.integers(0, 61), st.integers(2, 16))
def test_rounds_to_nearest_half_upwards(value: int, shift: int, bits: int) -> None:
    exact = (2 * value + (1 << shift)) // (2 << shift)
    limit = 1 << bits - 1
    assert round_shift(np.array([value]), shift, bits).tolist() == [min(max(exact, -limit), limit - 1)]


def test_halves_and_ends() -> None:
    sums = np.array([-3, -2, -1, 0, 1, 2, 3])
    assert round_shift(sums, 1, 8).tolist() == [-1, -1, 0, 0, 1, 1, 2]
    assert round_shift(sums * 1000, 0, 8).tolist() == [-128, -128, -128, 0, 127, 127, 127]
    with pytest.raises(ConfigError, match="shift must be an integer from 0 to 61, not 62"):
        round_shift(sums, 62, 8)
