"""A memory of cocotbext-axi in which some accesses fail, and channels that pause."""

import random
from collections.abc import Iterator
from typing import Any

from cocotbext.axi import AxiResp, MemoryRegion

__all__ = ["FailingMemory", "decode_errors", "pauses"]


class FailingMemory(MemoryRegion):
    """Memory in which some accesses fail.

    Attributes
    ----------
    failing
        Addresses of bytes, and SLVERR or DECERR.
    writes
        Whether writes fail too.
    latest
        The last answer that wasn't OKAY.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.failing: dict[int, int] = {}
        self.writes, self.latest = True, 0

    def check(self, address: int, length: int) -> None:
        """Fail if one of these bytes does."""
        for place, response in self.failing.items():
            if address <= place < address + length:
                self.latest = response
                raise ValueError("this access fails on purpose")

    async def _read(self, address: int, length: int, **kwargs: Any) -> bytes:
        self.check(address, length)
        return await super()._read(address, length, **kwargs)

    async def _write(self, address: int, data: bytes, **kwargs: Any) -> None:
        if self.writes:
            self.check(address, len(data))
        await super()._write(address, data, **kwargs)


def decode_errors(memory: FailingMemory, reads: Any, writes: Any) -> None:
    """Make the errors of both sides of a slave what memory said last: the package only knows SLVERR."""
    for channel, field in ((reads.r_channel, "rresp"), (writes.b_channel, "bresp")):
        _decode(memory, channel, field)


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
