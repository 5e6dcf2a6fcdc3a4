import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.formats.runs import FormatError
from tensorloom.sim.snap_chip.scales import decode_scales, encode_scales, kernel_order
from tensorloom.sim.snap_chip.weights import RingWeights, cut_windows, decode_ring, encode_ring, window_beats

TINY, CHIP = PRESETS["snap-chip-tiny"], PRESETS["snap-chip"]


def random_weights(rng, config, groups, kernels, density):
    """Kernels of very different density, as they make the most beats."""
    shape = groups, kernels, config.tile_channels
    kept = rng.random(shape) < density * rng.choice([0, 0.2, 1, 1.5], (groups, kernels, 1))
    return np.where(kept, rng.integers(1, 128, shape) * rng.choice([-1, 1], shape), 0).astype(np.int8)


def rings_of(config, weights):
    """Rings of columns whose weights are ``[columns, groups, kernels, channels]``."""
    windows, counts = cut_windows(config, (weights != 0).sum(3).transpose(1, 0, 2))
    return [RingWeights(column, windows[:, n], counts) for n, column in enumerate(weights)]


def walked_beats(config, weights, windows):
    """Beats of one group, entry by entry: ``(window, entries)``, straight from the rule."""
    entries = [(k, c) for k in range(len(weights)) for c in np.flatnonzero(weights[k])]
    beats, current, at = [], 0, 0
    for number, size in enumerate(windows):
        end = at + size
        if not size:
            beats.append((number, 0))
        while at < end:
            beat = [e for e in entries[at:end] if e[0] in (current, current + 1)][: config.core.beat_entries]
            if beat:
                beats.append((number, len(beat)))
            at += len(beat)
            if not any(e[0] == current for e in entries[at:]):
                current += 1
    return beats


@given(
    st.sampled_from([TINY, CHIP]), st.sampled_from([1, 2, 4]), st.integers(1, 3), st.integers(1, 4),
    st.sampled_from([0, 0.1, 0.4, 1]), st.integers(0, 1 << 32),
)  # fmt: skip
def test_round_trip(config, kernels, rounds, groups, density, seed):
    rng = np.random.default_rng(seed)
    columns = config.core.core_columns
    weights = np.stack([random_weights(rng, config, rounds * groups, kernels, density) for _ in range(columns)])
    for ring in rings_of(config, weights):
        data, beats = encode_ring(config, ring, rounds)
        assert len(data) == beats.sum() * config.bus.bytes
        found, again = decode_ring(config, data, kernels=kernels, rounds=rounds, groups=groups)
        np.testing.assert_array_equal(again, beats)
        for name in ("weights", "windows", "counts"):
            np.testing.assert_array_equal(getattr(found, name), getattr(ring, name))


@pytest.mark.parametrize("kernels", [1, 4, 8])
@pytest.mark.parametrize("density", [0.05, 0.3, 0.7, 1])
def test_windows_and_beats_follow_the_rule(seed, kernels, density):
    rng = np.random.default_rng(seed)
    weights = np.stack([random_weights(rng, CHIP, 60, kernels, density) for _ in range(3)])
    for ring in rings_of(CHIP, weights):
        assert ring.counts.min() >= 1
        group, window, entries = window_beats(CHIP, (ring.weights != 0).sum(2), ring.windows, ring.counts)
        for n in range(60):
            windows = ring.windows[n, : ring.counts[n]].tolist()
            expected = walked_beats(CHIP, ring.weights[n], windows)
            chosen = group == n
            assert list(zip(window[chosen].tolist(), entries[chosen].tolist(), strict=True)) == expected
            assert sum(windows) == np.count_nonzero(ring.weights[n])
            assert max(np.bincount([number for number, _ in expected])) <= CHIP.core.window_beats
            assert max(windows) <= CHIP.core.window_entries


def test_windows_are_even_and_more_where_beats_need_it():
    def cut(*kernels):
        windows, counts = cut_windows(CHIP, np.array([[kernels]]))
        return windows[0, 0, : counts[0]].tolist()

    assert cut(32, 32, 32, 32) == [64, 64]
    assert cut(30, 30, 20, 20) == [50, 50]
    assert cut(32, 32, 0, 1) == [33, 32]
    assert cut(0, 0, 0, 0) == [0]
    assert cut(32, 32, 32, 32, 32, 1, 1, 1) == [41, 41, 41, 40]  # in three the last would be of 9 beats
    assert cut(*[32] * 8) == [64] * 4
    assert cut(
        32,
        32,
        32,
        32,
        32,
        32,
        1,
        1,
    ) == [49, 49, 48, 48]


def test_uneven_windows_where_even_ones_are_too_long():
    rng = np.random.default_rng(0)
    config = CHIP.replace(core=CHIP.core.replace(weight_entries=64, beat_entries=8))
    kernels = rng.choice([0, 1, 2, 31, 32], (4000, 3, 8))
    windows, counts = cut_windows(config, kernels)
    assert counts.max() <= 4
    np.testing.assert_array_equal(windows.sum(2), kernels.sum(2))
    for column in range(3):
        group, window, _ = window_beats(config, kernels[:, column], windows[:, column], counts)
        assert np.bincount(group * 4 + window).max() <= 8


def test_bytes_of_a_group():
    weights = np.zeros((2, 2, 8), np.int8)
    weights[0, 0, [0, 7]], weights[0, 1, 3] = (1, -1), 5
    ring = RingWeights(weights, np.array([[2, 1, 0, 0], [0, 0, 0, 0]]), np.array([2, 1]))
    data, beats = encode_ring(CHIP.replace(core=TINY.core, cores=2, data_bits=128, residual_lanes=8), ring, 1)
    first = [2 | 128, 1, 0, 0, 0b10000001, 0b1000, 1, 255, 5, *[0] * 7]
    assert data.tolist() == [*first, *[0] * 16]
    assert beats.tolist() == [2]


def ring_data():
    weights = np.zeros((4, 4, 32), np.int8)
    weights[0, :, :20], weights[2, 1, 4] = 3, 9
    ring = rings_of(CHIP, weights[None])[0]
    return encode_ring(CHIP, ring, 2)[0]


GROUP = 104  # bytes of the first group: header, four bitmaps, 80 weights, padding


@pytest.mark.parametrize(
    "at, value, match",
    [
        (0, 41 | 128, "weights: group 0, at byte 0, must have as many entries in its windows .* bitmaps, not 81"),
        (0, 40, "group 0, at byte 0, must have as many entries in its windows as in its bitmaps, not 40"),
        (3, 1, "weights: byte 3 must be 0, not 1"),
        (20, 0, r"weights: byte 0 must be|weights: byte 4 must be 254, not 255"),
        (100, 1, "weights: byte 100 must be 0, not 1"),
        (GROUP + 20, 1, f"weights: byte {GROUP + 20} must be 0, not 1"),
    ],
)  # fmt: skip
def test_malformed(at, value, match):
    data = ring_data()
    data[at] = value
    with pytest.raises(FormatError, match=match):
        decode_ring(CHIP, data, kernels=4, rounds=2, groups=2)


def test_too_many_windows_and_beats():
    data = ring_data()
    data[:4] = 20 | 128
    with pytest.raises(FormatError, match="group 0, at byte 0, must have at most 4 windows, not 5"):
        decode_ring(CHIP, data, kernels=4, rounds=2, groups=2)
    data[:4] = 73 | 128, 7, 0, 0
    with pytest.raises(FormatError, match="group 0, at byte 0, must have windows of at most 8 beats, not 73"):
        decode_ring(CHIP, data, kernels=4, rounds=2, groups=2)


def test_wrong_length():
    data = ring_data()
    with pytest.raises(FormatError, match=f"weights: group 3, at byte {len(data) - 40}, must end within the"):
        decode_ring(CHIP, data[:-32], kernels=4, rounds=2, groups=2)
    with pytest.raises(FormatError, match=f"weights must be of {len(data)} bytes, not {len(data) + 32}"):
        decode_ring(CHIP, np.pad(data, (0, 32)), kernels=4, rounds=2, groups=2)


@pytest.mark.parametrize("config", [TINY, CHIP, CHIP.replace(data_bits=512)])
@pytest.mark.parametrize("kernels", [1, 2, 4])
def test_scales(config, kernels):
    rng = np.random.default_rng(kernels)
    count = 3 * config.tile_channels
    bias = rng.integers(-(2**31), 2**31, count, np.int32)
    factor = np.exp(rng.normal(size=count)).astype(np.float32)
    data = encode_scales(config, kernels, bias, factor)
    found = decode_scales(config, kernels, 3, data)
    np.testing.assert_array_equal(found[0], bias)
    np.testing.assert_array_equal(found[1], factor)
    data[4:8] = 0
    with pytest.raises(FormatError, match=r"scales: factor of kernel 0 must be positive and finite, not 0\.0"):
        decode_scales(config, kernels, 3, data)
    with pytest.raises(FormatError, match="scales must be of"):
        decode_scales(config, kernels, 2, data)


def test_order_of_kernels():
    order = kernel_order(CHIP, 4, 2)
    assert order.shape == (4, 4, 4)
    assert order[0].tolist() == [[0, 1, 2, 3], [8, 9, 10, 11], [16, 17, 18, 19], [24, 25, 26, 27]]
    assert order[1, 0].tolist() == [4, 5, 6, 7]
    assert order[2, 1].tolist() == [40, 41, 42, 43]
    assert kernel_order(CHIP, 8, 1).tolist() == [np.arange(32).reshape(4, 8).tolist()]
