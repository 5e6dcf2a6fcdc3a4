"""Matrices of codes."""

import dataclasses
import re
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorloom.hw.config import ConfigError
from tensorloom.sim.formats.coded import CodedMatrix
from tensorloom.sim.formats.runs import FormatError

CODEBOOK = np.array([0, 5, -7, 100])
CODES = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 3))


@given(CODES, st.randoms())
def test_round_trip(codes: np.ndarray, random) -> None:
    matrix = CodedMatrix.encode(codes, CODEBOOK)
    assert np.array_equal(matrix.decode(), CODEBOOK[codes])
    first = random.randrange(len(codes))
    after = random.randrange(first + 1, len(codes) + 1)
    assert np.array_equal(matrix.row_range(first, after).decode(), CODEBOOK[codes[first:after]])
    places = random.sample(range(codes.shape[1] + 5), codes.shape[1])
    spread = matrix.spread(np.array(places), codes.shape[1] + 5)
    spread.check()
    assert np.array_equal(spread.decode()[:, places], CODEBOOK[codes])
    assert np.count_nonzero(spread.decode()) == np.count_nonzero(codes)


def test_a_stored_code_may_be_0() -> None:
    matrix = CodedMatrix.encode(np.array([[0, 1]]), np.array([9, 4]), np.array([[True, False]]))
    assert matrix.decode().tolist() == [[9, 0]]
    with pytest.raises(ConfigError, match=re.escape("stored must be of shape (1, 2), not (1, 1)")):
        CodedMatrix.encode(np.array([[0, 1]]), np.array([9, 4]), np.array([[True]]))


@pytest.mark.parametrize(
    ("field", "array", "text"),
    [
        ("pointers", [0, 3, 2, 4], "pointers[2] must be non-decreasing, not 2"),
        ("pointers", [1, 2, 2, 4], "pointers[0] must be 0 at the start and 4 at the end, not 1"),
        ("pointers", [0, 2, 2, 3], "pointers[3] must be 0 at the start and 4 at the end, not 3"),
        ("pointers", [0], "pointers must be at least 2, not 1"),
        ("indices", [0, 5, 0, 1], "indices[1] must be from 0 to 4, not 5"),
        ("indices", [0, 4, -1, 1], "indices[2] must be from 0 to 4, not -1"),
        ("indices", [0, 4, 1, 1], "indices[3] must be increasing in a column, not 1"),
        ("indices", [0, 4, 1], "indices must be 4, not 3"),
        ("codes", [1, 2, 4, 3], "codes[2] must be from 0 to 3, not 4"),
    ],
)
def test_malformed_input_is_refused(field: str, array: list[int], text: str) -> None:
    good = CodedMatrix(5, np.array([0, 2, 2, 4]), np.array([0, 4, 0, 1]), np.array([1, 2, 3, 3]), CODEBOOK)
    good.check()
    changed: Any = np.array(array)
    with pytest.raises(FormatError, match=re.escape(text)):
        dataclasses.replace(good, **{field: changed}).decode()


def test_types_are_checked() -> None:
    with pytest.raises(TypeError, match="codes must be a vector of integers"):
        CodedMatrix(1, np.array([0, 1]), np.array([0]), np.array([0.5]), CODEBOOK).check()
    with pytest.raises(TypeError, match="codes must be of an integer dtype"):
        CodedMatrix.encode(np.zeros((1, 1)), CODEBOOK)
