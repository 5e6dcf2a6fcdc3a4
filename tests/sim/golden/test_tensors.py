"""Tensors from a caller: one byte order, one signedness, a limit."""

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.sim.golden.tensors import LARGEST, check_elements, check_tensor


@pytest.mark.parametrize(
    ("given", "becomes"), [(">i2", "i2"), ("<i2", "i2"), (">u8", "i8"), ("u8", "i8"), ("u4", "u4")]
)
def test_types_become_those_that_arithmetic_keeps_exact(given: str, becomes: str) -> None:
    """Unsigned 64-bit integers and signed ones together would make floats."""
    tensor = check_tensor("x", np.arange(5, dtype=given), "M")
    assert tensor.dtype == np.dtype(becomes) and tensor.dtype.isnative and tensor.tolist() == [0, 1, 2, 3, 4]


def test_values_that_int64_holds() -> None:
    assert check_tensor("x", np.array([2**63 - 1], np.uint64), "M").tolist() == [2**63 - 1]
    with pytest.raises(ConfigError, match=r"x must be of values less than 2\*\*63, not 9223372036854775808"):
        check_tensor("x", np.array([2**63], np.uint64), "M")


def test_limit() -> None:
    check_elements("x", (LARGEST >> 8, 1 << 8))
    with pytest.raises(ConfigError, match="x must have at most 268,435,456 elements, not 268,435,457"):
        check_elements("x", (LARGEST + 1,))
