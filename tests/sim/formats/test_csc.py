"""Columns interleaved over processing elements."""

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
from tensorloom.sim.formats.csc import InterleavedColumns, interleaved_rows
from tensorloom.sim.formats.packed import pack_lines, pack_pointers, unpack_lines, unpack_pointers
from tensorloom.sim.formats.runs import FormatError

CODEBOOK = np.arange(16) * 100
CODES = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(1, 40), st.integers(1, 6)),
    elements=st.integers(0, 40).map(lambda code: code if code < 16 else 0),
)


def interleave(codes: np.ndarray, pes: int, relative: bool = True, bits: int = 4) -> InterleavedColumns:
    matrix = CodedMatrix.encode(codes, CODEBOOK)
    return InterleavedColumns.encode(
        matrix, pes, *interleaved_rows(len(codes), pes), relative=relative, index_bits=bits
    )


def test_example_of_the_lecture() -> None:
    """0, 0, 1, 2, eighteen zeros, 3: a filler stands for sixteen of them."""
    column = np.zeros(23, int)
    column[[2, 3, 22]] = 1, 2, 3
    columns = interleave(column[:, None], 1)
    assert columns.codes.tolist() == [1, 2, 0, 3]
    assert columns.indices.tolist() == [2, 0, 15, 2]
    assert columns.rows().tolist() == [2, 3, 19, 22]
    assert columns.fillers.tolist() == [False, False, True, False]


def test_example_of_the_paper() -> None:
    """Fig. 3, PE 0 of 4: the fourth column is empty, so its pointers are equal."""
    rows = [[0, 2, 3], [1], [0, 3], [], [0, 1], [0, 3], [0], [2, 3]]
    codes = np.zeros((16, 8), int)
    for column, mine in enumerate(rows):
        codes[4 * np.array(mine, int), column] = 1
    codes[[1, 6, 15], [0, 3, 7]] = 2
    columns = interleave(codes, 4)
    assert columns.part(0)[1].tolist() == [0, 1, 0, 1, 0, 2, 0, 0, 0, 2, 0, 2, 0]
    assert columns.pointers[0].tolist() == [0, 3, 4, 6, 6, 8, 10, 11, 13]
    assert columns.part(1)[0].tolist() == columns.part(2)[0].tolist() == columns.part(3)[0].tolist() == [2]


@given(CODES, st.integers(1, 5), st.integers(1, 4))
def test_relative_round_trip(codes: np.ndarray, pes: int, bits: int) -> None:
    columns = interleave(codes, pes, bits=bits)
    decoded = columns.decode()
    decoded.check()
    assert np.array_equal(decoded.decode(), CODEBOOK[codes])
    # fillers are those before each non-zero, as many as the zeros before it ask for
    fillers = 0
    for pe in range(pes):
        for column in codes[pe::pes].T:
            at = np.flatnonzero(column)
            fillers += int(((np.diff(at, prepend=-1) - 1) >> bits).sum())
    assert columns.report(16, 16).fillers == fillers == len(columns.codes) - np.count_nonzero(codes)


@given(CODES, st.integers(1, 5), st.randoms())
def test_absolute_round_trip_of_any_distribution(codes: np.ndarray, pes: int, random) -> None:
    owners, places = interleaved_rows(len(codes), pes)
    order = np.array(random.sample(range(len(codes)), len(codes)))
    columns = InterleavedColumns.encode(
        CodedMatrix.encode(codes, CODEBOOK), pes, owners[order], places[order], relative=False, index_bits=6
    )
    assert len(columns.codes) == np.count_nonzero(codes)
    assert np.array_equal(columns.decode().decode(), CODEBOOK[codes])
    # entries of a column may come in any order
    turned = columns.pointers[0, 1]
    codes_, indices = columns.codes.copy(), columns.indices.copy()
    codes_[:turned], indices[:turned] = codes_[:turned][::-1].copy(), indices[:turned][::-1].copy()
    again = dataclasses.replace(columns, codes=codes_, indices=indices)
    assert np.array_equal(again.decode().decode(), CODEBOOK[codes])


def test_zeros_behind_the_last_entry_cost_nothing() -> None:
    codes = np.zeros((100, 2), int)
    codes[3, 0] = 1
    assert interleave(codes, 1).indices.tolist() == [3]
    codes[99, 1] = 1
    assert interleave(codes, 1).indices.tolist() == [3, 15, 15, 15, 15, 15, 15, 3]


GOOD = np.zeros((40, 3), int)
GOOD[[0, 2, 38, 4, 1, 3], [0, 0, 0, 0, 2, 2]] = 1, 2, 3, 4, 5, 6
# PE 0 has entries 1, 2, 4, filler, 3 in column 0 (rows 0, 1, 2, -, 19) and none in column 2; PE 1 has 5, 6


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"pointers": [[0, 5, 4, 5], [0, 0, 0, 2]]}, "pointers of PE 0: [2] must be non-decreasing, not 4"),
        ({"pointers": [[0, 5, 5, 5], [1, 1, 1, 2]]}, "pointers of PE 1: [0] must be 0, not 1"),
        ({"pointers": [[0, 5, 5, 5], [0, 0, 0, 3]]}, "codes must be 8, not 7"),
        ({"codes": [1, 2, 4, 0, 16, 5, 6]}, "codes of PE 0: [4] must be from 0 to 15, not 16"),
        ({"indices": [0, 0, 0, 15, 0, 0, 16]}, "indices of PE 1: [1] must be from 0 to 15, not 16"),
        ({"indices": [0, 0, 0, 15, 1, 0, 0]}, "row of PE 0: [4] must be one of the PE's, not 20"),
        ({"codes": [1, 0, 4, 0, 3, 5, 6]}, "codes of PE 0: [1] must be a filler's, with index 15, not 0"),
        ({"codes": [1, 2, 4, 0, 3, 5, 0], "indices": [0, 0, 0, 15, 0, 0, 15]},
         "codes of PE 1: [1] must be no filler's at the end of a column, not 0"),
        ({"codebook": np.arange(1, 17).tolist()}, "codebook[0] must be 0, as indices are relative, not 1"),
    ],
)  # fmt: skip
def test_malformed_input_is_refused(changes: dict[str, list], text: str) -> None:
    good = interleave(GOOD, 2)
    assert good.codes.tolist() == [1, 2, 4, 0, 3, 5, 6]
    assert good.indices.tolist() == [0, 0, 0, 15, 0, 0, 0]
    changed: dict[str, Any] = {name: np.array(array) for name, array in changes.items()}
    with pytest.raises(FormatError, match=re.escape(text)):
        dataclasses.replace(good, **changed).decode()


@pytest.mark.parametrize("name", ["pointers", "codes", "indices", "codebook", "owners", "places"])
def test_arrays_are_of_integers(name: str) -> None:
    good = interleave(GOOD, 2)
    for array in (getattr(good, name) + 0.5, getattr(good, name) * np.nan, getattr(good, name).tolist()):
        kind = "matrix" if name == "pointers" else "vector"
        with pytest.raises(TypeError, match=f"^{name} must be a {kind} of integers, not "):
            dataclasses.replace(good, **{name: array}).decode()


def test_rows_are_distributed_over_the_pes_there_are() -> None:
    matrix, (owners, places) = CodedMatrix.encode(GOOD, CODEBOOK), interleaved_rows(40, 2)
    for changed, text in (
        ((owners + 1, places), "owners[1] must be from 0 to 1, not 2"),
        ((owners, places - 1), "places[0] must be from 0 to 39, not -1"),
        ((owners[:39], places), "owners must be 40, not 39"),
    ):
        with pytest.raises(FormatError, match=re.escape(text)):
            InterleavedColumns.encode(matrix, 2, *changed, relative=True, index_bits=4)
    with pytest.raises(TypeError, match="^indices must be a vector of integers, not "):
        InterleavedColumns.encode(
            dataclasses.replace(matrix, indices=matrix.indices + 0.5), 2, owners, places, relative=True, index_bits=4
        )


def test_malformed_absolute_indices_are_refused() -> None:
    good = interleave(GOOD, 2, relative=False, bits=5)
    assert good.indices.tolist() == [0, 1, 2, 19, 0, 1]
    with pytest.raises(FormatError, match=re.escape("row of PE 0: [2] must be in a column once, not 1")):
        dataclasses.replace(good, indices=np.array([0, 1, 1, 19, 0, 1])).decode()
    with pytest.raises(FormatError, match=re.escape("row of PE 1: [0] must be one of the PE's, not 20")):
        dataclasses.replace(good, indices=np.array([0, 1, 2, 19, 20, 1])).decode()


def test_what_can_not_be_encoded() -> None:
    matrix = CodedMatrix.encode(GOOD, CODEBOOK)
    owners, places = interleaved_rows(40, 2)
    with pytest.raises(ConfigError, match="index_bits must be enough for 20 rows, not 4"):
        InterleavedColumns.encode(matrix, 2, owners, places, relative=False, index_bits=4)
    with pytest.raises(ConfigError, match=re.escape("codebook[0] must be 0, as indices are relative, not 7")):
        InterleavedColumns.encode(
            dataclasses.replace(matrix, codebook=CODEBOOK + 7), 2, owners, places, relative=True, index_bits=4
        )
    stored = CodedMatrix.encode(GOOD, CODEBOOK, np.ones_like(GOOD, bool))
    with pytest.raises(ConfigError, match="codes must be of non-zero weights, as indices are relative, not 0"):
        InterleavedColumns.encode(stored, 2, owners, places, relative=True, index_bits=4)


def test_report() -> None:
    report = interleave(GOOD, 2).report(16, 18)
    assert (report.elements, report.non_zeros, report.entries, report.fillers) == (120, 6, 7, 1)
    assert (report.value_bits, report.index_bits, report.pointer_bits) == (7 * 4 + 16 * 16, 7 * 4, 2 * 4 * 18)
    assert report.entry_bits_per_non_zero == 7 * 8 / 6
    assert report.dense_bits == 120 * 16
    assert report.ratio == (7 * 8 + 256 + 144) / 1920
    empty = interleave(np.zeros((2, 2), int), 1).report(16, 18)
    assert empty.entry_bits_per_non_zero == float("inf")


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 255)), max_size=30), st.sampled_from([2, 8]))
def test_lines(entries: list[tuple[int, int]], line_entries: int) -> None:
    codes, indices = np.array(entries, int).reshape(-1, 2).T
    lines = pack_lines(codes, indices, 4, 8, line_entries)
    assert len(lines) == -(-len(entries) // line_entries)
    assert all(line < 1 << 12 * line_entries for line in lines)
    found = unpack_lines(lines, 4, 8, line_entries)
    for array, expected in zip(found, (codes, indices), strict=True):
        assert array[: len(entries)].tolist() == expected.tolist()
        assert not array[len(entries) :].any()


def test_first_entry_is_lowest() -> None:
    assert pack_lines(np.array([1, 2, 3]), np.array([0, 5, 7]), 4, 4, 2) == [0x5201, 0x73]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=9))
def test_banks_of_pointers(pointers: list[int]) -> None:
    """A pointer and the next one are in different banks, at the addresses that hardware takes."""
    even, odd = pack_pointers(np.array(pointers))
    assert len(even) - len(odd) == len(pointers) % 2
    assert unpack_pointers(even, odd).tolist() == pointers
    for j in range(len(pointers) - 1):
        pair = even[(j + 1) >> 1], odd[j >> 1]
        assert pair[j % 2 == 0] == pointers[j + 1] and pair[j % 2] == pointers[j]
