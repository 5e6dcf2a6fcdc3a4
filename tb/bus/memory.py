"""A memory behind an AXI4 port, that checks what it is asked for: an actor of testbenches for both simulators."""

import dataclasses
import functools
import random
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from ...hw.bus.config import PAGE_BYTES, PortConfig

__all__ = ["Burst", "ReadMemory", "Stalls", "WriteMemory", "bursts_of", "cut_into_bursts", "word"]

OKAY, SLVERR, DECERR = 0, 2, 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stalls:
    """How unwilling memory is: the probability of doing nothing in a cycle, by channel; cycles to an answer at least.

    ``addresses_last``: write addresses are only taken when all data of the burst have come.
    ``after_valid``: an address is taken no sooner than a cycle after it was seen.
    """

    address: float = 0.0
    data: float = 0.0
    answer: float = 0.0
    latency: int = 1
    addresses_last: bool = False
    after_valid: bool = False


@dataclasses.dataclass(frozen=True)
class Burst:
    """First beat by its number in memory, how many, whether the last of its request."""

    address: int
    beats: int
    final: bool

    @property
    def rows(self) -> list[int]:
        """All its beats."""
        return list(range(self.address, self.address + self.beats))


def bursts_of(config: PortConfig, address: int, beats: int) -> list[Burst]:
    """What a request to a memory port is cut into."""
    return cut_into_bursts(config.beat_address_bits, config.max_burst, address, beats)


def cut_into_bursts(address_bits: int, most: int, address: int, beats: int) -> list[Burst]:
    """Bursts of a run of beats: as much as a burst may have, but nothing beyond a multiple of that."""
    cut = []
    while beats:
        length = min(beats, most - address % most)
        cut.append(Burst(address, length, length == beats))
        address, beats = (address + length) % (1 << address_bits), beats - length
    return cut


@functools.cache
def word(row: int, bits: int) -> int:
    """What lies in memory before anything is written: different numbers everywhere."""
    return random.Random(row).getrandbits(bits)


class _Channel:
    """Addresses of bursts, ``ar`` or ``aw``: rules of the protocol, and of our part of it."""

    def __init__(self, name: str, config: PortConfig, stalls: Stalls, rng: random.Random) -> None:
        self.name, self.config, self.stalls, self.rng = name, config, stalls, rng
        self.bursts: list[tuple[int, int]] = []
        self.seen = 0
        self._waiting: dict[str, Any] | None = None
        self._ready = False

    def drive(self, may: bool = True) -> dict[str, Any]:
        self._ready = may and self.rng.random() >= self.stalls.address
        self._ready &= not self.stalls.after_valid or self._waiting is not None
        return {f"m_axi_{self.name}ready": int(self._ready)}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        names = ("addr", "len", "size", "burst", "id", "valid")
        burst = {name: outputs[f"m_axi_{self.name}{name}"] for name in names}
        assert self._waiting in (None, burst), f"{self.name} changed a burst that waited"
        self.seen += burst["valid"] and self._waiting is None
        self._waiting = burst if burst["valid"] and not self._ready else None
        if not (burst["valid"] and self._ready):
            return False
        beats, size = burst["len"] + 1, self.config.bytes
        assert 1 << burst["size"] == size and burst["burst"] == 1 and burst["id"] == 0
        assert burst["addr"] % size == 0 and beats <= self.config.max_burst
        assert burst["addr"] // PAGE_BYTES == (burst["addr"] + beats * size - 1) // PAGE_BYTES, "a burst crosses a page"
        self.bursts.append((burst["addr"] // size, beats))
        return True


class ReadMemory:
    """Answers on R, in order, with `word` of each beat's number.

    Parameters
    ----------
    errors
        Answers that fail: SLVERR or DECERR by number of the beat.

    Attributes
    ----------
    asked
        Bursts that were asked for so far, address and beats.
    unanswered, most_unanswered
        Bursts that wait for their answers, and how many that ever were.
    """

    def __init__(
        self, config: PortConfig, stalls: Stalls, rng: random.Random, errors: Mapping[int, int] | None = None
    ) -> None:
        self.config, self.stalls, self.rng, self.errors = config, stalls, rng, dict(errors or {})
        self._addresses = _Channel("ar", config, stalls, rng)
        self.asked = self._addresses.bursts
        self._due: deque[tuple[int, int, bool]] = deque()  # cycle, beat, last
        self._cycle, self._offered = 0, False
        self.unanswered = self.most_unanswered = 0

    @property
    def done(self) -> bool:
        """All was answered."""
        return not self._due

    def drive(self) -> dict[str, Any]:
        """Address ready, and an answer or rubbish."""
        inputs = self._addresses.drive()
        due = bool(self._due) and self._due[0][0] <= self._cycle
        self._offered = due and (self._offered or self.rng.random() >= self.stalls.answer)
        bits, rubbish = self.config.data_bits, {"resp": self.rng.choice([OKAY, DECERR]), "last": 1, "data": 0}
        if self._offered:
            _, row, last = self._due[0]
            rubbish = {"resp": self.errors.get(row, OKAY), "last": int(last), "data": word(row, bits)}
        answer = rubbish | {"id": 0, "valid": int(self._offered)}
        return inputs | {f"m_axi_r{name}": value for name, value in answer.items()}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Take an address; the answer is always taken."""
        moved = self._offered
        assert outputs["m_axi_rready"] == 1
        assert not (outputs["o_idle"] and (self._due or outputs["m_axi_arvalid"]))
        if self._offered:
            self.unanswered -= self._due.popleft()[2]
            self._offered = False
        if self._addresses.observe(outputs):
            moved, (address, beats) = True, self.asked[-1]
            at = self._cycle + self.stalls.latency
            self._due.extend((at, address + beat, beat == beats - 1) for beat in range(beats))
            self.unanswered += 1
        self.most_unanswered = max(self.most_unanswered, self.unanswered)
        assert self.unanswered <= self.config.outstanding
        self._cycle += 1
        return moved


class WriteMemory:
    """Takes addresses and data independently of each other; answers on B, in order.

    Parameters
    ----------
    errors
        Answers that fail: SLVERR or DECERR by number of a beat of the burst.

    Attributes
    ----------
    asked
        Bursts that were asked for so far, address and beats.
    written
        Bytes that were written, by address.
    answered, most_unanswered
        Bursts that were answered; how many at most were asked for and not answered.
    """

    def __init__(
        self, config: PortConfig, stalls: Stalls, rng: random.Random, errors: Mapping[int, int] | None = None
    ) -> None:
        self.config, self.stalls, self.rng, self.errors = config, stalls, rng, dict(errors or {})
        self._addresses = _Channel("aw", config, stalls, rng)
        self.asked = self._addresses.bursts
        self.written: dict[int, int] = {}
        self._beats: list[tuple[int, int]] = []
        self._data: deque[list[tuple[int, int]]] = deque()  # whole bursts: data and strobes
        self.came, self.answered, self.most_unanswered = 0, 0, 0
        self._due: deque[tuple[int, int]] = deque()  # cycle, response
        self._cycle, self._offered, self._ready = 0, False, False
        self._waiting: tuple[Any, ...] | None = None

    @property
    def done(self) -> bool:
        """All was answered, and no data are left over."""
        return not self._due and not self._data and not self._beats and self.answered == len(self.asked)

    def drive(self) -> dict[str, Any]:
        """Ready, and an answer or rubbish."""
        inputs = self._addresses.drive(not self.stalls.addresses_last or self.came > len(self.asked))
        self._ready = self.rng.random() >= self.stalls.data
        due = bool(self._due) and self._due[0][0] <= self._cycle
        self._offered = due and (self._offered or self.rng.random() >= self.stalls.answer)
        response = self._due[0][1] if self._offered else self.rng.choice([OKAY, DECERR])
        answer = {"id": 0, "resp": response, "valid": int(self._offered)}
        return inputs | {"m_axi_wready": int(self._ready)} | {f"m_axi_b{name}": v for name, v in answer.items()}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Take an address and a beat, and carry out bursts that are complete."""
        moved = self._offered
        assert outputs["m_axi_bready"] == 1
        assert not (outputs["o_idle"] and (self.answered < self._addresses.seen or outputs["m_axi_awvalid"]))
        if self._offered:
            self._due.popleft()
            self.answered, self._offered = self.answered + 1, False
        moved |= self._addresses.observe(outputs)
        self.most_unanswered = max(self.most_unanswered, len(self.asked) - self.answered)
        beat = tuple(outputs[f"m_axi_w{name}"] for name in ("data", "strb", "last", "valid"))
        assert self._waiting in (None, beat), "w changed a beat that waited"
        self._waiting = beat if beat[-1] and not self._ready else None
        if beat[-1] and self._ready:
            moved = True
            assert self.came < self._addresses.seen, "data before their address"
            self._beats.append(beat[:2])
            if beat[2]:
                self._data.append(self._beats)
                self._beats, self.came = [], self.came + 1
        self._carry_out()
        self._cycle += 1
        return moved

    def _carry_out(self) -> None:
        while self._data and self.answered + len(self._due) < len(self.asked):
            address, beats = self.asked[self.answered + len(self._due)]
            burst = self._data.popleft()
            assert len(burst) == beats, "wlast is not at the last beat"
            for row, (data, strobe) in enumerate(burst, address):
                for byte in range(self.config.bytes):
                    if strobe >> byte & 1:
                        self.written[row * self.config.bytes + byte] = data >> 8 * byte & 255
            response = next((self.errors[row] for row in range(address, address + beats) if row in self.errors), OKAY)
            self._due.append((self._cycle + self.stalls.latency, response))
            assert self.answered + len(self._due) + len(self._data) <= len(self.asked) + self.config.outstanding


def random_requests(config: PortConfig, rng: random.Random, count: int) -> list[dict[str, int]]:
    """Requests at and around borders of pages and bursts, at the end of memory, of none, one and many beats."""
    rows, page = 1 << config.beat_address_bits, PAGE_BYTES // config.bytes
    most = min(3 * config.max_burst + 3, (1 << config.beats_bits) - 1)
    requests = []
    for _ in range(count):
        border = rng.choice([0, page * rng.randrange(rows // page), config.max_burst * rng.randrange(64)])
        address = rng.choice([border, border - rng.randint(0, 2 * config.max_burst), rng.randrange(rows)]) % rows
        beats = rng.choice([0, 1, config.max_burst, rng.randint(1, most), rng.randint(1, 3), most])
        requests.append({"address": address, "beats": min(beats, most)})
    return requests


def all_bursts(config: PortConfig, requests: Iterable[Mapping[str, int]]) -> list[Burst]:
    """What all requests are cut into."""
    return [burst for request in requests for burst in bursts_of(config, request["address"], request["beats"])]


def first_error(config: PortConfig, bursts: Iterable[Burst], errors: Mapping[int, int]) -> dict[str, int]:
    """What an engine reports: the first failing beat of the first failing burst says how."""
    for burst in bursts:
        for row in burst.rows:
            if row in errors:
                decode = int(errors[row] == DECERR)
                return {"valid": 1, "decode": decode, "address": burst.address * config.bytes}
    return {"valid": 0}


def random_errors(bursts: list[Burst], rng: random.Random) -> dict[int, int]:
    """A few beats that fail: first, middle and last ones, of any burst."""
    errors = {}
    for burst in rng.sample(bursts, min(3, len(bursts))):
        row = rng.choice([burst.rows[0], burst.rows[-1], rng.choice(burst.rows)])
        errors[row] = rng.choice([SLVERR, DECERR])
    return errors


STALLS = (
    Stalls(),
    Stalls(latency=20),
    Stalls(address=0.9),
    Stalls(data=0.9),
    Stalls(answer=0.9, latency=3),
    Stalls(address=0.5, data=0.5, answer=0.5, latency=7, after_valid=True),
    Stalls(address=0.3, data=0.3, addresses_last=True),
)
"""Each channel alone, all, none."""
