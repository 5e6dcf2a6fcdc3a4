"""Channel-first bundles."""

import dataclasses
import re

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorloom.hw.config import ConfigError
from tensorloom.sim.formats.bundles import ActivationBundles, WeightBundles
from tensorloom.sim.formats.runs import FormatError, Runs

VALUES = st.integers(-3, 3).map(lambda value: value if abs(value) > 1 else 0)


@given(hnp.arrays(np.int16, hnp.array_shapes(min_dims=3, max_dims=3, max_side=6), elements=VALUES), st.integers(1, 7))
def test_activations_round_trip(tensor: np.ndarray, tile: int) -> None:
    bundles = ActivationBundles.encode(tensor, tile)
    assert np.array_equal(bundles.decode(), tensor)
    for h, w, number in np.ndindex(*tensor.shape[:2], bundles.tiles):
        values, indices = bundles.bundle(h, w, number)
        part = tensor[h, w, number * tile : (number + 1) * tile]
        assert np.array_equal(values, part[part != 0])
        assert np.array_equal(indices, np.flatnonzero(part))


@given(
    hnp.arrays(np.int8, hnp.array_shapes(min_dims=4, max_dims=4, max_side=5), elements=VALUES),
    st.integers(1, 6),
    st.integers(1, 4),
)
def test_weights_round_trip(tensor: np.ndarray, tile: int, block: int) -> None:
    bundles = WeightBundles.encode(tensor, tile, block)
    assert np.array_equal(bundles.decode(), tensor)
    rows, columns, _, kernels = tensor.shape
    for s, number, at in np.ndindex(columns, bundles.tiles, bundles.blocks):
        values, indices, pointers = bundles.bundle(s, number, at)
        mine = range(at * block, min((at + 1) * block, kernels))
        groups = [(k, r) for k in mine for r in range(rows)]
        assert len(pointers) == len(groups) + 1
        for (k, r), begin, end in zip(groups, pointers, pointers[1:], strict=False):
            part = tensor[r, s, number * tile : (number + 1) * tile, k]
            assert np.array_equal(values[begin:end], part[part != 0])
            assert np.array_equal(indices[begin:end], np.flatnonzero(part))


def test_paper_example() -> None:
    """Fig. 5: A, B, C have (r, k) = (0, 0) and D, E, F (1, 0), so the pointers are 0 and 3."""
    tensor = np.zeros((2, 1, 6, 1), int)
    tensor[0, 0, [0, 2, 5], 0] = 1, 2, 3
    tensor[1, 0, [1, 2, 4], 0] = 4, 5, 6
    values, indices, pointers = WeightBundles.encode(tensor).bundle(0, 0, 0)
    assert values.tolist() == [1, 2, 3, 4, 5, 6]
    assert indices.tolist() == [0, 2, 5, 1, 2, 4]
    assert pointers.tolist() == [0, 3, 6]


@pytest.mark.parametrize(
    ("field", "array", "text"),
    [
        ("indices", [2, 0, 1, 2], "indices[1] must be increasing in a vector, not 0"),
        ("indices", [0, 0, 1, 2], "indices[1] must be increasing in a vector, not 0"),
        ("indices", [0, 2, 1, -1], "indices[3] must be within the channel tile, not -1"),
        ("values", [5, 6, 0, 8], "values[2] must be non-zero, not 0"),
        ("pointers", [0, 2, 5], "pointers[2] must be from 0 to 4, not 5"),
        ("pointers", [0, 3, 2], "pointers[2] must be non-decreasing, not 2"),
        ("pointers", [0, 2, 3], "pointers[2] must be 0 at the start and 4 at the end, not 3"),
        ("pointers", [1, 2, 4], "pointers[0] must be 0 at the start and 4 at the end, not 1"),
        ("pointers", [0, 4], "pointers must be 3, not 2"),
        ("indices", [0], "indices must be 4, not 1"),
    ],
)
def test_malformed_input_is_refused(field: str, array: list[int], text: str) -> None:
    good = Runs(np.array([5, 6, 7, 8]), np.array([0, 2, 1, 2]), np.array([0, 2, 4]), np.array([3, 3]))
    good.check()
    with pytest.raises(FormatError, match=re.escape(text)):
        dataclasses.replace(good, **{field: np.array(array)}).decode()


@pytest.mark.parametrize(
    ("encode", "tensor", "arguments", "error", "text"),
    [
        (ActivationBundles, [[[1]]], (), TypeError, "tensor must be a numpy array"),
        (WeightBundles, np.zeros((1, 1, 1, 1)), (), TypeError, "tensor must be of an integer dtype"),
        (ActivationBundles, np.zeros((1, 1), int), (), ConfigError, "tensor must be of rank 3"),
        (WeightBundles, np.zeros((1, 1, 1), int), (), ConfigError, "tensor must be of rank 4"),
        (ActivationBundles, np.zeros((1, 0, 1), int), (), ConfigError, "tensor must be non-empty"),
        (ActivationBundles, np.zeros((1, 1, 1), int), (0,), ConfigError, "channel_tile must be an integer from 1"),
        (WeightBundles, np.zeros((1, 1, 1, 1), int), (257,), ConfigError, "channel_tile must be an integer from 1"),
        (WeightBundles, np.zeros((1, 1, 1, 1), int), (8, 0), ConfigError, "block must be an integer of at least 1"),
        (WeightBundles, np.zeros((1, 1, 1, 1), int), (8, 1.0), TypeError, "block must be an integer, not 1.0"),
    ],
)
def test_wrong_tensors(encode: type, tensor: object, arguments: tuple, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        encode.encode(tensor, *arguments)


def test_types_are_checked() -> None:
    with pytest.raises(TypeError, match="tensor must be of an integer dtype"):
        ActivationBundles.encode(np.zeros((1, 1, 1)))
    with pytest.raises(TypeError, match="values must be a vector of integers"):
        Runs(np.array([0.5]), np.array([0]), np.array([0, 1]), np.array([1])).check()


def test_report() -> None:
    tensor = np.zeros((2, 2, 32), int)
    tensor[..., :8] = 1
    report = ActivationBundles.encode(tensor).report(16)
    assert (report.elements, report.non_zeros, report.dense_bits) == (128, 32, 2048)
    assert report.bits == 32 * (16 + 5) + 4 * 6
    assert report.bits_per_non_zero == report.bits / 32
    assert report.ratio == report.bits / 2048
    weights = WeightBundles.encode(np.ones((3, 3, 32, 8), int)).report(8)
    assert weights.pointer_bits == (3 * 8 * 3 + 3 * 2) * (32 * 4 * 3).bit_length()
    assert ActivationBundles.encode(np.zeros((1, 1, 4), int)).report(8).bits_per_non_zero == float("inf")
