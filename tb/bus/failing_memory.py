"""A memory of cocotbext-axi in which some accesses fail, and channels that pause."""

import random
from collections.abc import Iterator
from typing import Any

from cocotbext.axi import AxiResp, MemoryRegion

from .memory import DECERR, SLVERR

__all__ = ["FailingMemory", "decode_errors", "pauses"]


class FailingMemory(MemoryRegion):
    """Memory in which some accesses fail.

    Attributes
    ----------
    failing
        Addresses of bytes, and SLVERR or DECERR.
    reads, writes
        Whether reads and writes fail there.
    latest
        The last answer that wasn't OKAY.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.failing: dict[int, int] = {}
        self.reads, self.writes, self.latest = True, True, 0

    def fail(self, address: int, rng: random.Random, *, reads: bool = True, writes: bool = True) -> None:
        """From now on one byte, and no other, fails with SLVERR or DECERR, whichever."""
        self.failing = {address: rng.choice([SLVERR, DECERR])}
        self.reads, self.writes = reads, writes

    def check(self, address: int, length: int) -> None:
        """Fail if one of these bytes does."""
        for place, response in self.failing.items():
            if address <= place < address + length:
                self.latest = response
                raise ValueError("this access fails on purpose")

    async def _read(self, address: int, length: int, **kwargs: Any) -> bytes:
        if self.reads:
            self.check(address, length)
        return await super()._read(address, length, **kwargs)

    async def _write(self, address: int, data: bytes, **kwargs: Any) -> None:
        if self.writes:
            self.check(address, len(data))
        await super()._write(address, data, **kwargs)


def decode_errors(memory: FailingMemory, *slaves: Any) -> None:
    """Make the errors of slaves, of either side, what memory said last: the package only knows SLVERR."""
    for slave in slaves:
        if hasattr(slave, "r_channel"):
            _decode(memory, slave.r_channel, "rresp")
        else:
            _decode(memory, slave.b_channel, "bresp")


def _decode(memory: FailingMemory, channel: Any, field: str) -> None:
    send = channel.send

    async def sending(answer: Any) -> None:
        if getattr(answer, field) == AxiResp.SLVERR:
            setattr(answer, field, memory.latest)
        await send(answer)

    channel.send = sending


def pauses(probability: float, rng: random.Random) -> Iterator[bool]:
    """For ever: whether a channel does nothing in a cycle."""
    while True:
        yield rng.random() < probability
