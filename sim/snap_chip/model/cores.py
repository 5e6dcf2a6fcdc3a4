"""Machines of the cores, for each layer anew."""

import numpy as np

from ....hw.snap_chip.config import SnapChipConfig
from ...snap.model.state import (
    BLOCK,
    BLOCKS,
    CORE,
    END,
    LISTS,
    NEVER,
    PE,
    POPPED,
    PORT,
    RING,
    ROW,
    STREAM,
    WINDOW,
    Machine,
    Sizes,
)  # fmt: skip
from ...snap.work import JOB
from ...stalls import GATE
from ..work import LayerWork
from .machine import begin
from .state import Chip
from .work import PLANES, count_pairs, list_jobs, list_weight_words, list_windows

__all__ = ["idle_core", "new_cores"]


def _sizes(config: SnapChipConfig) -> Sizes:
    core = config.core
    return Sizes(
        rows=core.core_rows, columns=core.core_columns, lanes=core.pe_multipliers, depth=core.list_depth,
        half_tile=core.tile_beats // 2, quarter_tile=core.tile_beats // 4, landing=core.landing_cycles,
        late=int(core.pipelined), stalls=True,
    )  # fmt: skip


def _gates(config: SnapChipConfig, number: int) -> np.ndarray:
    """Gates of a core's streams, commands and ports, each of which reads a bit of its own."""
    core = config.core
    count = core.core_columns + core.core_rows + 1
    gates = np.zeros(count + core.ports, GATE)
    used = gates[: count + core.core_rows]
    used["period"] = 1
    used["offset"] = number * len(gates) + np.arange(len(used))
    return gates


def _machine(
    config: SnapChipConfig,
    number: int,
    bits: np.ndarray,
    jobs: np.ndarray,
    matches: np.ndarray,
    windows: np.ndarray,
    tiles: np.ndarray,
    blocks: np.ndarray,
    words: list[np.ndarray],
    turns: np.ndarray,
) -> Machine:
    core = config.core
    rows, columns = core.core_rows, core.core_columns
    streams = np.zeros(rows + columns, STREAM)
    streams["end"] = np.cumsum([len(stream) for stream in words])
    streams["at"] = streams["end"] - [len(stream) for stream in words]
    streams["changed"] = True
    weights, activations = np.split(streams, [columns])
    weights["receivers"], activations["receivers"] = rows, columns
    weights["most_beats"], activations["most_beats"] = core.weight_beats, core.activation_beats
    weights["most_items"], activations["most_items"] = core.weight_windows, core.activation_tiles
    pes, states, lines = np.zeros(core.pes, PE), np.zeros(1, CORE), np.zeros(rows, ROW)
    pes["row"], pes["column"] = np.divmod(np.arange(core.pes), columns)
    pes["window"], pes["tile"] = jobs[0]["window"], jobs[0]["tile"]
    states["first"] = -1
    lines["turn"] = turns
    return Machine(
        sizes=_sizes(config), jobs=jobs, matches=matches, windows=windows, tiles=tiles, blocks=blocks,
        words=np.concatenate([*words, np.zeros(1, np.int64)]), gates=_gates(config, number), bits=bits, core=states,
        streams=streams, rings=np.zeros((rows + columns, max(rows, columns)), RING), pes=pes,
        seen=np.zeros((core.pes, LISTS), np.int64), popped=np.zeros(2 * core.pes, POPPED), rows=lines,
        ports=np.zeros(core.ports, PORT), ends=np.zeros((core.ports, BLOCKS), END),
    )  # fmt: skip


def idle_core(config: SnapChipConfig, number: int, bits: np.ndarray) -> Machine:
    """A core with nothing to do."""
    pes, jobs = config.core.pes, np.zeros(1, JOB)
    nothing = [np.zeros(0, np.int64)] * (config.core.core_rows + config.core.core_columns)
    return _machine(
        config, number, bits, jobs, np.zeros((pes, 1), np.uint8), np.zeros((pes, 1), WINDOW),
        np.zeros((pes, 1), np.uint8), np.zeros(0, BLOCK), nothing, np.zeros(config.core.core_rows, np.int64),
    )  # fmt: skip


def new_cores(
    config: SnapChipConfig,
    chip: Chip,
    work: LayerWork,
    blocks: np.ndarray,
    sent: np.ndarray,
    parts: np.ndarray,
    counts: np.ndarray,
    activations: list[np.ndarray],
) -> tuple[tuple[Machine, ...], np.ndarray, np.ndarray]:
    """Machines of the cores for a layer, and their feeders' operations: see `Chip`.

    Parameters
    ----------
    blocks, sent, parts, counts
        As from `list_blocks`, `list_items`, `expand_items`.
    activations
        By row: beats.
    """
    core, columns = config.core, config.core.core_columns
    groups = work.command["weight_groups"]
    total = max(len(column.bitmaps) for column in work.weights)
    most = max(int(np.bitwise_count(column.bitmaps).sum()) for column in work.weights)
    most += total * (config.core_kernels + 4)
    group_ops, ops = np.zeros((config.rings, total + 1), np.int64), np.zeros((config.rings, most), np.int64)
    commands = np.zeros(len(blocks), BLOCK)
    diagonal = bool(work.command.get("diagonal"))
    commands["row_mode"], commands["ports"] = not diagonal, (1 << (core.ports if diagonal else config.banks)) - 1
    commands["slots"] = work.command["kernels"] * blocks["pixels"]
    tiles = counts.reshape(core.pes, -1)
    machines = []
    for number, before in enumerate(chip.cores[: config.cores]):
        first = number * columns
        weights = work.weights[first : first + columns]
        kinds_of = weights[0].counts
        first_windows = np.cumsum(kinds_of) - kinds_of
        planes = np.zeros((columns, int(kinds_of.sum()), PLANES), np.uint64)
        beats = np.zeros(planes.shape[:2], np.int64)
        for column, one in enumerate(weights):
            ring = first + column
            list_windows(
                one.bitmaps, one.windows, one.counts, core.beat_entries, ops[ring], group_ops[ring], planes[column],
                beats[column],
            )  # fmt: skip
        empty = np.zeros(0, JOB), np.zeros(0, np.int64)
        jobs_count, windows_count = list_jobs(blocks, groups, sent, kinds_of, first_windows, *empty)
        jobs, kinds = np.zeros(jobs_count + 1, JOB), np.zeros(windows_count, np.int64)
        list_jobs(blocks, groups, sent, kinds_of, first_windows, jobs[:-1], kinds)
        jobs[-1:]["window"] = jobs[-1:]["tile"] = NEVER
        matches = np.zeros((core.pes, jobs_count + 1), np.uint8)
        count_pairs(jobs[:-1], kinds, planes, parts, matches)
        words = []
        for column in range(columns):
            ring = first + column
            operations = blocks, groups, group_ops[ring], ops[ring], (1 << core.core_rows) - 1
            words.append(np.zeros(list_weight_words(*operations, np.zeros(0, np.int64)), np.int64))
            list_weight_words(*operations, words[-1])
        stored = np.where(planes.any(2), beats, 0)[:, kinds]
        windows = _windows(config, chip.stored[first : first + columns], stored)
        turns = before.rows["turn"]
        machine = _machine(
            config, number, chip.bits, jobs, matches, windows, tiles, commands, [*words, *activations], turns
        )
        begin(machine)
        machines.append(machine)
    return (*machines, *chip.cores[config.cores :]), group_ops, ops


def _windows(config: SnapChipConfig, stored: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """Beats of each window ``[pes, windows]``, and whether it lies in both halves of the lanes.

    `stored` says how many beats each column has stored so far, to which `beats` ``[columns, windows]`` are added.
    """
    core = config.core
    span, half = core.window_beats, core.window_beats // 2
    start = (np.cumsum(beats, axis=1) - beats + stored[:, None]) % span
    stored += beats.sum(1)
    windows = np.zeros(beats.shape, WINDOW)
    windows["beats"] = beats
    windows["straddles"] = np.where(start < half, start + beats > half, start + beats > span)
    return np.tile(windows, (core.core_rows, 1))
