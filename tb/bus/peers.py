"""Memories and software of cocotbext-axi around a whole machine, which check the protocol in their own way."""

import random
from collections.abc import Mapping
from typing import Any

from cocotb.triggers import FallingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiReadBus, AxiSlaveRead, AxiSlaveWrite, AxiWriteBus

from ...hw.bus.register_map import RegisterMap
from .failing_memory import FailingMemory, decode_errors, pauses

__all__ = ["Peers"]


class Peers:
    """A machine with registers, its memories, and software.

    Parameters
    ----------
    dut, registers
        The machine, and its registers behind ``s_axil``.
    memories
        What lies behind each memory port, by the port's name; a port either reads or writes.
    rng
        Where chance comes from.
    stalls
        Probability of a pause by channel.

    Attributes
    ----------
    channels
        By the names of port and channel, like ``m_axi_read_ar``.
    """

    def __init__(
        self,
        dut: Any,
        registers: RegisterMap,
        memories: Mapping[str, FailingMemory],
        rng: random.Random,
        stalls: Mapping[str, float],
    ) -> None:
        self.dut, self.registers, self.rng = dut, registers, rng
        self.channels: dict[str, Any] = {}
        for name, memory in memories.items():
            reads = hasattr(dut, f"{name}_arvalid")
            kind, bus = (AxiSlaveRead, AxiReadBus) if reads else (AxiSlaveWrite, AxiWriteBus)
            slave: Any = kind(bus.from_prefix(dut, name), dut.clk, dut.rst, target=memory)
            decode_errors(memory, slave)
            self._add(name, slave, ("ar", "r") if reads else ("aw", "w", "b"))
        self.master: Any = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        self._add("s_axil", self.master.read_if, ("ar", "r"))
        self._add("s_axil", self.master.write_if, ("aw", "w", "b"))
        for name, probability in stalls.items():
            self.pause(name, probability)

    def _add(self, port: str, side: Any, channels: tuple[str, ...]) -> None:
        self.channels |= {f"{port}_{name}": getattr(side, f"{name}_channel") for name in channels}

    def pause(self, channel: str, probability: float) -> None:
        """Let a channel do nothing in some cycles from now on; in all of them, if the probability is 1."""
        self.channels[channel].set_pause_generator(pauses(probability, random.Random(self.rng.random())))

    def go_on(self, channel: str) -> None:
        """Let a channel pause no more."""
        self.channels[channel].clear_pause_generator()
        self.channels[channel].pause = False

    async def write(self, name: str, **fields: int) -> None:
        """Write a register."""
        register = self.registers[name]
        answer = await self.master.write(
            register.offset, register.pack(**fields).to_bytes(register.bits // 8, "little")
        )
        assert answer.resp == 0

    async def read(self, name: str) -> int:
        """Read a register."""
        register = self.registers[name]
        answer = await self.master.read(register.offset, register.bits // 8)
        assert answer.resp == 0
        return int.from_bytes(answer.data, "little")

    async def fields(self, name: str) -> dict[str, int]:
        """Read a register, field by field."""
        return self.registers[name].unpack(await self.read(name))

    async def counts(self) -> dict[str, int]:
        """All counters, as they are at one time."""
        await self.write("counter_control", snapshot=1)
        return {event.name: await self.read(f"count_{event.name}") for event in self.registers.counters}

    async def interrupt(self) -> None:
        """Wait for the interrupt."""
        while not int(self.dut.o_interrupt.value):
            await FallingEdge(self.dut.clk)

    async def idle(self) -> None:
        """Wait until the machine is at work no more."""
        while await self.read("status"):
            pass

    async def wait(self, cycles: int) -> None:
        """Let some cycles pass."""
        for _ in range(cycles):
            await FallingEdge(self.dut.clk)

    async def reset(self) -> None:
        """Some cycles of reset."""
        self.dut.rst.value = 1
        await self.wait(3)
        self.dut.rst.value = 0
        await self.wait(1)
