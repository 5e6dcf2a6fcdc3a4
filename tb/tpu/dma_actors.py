"""What surrounds the units that move data: actors of testbenches."""

import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..bench import Sink, Source

__all__ = ["STALLS", "DoneSink", "MemoryBeats"]

STALLS = (
    {"entries": 0, "requests": 0, "beats": 0, "out": 0, "after_valid": False},
    {"entries": 0.8, "requests": 0, "beats": 0, "out": 0, "after_valid": True},
    {"entries": 0, "requests": 0.8, "beats": 0.3, "out": 0, "after_valid": False},
    {"entries": 0, "requests": 0, "beats": 0.7, "out": 0, "after_valid": False},
    {"entries": 0, "requests": 0, "beats": 0, "out": 0.7, "after_valid": True},
    {"entries": 0.3, "requests": 0.3, "beats": 0.3, "out": 0.3, "after_valid": False},
)
"""Probabilities that streams stand still, and whether what is given is only taken when it was offered before."""


class MemoryBeats(Source):
    """Takes requests, and offers their beats on ``i_beats`` in order, none before its request.

    Parameters
    ----------
    requests
        Those that must come, in order, as address and beats.
    beat_bits
        Width of a beat.
    stalls
        One of `STALLS`.
    rng
        Decides on contents and stalls.
    done_at
        Numbers of beats taken at which ``o_done`` must be 1, and else 0; None: it isn't looked at.

    Attributes
    ----------
    most_ahead
        Requests at most that came before the one before them had all its beats taken.
    """

    def __init__(
        self,
        requests: Sequence[tuple[int, int]],
        beat_bits: int,
        stalls: Mapping[str, Any],
        rng: random.Random,
        done_at: Iterable[int] | None = None,
    ) -> None:
        ends = list(itertools.accumulate(beats for _, beats in requests))
        super().__init__("i_beats", [rng.getrandbits(beat_bits) for _ in range(ends[-1])], stalls["beats"], rng)
        self.done_at = None if done_at is None else set(done_at)
        self.most_ahead = 0
        self._wanted, self._ends = [{"address": address, "beats": beats} for address, beats in requests], ends
        self._requests = Sink("o_requests", len(requests), stalls["requests"], rng)

    def drive(self) -> dict[str, Any]:
        """Ready, and a beat or a wrong one."""
        inputs, came = super().drive(), len(self._requests.beats)
        if not came or self.sent == self._ends[came - 1]:
            self._offered = False
            inputs["i_beats_valid"] = 0
        return inputs | self._requests.drive()

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Look at a request, which must be the next one that is wanted."""
        moved = super().observe(outputs)
        if self.done_at is not None:
            assert outputs["o_done"] == (moved and self.sent in self.done_at)
        if self._requests.observe(outputs):
            came = self._requests.beats
            assert came[-1] == self._wanted[len(came) - 1]
            complete = sum(end <= self.sent for end in self._ends)
            self.most_ahead = max(self.most_ahead, len(came) - complete - 1)
            return True
        return moved


class DoneSink(Sink):
    """A sink that sees ``o_done`` in the very cycles in which the last beat of an entry is taken.

    Parameters
    ----------
    ends
        Numbers of beats after which an entry is done; others as of `Sink`.
    """

    def __init__(
        self, name: str, ends: Iterable[int], stall: float, rng: random.Random, *, after_valid: bool = False
    ) -> None:
        self.ends = list(ends)
        super().__init__(name, self.ends[-1], stall, rng, after_valid=after_valid)

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Whether a beat came."""
        moved = super().observe(outputs)
        assert outputs["o_done"] == (moved and len(self.beats) in self.ends), f"o_done after {len(self.beats)} beats"
        return moved
