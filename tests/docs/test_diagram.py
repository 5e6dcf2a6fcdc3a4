"""Block diagrams show what is in the netlist, and refuse what isn't."""

import dataclasses
import re
import runpy
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from tensorloom.hw.bus.axi import AxiLiteSignature
from tensorloom.hw.emit.shared import shared

from .pages import ROOT

PAIR = data.StructLayout({"a": 3, "b": 5})


PORTS = {
    "i_pairs": In(stream.Signature(PAIR)).array(2),
    "o_pairs": Out(stream.Signature(PAIR)).array(2),
    "i_wires": In(4),
    "o_wires": Out(4),
}


class Part(wiring.Component):
    """Streams and wires, two of each."""

    def __init__(self) -> None:
        self.config = ()
        super().__init__(PORTS)

    def elaborate(self, platform: Any) -> Module:
        raise AssertionError("only its ports are looked at")


class Inner(wiring.Component):
    """A part and its border, named like the part's."""

    def __init__(self) -> None:
        self.config = ()
        super().__init__(PORTS)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.part = part = shared(Part())
        for number in range(2):
            connect(m, flipped(self.i_pairs[number]), part.component.i_pairs[number])
            connect(m, part.component.o_pairs[number], flipped(self.o_pairs[number]))
        m.d.comb += self.o_wires.eq(part.component.o_wires)
        return m


class Whole(wiring.Component):
    """One connection of each kind."""

    def __init__(self) -> None:
        self.config = ()
        bus = AxiLiteSignature(address_bits=4)
        super().__init__({"s_axil": In(bus), "m_axil": Out(bus), "o_sum": Out(4)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        first, second, inner = Part(), Part(), Inner()
        m.submodules.first, m.submodules.second, m.submodules.inner = shared(first), shared(second), shared(inner)
        connect(m, flipped(self.s_axil), flipped(self.m_axil))
        connect(m, first.o_pairs[1], second.i_pairs[0])
        gate, held = Signal(), Signal(4)
        m.d.comb += [
            gate.eq(first.o_wires[0]),
            inner.i_pairs[1].valid.eq(second.o_pairs[0].valid & gate),
            second.o_pairs[0].ready.eq(inner.i_pairs[1].ready & gate),
            inner.i_pairs[1].payload.b.eq(second.o_pairs[0].payload.b),
            second.i_wires.eq(held),
            self.o_sum.eq(inner.o_wires + 1),
            second.i_pairs[1].payload.a.eq(first.o_pairs[0].valid),  # nothing that a stream carries
        ]
        m.d.sync += held.eq(first.o_wires)  # a register between them: no connection
        return m


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What docs/draw has for diagrams."""
    return run(monkeypatch, "chip_diagram")


def run(monkeypatch: pytest.MonkeyPatch, name: str) -> dict[str, Any]:
    monkeypatch.syspath_prepend(str(ROOT / "docs/draw"))
    return runpy.run_path(str(ROOT / f"docs/draw/{name}.py"))


def test_links_are_those_of_the_netlist(draw: dict[str, Any]) -> None:
    outline = draw["Outline"](Whole())
    assert {name: type(part).__name__ for name, part in outline.parts.items()} == {
        "": "Whole", "first": "Part", "second": "Part", "inner": "Inner",
    }  # fmt: skip
    there, back = 4 + 3 + 1 + 32 + 4 + 1 + 1 + 4 + 3 + 1 + 1, 1 + 1 + 2 + 1 + 1 + 32 + 2 + 1
    links = {dataclasses.astuple(link) for link in outline.links}
    assert links == {
        ("", "s_axil", "", "m_axil", "bus", there),
        ("", "m_axil", "", "s_axil", "bus", back),
        ("first", "o_pairs_1", "second", "i_pairs_0", "stream", 8),
        ("second", "o_pairs_0", "inner", "i_pairs_1", "stream", 5),
        ("inner", "o_wires", "", "o_sum", "wires", 4),
    }
    parts, opened = draw["opened"](outline, "inner")
    assert list(parts) == ["", "first", "second", "inner.part"]
    assert links - {dataclasses.astuple(link) for link in opened} == {
        ("second", "o_pairs_0", "inner", "i_pairs_1", "stream", 5),
        ("inner", "o_wires", "", "o_sum", "wires", 4),
    }
    assert {dataclasses.astuple(link) for link in opened} - links == {
        ("second", "o_pairs_0", "inner.part", "i_pairs_1", "stream", 8),
        ("inner.part", "o_wires", "", "o_sum", "wires", 4),
    }


def test_a_diagram_can_say_nothing_else_than_the_design(draw: dict[str, Any]) -> None:
    outline, Box, Diagram, Line = draw["Outline"](Whole()), draw["Box"], draw["Diagram"], draw["Line"]
    names = ("first", "second", "inner", ":s_axil", ":m_axil", ":o_sum")
    boxes = {name: Box(name, 0, 0) for name in names}
    ends = [(":s_axil", ":m_axil"), ("first", "second"), ("second", "inner")]
    lines = [Line(start, end, [(0, 0), (1, 1)], (0, 0)) for start, end in ends]

    def diagram(boxes: dict[str, Any], lines: list[Any]) -> Any:
        return Diagram(outline.parts, outline.links, boxes, lines)

    good = diagram(boxes, lines)
    assert [tuple(map(len, good.shown(line))) for line in lines] == [(1, 1), (1, 0), (1, 0)]
    for name in names:
        with pytest.raises(ValueError, match=rf"^{name} must be in one box, not in \[\]$"):
            diagram({other: box for other, box in boxes.items() if other != name}, lines)
    with pytest.raises(ValueError, match=r"^boxes must have parts of the design in them: \['third'\]$"):
        diagram(boxes | {"third": Box("third", 0, 0)}, lines)
    for line in lines:
        with pytest.raises(ValueError, match=r"^Link\(.* must have a line$"):
            diagram(boxes, [other for other in lines if other is not line])
    with pytest.raises(ValueError, match=r"^nothing in the design connects first and inner \[\]$"):
        good.shown(Line("first", "inner", [], (0, 0)))
    with pytest.raises(ValueError, match=r"^nothing in the design connects inner and :o_sum \['o_sums'\]$"):
        good.shown(Line("inner", ":o_sum", [], (0, 0), ("o_sums",)))
    assert [len(links) for links in good.shown(Line("inner", ":o_sum", [], (0, 0), ("o_wires",)))] == [1, 0]


@pytest.mark.parametrize("changes", [{}, {"cores": 4}])
def test_the_chip_can_be_drawn_in_any_size(draw: dict[str, Any], changes: dict[str, int]) -> None:
    """Counts in the boxes are those of the configuration."""
    config = draw["PRESETS"]["snap-chip-tiny"].replace(**changes)
    drawn = draw["diagram"](draw["Outline"](draw["SnapChip"](config)))
    assert drawn.title("cores") == [f"snap_core x {config.cores}"]
    assert drawn.title("weights") == [f"weight_column x {config.rings}"]
    assert drawn.title("expanders") == [f"tile_expander x {config.banks}", f"broadcast x {config.banks}"]
    (line,) = [line for line in drawn.lines if (line.start, line.end) == ("cores", "outputs")]
    assert [len(links) for links in drawn.shown(line)] == [config.cores * config.banks, 0]


@pytest.mark.parametrize("preset", ["tpu-tiny", "tpu-64"])
def test_the_tpu_can_be_drawn_in_any_size(monkeypatch: pytest.MonkeyPatch, preset: str) -> None:
    draw = run(monkeypatch, "tpu_diagram")
    config = draw["PRESETS"][preset]
    drawn = draw["diagram"](draw["Outline"](draw["Tpu"](config)))
    assert drawn.title("host_beats") == ["beat_reader x 2"]
    (line,) = [line for line in drawn.lines if (line.start, line.end) == ("matrix", "activation")]
    assert [link.bits for link in drawn.shown(line)[0]] == [32 * config.matrix.columns]
    (line,) = [line for line in drawn.lines if (line.start, line.end) == ("buffer", "feeder")]
    assert [len(links) for links in drawn.shown(line)] == [1, 1]


def test_a_frame_holds_the_parts_of_what_it_is_of(draw: dict[str, Any]) -> None:
    Box, parts, links = draw["Box"], *draw["opened"](draw["Outline"](Whole()), "inner")
    names = ("first", "second", "inner.part", ":s_axil", ":m_axil", ":o_sum")
    places = {name: (200, 200) if name == "inner.part" else (0, 0) for name in names}
    boxes = {name: Box(re.escape(name), *place) for name, place in places.items()}
    lines = [draw["Line"](*ends, [], (0, 0)) for ends in ((":s_axil", ":m_axil"), ("first", "second"))]
    lines.append(draw["Line"]("second", "inner.part", [], (0, 0)))
    draw["Diagram"](parts, links, boxes, lines, ("inner", (100, 100, 200, 200)))
    for frame in ((300, 100, 200, 200), (-100, -100, 400, 400)):
        with pytest.raises(ValueError, match=r"must be inside the frame if it is inside inner$"):
            draw["Diagram"](parts, links, boxes, lines, ("inner", frame))
