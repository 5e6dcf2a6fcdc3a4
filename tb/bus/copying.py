"""Testbench of reader and writer with a memory of cocotbext-axi, which checks the protocol in its own way."""

import random
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge
from cocotbext.axi import AxiBus, AxiSlave

from ..bits import unpack_bits
from ..runner import job_data
from ..streams import StreamSource, reset, within
from .failing_memory import FailingMemory, decode_errors, pauses
from .memory import DECERR, SLVERR, bursts_of
from .parts import COPIER

SIZE = 1 << COPIER.address_bits
HALF = SIZE // COPIER.bytes // 2


class Case:
    """The design with its memory, filled with random bytes.

    Parameters
    ----------
    stalls
        Probability of a pause by channel.
    """

    def __init__(self, dut: Any, rng: random.Random, stalls: dict[str, float]) -> None:
        self.dut, self.rng, self.memory = dut, rng, FailingMemory(SIZE)
        self.manifest = job_data()["manifest"]
        self.shapes = {port["name"]: port["shape"] for port in self.manifest["ports"]}
        self.slave = AxiSlave(AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, target=self.memory)
        reads: Any = self.slave.read_if
        writes: Any = self.slave.write_if
        channels = {
            "ar": reads.ar_channel, "r": reads.r_channel,
            "aw": writes.aw_channel, "w": writes.w_channel, "b": writes.b_channel,
        }  # fmt: skip
        for name, probability in stalls.items():
            channels[name].set_pause_generator(pauses(probability, random.Random(rng.random())))
        decode_errors(self.memory, reads, writes)

    def fill(self) -> bytes:
        """New contents; returns them."""
        contents = self.rng.randbytes(SIZE)
        self.memory.mem[:] = contents
        return contents

    def port(self, name: str) -> Any:
        """Value of an output."""
        return unpack_bits(int(getattr(self.dut, name).value), self.shapes[name])

    async def clear(self) -> None:
        """Forget errors."""
        self.dut.i_clear.value = 1
        await FallingEdge(self.dut.clk)
        self.dut.i_clear.value = 0

    async def copy(self, requests: list[tuple[int, int, int]]) -> None:
        """Source, target and number of beats; returns when all are done."""
        reads = [{"address": source, "beats": beats} for source, _, beats in requests]
        writes = [{"address": target, "beats": beats} for _, target, beats in requests]
        for name, beats in (("i_reads", reads), ("i_writes", writes)):
            cocotb.start_soon(StreamSource(self.dut, self.manifest, name, seed=self.rng.getrandbits(32)).send(beats))
        done = 0
        while done < len(requests):
            await FallingEdge(self.dut.clk)
            done += int(self.dut.o_done.value)

    def requests(self, count: int) -> list[tuple[int, int, int]]:
        """From the lower half of memory to places of the upper half that don't overlap."""
        part = HALF // count
        return [
            (self.rng.randrange(HALF - part), HALF + number * part + self.rng.randrange(part // 2),
             self.rng.choice([1, 2, COPIER.max_burst, self.rng.randint(1, part // 2)]))
            for number in range(count)
        ]  # fmt: skip

    def expected(self, contents: bytes, requests: list[tuple[int, int, int]]) -> bytes:
        """Memory after the copies."""
        after, size = bytearray(contents), COPIER.bytes
        for source, target, beats in requests:
            after[target * size : (target + beats) * size] = contents[source * size : (source + beats) * size]
        return bytes(after)


async def start(dut: Any, name: str, stalls: dict[str, float]) -> Case:
    """Reset, and a memory."""
    case = Case(dut, random.Random(f"{name} {job_data()['seed']}"), stalls)
    await reset(dut, case.manifest)
    return case


CHANNELS = ("ar", "r", "aw", "w", "b")
PAUSES = {"none": {}, "all": dict.fromkeys(CHANNELS, 0.3)} | {name: {name: 0.9} for name in CHANNELS}


@cocotb.test()
@cocotb.parametrize(stalls=list(PAUSES))
async def copies(dut: Any, stalls: str) -> None:
    """Several runs one behind the other, wherever they lie, end up where they should, and nothing else changes."""
    case = await start(dut, f"copies {stalls}", PAUSES[stalls])
    contents, requests = case.fill(), case.requests(6)
    await within(case.copy(requests), 20000)
    assert bytes(case.memory.mem) == case.expected(contents, requests)
    assert not case.port("o_read_error")["valid"] and not case.port("o_write_error")["valid"]


@cocotb.test()
@cocotb.parametrize(side=["read", "write"], response=[SLVERR, DECERR])
async def failures(dut: Any, side: str, response: int) -> None:
    """Errors on the first, a middle and the last beat of a burst; the transfers end, and the first burst is named."""
    case = await start(dut, f"failures {side} {response}", PAUSES["all"])
    for place in ("first", "middle", "last"):
        case.fill()
        requests = [(HALF // 2 + 3, HALF + 7, 50), (5, HALF + HALF // 2, 3)]
        address = requests[0][side == "write"]
        burst = bursts_of(COPIER, address, 50)[1]
        row = {"first": burst.rows[0], "middle": burst.rows[len(burst.rows) // 2], "last": burst.rows[-1]}[place]
        later = bursts_of(COPIER, address, 50)[2].address
        case.memory.failing = {row * COPIER.bytes + 1: response, later * COPIER.bytes: response ^ 1}
        await within(case.copy(requests), 20000)
        error = case.port(f"o_{side}_error")
        assert error == {"valid": 1, "decode": response & 1, "address": burst.address * COPIER.bytes}
        other = "write" if side == "read" else "read"
        assert not case.port(f"o_{other}_error")["valid"]
        await case.clear()
        assert not case.port(f"o_{side}_error")["valid"]


@cocotb.test()
async def reset_in_the_middle(dut: Any) -> None:
    """After a reset at any time, with the memory, everything works again."""
    case = await start(dut, "reset", PAUSES["all"])
    for cycles in (1, 3, 6, 11, 20, 40, 75):
        case.fill()
        work = cocotb.start_soon(case.copy([(case.rng.randrange(100), HALF + case.rng.randrange(100), 200)]))
        for _ in range(cycles):
            await FallingEdge(dut.clk)
        assert not work.done()
        work.cancel()
        for name in ("i_reads_valid", "i_writes_valid"):
            getattr(dut, name).value = 0
        dut.rst.value = 1
        for _ in range(3):
            await FallingEdge(dut.clk)
        dut.rst.value = 0
        contents, requests = case.fill(), case.requests(2)
        await within(case.copy(requests), 20000)
        assert bytes(case.memory.mem) == case.expected(contents, requests)
