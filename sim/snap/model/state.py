"""State of the SNAP core's cycle model, in structured arrays that compiled functions share."""

from typing import NamedTuple

import numpy as np

from ....hw.snap.config import SnapConfig
from ..program import CoreProgram
from ..work import JOB, CoreWork

__all__ = ["BLOCKS", "LISTS", "Machine", "Sizes", "new_machine"]

LISTS = 8
"""Lists that a PE may have asked for at most: a power of two."""

BLOCKS = 4
"""Psum blocks, from the one that the reducer is at, of which PEs may come to the end: a power of two.

A PE has two banks of psums. While some ports are still reading block b, a PE whose port has read it may end b + 2.
"""

NEVER = (1 << 31) - 1

CORE = np.dtype(
    [
        ("cycle", "i8"),  # since reset
        ("first", "i8"),  # cycle of the first beat, -1 before
        ("block", "i8"),  # that the reducer is at
        ("popped", "i8"),  # lists used up whose windows and tiles are not released yet
        ("reduces", "?"),  # psums are complete, or sums are on their way out
    ],
    align=True,
)

WINDOW = np.dtype([("beats", "u1"), ("straddles", "?")])

BLOCK = np.dtype([("row_mode", "?"), ("ports", "i8"), ("slots", "i8")], align=True)

STREAM = np.dtype(
    [
        ("at", "u4"), ("end", "u4"),  # place of the next beat in `words`, and the one behind the last
        ("word", "i8"),  # the next beat
        ("receivers", "i8"),
        ("most_beats", "i8"), ("most_items", "i8"),
        ("full_beats", "i8"), ("full_items", "i8"),  # receivers without room, a bit each
        ("changed", "?"),  # since `room` was found
        ("room", "?"),  # there is a next beat, and room for it
        ("takes", "?"),  # the next beat is taken
        ("stored", "i8"),  # items that are complete
        ("shown", "i8"),  # of these, what PEs see: if late, a cycle behind
    ],
    align=True,
)  # fmt: skip

RING = np.dtype([("beats", "i8"), ("items", "i8")])

PE = np.dtype(
    [
        ("row", "u4"), ("column", "u4"),
        ("asked", "u4"),  # jobs that the AIM has been asked for
        ("window", "u4"), ("tile", "u4"),  # of the next one
        ("half", "?"),  # of whose two operations the AIM has done the first
        ("taken", "u4"),  # jobs whose lists are used up
        ("begun", "i8"),  # matches used of the next one's list
        ("wake", "i8"),  # until this cycle, all multipliers are busy
        ("drained", "i8"), ("drained_at", "i8"),  # blocks read by the reducer, cycle from which the last one counts
        ("multiplies", "i8"), ("busy", "i8"), ("empty_list", "i8"), ("wait_weights", "i8"), ("wait_activations", "i8"),
        ("wait_aim", "i8"), ("wait_psum", "i8"),
    ],
    align=True,
)  # fmt: skip

POPPED = np.dtype([("pe", "u4"), ("job", "u4")])

ROW = np.dtype(
    [
        ("turn", "i8"),  # column of the PE that the AIM serves first
        ("rests", "?"),  # no PE asks, and none will before something happens
        ("operations", "i8"), ("lists", "i8"),
    ],
    align=True,
)  # fmt: skip

PORT = np.dtype(
    [
        ("step", "i8"),  # psums read of the block
        ("opened", "?"),  # the block was complete in the cycle before
        ("held", "?"), ("holds", "?"),  # psums, a sum on their way out
        ("sums", "i8"),
    ],
    align=True,
)  # fmt: skip

END = np.dtype([("pending", "i8"), ("at", "i8")])
"""PEs that have not come to the end of a block; cycle from which its psums are complete once there are none."""


class Sizes(NamedTuple):
    """Numbers of a configuration.

    `half_tile` and `quarter_tile` are in beats, `landing` in cycles; `late` is 1 if the core is pipelined, else 0;
    `stalls` is whether streams may stand still.
    """

    rows: int
    columns: int
    lanes: int
    depth: int
    half_tile: int
    quarter_tile: int
    landing: int
    late: int
    stalls: bool


class Machine(NamedTuple):
    """All that a model has: what there is to do, and where it is.

    Parameters
    ----------
    sizes
        Numbers of the configuration.
    jobs, matches
        As in `CoreWork`; behind the last job is one whose window and tile never come.
    windows, tiles
        By PE: beats of each window, and whether it straddles; beats of each tile.
    blocks
        Commands.
    words
        Beats of all weight streams, then all activation streams: mask of receivers, and whether it ends an item as the
        lowest bit.
    gates, bits
        Of the streams in this order, then the commands, then the ports: see `make_gates`.
    core
        The one and only `CORE`.
    streams, rings
        By stream; by stream and receiver.
    pes, seen
        By PE; by PE and job modulo `LISTS`: cycle from which the job's list is seen.
    popped
        Lists used up whose windows and tiles are not released yet.
    rows, ports, ends
        By row; by port; by port and block modulo `BLOCKS`.
    """

    sizes: Sizes
    jobs: np.ndarray
    matches: np.ndarray
    windows: np.ndarray
    tiles: np.ndarray
    blocks: np.ndarray
    words: np.ndarray
    gates: np.ndarray
    bits: np.ndarray
    core: np.ndarray
    streams: np.ndarray
    rings: np.ndarray
    pes: np.ndarray
    seen: np.ndarray
    popped: np.ndarray
    rows: np.ndarray
    ports: np.ndarray
    ends: np.ndarray


def new_machine(
    config: SnapConfig, program: CoreProgram, work: CoreWork, gates: np.ndarray, bits: np.ndarray
) -> Machine:
    """Machine after reset, with `gates` and `bits` of its streams."""
    rows, columns = config.core_rows, config.core_columns
    jobs = np.zeros(len(work.jobs) + 1, JOB)
    jobs[:-1] = work.jobs
    jobs[-1:]["window"] = jobs[-1:]["tile"] = NEVER
    windows = np.zeros(work.window_beats.shape, WINDOW)
    windows["beats"], windows["straddles"] = work.window_beats, work.straddles
    blocks = np.zeros(len(program.slots), BLOCK)
    for name in BLOCK.names or ():
        blocks[name] = getattr(program, name)
    sources = [*program.weights, *program.activations]
    pes = np.zeros(config.pes, PE)
    pes["row"], pes["column"] = np.divmod(np.arange(config.pes), columns)
    pes["window"], pes["tile"] = jobs[0]["window"], jobs[0]["tile"]
    core = np.zeros(1, CORE)
    core["first"] = -1
    return Machine(
        sizes=Sizes(
            rows=rows, columns=columns, lanes=config.pe_multipliers, depth=config.list_depth,
            half_tile=config.tile_beats // 2, quarter_tile=config.tile_beats // 4, landing=config.landing_cycles,
            late=int(config.pipelined), stalls=bool((gates["threshold"] > 0).any() or (gates["period"] > 0).any()),
        ),
        jobs=jobs, matches=work.matches, windows=windows, tiles=work.tile_beats, blocks=blocks,
        words=np.concatenate([*(stream.masks << 1 | stream.last for stream in sources), [0]]),
        gates=gates, bits=bits, core=core, streams=_streams(config, [len(stream) for stream in sources]),
        rings=np.zeros((len(sources), max(rows, columns)), RING), pes=pes, seen=np.zeros((config.pes, LISTS), np.int64),
        popped=np.zeros(2 * config.pes, POPPED), rows=np.zeros(rows, ROW), ports=np.zeros(config.ports, PORT),
        ends=np.zeros((config.ports, BLOCKS), END),
    )  # fmt: skip


def _streams(config: SnapConfig, lengths: list[int]) -> np.ndarray:
    streams = np.zeros(len(lengths), STREAM)
    streams["end"] = np.cumsum(lengths)
    streams["at"] = streams["end"] - lengths
    streams["changed"] = True
    weights, activations = np.split(streams, [config.core_columns])
    weights["receivers"], activations["receivers"] = config.core_rows, config.core_columns
    weights["most_beats"], activations["most_beats"] = config.weight_beats, config.activation_beats
    weights["most_items"], activations["most_items"] = config.weight_windows, config.activation_tiles
    return streams
