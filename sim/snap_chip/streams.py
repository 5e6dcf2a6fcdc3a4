"""What the cores of the SNAP chip see of a layer: beats of weights and activations, as the feeders make them."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..snap.program import CoreProgram, Stream
from .command import Command, steps_over_channels
from .golden import input_layout, read_rings
from .nest import Block, blocks, input_pixels, output_columns
from .scales import kernel_order
from .tensors import decode_tensor
from .weights import RingWeights, window_beats

__all__ = ["ItemBeats", "activation_streams", "item_beats", "layer_programs", "weight_stream"]


def weight_stream(
    config: SnapChipConfig, command: Command, ring: RingWeights, chosen: Sequence[Block] | None = None
) -> Stream:
    """The beats of one column of a core, for the `chosen` blocks or all of a layer."""
    groups = command["weight_groups"]
    group, window, counts = window_beats(config, (ring.weights != 0).sum(2), ring.windows, ring.counts)
    edges = np.searchsorted(group, np.arange(command["rounds"] + 1) * groups)
    at, kernel, index = np.nonzero(ring.weights)
    lane = np.arange(config.core.beat_entries)
    there = lane < counts[:, None]
    place = ((np.cumsum(counts) - counts)[:, None] + lane)[there]
    entries = np.zeros((3, *there.shape), np.int64)
    entries[:, there] = np.stack([ring.weights[at, kernel, index], index, kernel])[:, place]
    group_last = np.diff(group, append=-1) != 0
    last = group_last | (np.diff(window, append=-1) != 0)
    block_last = group_last & (group % groups == groups - 1)
    beats = np.concatenate([np.arange(*edges[[b.round, b.round + 1]]) for b in chosen or blocks(command)])
    nothing = np.zeros(len(beats), np.int64)
    return Stream(
        values=entries[0, beats], indices=entries[1, beats], slots=entries[2, beats],
        classes=np.zeros((len(beats), config.core.beat_entries), np.int64), counts=counts[beats],
        masks=np.where(counts > 0, (1 << config.banks) - 1, 0)[beats], tile_slots=nothing, tile_classes=nothing,
        last=last[beats], group_last=group_last[beats], block_last=block_last[beats],
    )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class ItemBeats:
    """Beats of many items one after the other: pixels of a step, of all steps of all groups of rounds.

    Parameters
    ----------
    values, indices
        ``[beats, beat_entries]``.
    counts, masks
        By beat.
    starts, lengths
        By item ``(group * steps + step) * pixels + pixel``, and a blank one at the end: its beats.
    """

    values: np.ndarray
    indices: np.ndarray
    counts: np.ndarray
    masks: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray


def item_beats(config: SnapChipConfig, command: Command, values: np.ndarray) -> ItemBeats:
    """Expand a tensor's stored tiles into beats, for every pixel and step.

    Beats end where a stored tile or a column's part ends. An item whose last tile has nothing ends with a blank beat.

    Parameters
    ----------
    values
        ``[lines, columns, channels of all stored tiles]``, zero point subtracted.
    """
    parts = steps_over_channels(config, command)
    diagonal = bool(command.get("diagonal"))
    if diagonal:  # of a single tile, which all columns get
        parts = parts[:, :1]
    pixels = values.reshape(-1, values.shape[2])
    groups = -(-command["rounds"] // command["group_rounds"])
    pieces = [
        _expand(config, part, pixels[:, group * command["group_tiles"] * config.tile_channels :])
        for group in range(groups)
        for part in parts.tolist()
    ]
    blank = np.zeros((1, config.core.beat_entries), np.int64)
    pieces.append((blank, blank, np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones(1, np.int64)))
    entries, indices, counts, masks, lengths = (np.concatenate(arrays) for arrays in zip(*pieces, strict=True))
    if diagonal:
        masks *= (1 << config.core.core_columns) - 1
    return ItemBeats(entries, indices, counts, masks, np.cumsum(lengths) - lengths, lengths)


def _expand(config: SnapChipConfig, parts: list[list[int]], pixels: np.ndarray) -> tuple[np.ndarray, ...]:
    """Values, indices, counts and masks of the beats of all pixels' items, and beats of each item."""
    most, width = config.core.beat_entries, config.tile_channels
    first, after = parts[0][0], parts[-1][1]
    channel = np.arange(first, after)
    owner = np.searchsorted([end for _, end in parts], channel, side="right")
    section = np.cumsum(np.diff(owner, prepend=0) + (channel % width == 0) > 0) - 1
    edges = np.flatnonzero(np.diff(section, prepend=-1))
    kept = pixels[:, first:after] != 0
    counts = np.add.reduceat(kept, edges, axis=1, dtype=np.int64)
    beats = -(-counts // most)
    before = np.cumsum(beats, axis=1) - beats
    empty = ~kept[:, -width:].any(1)
    lengths = beats.sum(1) + empty
    starts = np.cumsum(lengths) - lengths
    pixel, place = np.nonzero(kept)
    rank = (np.cumsum(kept, axis=1) - (np.cumsum(counts, axis=1) - counts)[:, section])[pixel, place] - 1
    beat = starts[pixel] + before[pixel, section[place]] + rank // most
    lane = rank % most
    total = int(lengths.sum())
    values, indices = np.zeros((2, total, most), np.int64)
    values[beat, lane] = pixels[pixel, first + place]
    indices[beat, lane] = channel[place] - np.array([start for start, _ in parts])[owner[place]]
    masks = np.zeros(total, np.int64)
    masks[beat] = 1 << owner[place]
    return values, indices, np.bincount(beat, minlength=total), masks, lengths


def activation_streams(
    config: SnapChipConfig, command: Command, items: ItemBeats, chosen: Sequence[Block] | None = None
) -> list[Stream]:
    """The beats of each row, the same for all cores, for the `chosen` blocks or all of a layer."""
    known: dict[tuple[int, int, int], tuple[np.ndarray, ...]] = {}
    sent = []
    for block in chosen or blocks(command):
        key = block.region, block.number, block.round // command["group_rounds"]
        if key not in known:
            known[key] = _block_items(config, command, block, key[2], len(items.lengths) - 1)
        sent.append(known[key])
    item, slot, group_last = (np.concatenate(arrays) for arrays in zip(*sent, strict=True))
    return [_stream(config, items, row, slot, group_last) for row in item.T]


def _block_items(
    config: SnapChipConfig, command: Command, block: Block, group: int, blank: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Items ``[sent, rows]`` of a block in order, their slots, and whether they end a group."""
    line, column = input_pixels(config, command, block)
    there = line >= 0
    sent = there.copy()
    sent[~there.any(1), 0] = True
    pixel = np.where(there[..., None] & (column >= 0), line[..., None] * command["width"] + column, -1)
    tap, entry = np.nonzero(sent)
    steps = command["full_steps"] + command["rest_steps"]
    first = (group * steps + np.arange(steps)) * command["height"] * command["width"]
    of_taps = pixel[tap, entry]
    item = np.where(of_taps >= 0, first[:, None, None] + of_taps, blank)
    ends = np.diff(tap, append=-1) != 0
    slots = command["kernels"] * entry
    return item.reshape(-1, config.banks), np.tile(slots, steps), np.tile(ends, steps)


def _stream(
    config: SnapChipConfig, items: ItemBeats, item: np.ndarray, slot: np.ndarray, group_last: np.ndarray
) -> Stream:
    lengths = items.lengths[item]
    ends = np.cumsum(lengths)
    beats = np.arange(ends[-1]) + np.repeat(items.starts[item] - (ends - lengths), lengths)
    last, ends_group = np.zeros((2, len(beats)), bool)
    last[ends - 1], ends_group[ends - 1] = True, group_last
    nothing = np.zeros((len(beats), config.core.beat_entries), np.int64)
    return Stream(
        values=items.values[beats], indices=items.indices[beats], slots=nothing, classes=nothing,
        counts=items.counts[beats], masks=items.masks[beats], tile_slots=np.repeat(slot, lengths),
        tile_classes=np.ones(len(beats), np.int64), last=last, group_last=ends_group,
        block_last=np.zeros(len(beats), bool),
    )  # fmt: skip


def _targets(config: SnapChipConfig, command: Command, block: Block, channels: np.ndarray) -> np.ndarray:
    """Flat index in ``[lines, columns, stored channels]`` of each sum of the ports, -1 where it is dropped."""
    kernels, rows = len(channels), config.banks
    line, column = block.first + block.entries[:, 1], output_columns(config, command, block)
    if command.get("diagonal"):
        rows = config.core.ports
        column = column[:, :1] + np.arange(rows) - command["first_port"]
    there = (column >= 0) & (column < command["out_columns"])
    pixel = np.where(there, line[:, None] * command["out_columns"] + column, -1)
    flat = pixel[..., None] * command["out_tiles"] * config.tile_channels + channels
    targets = np.full((config.core.ports, kernels * len(line)), -1)
    targets[:rows] = np.where(pixel[..., None] >= 0, flat, -1).transpose(1, 0, 2).reshape(rows, -1)
    return targets


def layer_programs(
    config: SnapChipConfig, command: Command, memory: np.ndarray, chosen: Sequence[Block] | None = None
) -> list[CoreProgram]:
    """What each core is fed for a convolution: the streams of the `chosen` blocks, or of the whole layer.

    Targets of the sums are flat indices of ``[out_lines, out_columns, channels of out_tiles]``. In diagonal mode two
    sums may have the same one.

    Raises
    ------
    ConfigError
        If the weights don't fit their buffers.
    FormatError
        If weights or input are malformed.
    """
    listed = list(chosen or blocks(command))
    rings = read_rings(config, command, memory)
    values = decode_tensor(config, input_layout(config, command), memory).astype(np.int64) - command["in_zero"]
    activations = activation_streams(config, command, item_beats(config, command, values), listed)
    order = kernel_order(config, command["kernels"], command["out_tiles"])
    columns, diagonal = config.core.core_columns, bool(command.get("diagonal"))
    slots = np.array([command["kernels"] * len(block.entries) for block in listed])
    return [
        CoreProgram(
            weights=[
                weight_stream(config, command, ring, listed) for ring in rings[core * columns : (core + 1) * columns]
            ],
            activations=activations,
            row_mode=np.full(len(listed), not diagonal),
            slots=slots,
            ports=np.full(len(listed), (1 << (config.core.ports if diagonal else config.banks)) - 1),
            targets=[_targets(config, command, block, order[block.round, core]) for block in listed],
        )
        for core in range(config.cores)
    ]
