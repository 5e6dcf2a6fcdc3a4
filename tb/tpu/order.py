"""Testbench of what instructions of the whole TPU wait for, with memories and software of cocotbext-axi."""

from typing import Any

import cocotb
import numpy as np

from ...hw.tpu.config import QUEUES
from ...hw.tpu.isa import UNITS, encode
from ...sim.tpu.assembler import program_of
from ...sim.tpu.random_programs import Part, Scenario
from ..streams import within
from .case import LONGEST, Case, begin
from .whole_parts import TINY

SILENCE = 600
"""Cycles in which all is done that does not wait for memory."""

PRODUCT: list[Part] = [
    ("read_weights", {"tiles": 1, "rows": 1, "chunks": 1}),
    ("read_parameters", {"count": 1}),
    ("matmul", {"drain": 1, "rows": 1, "pitch": 1, "swap": 1, "repeat": 1}),
    ("activate", {"next": 1, "ub": 8, "rows": 1, "pitch": 1, "used": 1, "lo": -128, "hi": 127}),
]
WAITS: dict[str, tuple[str, list[Part], set[str]]] = {
    "host_in": ("m_host_read_ar", [], {"host_in"}),
    "host_out": ("m_host_write_b", [("write_host", {"granules": 4, "window": 1})], {"host_out"}),
    "weights": ("m_weights_ar", PRODUCT, {"weights", "parameters", "matrix", "activation"}),
    "vector": ("m_host_read_ar", [("vector", {"rows": 1, "dst": 8})], {"host_in", "vector"}),
}
WAITS |= dict.fromkeys(("parameters", "activation"), WAITS["weights"])
"""By unit: a channel without which it does not complete these instructions, and which others may not either.

The matrix unit is not there: it has completed when all rows have been read, and what becomes of them nobody sees.
"""


def scenario(case: Case, parts: list[Part]) -> Scenario:
    """A program with some data: factors of 1."""
    sets = np.zeros(TINY.matrix.columns, np.dtype([("bias", "<i4"), ("factor", "<f4")]))
    sets["factor"] = 1
    windows = [np.frombuffer(case.rng.randbytes(64), np.uint8) for _ in range(2)]
    return Scenario(program_of([encode(name, **fields) for name, fields in parts]), windows, sets.view(np.uint8))


@cocotb.test()
@cocotb.parametrize(unit=list(WAITS))
async def interrupts_wait(dut: Any, unit: str) -> None:
    """An ``interrupt`` waits for the units that it names until memory has answered all, and for no other."""
    case = await begin(dut, f"waits {unit}", {})
    channel, work, busy = WAITS[unit]
    for names in ({unit}, set(UNITS) - busy):
        units = sum(1 << UNITS.index(name) for name in names)
        first = [("nop", {})] * 40, [("read_host", {"granules": 4})]
        last = [("interrupt", {"units": units, "tag": 7}), ("halt", {})]
        placed = case.place(scenario(case, [*first[0], *first[1], *work, *last]))
        await within(case.start(placed), LONGEST)
        await case.wait(30)  # the program is on its way
        case.pause(channel, 1)
        await case.wait(SILENCE)
        assert (await within(case.fields("interrupt_pending"), 1000))["tag"] == (names != {unit})
        case.go_on(channel)
        await within(case.interrupt(), LONGEST)
        await within(case.check(placed), 10_000)


@cocotb.test()
async def tiles_ahead(dut: Any) -> None:
    """Weight tiles are read as far ahead as there is room, and entries wait as many as there may be; not one more."""
    case = await begin(dut, "ahead", {})
    room = TINY.tiles_ahead

    def tiles(count: int) -> Part:
        return "read_weights", {"tiles": count, "rows": 1, "chunks": 1}

    for first, others, wait in ((room, 0, 1), (room + 1, 0, 1), (room, QUEUES["weights"], 0), (room, 9, 0)):
        parts = [("read_host", {"granules": 4}), tiles(first), *[tiles(1)] * others]
        parts += [("sync", {"units": 1 << UNITS.index("weights")})] * wait
        matmul, activate = PRODUCT[2][1] | {"swap": 2, "repeat": first + others}, {"kind": 2, "ub": 8}
        parts += [("matmul", matmul), ("activate", activate | {"rows": 1, "pitch": 1, "used": 1}), ("halt", {})]
        one = scenario(case, parts)
        weights = np.frombuffer(case.rng.randbytes((room + 1) * TINY.bus_bytes), np.uint8)
        placed = case.place(Scenario(one.program, one.host, weights))
        assert bool(placed.outcome().problem) == (first > room or others > QUEUES["weights"])
        await case.run(placed.scenario)
