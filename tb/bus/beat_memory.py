"""Memory behind a buffer of beats: an actor of testbenches."""

import random
from collections import deque
from collections.abc import Mapping
from typing import Any

from ...hw.bus.config import PortConfig

__all__ = ["BeatMemory"]


class BeatMemory:
    """Answers requests in order, a beat a cycle at most, each of them sooner or later.

    Parameters
    ----------
    rows
        What lies where, by address.
    stall, silence
        Probability that a request isn't taken, that no beat comes in a cycle.

    Attributes
    ----------
    asked
        Address of each beat that was asked for.
    given
        Beats that came.
    """

    def __init__(
        self, config: PortConfig, rows: Mapping[int, int], stall: float, silence: float, rng: random.Random
    ) -> None:
        self.config, self.rows, self.stall, self.silence, self.rng = config, rows, stall, silence, rng
        self.asked: list[int] = []
        self.given = 0
        self._due: deque[int] = deque()
        self._waiting: dict[str, int] | None = None
        self._ready = self._gives = False

    def drive(self) -> dict[str, Any]:
        """Ready, and a beat or rubbish."""
        self._ready = self.rng.random() >= self.stall
        self._gives = bool(self._due) and self.rng.random() >= self.silence
        data = self.rows[self._due[0]] if self._gives else self.rng.getrandbits(self.config.data_bits)
        return {"o_requests_ready": int(self._ready), "i_valid": int(self._gives), "i_data": data}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Take a request, which is at most a burst."""
        valid, request = outputs["o_requests_valid"], outputs["o_requests_payload"]
        assert self._waiting in (None, request if valid else None), "a request that waited was changed"
        self._waiting = request if valid and not self._ready else None
        if self._gives:
            self._due.popleft()
            self.given += 1
        if valid and self._ready:
            address, beats, most = request["address"], request["beats"], self.config.max_burst
            assert 0 < beats <= most and address // most == (address + beats - 1) // most
            self.asked += range(address, address + beats)
            self._due += range(address, address + beats)
        return bool(self._gives or (valid and self._ready))
