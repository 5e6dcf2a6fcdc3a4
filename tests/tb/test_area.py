import re
from pathlib import Path

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tensorloom.hw.common.ram import Ram
from tensorloom.hw.emit.emitter import UNINITIALISED, emit
from tensorloom.hw.emit.shared import shared
from tensorloom.hw.emit.yosys import YosysError
from tensorloom.tb import area
from tensorloom.tb.area import LibertyError, check_liberty, measure_area

CELLS = (Path(__file__).parent.parent / "cells.lib").read_text()


class Gate(wiring.Component):
    config = "gate"

    def __init__(self):
        super().__init__({"a": In(1), "b": In(1), "o": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(~(self.a & self.b))
        return m


class Gates(wiring.Component):
    """Two gates and a register with reset to 0, which is a flip-flop, a gate and an inverter."""

    config = "gates"

    def __init__(self):
        super().__init__({"a": In(2), "o": Out(2)})

    def elaborate(self, platform):
        m = Module()
        gates = [Gate(), Gate()]
        m.submodules += [shared(gate) for gate in gates]
        m.d.comb += [gates[0].a.eq(self.a[0]), gates[0].b.eq(self.a[1]), self.o[0].eq(gates[0].o)]
        m.d.comb += [gates[1].a.eq(gates[0].o), gates[1].b.eq(self.a[0])]
        m.d.sync += self.o[1].eq(gates[1].o)
        return m


class Top(wiring.Component):
    """Three of `Gates` and a memory of 6 rows of 5 bits."""

    def __init__(self):
        super().__init__({"a": In(2), "o": Out(5)})

    def elaborate(self, platform):
        m = Module()
        gates, ram = [Gates() for _ in range(3)], Ram(5, 6)
        m.submodules += [shared(part) for part in gates]
        m.submodules.ram = shared(ram)
        for before, after in zip([self, *gates], gates, strict=False):
            m.d.comb += after.a.eq(before.a if before is self else before.o)
        m.d.comb += [ram.i_write_data.eq(gates[-1].o), ram.i_write_enable.eq(1), ram.i_read_enable.eq(1)]
        m.d.comb += [ram.i_write_address.eq(self.a), self.o.eq(ram.o_read_data)]
        return m


def test_gates_and_flip_flops_are_counted():
    report = measure_area(emit(Gates()))
    assert report.top == "gates" and report.unit == "NAND2"
    gate, gates = report.modules["gate"], report.modules["gates"]
    assert (gate.instances, gate.own, gate.total) == (2, 1, 1)
    assert (gates.instances, gates.total) == (1, gates.own + 2)
    assert gates.own == pytest.approx(4 + 1, abs=1)
    assert report.area == gates.total and report.share("gate") == 2 / gates.total
    assert report.share("gates") == 1 and report.own_share("gates") == gates.own / gates.total


def test_instances_and_memories_add_up():
    done = []
    report = measure_area(emit(Top()), progress=done.append)
    assert done[-1] == "4 of 4 modules"
    top, ram, gates = (report.modules[name] for name in ("top", "ram", "gates"))
    assert (top.memory_bits, ram.memory_bits, gates.memory_bits) == (30, 30, 0)
    assert (report.modules["gate"].instances, gates.instances, ram.instances) == (6, 3, 1)
    assert (ram.gates, ram.own) == (0, 1.5 * 30), "a macro counts by its bits"
    assert report.gates == pytest.approx(report.area - 45) and (top.buffer_bits, ram.buffer_bits) == (0, 0)
    assert report.area == pytest.approx(3 * gates.total + top.own + ram.total)
    assert sum(map(report.own_share, report.modules)) == pytest.approx(1)


class Memories(wiring.Component):
    """A memory of 8 rows of 4 bits with `readers` read ports, which are clocked or not, beside an inverter."""

    def __init__(self, readers: int, domain: str, transparent: bool):
        self.options = readers, domain, transparent
        super().__init__({"a": In(3), "b": In(3), "d": In(4), "o": Out(4).array(readers), "inverted": Out(1)})

    def elaborate(self, platform):
        m = Module()
        readers, domain, transparent = self.options
        m.submodules.memory = memory = Memory(shape=4, depth=8, init=[], attrs={UNINITIALISED: "1"})
        write = memory.write_port()
        m.d.comb += [write.addr.eq(self.a), write.data.eq(self.d), write.en.eq(1), self.inverted.eq(~self.d[0])]
        for number in range(readers):
            read = memory.read_port(domain=domain, transparent_for=(write,) if transparent else ())
            m.d.comb += [read.addr.eq(self.b ^ number), self.o[number].eq(read.data)]
        return m


@pytest.mark.parametrize(
    ("readers", "domain", "transparent", "bits"),
    [(1, "sync", False, 32), (1, "comb", False, 0), (2, "sync", False, 0), (1, "sync", True, 32)],
)
def test_a_macro_has_one_port_of_each_kind_and_a_clock(readers, domain, transparent, bits):
    report = measure_area(emit(Memories(readers, domain, transparent)))
    top = report.modules[report.top]
    assert (top.memory_bits, top.buffer_bits) == (bits, 0)
    if bits:
        assert report.area == report.gates + 1.5 * bits
        assert report.gates > 20 if transparent else report.gates == 0.5, "what passes a memory by is gates"
    else:
        assert report.area == report.gates > 32 * 4, "flip-flops"


def test_what_a_bit_of_a_macro_counts():
    for rows, price in ((1024, 1.5), (1025, 0.6)):
        report = measure_area(emit(Ram(16, rows)))
        assert (report.area, report.gates) == (pytest.approx(16 * rows * price), 0)
        assert report.modules["ram"].buffer_bits == (16 * rows if price == 0.6 else 0)
    assert measure_area(emit(Ram(16, 1025)), macro_bit=2).area == 2 * 16 * 1025
    assert measure_area(emit(Top()), liberty=CELLS).modules["ram"].total == 0
    assert measure_area(emit(Top()), liberty=CELLS, macro_bit=0.5).modules["ram"].total == 15


def test_modules_are_measured_once(tmp_path, monkeypatch):
    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path))
    first, emission = measure_area(emit(Top())), emit(Top())
    real, runs = area.run_yosys, []
    monkeypatch.setattr(area, "run_yosys", lambda *args, **files: (runs.append(args), real(*args, **files))[1])
    assert measure_area(emission) == first and not runs
    kept = sorted((tmp_path / "area").glob("*.json"))
    assert len(kept) == 4
    whole = kept[1].read_text()
    for number, damaged in enumerate(["{damaged", "", "[" * 100_000, whole.replace("[", "{", 1), whole[:-1]], 1):
        kept[1].write_text(damaged)
        assert measure_area(emission) == first and len(runs) == number
        assert kept[1].read_text() == whole
    runs.clear()
    measure_area(emit(Gates()), liberty=CELLS)  # with other cells all is measured anew
    assert len(runs) == 2


def test_library():
    check_liberty(CELLS)
    report = measure_area(emit(Gates()), liberty=CELLS)
    assert report.unit == "Liberty"
    assert report.modules["gate"].total == 5  # a NAND2
    assert 20 < report.modules["gates"].own <= 20 + 6 + 3  # a flip-flop, a gate, an inverter


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "No entries found in liberty file"),
        ("hello\nworld", "No entries found|Syntax error in liberty file"),
        (CELLS[:700], "Syntax error in liberty file on line"),
        (re.sub(r"  cell.DFF.*", "}", CELLS, flags=re.DOTALL), ".*D flip-flops are not supported"),
        (
            re.sub(r"  cell.NAND2.*(?=  cell.DFF)", "", CELLS, flags=re.DOTALL),
            "its gates must be a buffer",
        ),
    ],
)
def test_bad_library(text, reason):
    with pytest.raises(LibertyError, match=f"not a Liberty library to map to: ({reason})"):
        check_liberty(text)


@pytest.mark.parametrize("area", ["", "area : -2;", "area : abc;", "area : 0;", "area : nan;", "area : inf;"])
@pytest.mark.parametrize("cell", ["DFF", "NAND2", "\\w+"])
def test_library_with_a_bad_area(cell, area):
    text = re.sub(rf"(cell\({cell}\) {{\s*)area : \d+;", rf"\1{area}", CELLS)
    assert text != CELLS
    with pytest.raises(
        LibertyError,
        match="area of cell .* must be a number from 0 on, not|cells of a Liberty library must have a positive",
    ):
        check_liberty(text)
        measure_area(emit(Gates()), liberty=text)


def test_cells_without_an_area(monkeypatch):
    monkeypatch.setattr(area, "GENERIC", "")
    with pytest.raises(YosysError, match="must be mapped to gates and D flip-flops only, not to .*_AND_"):
        measure_area(emit(Gates()))
