"""Testbench of the whole TPU with memories and software of cocotbext-axi, which check the protocol in their own way."""

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge
from cocotb.utils import get_sim_time

from ...hw.tpu.config import GRANULE_BYTES
from ...hw.tpu.isa import UNITS, encode
from ...hw.tpu.register_map import CATEGORIES
from ...sim.tpu.assembler import program_of
from ...sim.tpu.golden import run
from ...sim.tpu.illegal_programs import ILLEGAL, illegal_program
from ...sim.tpu.random_programs import Author, Scenario, random_program
from ..streams import PERIOD_NS, within
from .case import LONGEST, SIZE, Case, begin
from .whole_parts import TINY

CHANNELS = (
    "m_host_read_ar", "m_host_read_r", "m_host_write_aw", "m_host_write_w", "m_host_write_b", "m_weights_ar",
    "m_weights_r",
)  # fmt: skip
SOFTWARE = [f"s_axil_{name}" for name in ("ar", "r", "aw", "w", "b")]
PAUSES: dict[str, dict[str, float]] = {"none": {}, "software": dict.fromkeys(SOFTWARE, 0.5)}
for probability in (0.3, 0.9):
    PAUSES[f"all {probability}"] = dict.fromkeys(CHANNELS, probability)
    PAUSES |= {f"{name} {probability}": {name: probability} for name in CHANNELS}


def some_program(case: Case, instructions: int = 16) -> Scenario:
    """A legal program."""
    return random_program(TINY, case.rng.getrandbits(32), instructions=instructions)


@cocotb.test()
@cocotb.parametrize(stalls=list(PAUSES))
async def programs(dut: Any, stalls: str) -> None:
    """Several programs, one behind the other, whatever memory does."""
    case = await begin(dut, f"programs {stalls}", PAUSES[stalls])
    for _ in range(2):
        await case.run(some_program(case))


@cocotb.test()
@cocotb.parametrize(error=list(ILLEGAL))
async def illegal_programs(dut: Any, error: str) -> None:
    """An illegal instruction is told; what is older was done, nothing younger; the next program runs right."""
    case = await begin(dut, f"illegal {error}", PAUSES["all 0.3"])
    scenario = illegal_program(TINY, case.rng.getrandbits(32), error)
    await case.run(scenario)
    await case.check_buffer(case.place(scenario).outcome())
    await case.run(some_program(case, 4))


@cocotb.test()
async def ends_of_memories(dut: Any) -> None:
    """What just fits into the host's windows and into weight memory is moved; a granule less of any, and it is not."""
    case = await begin(dut, "ends", PAUSES["none"])
    transfers = [("read_host", {"granules": 13}), ("write_host", {"granules": 13, "window": 1, "host": 1})]
    others = [("read_parameters", {"count": 1, "address": 2}), ("halt", {})]
    program = program_of([encode(name, **fields) for name, fields in [*transfers, *others]])
    sizes = 13 * GRANULE_BYTES, 13 * GRANULE_BYTES + TINY.bus_bytes, (2 + TINY.set_beats) * TINY.bus_bytes
    for short in (None, *range(3)):
        *windows, weights = (
            np.frombuffer(case.rng.randbytes(size - GRANULE_BYTES * (number == short)), np.uint8)
            for number, size in enumerate(sizes)
        )
        await case.run(Scenario(program, windows, weights))
    nothing = np.zeros(0, np.uint8)
    await case.run(Scenario(b"", [nothing, nothing], nothing))


@cocotb.test()
async def start_while_running(dut: Any) -> None:
    """A start is ignored while a program is at work, wherever it is by then; so is another place of a program."""
    case = await begin(dut, "start", PAUSES["none"])
    for _ in range(2):
        scenario = some_program(case)
        end = (await case.run(scenario))["cycles"] * 7 // 8  # behind that it might be over when the start comes
        placed = case.place(scenario)
        await within(case.start(placed), LONGEST)
        start, times = get_sim_time("ns"), 0
        while get_sim_time("ns") - start < end * PERIOD_NS:
            await within(case.write("program", address=case.rng.randrange(SIZE)), 1000)
            await within(case.write("program_size", instructions=case.rng.randrange(100)), 1000)
            assert await within(case.read("status"), 1000)
            await within(case.write("control", start=1), 1000)
            times += 1
        assert times > 5
        await within(case.interrupt(), LONGEST)
        await within(case.check(placed), 10_000)


@cocotb.test()
@cocotb.parametrize(stalls=["none", "all 0.3"])
async def stops(dut: Any, stalls: str) -> None:
    """A program that is stopped has done some of its instructions whole, and nothing of others; the next one runs."""
    case = await begin(dut, f"stops {stalls}", PAUSES[stalls])
    await within(case.write("control", stop=1), 1000)  # does nothing
    stopped = set()
    for _ in range(6):
        scenario = some_program(case)
        cycles = (await case.run(scenario))["cycles"]
        for _ in range(2):
            placed = case.place(scenario)
            await within(case.start(placed), LONGEST)
            await case.wait(case.rng.randrange(cycles * 7 // 8))
            assert not int(dut.o_interrupt.value)
            await within(case.write("control", stop=1), 1000)
            pc = await case.stops("stopped")
            await case.check_part(placed, pc)
            stopped.add(pc)
        await case.run(some_program(case, 4))
    assert len(stopped) > 4


@cocotb.test()
async def again_at_once(dut: Any) -> None:
    """A program that is started again as soon as it is over."""
    case = await begin(dut, "again", PAUSES["none"])
    for _ in range(4):
        scenario = some_program(case)
        placed = case.place(scenario)
        await within(case.start(placed), LONGEST)
        windows = placed.outcome().host
        for _ in range(2):
            await within(case.interrupt(), LONGEST)
            await within(case.write("interrupt_pending", done=1, tag=1), 1000)
            await within(case.write("control", start=1), 1000)
            windows = run(TINY, scenario.program, host=windows, weights=scenario.weights).host
        await within(case.interrupt(), LONGEST)
        case.check_memories(placed, windows)
        assert await within(case.ended(), 1000) == (0, 0)
        case.tag = await within(case.read("tag"), 1000)


@cocotb.test()
async def reset_in_the_middle(dut: Any) -> None:
    """After a reset at any time the same program runs right."""
    case = await begin(dut, "reset", PAUSES["all 0.3"])
    scenario = some_program(case, 5)
    cycles = (await case.run(scenario))["cycles"]
    for number in range(16):
        await within(case.start(case.place(scenario)), LONGEST)
        await case.wait(number * cycles // 17)
        assert not int(dut.o_interrupt.value)
        await case.reset()
        case.tag = 0
        assert not int(dut.o_interrupt.value)
        assert await within(case.ended(), 1000) == (0, 0)
        await case.run(scenario)


@cocotb.test()
async def interrupts(dut: Any) -> None:
    """Each ``interrupt`` shows its tag and is pending until software has seen it, whether it is enabled or not."""
    case = await begin(dut, "interrupts", PAUSES["none"])
    for enabled in (1, 0):
        author = Author(TINY, np.random.default_rng(case.rng.getrandbits(32)))
        author.start()
        tags = []
        for _ in range(4):
            parts = author.proposal()
            while parts[0][0] == "interrupt" or not author.add(*parts):
                parts = author.proposal()
            name, fields = author.interrupt()
            while not author.add((name, fields)):
                fields["units"] = author.upto((1 << len(UNITS)) - 1)
            tags.append(fields["tag"])
            author.add(*[("nop", {})] * 60)  # while software looks
        author.use_up()
        author.add(("halt", {}))
        placed = case.place(author.scenario())
        assert placed.outcome().tags == tags
        await within(case.start(placed, done=1, error=1, tag=enabled), LONGEST)
        for tag in tags:
            if enabled:
                await within(case.interrupt(), LONGEST)
            while not (await within(case.fields("interrupt_pending"), 1000))["tag"]:
                assert not int(dut.o_interrupt.value)
            assert await within(case.read("tag"), 1000) == tag
            assert await within(case.fields("interrupt_pending"), 1000) == {"done": 0, "tag": 1, "error": 0}
            await within(case.write("interrupt_pending", tag=1), 1000)
            await FallingEdge(dut.clk)
            assert not int(dut.o_interrupt.value)
        await within(case.interrupt(), LONGEST)
        await within(case.write("interrupt_enable", error=1, tag=1), 1000)
        await FallingEdge(dut.clk)
        assert not int(dut.o_interrupt.value), "it was done that was pending"
        assert await within(case.fields("interrupt_pending"), 1000) == {"done": 1, "tag": 0, "error": 0}
        case.check_memories(placed, placed.outcome().host)
        case.tag = tags[-1]


@cocotb.test()
async def counters(dut: Any) -> None:
    """Categories add up to the cycles at any time; a snapshot keeps what was counted; clearing begins anew."""
    case = await begin(dut, "counters", PAUSES["all 0.3"])
    placed = case.place(some_program(case, 30))
    await within(case.start(placed), LONGEST)
    seen = []
    for _ in range(3):
        await case.wait(50)
        counts = await within(case.counts(), 10_000)
        assert sum(counts[name] for name in CATEGORIES) == counts["cycles"]
        seen.append(counts["cycles"])
    assert 0 < seen[0] < seen[1] < seen[2]
    await within(case.interrupt(), LONGEST)
    first = await within(case.check(placed), 10_000)
    assert first["cycles"] > seen[2]
    assert await within(case.counts(), 10_000) == first, "no cycle counts after the end"
    await within(case.write("counter_control", clear=1), 1000)
    assert await within(case.read("count_cycles"), 1000) == first["cycles"], "nobody has looked since"
    assert not any((await within(case.counts(), 10_000)).values())


@cocotb.test()
@cocotb.parametrize(channel=list(CHANNELS))
async def memory_that_answers_late(dut: Any, channel: str) -> None:
    """Time alone is no error: whatever a channel keeps back for long, the program goes on where it was."""
    case = await begin(dut, f"late {channel}", PAUSES["none"])
    placed = case.place(some_program(case))
    case.pause(channel, 1)
    await within(case.start(placed), LONGEST)
    await case.wait(3000)
    assert await within(case.read("status"), 1000) and not int(dut.o_interrupt.value)
    case.go_on(channel)
    await within(case.interrupt(), LONGEST)
    await within(case.check(placed), 10_000)
