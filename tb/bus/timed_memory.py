"""A memory with a `MemoryTiming`, cycle for cycle as that of bulk simulation: an actor of testbenches."""

import dataclasses
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...sim.memory_timing import MemoryTiming
from ...sim.stalls import RandomStall
from ..bulk.memory import DECERR, ErrorRange

__all__ = ["TimedMemory", "TimedPort"]

OKAY = 0


@dataclasses.dataclass(frozen=True)
class TimedPort:
    """A port in front of a memory: its name, bytes of a beat, and which directions it has."""

    name: str
    bytes: int
    reads: bool = True
    writes: bool = True


class _Gate:
    """Whether a channel goes on: a number of xorshift64* a cycle, as long as it may stall at all."""

    def __init__(self, stall: RandomStall) -> None:
        self._state, self._threshold = stall.state, stall.threshold

    def go(self) -> bool:
        if not self._threshold:
            return True
        mask, state = (1 << 64) - 1, self._state
        state ^= state >> 12
        state ^= state << 25 & mask
        self._state = state = state ^ state >> 27
        return (state * 0x2545F4914F6CDD1D & mask) >> 32 >= self._threshold


class _Pace:
    """When beats of some sides may move: each takes its bytes * cycles / pace of time, from whole cycles on."""

    def __init__(self, pace: int | None, cycles: int) -> None:
        self.pace, self.cycles = pace, cycles
        self.free = 0  # when the last beat ends, in cycles times the pace
        self.sides: list[_Side] = []

    def move(self, cycle: int) -> None:
        moved = []
        for side in self.sides:
            if side.wants(cycle):
                if self.pace is not None:
                    if self.free >= (cycle + 1) * self.pace:
                        break
                    self.free = max(self.free, cycle * self.pace) + self.cycles * side.port.bytes
                side.move(cycle)
                moved.append(side)
        if self.pace is not None:
            self.sides = [side for side in self.sides if side not in moved] + moved


class _Burst:
    def __init__(self, outputs: Mapping[str, Any], channel: str) -> None:
        self.address, self.beats = outputs[f"{channel}addr"], outputs[f"{channel}len"] + 1
        self.id, self.due, self.response = outputs[f"{channel}id"], 0, OKAY


class _Side:
    """One direction of a port."""

    def __init__(self, memory: "TimedMemory", port: TimedPort, number: int) -> None:
        self.memory, self.port, self.timing = memory, port, memory.timing
        self.gates = {channel: _Gate(self.timing.stall(number, channel)) for channel in ("ar", "r", "aw", "w", "b")}
        self.bursts: deque[_Burst] = deque()
        self.ready: dict[str, bool] = {}

    def wants(self, cycle: int) -> bool:
        raise NotImplementedError

    def move(self, cycle: int) -> None:
        raise NotImplementedError


class _Reading(_Side):
    shown: tuple[int, int, int, int] | None = None  # data, response, id, last

    def begin(self) -> None:
        self.ready = {"ar": self.gates["ar"].go() and len(self.bursts) < self.timing.outstanding}
        self._go = self.gates["r"].go()

    def wants(self, cycle: int) -> bool:
        return self._go and self.shown is None and bool(self.bursts) and self.bursts[0].due <= cycle

    def move(self, cycle: int) -> None:
        burst = self.bursts[0]
        data, response = self.memory.load(burst.address, self.port.bytes)
        self.shown = (data, response, burst.id, int(burst.beats == 1))

    def inputs(self) -> dict[str, int]:
        data, response, number, last = self.shown or (0, OKAY, 0, 0)
        values = {"data": data, "resp": response, "id": number, "last": last, "valid": int(self.shown is not None)}
        return {f"r{name}": value for name, value in values.items()} | {"arready": int(self.ready["ar"])}

    def observe(self, cycle: int, outputs: Mapping[str, Any]) -> bool:
        moved = self.shown is not None and bool(outputs["rready"])
        if moved:
            self.shown = None
            self.bursts[0].address += self.port.bytes
            self.bursts[0].beats -= 1
            if not self.bursts[0].beats:
                self.bursts.popleft()
        if outputs["arvalid"] and self.ready["ar"]:
            burst = _Burst(outputs, "ar")
            burst.due = cycle + self.timing.latency
            self.bursts.append(burst)
            moved = True
        return moved


class _Writing(_Side):
    shown = False

    def __init__(self, memory: "TimedMemory", port: TimedPort, number: int) -> None:
        super().__init__(memory, port, number)
        self.answers: deque[_Burst] = deque()
        self.buffer: deque[tuple[int, int]] = deque()

    def begin(self) -> None:
        room = len(self.bursts) + len(self.answers) < self.timing.outstanding
        self.ready = {"aw": self.gates["aw"].go() and room}
        self.ready["w"] = self.gates["w"].go() and len(self.buffer) < self.timing.write_buffer
        self._go = self.gates["b"].go()

    def wants(self, cycle: int) -> bool:
        return bool(self.buffer) and bool(self.bursts)

    def move(self, cycle: int) -> None:
        burst = self.bursts[0]
        response = self.memory.store(burst.address, self.port.bytes, *self.buffer.popleft())
        burst.response = burst.response or response
        burst.address += self.port.bytes
        burst.beats -= 1
        if not burst.beats:
            burst.due = cycle - 1 + self.timing.write_latency
            self.answers.append(self.bursts.popleft())

    def offer(self, cycle: int) -> None:
        self.shown |= self._go and bool(self.answers) and self.answers[0].due <= cycle

    def inputs(self) -> dict[str, int]:
        answer = (self.answers[0].response, self.answers[0].id) if self.shown else (OKAY, 0)
        ready = {f"{name}ready": int(value) for name, value in self.ready.items()}
        return ready | {"bresp": answer[0], "bid": answer[1], "bvalid": int(self.shown)}

    def observe(self, cycle: int, outputs: Mapping[str, Any]) -> bool:
        moved = self.shown and bool(outputs["bready"])
        if moved:
            self.answers.popleft()
            self.shown = False
        if outputs["awvalid"] and self.ready["aw"]:
            self.bursts.append(_Burst(outputs, "aw"))
            moved = True
        if outputs["wvalid"] and self.ready["w"]:
            self.buffer.append((outputs["wdata"], outputs["wstrb"]))
            moved = True
        return moved


class TimedMemory:
    """Answers what its ports ask, as `MemoryTiming` says. It checks no rules: see `ReadMemory` and `WriteMemory`.

    Parameters
    ----------
    data
        Its bytes, changed in place; beyond them is DECERR.
    ports
        In the order of their numbers.
    errors
        Where it fails.

    Attributes
    ----------
    done
        It owes no answer, and holds no data that aren't written.
    """

    def __init__(
        self, data: np.ndarray, ports: Sequence[TimedPort], timing: MemoryTiming, errors: Sequence[ErrorRange] = ()
    ) -> None:
        self.data, self.timing, self.errors = data, timing, errors
        self._reads = {port.name: _Reading(self, port, number) for number, port in enumerate(ports) if port.reads}
        self._writes = {port.name: _Writing(self, port, number) for number, port in enumerate(ports) if port.writes}
        both = timing.pace is not None
        reads = _Pace(timing.pace if both else timing.read_pace, timing.pace_cycles)
        writes = _Pace(timing.write_pace, timing.pace_cycles)
        self._paces = [reads, writes]
        for port in ports:
            reads.sides += [self._reads[port.name]] if port.reads else []
            (reads if both else writes).sides += [self._writes[port.name]] if port.writes else []
        self._cycle = 0

    @property
    def done(self) -> bool:
        """All was answered."""
        open_reads = any(side.bursts for side in self._reads.values())
        return not open_reads and not any(s.bursts or s.answers or s.buffer for s in self._writes.values())

    def drive(self) -> dict[str, Any]:
        """Inputs of the design in this cycle; 0 where nothing is valid."""
        sides = [*self._reads.items(), *self._writes.items()]
        for _, side in sides:
            side.begin()
        for pace in self._paces:
            pace.move(self._cycle)
        for side in self._writes.values():
            side.offer(self._cycle)
        return {f"{name}_{pin}": value for name, side in sides for pin, value in side.inputs().items()}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """See what the design does in this cycle; whether anything moved."""
        moved = False
        for name, side in [*self._reads.items(), *self._writes.items()]:
            start = f"{name}_"
            mine = {pin[len(start) :]: value for pin, value in outputs.items() if pin.startswith(start)}
            moved |= side.observe(self._cycle, mine)
        self._cycle += 1
        return moved

    def load(self, address: int, size: int) -> tuple[int, int]:
        """A beat, and the response."""
        if response := self._response(address, size):
            return 0, response
        return int.from_bytes(self.data[address : address + size].tobytes(), "little"), OKAY

    def store(self, address: int, size: int, value: int, strobe: int) -> int:
        """Write a beat; gives the response."""
        if response := self._response(address, size):
            return response
        for byte in range(size):
            if strobe >> byte & 1:
                self.data[address + byte] = value >> 8 * byte & 255
        return OKAY

    def _response(self, address: int, size: int) -> int:
        if address + size > len(self.data):
            return DECERR
        hit = (e.response for e in self.errors if e.first < address + size and address < e.end)
        return next(hit, OKAY)
