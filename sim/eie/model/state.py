"""State of EIE's cycle model, in structured arrays that compiled functions share."""

from typing import NamedTuple

import numpy as np

from ....hw.eie.config import EieConfig
from ..counters import CLASSES, IDLE

__all__ = ["SCAN", "Machine", "Sizes", "new_machine"]

SCAN = CLASSES[:-1]
"""What a cluster does in a cycle of the scan."""

NOTHING, SCAN_END = -1, -2
"""In a register that holds the number of a broadcast."""

SOURCE = np.dtype(
    [
        ("cycle", "i8"), ("next_line", "i8"), ("sent", "i8"),
        ("here", "i8"),  # flags left in the row register
        ("behind", "i8"),  # flags of the line at the memory's output, -1 if there is none
        ("ended", "?"),  # the end of the scan is on its way
        ("root", "i8"), ("read", "i8"), ("ready", "i8"),  # registers of the way to the queues
        ("broadcasts", "i8"), ("full", "i8"), ("source_empty", "i8"),
    ],
    align=True,
)  # fmt: skip

CLUSTER = np.dtype(
    [
        ("credit", "i8"), ("returned", "i8"),
        ("popped", "i8"), ("pushed", "i8"), ("passed", "i8"),  # words: taken, written, done by the fetch cursor
        ("used", "i8"),  # entries taken of the oldest column
        ("begun", "?"),  # the cursor has read a line of its column
        ("line", "i8"),  # the one it reads next, if begun
        ("newest", "i8"),  # number of the line it read last, -1 before
        ("fetched", "i8"),  # lines read
        ("landed", "i8"),  # cycle in which all that was taken is in the sums
        ("ended", "?"),  # no more broadcasts come
        ("entries", "i8"), ("empty_columns", "i8"), ("highest", "i8"), ("full_by", "i8"),
        *((name, "i8") for name in (*SCAN, *IDLE)),
    ],
    align=True,
)  # fmt: skip

WORD = np.dtype([("start", "i8"), ("count", "i8"), ("slot", "i8")])
"""A column in a queue; `slot` counts the lines that were read before its first one."""


class Sizes(NamedTuple):
    """Numbers of the configuration; `line_shift` is the binary logarithm of a line's entries."""

    lanes: int
    queue_depth: int
    line_shift: int
    line_buffer: int
    skip_empty: bool
    landing: int


class Machine(NamedTuple):
    """All that a model has.

    Parameters
    ----------
    sizes
        Numbers of the configuration.
    flags
        By line of the job's inputs: how many of them are not zero.
    starts, counts
        By cluster and broadcast: address of the first entry, and entries.
    source
        The one and only `SOURCE`.
    clusters
        `CLUSTER`.
    queues
        `WORD` by cluster and place.
    """

    sizes: Sizes
    flags: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    source: np.ndarray
    clusters: np.ndarray
    queues: np.ndarray


def new_machine(config: EieConfig, flags: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> Machine:
    """A machine in the first cycle of a job."""
    source, clusters = np.zeros(1, SOURCE), np.zeros(config.clusters, CLUSTER)
    for name in ("behind", "root", "read", "ready"):
        source[name] = NOTHING
    clusters["credit"], clusters["newest"] = config.queue_depth, NOTHING
    return Machine(
        sizes=Sizes(
            lanes=config.lanes, queue_depth=config.queue_depth, line_shift=config.line_entries.bit_length() - 1,
            line_buffer=config.line_buffer, skip_empty=config.skip_empty, landing=config.landing_cycles,
        ),
        flags=flags.astype(np.int64), starts=np.ascontiguousarray(starts, np.int64),
        counts=np.ascontiguousarray(counts, np.int64), source=source, clusters=clusters,
        queues=np.zeros((config.clusters, config.queue_depth), WORD),
    )  # fmt: skip
