"""Testbench of the whole chip with memory and software of cocotbext-axi, which check the protocol in their own way."""

import random
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly

from ...hw.errors import ConfigError
from ...hw.snap_chip.command import COMMAND_BYTES
from ...hw.snap_chip.register_map import ERRORS, REGISTERS
from ...sim.snap_chip.command import Command
from ...sim.snap_chip.counters import KINDS, ChipCounters, count_beats
from ...sim.snap_chip.golden import run_list
from ...sim.snap_chip.program import Program
from ..bus.failing_memory import FailingMemory
from ..bus.peers import Peers
from ..runner import job_data
from ..streams import reset, within
from .networks import random_network, single_region
from .parts import TINY

SIZE = 1 << 17

LONGEST = 60_000
"""Cycles of a list at most, however unwilling memory is."""


class Case(Peers):
    """The chip, its memory, and software."""

    def __init__(self, dut: Any, rng: random.Random, stalls: dict[str, float]) -> None:
        self.memory = FailingMemory(SIZE)
        super().__init__(dut, REGISTERS, {"m_axi_read": self.memory, "m_axi_write": self.memory}, rng, stalls)

    async def raised(self) -> set[str]:
        """Errors that are set."""
        return {name for name, value in (await self.fields("errors")).items() if value}

    async def start(self, program: Program, memory: np.ndarray) -> None:
        """Put a list into memory, with random bytes behind it, forget what was, and start."""
        data = memory.tobytes()
        self.memory.mem[:] = data + self.rng.randbytes(SIZE - len(data))
        await self.write("list", address=program.list_address * TINY.bus.bytes)
        await self.write("errors", **dict.fromkeys(ERRORS, 1))
        await self.write("interrupt_pending", done=1, layer=1, error=1)
        await self.write("interrupt_enable", done=1)
        await self.write("counter_control", clear=1)
        await self.write("control", start=1)

    async def stops(self) -> set[str]:
        """Wait for the end of a list that an error ends; which it is."""
        await self.write("interrupt_enable", error=1)
        await self.interrupt()
        await self.idle()
        pending = await self.fields("interrupt_pending")
        assert pending["error"] and not pending["done"]
        return await self.raised()

    async def fails(self, side: str, row: int) -> None:
        """Wait for the end of a list that fails at this beat of memory, which is well again from then on."""
        assert side in await self.stops()
        address = await self.read("error_address")
        assert address <= row * TINY.bus.bytes < address + TINY.bus.bytes * TINY.bus.max_burst
        self.memory.failing = {}

    async def counters(self) -> ChipCounters:
        """What was counted since the start."""
        counts = await self.counts()
        beats = {f"{kind}_beats": counts[f"{kind}_beats"] for kind in KINDS}
        return ChipCounters(cycles=counts["cycles"], layers=counts["layers"], beats=beats)

    async def run(self, program: Program, memory: np.ndarray) -> None:
        """A list from its start to its end: all bytes of memory, all counters but cycles, no error."""
        await within(self.start(program, memory), LONGEST)
        await within(self.interrupt(), LONGEST)
        await self.check(program, memory)

    async def check(self, program: Program, memory: np.ndarray) -> None:
        """Whether a list that is over did what it should."""
        expected = run_list(TINY, memory, program.list_address).memory
        assert bytes(self.memory.mem)[: len(expected)] == expected.tobytes()
        assert await within(self.raised(), 1000) == set()
        assert await within(self.read("status"), 1000) == 0
        pending = await within(self.fields("interrupt_pending"), 1000)
        assert pending == {"done": 1, "layer": 1, "error": 0}
        counted = await within(self.counters(), 10_000)
        assert counted.differences(count_beats(TINY, program.commands, expected)) == []


async def begin(dut: Any, name: str, stalls: dict[str, float]) -> Case:
    """Reset, memory, software."""
    case = Case(dut, random.Random(f"{name} {job_data()['seed']}"), stalls)
    await reset(dut, job_data()["manifest"])
    return case


CHANNELS = {
    "ar": "m_axi_read_ar", "r": "m_axi_read_r", "aw": "m_axi_write_aw", "w": "m_axi_write_w", "b": "m_axi_write_b",
}  # fmt: skip
PAUSES = {"none": {}, "all": dict.fromkeys(CHANNELS.values(), 0.3)}
PAUSES |= {"software": {f"s_axil_{name}": 0.5 for name in CHANNELS}}
PAUSES |= {name: {channel: 0.7} for name, channel in CHANNELS.items()}


@cocotb.test()
@cocotb.parametrize(stalls=list(PAUSES))
async def lists(dut: Any, stalls: str) -> None:
    """Several lists, one behind the other, whatever memory does."""
    case = await begin(dut, f"lists {stalls}", PAUSES[stalls])
    for _ in range(2):
        await case.run(*random_network(TINY, case.rng))


@cocotb.test()
async def start_while_running(dut: Any) -> None:
    """A start is ignored while a list is at work, wherever it is by then; so is another address of a list."""
    case = await begin(dut, "start", PAUSES["none"])
    for _ in range(3):
        program, memory = random_network(TINY, case.rng)
        await within(case.start(program, memory), 1000)
        times = 0
        while not int(dut.o_interrupt.value):
            await within(case.write("list", address=case.rng.randrange(SIZE)), 1000)
            if not int(dut.o_interrupt.value):
                assert await within(case.read("status"), 1000) or int(dut.o_interrupt.value)
            if int(dut.o_interrupt.value):
                break
            times += 1
            await ReadOnly()
            await FallingEdge(dut.clk)
            await within(case.write("control", start=1), 1000)
        assert times > 5
        await case.check(program, memory)


def segment(command: Command, after: np.ndarray, name: str) -> tuple[int, int]:
    """First beat of a tensor's first segment, and its beats."""
    size = TINY.bus.bytes
    return command[f"{name}_address"], int(after[command[f"{name}_table"] * size :][:4].view("<u4")[0])


def places(program: Program, after: np.ndarray) -> dict[str, tuple[int, int]]:
    """First of the beats that are read for the layer with a residual, and how many, by what they are."""
    size, command = TINY.bus.bytes, program.commands[1]
    return {
        "command": (program.list_address + COMMAND_BYTES // size, COMMAND_BYTES // size),
        "table": (command["in_table"], -(-4 * command["bands"] * command["tiles"] // size)),
        "input": segment(command, after, "in"),
        "residual": segment(command, after, "residual"),
        "scales": (command["scale_address"], command["scale_beats"]),
        "weights": (command["weight_address_1"], command["weight_beats_1"]),
    }


@cocotb.test()
@cocotb.parametrize(what=["command", "table", "input", "residual", "scales", "weights"])
async def read_failures(dut: Any, what: str) -> None:
    """An error on the first, a middle and the last beat is told, with its burst; the list ends, and the next one runs.

    Data that come with the error are wrong, and weights of a later layer have been loaded by then.
    """
    case = await begin(dut, f"read failures {what}", PAUSES["all"])
    for place in ("first", "middle", "last"):
        program, memory = random_network(TINY, case.rng)
        begins, beats = places(program, run_list(TINY, memory, program.list_address).memory)[what]
        row = begins + {"first": 0, "middle": beats // 2, "last": beats - 1}[place]
        case.memory.fail(row * TINY.bus.bytes + 1, case.rng, writes=False)
        await within(case.start(program, memory), LONGEST)
        await within(case.fails("read", row), LONGEST)
        assert (await case.counters()).layers <= 2, "no layer begins after the one that failed"
        await case.run(*random_network(TINY, case.rng))


@cocotb.test()
@cocotb.parametrize(place=["first", "middle", "last", "table"])
async def write_failures(dut: Any, place: str) -> None:
    """The same for the first, a middle and the last beat that a layer writes, and for its table, in each layer."""
    case = await begin(dut, f"write failures {place}", PAUSES["all"])
    for number in range(4):
        program, memory = random_network(TINY, case.rng)
        after, command = run_list(TINY, memory, program.list_address).memory, program.commands[number]
        begins, beats = segment(command, after, "out")
        places = {"first": begins, "middle": begins + beats // 2, "last": begins + beats - 1}
        row = places.get(place, command["out_table"])
        case.memory.fail(row * TINY.bus.bytes + 1, case.rng)
        await within(case.start(program, memory), LONGEST)
        await within(case.fails("write", row), LONGEST)
        assert (await case.counters()).layers == number + 1
        await case.run(*random_network(TINY, case.rng))


@cocotb.test()
@cocotb.parametrize(pools=[False, True], stalls=["none", "all"])
async def regions_that_do_not_fit(dut: Any, pools: bool, stalls: str) -> None:
    """A layer that fills a bank runs; one word more is refused by the model, and ends the list on the chip.

    The next list runs, at once and after a reset.
    """
    case = await begin(dut, f"capacity {pools} {stalls}", PAUSES[stalls])
    for resets in (False, True):
        await case.run(*single_region(TINY, case.rng, TINY.bank_words, pools))
        program, memory = single_region(TINY, case.rng, TINY.bank_words + 1, pools)
        try:
            run_list(TINY, memory, program.list_address)
        except ConfigError as error:
            assert str(error).endswith(f"at most {TINY.bank_words} words a bank, not {TINY.bank_words + 1}")
        else:
            raise AssertionError("the model must refuse the layer")
        await within(case.start(program, memory), LONGEST)
        assert await within(case.stops(), LONGEST) == {"capacity"}
        if resets:
            await case.reset()
            assert await case.raised() == set() and not int(dut.o_interrupt.value)
        await case.run(*random_network(TINY, case.rng))


@cocotb.test()
async def reset_in_the_middle(dut: Any) -> None:
    """After a reset at any time everything works again."""
    case = await begin(dut, "reset", PAUSES["all"])
    for cycles in (1, 20, 70, 150, 250, 350, 450, 600):
        program, memory = random_network(TINY, case.rng)
        await within(case.start(program, memory), LONGEST)
        await case.wait(cycles)
        assert not int(dut.o_interrupt.value)
        await case.reset()
        assert not int(dut.o_interrupt.value)
        await case.run(*random_network(TINY, case.rng))


@cocotb.test()
@cocotb.parametrize(channel=["ar", "r", "aw", "w", "b"])
async def memory_that_never_answers(dut: Any, channel: str) -> None:
    """The list doesn't end; after a reset, with a memory that does, everything works."""
    case = await begin(dut, f"silence {channel}", PAUSES["none"])
    program, memory = random_network(TINY, case.rng)
    case.pause(CHANNELS[channel], 1)
    await within(case.start(program, memory), LONGEST)
    await case.wait(10_000)
    assert await within(case.read("status"), 1000) and not int(dut.o_interrupt.value)
    case.go_on(CHANNELS[channel])
    await case.reset()
    await case.run(*random_network(TINY, case.rng))
