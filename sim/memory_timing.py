"""How long a memory behind AXI4 ports takes, for bulk simulation, testbenches and cycle models alike."""

import dataclasses
from collections.abc import Mapping

from ..hw.config import check, check_int, check_number
from .stalls import RandomStall, random_state

__all__ = ["CHANNELS", "MemoryTiming"]

CHANNELS = ("ar", "r", "aw", "w", "b")


@dataclasses.dataclass(frozen=True, kw_only=True)
class MemoryTiming:
    """What a memory with any number of ports takes. The default is as fast as a memory can be.

    *Reading.* A burst whose address is taken in cycle t gives its first beat no sooner than in cycle t + `latency`,
    each further one when the one before was taken, bursts of a port in order.

    *Writing.* Data go into a buffer of the port, address or not. A beat that is in the buffer, and whose address is
    taken, is written no sooner than in the next cycle, one a cycle and port. A burst whose last beat is written in
    cycle t is answered no sooner than in cycle t - 1 + `write_latency`.

    *Pace.* With a pace of p bytes in c cycles and beats of B bytes, beat k of a memory that is never idle moves
    floor(k B c / p) cycles after beat 0, unless its port holds it up: a beat that is read counts when it is offered,
    one that is written when it leaves the buffer. Sides of ports that want to move at once do so in the order in which
    they moved last, the longest ago first; at the beginning reading is before writing, the first port before others.

    Parameters
    ----------
    latency, write_latency
        Cycles, at least 1.
    read_pace, write_pace
        Bytes of all ports together in `pace_cycles` cycles, by direction; None: a beat a cycle and port.
    pace
        Bytes of both directions together, instead of the other two.
    pace_cycles
        Cycles in which so many bytes move: 340 bytes in 7 are 34 GB/s at 700 MHz.
    outstanding
        Bursts of a port and direction that are taken before they are answered. One is only taken in a cycle at whose
        beginning there were fewer.
    write_buffer
        Beats of data that a port takes before they are written; counted likewise.
    stalls
        Probability that a channel does nothing in a cycle: one number, or numbers of some of `CHANNELS`. READY is 0
        then, VALID is not raised.
    seed
        Of the stalls.
    """

    latency: int = 1
    write_latency: int = 1
    read_pace: int | None = None
    write_pace: int | None = None
    pace: int | None = None
    pace_cycles: int = 1
    outstanding: int = 64
    write_buffer: int = 64
    stalls: float | Mapping[str, float] = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("latency", "write_latency", "write_buffer"):  # simulations take longer waits for the end
            check_int(name, getattr(self, name), 1, 1 << 16)
        check_int("outstanding", self.outstanding, 1, 1 << 40)
        check_int("seed", self.seed, 0)
        check_int("pace_cycles", self.pace_cycles, 1, 1 << 20)
        for name in ("read_pace", "write_pace", "pace"):
            if getattr(self, name) is not None:
                check_int(name, getattr(self, name), 1, 1 << 20)
        alone = self.read_pace is None and self.write_pace is None
        check("pace", self.pace is None or alone, "alone, without read_pace and write_pace", self.pace)
        if isinstance(self.stalls, Mapping):
            for name in self.stalls:
                check("stalls", name in CHANNELS, f"of the channels {', '.join(CHANNELS)}", name)
        for name in CHANNELS:
            check_number(f"stalls of {name}", self._rate(name), 0, 1)
            check("stalls", self._rate(name) < 1, "less than 1", self._rate(name))

    @property
    def random(self) -> bool:
        """Whether any channel stalls."""
        return any(self._rate(name) for name in CHANNELS)

    def stall(self, port: int, channel: str) -> RandomStall:
        """When a channel of a port, by its number among the ports of the memory, does nothing: a draw a cycle."""
        state = random_state(self.seed, port * len(CHANNELS) + CHANNELS.index(channel))
        return RandomStall(state=state, threshold=int(self._rate(channel) * 2**32))

    def _rate(self, channel: str) -> float:
        return self.stalls.get(channel, 0.0) if isinstance(self.stalls, Mapping) else self.stalls
