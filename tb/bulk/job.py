"""Jobs of a compiled simulation: what they take, give, and how they fail."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...hw.errors import FailureError

__all__ = [
    "TRANSFER",
    "Result",
    "SimulationError",
    "WatchdogError",
    "check_outputs",
    "check_streams",
    "first",
    "stall_probabilities",
]


TRANSFER = np.dtype([("cycle", "u8"), ("port", "u4"), ("channel", "u4")])
"""Cycle, from 0 on; number of the port in `memory_ports`; number of the channel in `CHANNELS`."""


class SimulationError(FailureError):
    """The design broke a rule: an assertion, the stream protocol, or more output than it should give."""


class WatchdogError(SimulationError):
    """Nothing moved for too long, or the job took too long; the message says who waits."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What a job gave.

    Attributes
    ----------
    outputs
        Received beats by stream: arrays of shape (beats, ...), for structs dicts of them.
    cycles
        From the first edge after reset up to and including the last output transfer (if no output was expected: the
        end of the software's last wait; if there was none: the last transfer at all).
    counters
        Value of each output port that belongs to no stream or bus after the job's last edge, and what software read
        from registers, by the name that it gave.
    beats
        Transfers by stream, inputs included, and by data channel of memory ports, as ``m_axi_r`` and ``m_axi_w``.
    transfers
        Of all channels of memory ports, in order: structured array of `TRANSFER`. Empty unless they were logged.
    """

    outputs: dict[str, Any]
    cycles: int
    counters: dict[str, Any]
    beats: dict[str, int]
    transfers: np.ndarray


def check_streams(streams: Sequence[dict[str, Any]], names: Mapping[str, Any], direction: str) -> None:
    """Check that `names` are streams of a direction, ``in`` or ``out``."""
    known = [stream["name"] for stream in streams if stream["direction"] == direction]
    for name in names:
        if name not in known:
            raise ValueError(f"{direction}put stream must be one of {', '.join(known)}, not {name!r}")


def check_outputs(counts: Mapping[str, int]) -> None:
    """Check the numbers of beats that outputs must give."""
    for name, count in counts.items():
        if not isinstance(count, (int, np.integer)) or isinstance(count, bool):
            raise TypeError(f"{name} must be an integer number of beats, not {count!r}")
        if count < 0:
            raise ValueError(f"{name} must be a number of beats of at least 0, not {count!r}")


def stall_probabilities(names: Sequence[str], stalls: float | Mapping[str, float]) -> dict[str, float]:
    """Probability of a stall by stream, from one number or numbers of some streams."""
    if not isinstance(stalls, Mapping):
        stalls = dict.fromkeys(names, stalls)
    for name, value in stalls.items():
        if name not in names:
            raise ValueError(f"stream must be one of {', '.join(names)}, not {name!r}")
        if not 0 <= value < 1:
            raise ValueError(f"stalls must be a probability of at least 0 and less than 1, not {value!r}")
    return dict.fromkeys(names, 0.0) | dict(stalls)


def first(values: Any) -> Any:
    """The only one of unpacked values, as a Python number where it is a number."""
    if isinstance(values, dict):
        return {name: first(value) for name, value in values.items()}
    return values[0] if values.ndim > 1 else int(values[0])
