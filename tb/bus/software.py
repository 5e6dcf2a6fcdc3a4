"""Testbench of the register file with a master of cocotbext-axi."""

import random
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from ..bits import pack_bits
from ..runner import job_data
from ..streams import reset, within
from .failing_memory import pauses
from .maps import MAPS

REGISTERS = MAPS["everything"]


async def start(dut, stalls: dict[str, float]) -> tuple[AxiLiteMaster, random.Random]:
    """Reset, and a master whose channels pause."""
    rng = random.Random(f"{stalls} {job_data()['seed']}")
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
    writes: Any = master.write_if
    reads: Any = master.read_if
    channels = {
        "aw": writes.aw_channel, "w": writes.w_channel, "b": writes.b_channel,
        "ar": reads.ar_channel, "r": reads.r_channel,
    }  # fmt: skip
    for name, probability in stalls.items():
        channels[name].set_pause_generator(pauses(probability, random.Random(rng.random())))
    await reset(dut, job_data()["manifest"])
    return master, rng


STALLS = {"none": {}, "all": dict.fromkeys(("aw", "w", "b", "ar", "r"), 0.5)}
STALLS |= {name: {name: 0.9} for name in ("aw", "w", "b", "ar", "r")}


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS))
async def accesses(dut, stalls: str) -> None:
    """Accesses of any length, several on their way at once, reads and writes together."""
    master, rng = await start(dut, STALLS[stalls])
    place = REGISTERS["address"].offset
    contents = bytearray(REGISTERS["address"].reset.to_bytes(8, "little"))
    held = (1 << 40) - 1
    for _ in range(20):
        offset = rng.randrange(8)
        data = rng.randbytes(rng.randint(1, 8 - offset))
        answer = await within(master.write(place + offset, data), 2000)
        contents[offset : offset + len(data)] = data
        value = int.from_bytes(contents, "little") & held
        contents = bytearray(value.to_bytes(8, "little"))
        assert answer.resp == (AxiResp.OKAY)
        assert (await within(master.read(place, 8), 2000)).data == contents
    several = [cocotb.start_soon(master.write(place, bytes([number] * 5))) for number in range(6)]
    several += [cocotb.start_soon(master.read(place, 4)) for _ in range(6)]
    answers = [await within(one, 2000) for one in several]
    assert all(answer.resp == AxiResp.OKAY for answer in answers)
    assert all(len(set(answer.data)) == 1 or answer.data == contents[:4] for answer in answers[6:])
    assert (await within(master.read(place, 5), 2000)).data == bytes([5] * 5)
    for address in (0x04, 0x0C, 0x7C):
        assert (await within(master.read(address, 4), 2000)).resp == AxiResp.SLVERR
        assert (await within(master.write(address, b"1234"), 2000)).resp == AxiResp.SLVERR
    assert (await within(master.write(REGISTERS["identity"].offset, b"1234"), 2000)).resp == AxiResp.SLVERR


@cocotb.test()
async def interrupt_and_reset(dut) -> None:
    """An event asks for an interrupt if it is enabled, until it is cleared; after a reset nothing is pending."""
    master, _ = await start(dut, STALLS["all"])
    pending, enable = REGISTERS["interrupt_pending"], REGISTERS["interrupt_enable"]
    shape = next(port["shape"] for port in job_data()["manifest"]["ports"] if port["name"] == "i_interrupts")

    async def event(name: str) -> None:
        await FallingEdge(dut.clk)  # the master returns at rising edges
        dut.i_interrupts.value = pack_bits({"done": 0, "error": 0} | {name: 1}, shape)
        await FallingEdge(dut.clk)
        dut.i_interrupts.value = 0
        await FallingEdge(dut.clk)

    for _ in range(2):
        await event("error")
        assert not dut.o_interrupt.value
        await master.write_dword(enable.offset, enable.pack(error=1))
        assert dut.o_interrupt.value
        await event("done")
        await master.write_dword(pending.offset, pending.pack(error=1))
        assert not dut.o_interrupt.value
        assert await master.read_dword(pending.offset) == pending.pack(done=1)
        await master.write_dword(enable.offset, enable.pack(done=1, error=1))
        assert dut.o_interrupt.value
        work = cocotb.start_soon(master.write_dword(enable.offset, 0))
        await FallingEdge(dut.clk)
        work.cancel()
        dut.rst.value = 1
        for _ in range(3):
            await FallingEdge(dut.clk)
        dut.rst.value = 0
        await FallingEdge(dut.clk)
        assert not dut.o_interrupt.value
        assert await within(master.read_dword(pending.offset), 2000) == 0
