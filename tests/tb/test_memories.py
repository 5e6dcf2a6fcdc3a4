# amaranth: UnusedElaboratable=no
"""Memories in which nothing holds but what an SRAM macro promises."""

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tensorloom.hw.common.delay import delayed
from tensorloom.hw.common.ram import Ram
from tensorloom.hw.emit.emitter import UNINITIALISED, emit
from tensorloom.tb.bulk.model import build
from tensorloom.tb.memories import with_bare_memories

CYCLES = {
    "i_write_enable": [1, 1, 1, 0, 0, 0, 0],
    "i_write_address": [0, 1, 0, 0, 0, 0, 0],
    "i_write_data": [10, 20, 30, 0, 0, 0, 0],
    "i_read_enable": [0, 0, 1, 1, 0, 1, 1],
    "i_read_address": [0, 0, 0, 0, 0, 1, 2],
}
"""Row 0 is written twice, and read in the cycle of the second time."""


class Tables(wiring.Component):
    """A memory without rows that matter, one with, a bit wide, and one that is written."""

    def __init__(self):
        super().__init__({"i_address": In(2), "o_empty": Out(3), "o_full": Out(3), "o_bit": Out(1)})

    def elaborate(self, platform):
        m = Module()
        for name, width, rows in (("empty", 3, []), ("full", 3, [5, 6, 1, 2]), ("bit", 1, [])):
            memory = Memory(shape=width, depth=4, init=rows, attrs={} if rows else {UNINITIALISED: "1"})
            m.submodules[name] = memory
            write, read = memory.write_port(), memory.read_port(domain="comb")
            m.d.comb += [read.addr.eq(self.i_address), getattr(self, f"o_{name}").eq(read.data)]
            m.d.comb += [write.addr.eq(1), write.en.eq(self.i_address == 1), write.data.eq(0)]
        return m


def test_rows_that_were_never_written():
    names = ["o_empty", "o_full", "o_bit"]
    found = build(with_bare_memories(emit(Tables()))).cycles({"i_address": np.array([0, 1, 1, 3])}, names)
    assert {name: found[name].tolist() for name in names} == {
        "o_empty": [7, 7, 0, 7], "o_full": [5, 6, 0, 2], "o_bit": [1, 1, 0, 1],
    }  # fmt: skip


def test_a_memory():
    emission = emit(Ram(5, 3))
    ports = {name: np.array(values) for name, values in CYCLES.items()}
    plain = build(emission).cycles(ports, ["o_read_data"])["o_read_data"].tolist()
    bare = build(with_bare_memories(emission)).cycles(ports, ["o_read_data"])["o_read_data"].tolist()
    assert plain[3:5] == [10, 30] and plain[5:] == [30, 20]  # the old value; what was read last
    # Read: nothing three times (ones turned over, then row 0), the row that is written, row 0, nothing, row 1.
    assert bare[1:] == [0, ~10 & 31, ~10 & 31, 30, ~30 & 31, 20]


def test_a_memory_of_one_row():
    ports = {name: np.array(values) for name, values in CYCLES.items() if not name.endswith("address")}
    values = build(with_bare_memories(emit(Ram(40, 1)))).cycles(ports, ["o_read_data"])["o_read_data"]
    assert values.tolist()[3:5] == [20 ^ (1 << 40) - 1, 30]


class Lines(wiring.Component):
    """Delay lines of all lengths side by side."""

    CYCLES = range(1, 20)

    def __init__(self):
        super().__init__({"i": In(8)} | {f"o_{cycles}": Out(8) for cycles in self.CYCLES})

    def elaborate(self, platform):
        m = Module()
        for cycles in self.CYCLES:
            m.d.comb += getattr(self, f"o_{cycles}").eq(delayed(m, f"line_{cycles}", self.i, cycles))
        return m


def test_delay_lines_rely_on_nothing():
    """Not on what a memory shows of a row that is written in the same cycle."""
    values = np.random.default_rng(1).integers(0, 256, 100)
    model = build(with_bare_memories(emit(Lines())))
    for fresh in (True, False):
        outputs = model.cycles({"i": values}, [f"o_{cycles}" for cycles in Lines.CYCLES], fresh=fresh)
        for cycles in Lines.CYCLES:
            np.testing.assert_array_equal(outputs[f"o_{cycles}"][cycles:], values[:-cycles])
