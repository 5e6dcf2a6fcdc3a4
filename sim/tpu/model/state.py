"""State of the TPU's cycle model, in structured arrays that compiled functions share."""

from typing import NamedTuple

import numpy as np

from ....hw.tpu.config import QUEUES
from ...bus.state import numbers
from ...systolic.machine import Sizes
from ..cycles import CATEGORIES

__all__ = [
    "ACTIVATE", "ACTIVATION", "ASKS", "BEATS", "BOARD", "COMMAND", "COMMANDS", "CORE", "FIFOS", "HOST",
    "HOST_IN", "HOST_OUT", "INSTRUCTION", "MATMUL", "MATRIX", "MOVE", "OUT_ROWS", "PARAMETERS", "PLACES", "READERS",
    "RESULT_ROWS", "ROWS", "SETS", "SIZES", "STRETCHES", "UNITS", "VECTOR", "WEIGHTS", "WEIGHT_MEMORY", "WORK",
    "Machine",
]  # fmt: skip

UNITS = len(QUEUES)
HOST_IN, HOST_OUT, WEIGHTS, PARAMETERS, MATRIX, ACTIVATION, VECTOR = range(UNITS)

PLACES = 16
"""Of queues whose lengths others limit; a power of two, more than a unit's queue has."""

HOST, WEIGHT_MEMORY = range(2)
"""Ports by number. Each has two clients: fetch and host_in; weights and parameters."""

READERS = 4
"""Clients of both ports."""

BEATS, WORK, ASKS, COMMANDS, ROWS, SETS, OUT_ROWS, RESULT_ROWS, FIFOS = 0, 4, 8, 12, 13, 14, 15, 16, 17
"""FIFOs by number: of beats by client; of entries and of requests by unit; of the feeder; of parameters; of rows."""

STRETCHES = 3
"""Of rows that an instruction touches: of ``pool`` and ``vector`` one that it writes, then two that it reads; of all
others only the first."""

INSTRUCTION = np.dtype(
    [(name, "i8") for name in ("kind", "unit", "units")] + [(name, "i8", STRETCHES) for name in ("first", "last")]
)
"""What the decoder makes of an instruction: for which unit, units that it waits for, as bits; rows that it touches."""

MOVE = numbers("address", "beats", "ub", "granules", "tiles", "rows", "chunks")
"""An entry of a unit that moves data."""

MATMUL = numbers(
    "accumulate", "drain", "swap", "ub", "rows", "acc", "repeat", "step", "pitch", "convolve", "first", "y", "x",
    "columns", "lines", "column_step", "line_step", "image_step", "kernel_step", "line", "height", "stride", "dilation",
    "window_first", "window_last",
)  # fmt: skip
"""Fields of a `matmul_entry`."""

ACTIVATE = numbers("next", "raw", "planes", "ub", "rows", "pitch", "used", "plane_step")
"""Planes as a number, 1, 2 or 4."""

COMMAND = numbers("rows", "address", "accumulate", "drain", "swap")

SIZES = numbers(
    "row_bits", "beat_bits", "banks", "tile_rows", "chunks", "chunk_bits", "set_beats", "set_rows", "per_beat",
    "per_instruction",
)  # fmt: skip
"""Numbers of the configuration: granules of a row and of a beat as bits of their addresses; beats of the FIFO of
parameters; instructions of a beat, beats of an instruction."""

BOARD = np.dtype(
    [(name, "i8", UNITS) for name in ("depth", "pushed", "issued", "completed", "offered", "issue", "done")]
    + [("targets", "i8", (UNITS, PLACES, UNITS))]
    + [(name, "i8", (UNITS, PLACES, STRETCHES)) for name in ("first", "last")]
)  # fmt: skip
"""Scoreboard. By unit: entries that came, that the unit took, that it completed; in this cycle: whether one may begin,
one is taken, one is completed. By entry: completions of other units that it waits for, rows that it touches."""

CORE = np.dtype(
    [
        (name, "i8")
        for name in (
            "cycle",
            # decoder: what it takes, gives to a unit (-1: nothing)
            *("state", "pc", "takes", "push", "halted"),
            # fetch
            *("left", "parts", "beat", "asks", "address", "beats"),
            # weights: the tile, row and chunk that are next; tiles that came less those that commands were taken for
            *("tile", "row", "chunk", "row_of_tile", "ahead"),
            # parameters
            "number",
            # host_in
            *("in_begun", "in_place", "in_left"),
            # host_out: fetching rows, and giving beats
            *("out_begun", "out_row", "out_left", "credits", "out_way", "out_put", "out_get", "give_begun"),
            *("give_chunk", "unwritten"),
            # feeder
            *("feeds", "first_command", "first_row", "rows_left", "repeat", "matmul", "row_way"),
            *("rows_ahead", "command_put", "command_get"),
            # activation unit
            *("current", "rows", "plane", "flying", "plane_ends", "loaded", "set_beat", "row_address", "put_address"),
            # unified buffer: the window (address, or -1), which of its granules count; what was put in the cycle before
            *("window", "window_first", "window_end", "put", "put_row", "put_beyond"),
            # rows that the host wants to store and to fetch in this cycle (-1: none)
            *("host_stores", "host_fetches"),
            # counters
            *("instructions", "weight_beats", "parameter_beats", "host_in_beats", "host_out_beats", "result_rows"),
            *("vector_rows", *CATEGORIES),
        )
    ]
    + [
        ("reads", "i8", 2), ("chosen", "i8", 2), ("has", "i8", 2), ("kept", "i8", 2),  # halves of the unified buffer
        ("worked", "i8", READERS), ("asked", "i8", READERS),  # by unit: entries that were done, and asked for
        ("leaves", "i8", READERS),  # by client: its beat is taken
        ("out_chunk", "i8", PLACES), ("out_end", "i8", PLACES),  # rows on their way to the host
    ]
)  # fmt: skip
"""Registers of everything else, and counters."""


class Machine(NamedTuple):
    """All that the model has: what there is to do, and where it is.

    Parameters
    ----------
    sizes, bus, core, board
        One record each.
    matrix_sizes, unit
        The matrix unit.
    ports, loaders, fifos
        By number.
    instructions
        The program up to its ``halt``.
    moves, matmuls, activates, vectors
        Entries of units, in order: those that move data by unit; one more behind the last.
    vector
        The vector unit.
    commands
        Queue of `COMMAND`.
    """

    sizes: np.ndarray
    bus: np.ndarray
    core: np.ndarray
    board: np.ndarray
    matrix_sizes: Sizes
    unit: np.ndarray
    ports: np.ndarray
    loaders: np.ndarray
    fifos: np.ndarray
    instructions: np.ndarray
    moves: tuple[np.ndarray, ...]
    matmuls: np.ndarray
    activates: np.ndarray
    vectors: np.ndarray
    vector: np.ndarray
    commands: np.ndarray
