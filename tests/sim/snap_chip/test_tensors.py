import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.formats.runs import FormatError
from tensorloom.sim.snap_chip.tensors import TensorLayout, decode_tensor, encode_segments, encode_tensor, tile_words

TINY, CHIP = PRESETS["snap-chip-tiny"], PRESETS["snap-chip"]


def layout_of(config, height, width, channels, band_lines, address=3, **fields):
    layout = TensorLayout(
        height=height,
        width=width,
        channels=channels,
        band_lines=band_lines,
        address=address,
        table=1,
        pitch=1,
        **fields,
    )
    layout = dataclasses.replace(layout, pitch=layout.dense_pitch(config))
    return dataclasses.replace(layout, table=layout.end(config))


def memory_of(config, layout):
    return np.full((layout.table + layout.table_beats(config) + 2) * config.bus.bytes, 0xA5, np.uint8)


def random_values(rng, layout, density=0.5):
    limits = np.iinfo(layout.dtype)
    values = rng.integers(limits.min, limits.max, layout.shape, layout.dtype, endpoint=True)
    return np.where(rng.random(layout.shape) < density, values, layout.dtype.type(layout.zero))


@given(
    st.sampled_from([TINY, CHIP, CHIP.replace(data_bits=64), CHIP.replace(data_bits=512)]),
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 70)), st.integers(1, 9), st.booleans(),
    st.integers(0, 127), st.sampled_from([0, 0.1, 0.5, 1]), st.integers(0, 1 << 32),
)  # fmt: skip
def test_round_trip(config, shape, band_lines, signed, zero, density, seed):
    layout = layout_of(config, shape[0], shape[1], shape[2], band_lines, signed=signed, zero=zero - 128 * signed)
    values = random_values(np.random.default_rng(seed), layout, density)
    memory = memory_of(config, layout)
    before = memory.copy()
    encode_tensor(config, layout, values, memory)
    found = decode_tensor(config, layout, memory)
    assert found.dtype == layout.dtype
    np.testing.assert_array_equal(found, values)
    edges = slice(None, 3 * config.bus.bytes), slice(-2 * config.bus.bytes, None)
    assert all(np.array_equal(memory[edge], before[edge]) for edge in edges)


def test_bytes_of_a_small_tensor():
    """Two bands of two tiles; written out by hand from the format."""
    layout = layout_of(TINY, 2, 2, 9, 1, zero=7)
    values = np.full((2, 2, 9), 7, np.uint8)
    values[0, 0, [1, 7]] = 11, 12
    values[0, 1, 8] = 13
    values[1, 0, :8] = range(20, 28)
    data, beats = encode_segments(TINY, layout, values)
    first = [0b10000010, 11, 12, *[0] * 5, *[0] * 8]
    second = [0, *[0] * 7, 1, 13, *[0] * 6]
    third = [255, *range(20, 28), *[0] * 7, *[0] * 8]
    assert data.tolist() == [*first, *second, *third, *[0] * 16]
    assert beats.tolist() == [2, 2, 3, 2]
    assert tile_words(TINY, layout, values).tolist() == [[[1, 1], [1, 1]], [[2, 1], [1, 1]]]


def test_a_large_tensor():
    rng = np.random.default_rng(1)
    layout = layout_of(CHIP, 56, 56, 256, 7)
    values = random_values(rng, layout, 0.4)
    memory = memory_of(CHIP, layout)
    encode_tensor(CHIP, layout, values, memory)
    np.testing.assert_array_equal(decode_tensor(CHIP, layout, memory), values)


@pytest.mark.parametrize("seed", range(60))
def test_any_changed_byte_is_refused_or_another_tensor(seed):
    rng = np.random.default_rng(seed)
    layout = layout_of(TINY, 4, 3, 11, 2, zero=5)
    memory = memory_of(TINY, layout)
    encode_tensor(TINY, layout, random_values(rng, layout), memory)
    _, beats = encode_segments(TINY, layout, decode_tensor(TINY, layout, memory))
    size = TINY.bus.bytes
    stored = np.concatenate(
        [(layout.address + n * layout.pitch) * size + np.arange(b * size) for n, b in enumerate(beats.tolist())]
        + [layout.table * size + np.arange(4 * len(beats))]
    )
    before, at = decode_tensor(TINY, layout, memory), rng.choice(stored)
    memory[at] ^= 1 << rng.integers(8)
    try:
        after = decode_tensor(TINY, layout, memory)
    except FormatError as error:
        assert any(word in str(error) for word in ("segment", "lengths["))
    else:
        assert not np.array_equal(before, after)


def malformed(change, match):
    layout = layout_of(TINY, 2, 2, 9, 1, zero=7)
    values = np.full((2, 2, 9), 7, np.uint8)
    values[0, 0, 0], values[1, :, 3] = 1, 2
    memory = memory_of(TINY, layout)
    encode_tensor(TINY, layout, values, memory)
    at = layout.address * TINY.bus.bytes
    change(memory, at, layout)
    with pytest.raises(FormatError, match=match):
        decode_tensor(TINY, layout, memory)


def set_bytes(offset, *values):
    def change(memory, at, layout):
        memory[at + offset : at + offset + len(values)] = values

    return change


def set_length(number, value):
    def change(memory, at, layout):
        memory[layout.table * TINY.bus.bytes + 4 * number] = value

    return change


@pytest.mark.parametrize(
    "change, match",
    [
        (set_bytes(1, 7), r"segment 0 \(band 0, tile 0\): byte 0 must be 0, not 1"),  # a stored zero
        (set_bytes(2, 1), r"segment 0 \(band 0, tile 0\): byte 2 must be 0, not 1"),  # padding of a tile
        (set_bytes(0, 255), r"segment 0 .*: tile 1 of 2, at byte 16, must end within the segment"),
        (set_bytes(4 * 8, 2, 1), r"segment 1 \(band 0, tile 1\): byte 0 must be 0, not 2"),  # a channel too many
        (set_length(2, 5), r"lengths\[2\] must be at most 4, not 5"),
        (set_length(2, 3), r"lengths\[2\] must be 2, not 3"),
        (set_length(2, 1), r"segment 2 \(band 1, tile 0\): tile 1 of 2, at byte 8, must end within the segment"),
    ],
)
def test_malformed(change, match):
    malformed(change, match)


def test_refuses_values_and_places_that_do_not_fit():
    layout = layout_of(TINY, 2, 2, 9, 1)
    dense = np.ones((2, 2, 9), np.int64)
    memory = memory_of(TINY, layout)
    with pytest.raises(ConfigError, match=r"values must be of shape \(2, 2, 9\), not \(2, 2, 8\)"):
        encode_tensor(TINY, layout, dense[..., :8], memory)
    with pytest.raises(ConfigError, match="values must be from 0 to 255, not 256"):
        encode_tensor(TINY, layout, 256 * dense, memory)
    with pytest.raises(ConfigError, match="pitch must be at least 4, the beats of the longest segment, not 3"):
        encode_tensor(TINY, dataclasses.replace(layout, pitch=3), dense, memory)
    with pytest.raises(ConfigError, match="memory must be of at least"):
        encode_tensor(TINY, layout, dense, memory[:-24])
    with pytest.raises(FormatError, match=r"lengths must be 4, not 3"):
        decode_tensor(TINY, layout, memory[: layout.table * 8 + 12])
    with pytest.raises(ConfigError, match="zero must be an integer from 0 to 255, not -1"):
        dataclasses.replace(layout, zero=-1)
