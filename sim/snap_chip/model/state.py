"""State of the SNAP chip's cycle model, in structured arrays that compiled functions share."""

from typing import NamedTuple

import numpy as np

from ....hw.snap_chip.command import FIELDS, OPTIONAL_FIELDS
from ....hw.snap_chip.config import OA_SLOTS
from ...bus.state import numbers
from ...snap.model.state import Machine

__all__ = [
    "BANK", "BLOCK", "CARRIED", "CHIP", "COPY", "ITEM", "LAYER", "PARSER", "PORT", "READER", "READERS", "RING", "RINGS",
    "ROW", "SIZES", "Chip",
]  # fmt: skip

READERS = 5
"""Loaders that fill a FIFO: table and segments of input and residual, scales. Behind them those of weight buffers."""

RINGS = 6
"""First client of the read port that is a weight buffer; before it commands, and loaders that fill a FIFO."""


LAYER = numbers(
    *(field.name for field in FIELDS + OPTIONAL_FIELDS),
    "convolves", "groups", "across", "left", "blocks", "in_count", "residual_count", "region_entries",
)  # fmt: skip
"""A layer's fields, and numbers that follow from them: columns from a tap to the next and of padding, segments."""

SIZES = numbers(
    "rows", "columns", "cores", "entries", "channels", "bitmap_bytes", "beat_words", "weight_rows", "bank_words",
    "row_words", "run_words", "directory_entries", "tile_slots", "resident_bands", "residual_steps", "core_kernels",
    "lengths", "scales", "blocks", "command_beats", "carries",
)  # fmt: skip
"""Numbers of the configuration."""

BLOCK = numbers("pixels", "line", "x", "group", "lines", "tile", "need", "free", "round", "end", "again")
"""A block: its first pixel's line of the input for the first tap, line and column group in the region; and so on."""

ITEM = np.dtype(
    [
        ("line", "i4"), ("x", "i4"), ("column", "i4"), ("across", "i4"), ("tile", "i4"), ("tiles", "u1"), ("rest", "?"),
        ("block_last", "?"),
    ],
    align=True,
)  # fmt: skip
"""Pixels of all rows for a step and a tap: line of the input (-1: blank), line in the region, first column of the
output, column of the tap, first tile of the input, tiles; whether it is the last of its block."""

READER = numbers("asks", "left", "listed", "segment", "address", "pitch", "table", "count")
"""A `SegmentReader`; which segment is next."""

PARSER = numbers("held", "at", "left", "inside", "tile")

RING = numbers(
    "stored", "fetched", "before", "word", "use_word", "valid", "offset", "filled", "state", "kernel", "group", "op",
    "out", "taken", "block", "starves",
)  # fmt: skip
"""A weight buffer and its feeder; whether the core takes its beat; cycles in which it waits for memory."""

COPY = numbers("valid", "waiting", "ready")
"""A receiver of a broadcast, and whether it takes its beat."""

ROW = numbers("at", "step", "valid", "pooled", "taken")
"""A row's next tile, beats of it that are done, whether its expander and its pool offer something, if that is taken."""

PORT = numbers("tile", "entry", "kernel", "first", "round", "pending", "tiles", "last", "waits")
"""A port of a core; cycle of its last sum, cycles in which a sum waits for it."""

CARRIED = numbers("level", "valid")
"""Sums that are kept for a port: those in the FIFO's memory, and whether it offers one."""

BANK = numbers("level", "band")
"""A bank of activations: words in it, words of the band that is loaded."""

CHIP = np.dtype(
    [
        (name, "i8")
        for name in (
            # time, and what happens in the cycle
            *("cycle", "moves", "lines_seen", "tiles_seen", "free_seen", "slot_free"),
            *("residual_leaves", "taken"),
            # command fetch
            *("fetch", "received", "running", "waiting", "command", "command_at", "scales"),
            # segment writer
            *("segments", "start", "address", "count", "listed", "tile", "region", "ask_valid", "ask_address"),
            *("ask_beats", "table", "output_beats"),
            # tile packer
            *("packer_waits", "packer_words", "packer_final", "level", "ends", "pixel"),
            # residual stage
            *("busy", "final", "step", "full", "full_last", "under_way", "lanes", "lane_tags", "lane_lasts"),
            # output scan
            *("scan_left", "scan_tile", "scan_pixel", "scan_last", "scan_valid", "tiles_read"),
            # slots of the output buffer, table of scales
            *("given", "slots_left", "slots_tile", "rounds", "rounds_loaded", "scale_word", "scale_core"),
            "scale_kernel",
            # loader of activations
            *("loads", "more", "bank", "group", "line", "band_line", "load_tile", "used", "bands_waiting", "tail_line"),
            *("bands_level", "bands_valid", "bands_put", "bands_get", "free_line"),
            # sequencer and block scan
            *("counts", "pixels", "block", "scan_block", "scans", "flushes", "pending", "number", "x", "full_steps"),
            *("rest_steps", "tap_line", "tap_column", "scan_out", "tile_at"),
            # locator, fetch, slots
            *("input_waits", "located", "request", "request_item", "request_number", "looks", "looked", "read"),
            *("fetches", "fetched_last", "put"),
        )
    ]
    + [("last_entries", "i8", OA_SLOTS), ("lines", "i8", OA_SLOTS), ("client_beats", "i8", RINGS + 1)]
)  # fmt: skip
"""Registers of the parts that there are once; beats that clients got, all weight buffers counted as one."""


class Chip(NamedTuple):
    """All that a model has: what there is to do, and where it is.

    Parameters
    ----------
    sizes, bus, chip, layer, memory_port
        One record each.
    loaders, fifos, readers, parsers, rings, copies, rows, ports, carried, banks
        By number.
    bands
        Queue of ``[bands, banks]``: words of each band that was loaded.
    jobs
        ``[layers, rings, 3]``: address, beats and passes of the weights; and operations of the commands.
    operations
        By command.
    blocks, items, group_items
        What the layer has.
    reads, tile_beats, ends_block
        By request: cycles; by request and row: beats; by request: whether it is its block's last.
    in_words, residual_words, out_words
        By tile in order of segments: words.
    in_lengths, residual_lengths
        By segment: beats.
    group_ops, ops
        By ring: where a group's operations end, ``[rings, groups]``; operations, ``[rings, most]``.
    cores, bits
        Machines of the cores, and the bits that gates of their streams read.
    stored
        By ring: beats that the core has stored in all layers before.
    """

    sizes: np.ndarray
    bus: np.ndarray
    chip: np.ndarray
    layer: np.ndarray
    memory_port: np.ndarray
    loaders: np.ndarray
    fifos: np.ndarray
    readers: np.ndarray
    parsers: np.ndarray
    rings: np.ndarray
    copies: np.ndarray
    rows: np.ndarray
    ports: np.ndarray
    carried: np.ndarray
    banks: np.ndarray
    bands: np.ndarray
    jobs: np.ndarray
    operations: np.ndarray
    blocks: np.ndarray
    items: np.ndarray
    reads: np.ndarray
    tile_beats: np.ndarray
    ends_block: np.ndarray
    in_words: np.ndarray
    residual_words: np.ndarray
    out_words: np.ndarray
    in_lengths: np.ndarray
    residual_lengths: np.ndarray
    group_ops: np.ndarray
    ops: np.ndarray
    cores: tuple[Machine, ...]
    bits: np.ndarray
    stored: np.ndarray
