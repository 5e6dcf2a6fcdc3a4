import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorloom.hw.config import ConfigError
from tensorloom.sim.golden.wrap import wrap


@given(st.integers(1, 64), st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_is_congruent_and_in_range(bits, values):
    for value, wrapped in zip(values, wrap(np.array(values, np.int64), bits).tolist(), strict=True):
        assert (value - wrapped) % 2**bits == 0
        assert -(2 ** (bits - 1)) <= wrapped < 2 ** (bits - 1)


def test_32_bits():
    assert wrap(np.array([2**31 - 1, 2**31, -(2**31) - 1]), 32).tolist() == [2**31 - 1, -(2**31), 2**31 - 1]


@pytest.mark.parametrize("bits", [0, 65])
def test_bad_width(bits):
    with pytest.raises(ConfigError, match=f"bits must be an integer from 1 to 64, not {bits}"):
        wrap(np.zeros(1, np.int64), bits)
