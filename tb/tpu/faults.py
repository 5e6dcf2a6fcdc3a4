"""Testbench of the whole TPU with memories of cocotbext-axi that answer with errors."""

from typing import Any

import cocotb

from ...hw.tpu.config import INSTRUCTION_BYTES
from ...sim.tpu.random_programs import random_program
from ..bus.memory import bursts_of
from ..streams import within
from .case import LONGEST, Case, Placed, begin, parts_of
from .whole_parts import TINY

CODES = {
    "fetch": "bus_fetch", "read_host": "bus_host", "write_host": "bus_host", "read_weights": "bus_weights",
    "read_parameters": "bus_weights",
}  # fmt: skip
BEAT = TINY.bus_bytes
LONG = TINY.max_burst * BEAT // INSTRUCTION_BYTES
"""Instructions of a program that is more than a burst."""

PAUSES: dict[str, float] = dict.fromkeys(
    ("m_host_read_r", "m_host_write_aw", "m_host_write_b", "m_weights_ar", "m_weights_r"), 0.3
)


def requests(placed: Placed, kind: str) -> list[tuple[int, int, int]]:
    """All that is asked of memory for one reason: instruction, first beat, beats."""
    places = {name: place // BEAT for name, place in placed.places.items()}
    if kind == "fetch":
        return [(0, places["program"], -(-len(placed.scenario.program) // BEAT))]
    found = []
    for pc, (name, v) in enumerate(parts_of(placed.scenario.program)):
        if name == kind and name in ("read_host", "write_host"):
            found.append((pc, places[f"host_{v['window']}"] + v["host"], -(-v["granules"] // TINY.bus_granules)))
        elif name == kind:
            beats = v["tiles"] * v["rows"] * v["chunks"] if name == "read_weights" else v["count"] * TINY.set_beats
            found.append((pc, places["weights"] + v["address"], beats))
    return found


def hits(placed: Placed, kind: str, row: int) -> tuple[int, int] | None:
    """The first instruction of a kind that asks for a beat, and the address of its burst."""
    for pc, address, beats in requests(placed, kind):
        for burst in bursts_of(TINY.bus, address, beats):
            if row in burst.rows:
                return pc, burst.address * BEAT
    return None


async def fail(case: Case, kind: str, place: str) -> None:
    """A program that fails at the first, a middle or the last beat of one of its accesses of a kind.

    With one of the two errors, whichever.
    """
    instructions = LONG if kind == "fetch" else 12
    placed = case.place(random_program(TINY, case.rng.getrandbits(32), instructions=instructions))
    _, address, beats = case.rng.choice(requests(placed, kind))
    row = address + {"first": 0, "middle": beats // 2, "last": beats - 1}[place]
    weights = kind in ("read_weights", "read_parameters")
    memory = case.weights if weights else case.host
    writes = kind == "write_host"
    memory.fail(row * BEAT + 1, case.rng, reads=not writes, writes=writes)
    rivals = ("read_weights", "read_parameters") if weights else (kind,)
    found = [hit for rival in rivals if (hit := hits(placed, rival, row))]
    await within(case.start(placed), LONGEST)
    pc = await case.stops(CODES[kind])
    assert await within(case.read("error_address"), 1000) in [address for _, address in found]
    memory.failing = {}
    if kind == "fetch":
        assert pc <= (row - address) * BEAT // INSTRUCTION_BYTES, "an instruction that was not read"
        await case.check_part(placed, pc)
        return
    assert pc > min(pc for pc, _ in found), "the failing instruction began"
    outcome = placed.outcome(pc)
    expected = bytearray(placed.after(outcome.host))
    if kind == "write_host":  # what failed was not written
        expected[row * BEAT : (row + 1) * BEAT] = placed.host[row * BEAT : (row + 1) * BEAT]
        assert bytes(case.host.mem) == expected
        await case.check_buffer(outcome)
        return
    for number, window in enumerate(outcome.host):  # what comes with an error may be anything
        inside = slice(placed.places[f"host_{number}"], placed.places[f"host_{number}"] + window.size)
        expected[inside] = bytes(case.host.mem[inside])
    assert bytes(case.host.mem) == expected


@cocotb.test()
@cocotb.parametrize(kind=list(CODES))
async def failures(dut: Any, kind: str) -> None:
    """An error on the first, a middle and the last beat is told, with its burst; the next program runs right."""
    case = await begin(dut, f"failures {kind}", PAUSES)
    for place in ("first", "middle", "last"):
        await fail(case, kind, place)
        await case.run(random_program(TINY, case.rng.getrandbits(32), instructions=4))
