"""cocotb drivers and monitors for streams, with random stalls.

All inputs change at falling edges and outputs are sampled right after, when they have settled: that is what the design
sees at the next rising edge, whatever order a simulator runs things in at the edge itself. So call everything here at a
falling edge, where `reset` and every other coroutine return.
"""

import random
from collections.abc import Iterable, Mapping
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge, with_timeout

from .bits import pack_bits, unpack_bits

__all__ = ["PERIOD_NS", "StreamSink", "StreamSource", "reset", "within"]

PERIOD_NS = 10
"""Of the clock."""


async def reset(dut: Any, manifest: Mapping[str, Any], *, cycles: int = 2, period_ns: int = PERIOD_NS) -> None:
    """Start the clock, set all inputs to 0, and hold reset for some cycles; returns at a falling edge."""
    for port in manifest["ports"]:
        if port["direction"] == "in" and port["name"] != "clk":
            getattr(dut, port["name"]).value = 0
    cocotb.start_soon(Clock(dut.clk, period_ns, unit="ns").start())
    if hasattr(dut, "rst"):
        dut.rst.value = 1
    for _ in range(cycles):
        await RisingEdge(dut.clk)
    await FallingEdge(dut.clk)
    if hasattr(dut, "rst"):
        dut.rst.value = 0


async def within(awaitable: Any, cycles: int, *, period_ns: int = PERIOD_NS) -> Any:
    """Await something for at most a number of clock cycles; `cocotb.triggers.SimTimeoutError` after that."""
    return await with_timeout(awaitable, cycles * period_ns, "ns")


class _Port:
    """Signals and shape of one stream of a design."""

    def __init__(self, dut: Any, manifest: Mapping[str, Any], name: str, stall: float, seed: int) -> None:
        streams = {stream["name"]: stream for stream in manifest["streams"]}
        if name not in streams:
            raise ValueError(f"stream must be one of {', '.join(streams)}, not {name!r}")
        self.name = name
        self.clk = dut.clk
        ports = streams[name]["ports"]
        self.payload, self.valid, self.ready = (getattr(dut, ports[part]) for part in ("payload", "valid", "ready"))
        self.shape = streams[name]["payload"]
        self.stall = stall
        self.random = random.Random(f"{name} {seed}")
        self.transfers = 0

    def go(self) -> bool:
        """Whether this side is willing in this cycle."""
        return self.random.random() >= self.stall


class StreamSource(_Port):
    """Offers beats on an input stream.

    Parameters
    ----------
    dut, manifest, name
        Design, its manifest, and the stream's name.
    stall
        Probability that a new beat isn't offered in a cycle; once offered it stays until it is taken.
    seed
        Of the stalls.
    """

    def __init__(self, dut: Any, manifest: Mapping[str, Any], name: str, *, stall: float = 0.0, seed: int = 0) -> None:
        super().__init__(dut, manifest, name, stall, seed)

    async def send(self, beats: Iterable[Any]) -> None:
        """Send beats (values of the payload's shape) and return after the edge that takes the last one."""
        for beat in beats:
            while not self.go():
                await FallingEdge(self.clk)
            self.payload.value = pack_bits(beat, self.shape)
            self.valid.value = 1
            taken = False
            while not taken:
                await ReadOnly()
                taken = bool(self.ready.value)
                await FallingEdge(self.clk)
            self.transfers += 1
            self.valid.value = 0
            self.payload.value = self.random.getrandbits(self.shape["width"])  # nobody may use it now


class StreamSink(_Port):
    """Takes beats from an output stream, and checks that one that waits stays as it is.

    Parameters
    ----------
    dut, manifest, name
        Design, its manifest, and the stream's name.
    stall
        Probability of not being ready in a cycle.
    seed
        Of the stalls.
    after_valid
        Be ready only in a cycle after one in which a beat was offered and not taken. A stream whose valid waits for
        ready gets stuck.

    Attributes
    ----------
    beats
        Everything taken so far.
    """

    def __init__(
        self,
        dut: Any,
        manifest: Mapping[str, Any],
        name: str,
        *,
        stall: float = 0.0,
        seed: int = 0,
        after_valid: bool = False,
    ) -> None:
        super().__init__(dut, manifest, name, stall, seed)
        self.after_valid = after_valid
        self.beats: list[Any] = []
        self._waiting: int | None = None

    async def receive(self, count: int) -> list[Any]:
        """Take `count` beats and return them after the edge that takes the last one; not ready afterwards.

        Raises
        ------
        AssertionError
            If a beat is withdrawn or changed while it waits.
        """
        start = len(self.beats)
        while len(self.beats) < start + count:
            ready = self.go() and not (self.after_valid and self._waiting is None)
            self.ready.value = ready
            await ReadOnly()
            valid = bool(self.valid.value)
            bits = int(self.payload.value) if valid else None
            if self._waiting is not None:
                assert bits == self._waiting, f"{self.name} withdrew or changed a beat that waited"
            self._waiting = None if ready else bits
            if bits is not None and ready:
                self.transfers += 1
                self.beats.append(unpack_bits(bits, self.shape))
            await FallingEdge(self.clk)
        self.ready.value = 0
        return self.beats[start:]

    async def receive_nothing(self, cycles: int) -> None:
        """See to it that no beat is offered for some cycles.

        Raises
        ------
        AssertionError
            As soon as one is.
        """
        for _ in range(cycles):
            await ReadOnly()
            assert not self.valid.value, f"{self.name} gave more than {len(self.beats)} beats"
            await FallingEdge(self.clk)
