"""What a SNAP core has to do for a program, PE by PE: jobs, matches, AIM operations, beats."""

import dataclasses

import numpy as np

from ...hw.snap.config import SnapConfig
from .program import CoreProgram, Stream

__all__ = ["CoreWork", "core_work", "items_of"]


@dataclasses.dataclass(frozen=True)
class CoreWork:
    """The jobs of a program (job: one W window against one IA tile); PEs are numbered row-major.

    Parameters
    ----------
    window, tile
        ``[jobs]``: index of the job's window and tile.
    frees_window, frees_tile, ends_block
        ``[jobs]``: what completes with the job.
    matches
        ``[jobs, pes]``: pairs of equal c-idx.
    operations
        ``[jobs, pes]``: AIM operations of the job alone.
    quarter
        ``[tiles, pes]``: the tile fills at most aim_entries / 4.
    weight_beats, activation_beats
        ``[columns][beats + 1, rows]`` and ``[rows][beats + 1, columns]``: beats stored before each position.
    weight_ends, activation_ends
        ``[columns][beats + 1]`` and ``[rows][beats + 1]``: windows and tiles complete before each position.
    """

    window: np.ndarray
    tile: np.ndarray
    frees_window: np.ndarray
    frees_tile: np.ndarray
    ends_block: np.ndarray
    matches: np.ndarray
    operations: np.ndarray
    quarter: np.ndarray
    weight_beats: list[np.ndarray]
    activation_beats: list[np.ndarray]
    weight_ends: list[np.ndarray]
    activation_ends: list[np.ndarray]


def _cumulative(array: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((1, *array.shape[1:]), np.int64), np.cumsum(array, 0, dtype=np.int64)])


def items_of(stream: Stream, receivers: int, config: SnapConfig) -> tuple[np.ndarray, np.ndarray]:
    """Beats stored ``[beats, receivers]`` and entries by class and c-idx ``[items, receivers, classes * channels]``.

    An activation counts in every class that its tile meets.
    """
    stored = (stream.masks[:, None] >> np.arange(receivers)) & 1
    item = _cumulative(stream.last)[:-1]
    counts = np.zeros((int(stream.last.sum()), receivers, config.classes, config.channel_tile), np.int64)
    lanes = np.arange(stream.indices.shape[1]) < stream.counts[:, None]
    beat, lane = np.nonzero(lanes)
    for receiver in range(receivers):
        at = item[beat], stream.classes[beat, lane], stream.indices[beat, lane]
        np.add.at(counts[:, receiver], at, stored[beat, receiver])
    masks = stream.tile_classes[stream.last]
    if masks.any():
        meets = masks[:, None] >> np.arange(config.classes) & 1
        counts = counts[:, :, :1] * meets[:, None, :, None]
    return stored, counts.reshape(*counts.shape[:2], -1)


def _job_order(program: CoreProgram) -> tuple[np.ndarray, ...]:
    windows, tiles = program.weights[0], program.activations[0]
    w_group, w_block = windows.group_last[windows.last], windows.block_last[windows.last]
    for name, streams in (("weights", program.weights), ("activations", program.activations)):
        for number, stream in enumerate(streams):
            same = all(
                np.array_equal(getattr(stream, flag)[stream.last], getattr(streams[0], flag)[streams[0].last])
                for flag in ("group_last", "block_last")
            )
            if not same:
                raise ValueError(
                    f"{name} must be cut into the same groups in every stream, not otherwise in stream {number}"
                )
    w_ends, t_ends = np.flatnonzero(w_group) + 1, np.flatnonzero(tiles.group_last[tiles.last]) + 1
    if len(w_ends) != len(t_ends):
        raise ValueError(f"activations must be of as many groups as weights ({len(w_ends)}), not {len(t_ends)}")
    jobs = []
    w0 = t0 = 0
    for w1, t1 in zip(w_ends.tolist(), t_ends.tolist(), strict=True):
        window, tile = (grid.ravel() for grid in np.meshgrid(np.arange(w0, w1), np.arange(t0, t1), indexing="ij"))
        jobs.append((window, tile, tile == t1 - 1, window == w1 - 1, w_block[window] & (tile == t1 - 1)))
        w0, t0 = w1, t1
    return tuple(np.concatenate(column) for column in zip(*jobs, strict=True))


def core_work(config: SnapConfig, program: CoreProgram) -> CoreWork:
    """Work that `program` gives a core.

    Raises
    ------
    ValueError
        If the streams are not cut into the same windows, tiles and groups.
    """
    rows, columns = config.core_rows, config.core_columns
    weights = [items_of(stream, rows, config) for stream in program.weights]
    activations = [items_of(stream, columns, config) for stream in program.activations]
    window, tile, frees_window, frees_tile, ends_block = _job_order(program)
    matches = np.zeros((len(window), rows, columns), np.int64)
    operations = np.ones_like(matches)
    quarter = np.zeros((int(tile[-1]) + 1, rows, columns), bool)
    weight_beats = [_cumulative(stored) for stored, _ in weights]
    activation_beats = [_cumulative(stored) for stored, _ in activations]
    weight_ends = [_cumulative(stream.last) for stream in program.weights]
    activation_ends = [_cumulative(stream.last) for stream in program.activations]
    span, half = config.window_beats, config.window_beats // 2
    for row in range(rows):
        for column in range(columns):
            matches[:, row, column] = np.einsum(
                "jc,jc->j", weights[column][1][window, row], activations[row][1][tile, column]
            )
            edges = np.flatnonzero(program.weights[column].last) + 1
            ends = weight_beats[column][edges, row]
            begins = np.append(0, ends[:-1])
            first = begins % span
            straddles = (first < half) & (first + ends - begins > half) | (first >= half) & (
                first + ends - begins > span
            )
            edges = np.flatnonzero(program.activations[row].last) + 1
            size = np.diff(np.append(0, activation_beats[row][edges, column]))
            operations[:, row, column] += straddles[window] & (size > config.tile_beats // 2)[tile]
            quarter[:, row, column] = size <= config.tile_beats // 4
    flat = (len(window), rows * columns)
    return CoreWork(
        window=window, tile=tile, frees_window=frees_window, frees_tile=frees_tile, ends_block=ends_block,
        matches=matches.reshape(flat), operations=operations.reshape(flat),
        quarter=quarter.reshape(-1, rows * columns), weight_beats=weight_beats, activation_beats=activation_beats,
        weight_ends=weight_ends, activation_ends=activation_ends,
    )  # fmt: skip
