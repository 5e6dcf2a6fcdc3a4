"""What a SNAP core has to do for a program, PE by PE: jobs, matches, beats."""

import dataclasses

import numpy as np

from ...hw.snap.config import SnapConfig
from .program import CoreProgram, Stream

__all__ = ["JOB", "CoreWork", "core_work"]

JOB = np.dtype(
    [
        ("window", "u4"), ("tile", "u4"), ("block", "u4"),
        ("frees_window", "?"), ("frees_tile", "?"), ("ends_block", "?"),
    ],
    align=True,
)  # fmt: skip
"""A W window against an IA tile: number of each and of the psum block, what completes with the job."""


@dataclasses.dataclass(frozen=True)
class CoreWork:
    """The jobs of a program; PEs are numbered row-major.

    Parameters
    ----------
    jobs
        ``[jobs]`` of `JOB`, in the order in which every PE does them.
    matches
        ``[pes, jobs]``: pairs of equal c-idx.
    window_beats, tile_beats
        ``[pes, windows]``, ``[pes, tiles]``: beats that a PE stores.
    straddles
        ``[pes, windows]``: the window lies in both halves of the lanes.
    """

    jobs: np.ndarray
    matches: np.ndarray
    window_beats: np.ndarray
    tile_beats: np.ndarray
    straddles: np.ndarray


def _ends(streams: list[Stream], name: str, flag: str) -> np.ndarray:
    """By window or tile: whether it is the last of its group or block; the same in every stream."""
    ends = [getattr(stream, flag)[stream.last] for stream in streams]
    for number, other in enumerate(ends):
        if not np.array_equal(other, ends[0]):
            raise ValueError(
                f"{name} must be cut into the same groups in every stream, not otherwise in stream {number}"
            )
    return ends[0]


def _jobs(program: CoreProgram) -> np.ndarray:
    from .model.matching import list_jobs

    window_ends, block_ends = (_ends(program.weights, "weights", flag) for flag in ("group_last", "block_last"))
    tile_ends = _ends(program.activations, "activations", "group_last")
    windows, tiles = (np.diff(np.flatnonzero(ends), prepend=-1) for ends in (window_ends, tile_ends))
    if len(windows) != len(tiles):
        raise ValueError(f"activations must be of as many groups as weights ({len(windows)}), not {len(tiles)}")
    jobs = np.empty(int(windows @ tiles), JOB)
    list_jobs(window_ends, block_ends, tile_ends, jobs)
    return jobs


def _stored(streams: list[Stream], receivers: int) -> np.ndarray:
    """Beats of each item that each receiver stores ``[streams, receivers, items]``."""
    from .model.matching import count_beats

    stored = np.empty((len(streams), receivers, int(np.count_nonzero(streams[0].last))), np.uint8)
    for stream, beats in zip(streams, stored, strict=True):
        count_beats(stream.masks, stream.last, beats)
    return stored


def _straddles(config: SnapConfig, beats: np.ndarray) -> np.ndarray:
    """Whether windows lie in both halves of the lanes, from their beats ``[pes, windows]``."""
    span, half = config.window_beats, config.window_beats // 2
    start = (np.cumsum(beats, axis=-1) - beats) % span
    return np.where(start < half, start + beats > half, start + beats > span)


def _matches(config: SnapConfig, program: CoreProgram, jobs: np.ndarray) -> np.ndarray:
    from .model.matching import CLASSES, PLANES, count_matches, tile_sets

    rows, columns = config.core_rows, config.core_columns
    meets = np.stack([stream.tile_classes[stream.last] for stream in program.activations])
    sets = np.zeros((rows, columns, meets.shape[1]), np.uint64)
    for row, stream in enumerate(program.activations):
        tile_sets(stream.masks, stream.counts, stream.indices, stream.last, sets[row])
    matches = np.empty((rows, columns, len(jobs)), np.uint8)
    scratch = np.empty((CLASSES, PLANES), np.uint64), np.empty(CLASSES, np.int64)
    for column, stream in enumerate(program.weights):
        beats = stream.masks, stream.counts, stream.indices, stream.classes, stream.last
        alike: dict[bytes, list[int]] = {}
        for row in range(rows):
            alike.setdefault((stream.masks >> row & 1).astype(bool).tobytes(), []).append(row)
        for group in alike.values():
            count_matches(np.array(group), *beats, sets[:, column], meets, jobs, *scratch, matches[:, column])
    return matches.reshape(config.pes, -1)


def core_work(config: SnapConfig, program: CoreProgram) -> CoreWork:
    """Work that `program` gives a core.

    Raises
    ------
    ValueError
        If the streams are not cut into the same windows, tiles and groups.
    """
    rows, columns = config.core_rows, config.core_columns
    jobs = _jobs(program)
    window_beats = _stored(program.weights, rows).transpose(1, 0, 2).reshape(config.pes, -1)
    return CoreWork(
        jobs=jobs,
        matches=_matches(config, program, jobs),
        window_beats=window_beats,
        tile_beats=_stored(program.activations, columns).reshape(config.pes, -1),
        straddles=_straddles(config, window_beats),
    )
