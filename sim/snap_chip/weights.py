"""Images of weights as they lie in the chip's memory: one for each column of each core, in groups cut into windows."""

import dataclasses

import numpy as np

from ...hw.errors import ConfigError
from ...hw.snap_chip.config import WINDOWS, WORD_BYTES, SnapChipConfig
from ..formats.runs import FormatError
from .records import Records, pack, refuse_difference, unpack

__all__ = ["RingWeights", "cut_windows", "decode_ring", "encode_ring", "window_beats", "windows_fit"]


@dataclasses.dataclass(frozen=True)
class RingWeights:
    """Groups of weights of one column of a core.

    Parameters
    ----------
    weights
        ``[groups, kernels, channels]``, int8.
    windows
        ``[groups, WINDOWS]``: entries of each window, 0 past the last.
    counts
        ``[groups]``: windows.
    """

    weights: np.ndarray
    windows: np.ndarray
    counts: np.ndarray


def window_beats(
    config: SnapChipConfig, kernels: np.ndarray, windows: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut windows into beats as the weight feeder does.

    A beat takes what is left of a kernel and then of the next one; an empty window is a beat without entries.

    Parameters
    ----------
    kernels
        ``[groups, kernels]``: entries of each kernel.
    windows, counts
        As in `RingWeights`.

    Returns
    -------
    tuple
        Group, window and entries of each beat, in order of the groups.
    """
    most = config.core.beat_entries
    rest = np.pad(kernels, ((0, 0), (0, 2))).astype(np.int64)
    ahead = np.pad(windows, ((0, 0), (0, 1))).astype(np.int64)
    kernel, window = np.zeros((2, len(kernels)), np.int64)
    left = ahead[:, 0].copy()
    beats = []
    active = np.arange(len(kernels))
    while len(active):
        at = kernel[active]
        this, following = rest[active, at], rest[active, at + 1]
        entries = np.minimum(np.minimum(most, left[active]), this + following)
        made = (entries > 0) | (left[active] == 0)
        beats.append(np.stack([active, window[active], entries])[:, made])
        of_this = np.minimum(entries, this)
        rest[active, at] -= of_this
        rest[active, at + 1] -= entries - of_this
        left[active] -= entries
        kernel[active] = np.minimum(at + (rest[active, at] == 0), kernels.shape[1])
        ended = active[left[active] == 0]
        window[ended] += 1
        left[ended] = ahead[ended, window[ended]]
        active = active[window[active] < counts[active]]
    group, window, entries = np.concatenate(beats, axis=1)
    order = np.argsort(group, kind="stable")
    return group[order], window[order], entries[order]


def windows_fit(config: SnapChipConfig, kernels: np.ndarray, windows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """By group: whether every window is short enough."""
    group, window, _ = window_beats(config, kernels, windows, counts)
    beats = np.bincount(group * WINDOWS + window, minlength=len(kernels) * WINDOWS).reshape(-1, WINDOWS)
    core = config.core
    return np.all((beats <= core.window_beats) & (windows <= core.window_entries), axis=1)


def _longest(config: SnapChipConfig, kernels: np.ndarray) -> list[int]:
    """Windows of one group, each as long as it may be."""
    total, done, windows = int(kernels.sum()), 0, []
    while done < total:
        size = min(config.core.window_entries, total - done)
        while True:
            cut = np.zeros((1, len(windows) + 1), np.int64)
            cut[0] = [*windows, size]
            group, window, _ = window_beats(config, kernels[None], cut, np.array([cut.size]))
            if (window == len(windows)).sum() <= config.core.window_beats:
                break
            size -= 1
        windows.append(size)
        done += size
    return windows


def cut_windows(config: SnapChipConfig, kernels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose the windows of a core's groups: as few as possible, equal in number for its columns, of even length.

    Parameters
    ----------
    kernels
        ``[groups, columns, kernels]``: entries of each kernel.

    Returns
    -------
    tuple
        Entries ``[groups, columns, WINDOWS]`` and number ``[groups]`` of the windows.

    Raises
    ------
    ConfigError
        If a group needs more windows than its header has room for.
    """
    groups, columns, _ = kernels.shape
    total = kernels.sum(2)
    counts = np.maximum(1, -(-total.max(1) // config.core.window_entries))
    windows = np.zeros((groups, columns, WINDOWS), np.int64)
    todo = np.arange(groups)
    while len(todo):
        parts = np.minimum(counts[todo], WINDOWS)[:, None, None]
        base, more = np.divmod(total[todo][..., None], parts)
        place = np.arange(WINDOWS)
        windows[todo] = np.where(place < parts, base + (place < more), 0)
        flat = windows[todo].reshape(-1, WINDOWS)
        fits = windows_fit(config, kernels[todo].reshape(len(flat), -1), flat, np.repeat(parts.ravel(), columns))
        todo = todo[~fits.reshape(-1, columns).all(1)]
        for group in todo[counts[todo] >= WINDOWS].tolist():  # uneven, which is always enough but for odd sizes
            cuts = [_longest(config, kernels[group, column]) for column in range(columns)]
            counts[group] = max(map(len, cuts))
            if counts[group] > WINDOWS:
                raise ConfigError(f"windows of group {group} must be at most {WINDOWS}, not {counts[group]}")
            windows[group] = [[*cut, *[0] * (WINDOWS - len(cut))] for cut in cuts]
            todo = todo[todo != group]
        counts[todo] += 1
    return windows, counts


def encode_ring(config: SnapChipConfig, ring: RingWeights, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Bytes of the groups of `rounds` equal rounds, and the beats of each round."""
    groups, kernels, _ = ring.weights.shape
    kept = ring.weights != 0
    follows = np.arange(WINDOWS) < ring.counts[:, None] - 1
    bitmaps = np.packbits(kept, axis=2, bitorder="little").reshape(groups, kernels * config.bitmap_bytes)
    heads = np.concatenate([(ring.windows | follows << 7).astype(np.uint8), bitmaps], axis=1)
    records = Records(heads, kept.sum((1, 2)), ring.weights[kept].view(np.uint8))
    return pack(config, records, np.full(rounds, groups // rounds))


def decode_ring(
    config: SnapChipConfig, data: np.ndarray, *, kernels: int, rounds: int, groups: int, name: str = "weights"
) -> tuple[RingWeights, np.ndarray]:
    """Read the image of one column of a core: `rounds` of so many `groups` of so many `kernels`.

    Returns
    -------
    tuple
        The groups, and the beats of each round.

    Raises
    ------
    FormatError
        With group and byte: a group that is cut off, windows that don't hold just its entries, or too many for a PE,
        stored zeros, padding that isn't 0, an image that is too long.
    """
    head = WINDOWS + kernels * config.bitmap_bytes
    size, text = config.bus.bytes, data.tobytes()
    starts, counts, at = [], [], 0
    for number in range(rounds * groups):
        entries = int.from_bytes(text[at + WINDOWS : at + head]).bit_count()
        if at + head + entries > len(text):
            raise FormatError(f"{name}: group {number}, at byte {at}, must end within the {len(text)} bytes")
        starts.append(at)
        counts.append(entries)
        at += -(-(head + entries) // WORD_BYTES) * WORD_BYTES
        if (number + 1) % groups == 0:
            at = -(-at // size) * size
    records = unpack(data, np.array(starts), np.array(counts), head)
    bits = np.unpackbits(records.heads[:, WINDOWS:], axis=1, bitorder="little").astype(bool)
    weights = np.zeros((rounds * groups, kernels, config.tile_channels), np.int8)
    weights[bits.reshape(weights.shape)] = records.values.view(np.int8)
    follows = records.heads[:, :WINDOWS] >> 7
    number = 1 + np.cumprod(follows, axis=1).sum(1, dtype=np.int64)
    used = np.arange(WINDOWS) < np.minimum(number, WINDOWS)[:, None]
    windows = np.where(used, records.heads[:, :WINDOWS] & 127, 0).astype(np.int64)
    for rule, wrong, found in (
        (f"have at most {WINDOWS} windows", number > WINDOWS, number),
        ("have as many entries in its windows as in its bitmaps", windows.sum(1) != records.counts, windows.sum(1)),
    ):
        _refuse(name, wrong, starts, rule, found)
    ring = RingWeights(weights, windows, number)
    entries = (weights != 0).sum(2)
    rule = f"have windows of at most {config.core.window_beats} beats"
    if np.array_equal(entries.sum(1), records.counts):  # else a stored zero, refused below
        _refuse(name, ~windows_fit(config, entries, windows, number), starts, rule, windows.max(1))
    expected, beats = encode_ring(config, ring, rounds)
    refuse_difference(name, expected, data)
    return ring, beats


def _refuse(name: str, wrong: np.ndarray, starts: list[int], rule: str, found: np.ndarray) -> None:
    if wrong.any():
        at = int(wrong.argmax())
        raise FormatError(f"{name}: group {at}, at byte {starts[at]}, must {rule}, not {int(found[at])}")
