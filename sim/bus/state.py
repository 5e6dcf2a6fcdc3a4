"""State of a memory port, and of what shares it, in structured arrays that compiled functions share."""

import numpy as np

from ...hw.bus.config import PortConfig
from ..memory_timing import MemoryTiming

__all__ = ["BUS", "FIFO", "LOADER", "PORT", "new_bus", "new_port", "numbers"]

PLACES = 512
"""Of queues whose lengths others limit; a power of two, more than there are bursts or requests on their way."""


def numbers(*names: str) -> np.dtype:
    """Make a record of numbers."""
    return np.dtype([(name, "i8") for name in names])


BUS = numbers(
    "burst", "outstanding", "depth", "bytes", "latency", "write_latency", "read_pace", "write_pace", "shared_pace",
    "memory_outstanding", "write_buffer",
)  # fmt: skip
"""Numbers of the ports and of the memory behind them. Paces are in bytes, 0: none; each beat costs its ``bytes``, by
the cycles in which a pace counts."""

PORT = np.dtype(
    [
        (name, "i8")
        for name in (
            # what happens in the cycle: the client that gets a beat, that whose request is taken (-1: none)
            *("arrived", "granted"),
            # read arbiter, reader
            *("arbiter_valid", "arbiter_address", "arbiter_left", "behind", "tags_level", "tags_valid", "tags_put"),
            *("tags_get", "tag_done", "split_address", "split_left", "burst_valid", "burst_beats", "credits"),
            *("asked_put", "asked_get", "beats_level", "beats_valid"),
            # memory
            *("read_shown", "read_done", "read_credit", "read_most", "write_credit", "write_most", "write_first"),
            *("b_valid", "b_put", "b_get", "w_level", "w_done", "w_get", "w_ready", "aw_ready"),
            # writer
            *("writer_left", "writer_address", "writer_valid", "writer_beats", "writer_final", "aw_valid"),
            *("unclaimed", "sent_put", "sent_get", "answered_get", "w_fifo", "w_valid", "w_number", "sends"),
            "written",
        )
    ]
    + [
        (name, "i8", PLACES)
        for name in ("tag_client", "tag_beats", "asked_beats", "asked_due", "sent_beats", "sent_final", "answers")
    ]
)
"""Arbiter, reader, writer and memory of a port. Queues: clients and beats of requests; bursts that are read (beats,
due) and written (beats, whether they end a request, when the answer is due). ``sends``: a beat is written; ``written``:
a request was answered in the cycle before."""

LOADER = numbers("address", "left", "start", "beats", "passes", "count", "valid", "free")
"""A `BeatLoader`: what is left of a pass; a pass; passes left; the request that it offers; free rows."""

FIFO = numbers("level", "valid")
"""A `Fifo`: beats in its memory, whether it offers one."""


def new_bus(config: PortConfig, timing: MemoryTiming) -> np.ndarray:
    """Numbers of ports and their memory, one `BUS`."""
    bus = np.zeros(1, BUS)
    values = {
        "burst": config.max_burst, "outstanding": config.outstanding, "depth": config.fifo_depth,
        "bytes": config.bytes * timing.pace_cycles, "latency": timing.latency, "write_latency": timing.write_latency,
        "read_pace": timing.read_pace or 0, "write_pace": timing.write_pace or 0, "shared_pace": timing.pace or 0,
        "memory_outstanding": timing.outstanding, "write_buffer": timing.write_buffer,
    }  # fmt: skip
    for name, value in values.items():
        bus[name] = value
    return bus


def new_port(config: PortConfig, timing: MemoryTiming) -> np.ndarray:
    """Port that was reset, and its memory, one `PORT`."""
    port, size = np.zeros(1, PORT), config.bytes * timing.pace_cycles
    port["credits"] = config.fifo_depth
    port["arrived"] = port["granted"] = -1
    port["read_most"] = port["read_credit"] = (timing.pace or timing.read_pace or 0) + size - 1
    port["write_most"] = port["write_credit"] = (timing.write_pace or 0) + size - 1
    return port
