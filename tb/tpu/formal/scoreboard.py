"""What the scoreboard must do with any program and any units."""

from amaranth.hdl import Array, Cat, Const, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In
from amaranth.utils import bits_for

from ....hw.tpu.config import QUEUES, TpuConfig
from ....hw.tpu.layouts import rows_layout
from ....hw.tpu.scoreboard import Scoreboard, reads_layout, unit_entries
from ...formal import Assert, Assume, Cover

__all__ = ["ScoreboardSpec"]

UNITS = list(QUEUES)
READERS, WRITERS = {"host_out", "matrix", "vector"}, {"host_in", "activation", "vector"}


def touched_layout(config: TpuConfig) -> data.StructLayout:
    """Rows that an instruction touches: of ``vector``, those that it writes, and what it reads."""
    return data.StructLayout({"rows": rows_layout(config), "reads": reads_layout(config)})


class Followed:
    """An instruction that was chosen when it was dispatched: where it is in its queue, and what it touches."""

    def __init__(self, config: TpuConfig, name: str, unit: str) -> None:
        self.unit = unit
        self.active = Signal(name=f"{name}_active")
        self.place = Signal(range(QUEUES[unit]), name=f"{name}_place")
        self.touched = Signal(touched_layout(config), name=f"{name}_touched")

    def follow(self, m: Module, chosen: Value, place: Value, touched: Value, done: Value) -> None:
        """From the cycle after it was `chosen`, to that in which it completes."""
        with m.If(chosen):
            m.d.sync += [self.active.eq(1), self.place.eq(place), self.touched.eq(touched)]
        with m.Elif(done & (self.place == 0)):
            m.d.sync += self.active.eq(0)
        with m.Elif(done):
            m.d.sync += self.place.eq(self.place - 1)


def overlap(one, other) -> Value:
    """Whether two stretches of rows have one in common."""
    return (one.first <= other.last) & (other.first <= one.last)


def in_conflict(unit: str, touched, other: str, others) -> Value:
    """Whether an instruction of a unit and one of another have a row in common that one of them writes."""

    def stretches(name: str, rows) -> list:
        if name == "vector":
            return [(rows.rows, True), (rows.reads.a, False), (rows.reads.b, False)]
        return [(rows.rows, name in WRITERS)]

    return Cat(
        overlap(one, two)
        for one, writes in stretches(unit, touched)
        for two, also in stretches(other, others)
        if writes or also
    ).any()


class ScoreboardSpec(wiring.Component):
    """Follows any instruction of a unit, and any older one of each other unit.

    - While an older one that is in conflict has not completed, the younger one is not offered (``activation``: has no
      `o_go`).
    - What it waits for is an older one that is in conflict. So the oldest of all is always offered or taken, and if
      units complete what they take, nothing waits for ever.
    - It is offered as it was dispatched; queues take as many as they have room for.

    Units complete only what they have taken, or take.

    Parameters
    ----------
    config
        The scoreboard's, with few rows.
    unit
        Of the younger instruction.
    """

    def __init__(self, config: TpuConfig, unit: str):
        self.config, self.unit = config, unit
        payload = unit_entries(config)[unit]
        super().__init__(
            {
                "which": In(3),  # unit of the instruction that comes; 7: none
                "touched": In(touched_layout(config)),
                "payload": In(payload.as_shape().width),
                "ready": In(len(UNITS)),
                "done": In(len(UNITS)),
                "choose": In(1),
                "choose_older": In(1),
            }
        )

    def elaborate(self, platform) -> Module:
        """Design, units, what is followed, and assertions."""
        m = Module()
        m.submodules.dut = self.dut = dut = Scoreboard(self.config)
        m.d.comb += [dut.i_done.eq(self.done), dut.i_rows.eq(self.touched.rows), dut.i_reads.eq(self.touched.reads)]
        self.done_of = {unit: self.done[number] for number, unit in enumerate(UNITS)}
        self.counts, self.pushes = {}, {}
        for number, unit in enumerate(UNITS):
            self._unit(m, number, unit)
        self._follow(m)
        self._never_early(m)
        self._never_late(m)
        return m

    def _unit(self, m: Module, number: int, unit: str) -> None:
        """A unit that takes and completes whenever it likes, and how many of its instructions are under way."""
        dut, done, depth = self.dut, self.done_of[unit], QUEUES[unit]
        arrives, leaves = getattr(dut, f"i_{unit}"), getattr(dut, f"o_{unit}")
        count, taken = (Signal(bits_for(depth), name=f"{unit}_{name}") for name in ("under_way", "taken"))
        push, takes = Signal(name=f"{unit}_comes"), Signal(name=f"{unit}_takes")
        m.d.comb += [
            arrives.valid.eq(self.which == number),
            Value.cast(arrives.payload).eq(self.payload),
            leaves.ready.eq(self.ready[number]),
            push.eq(arrives.valid & arrives.ready),
            takes.eq(leaves.valid & leaves.ready),
            Assume(~done | (taken != 0) | takes),
            Assert(arrives.ready == (count != depth)),
            Assert(dut.o_busy[number] == (count != 0)),
            Assert((count <= depth) & (taken <= count)),
            Assert((count == dut.counts[unit]) & (taken == dut.issued[unit])),
        ]
        m.d.sync += [count.eq(count + push - done), taken.eq(taken + takes - done)]
        if unit == "activation":
            m.d.comb += Assume(~takes | dut.o_go)
        self.counts[unit], self.pushes[unit] = count, push

    def _follow(self, m: Module) -> None:
        """The younger instruction, and an older one of each unit that it may be in conflict with."""
        unit = self.unit
        self.young = young = Followed(self.config, "young", unit)
        chosen = Signal(name="chosen")
        m.d.comb += chosen.eq(self.choose & self.pushes[unit] & ~young.active)
        young.follow(m, chosen, self.counts[unit] - self.done_of[unit], self.touched, self.done_of[unit])
        self.payload_then = Signal.like(self.payload, name="payload_then")
        with m.If(chosen):
            m.d.sync += self.payload_then.eq(self.payload)
        kinds = READERS | WRITERS
        others = {other for other in kinds - {unit} if unit in kinds and {unit, other} & WRITERS}
        self.old = {other: Followed(self.config, f"old_{other}", other) for other in UNITS if other in others}
        # How many are under way that are older than the younger one: they complete before all others.
        self.older = {other: Signal.like(self.counts[other], name=f"older_{other}") for other in UNITS}
        for other, older in self.older.items():
            done = self.done_of[other]
            with m.If(chosen):
                m.d.sync += older.eq(self.counts[other] - done)
            with m.Else():
                m.d.sync += older.eq(older - (done & (older != 0)))
            m.d.comb += Assert(~young.active | (older <= self.counts[other]))
        for other, old in self.old.items():
            place = self.counts[other] - self.done_of[other]
            old.follow(
                m, self.choose_older & self.pushes[other] & ~old.active & ~young.active, place, self.touched,
                self.done_of[other],
            )  # fmt: skip
            held = self._held(other, old.place)
            same = (held.rows == old.touched.rows) & ((held.reads == old.touched.reads) if other == "vector" else 1)
            m.d.comb += [
                Assert(~old.active | ((old.place < self.counts[other]) & same)),
                Assert(~old.active | ~young.active | (old.place < self.older[other])),
            ]

    def _held(self, other: str, place: Value):
        """Rows that an instruction in a queue touches, as the scoreboard keeps them."""
        layout = touched_layout(self.config)
        kept = [self.dut.rows[other], self.dut.reads if other == "vector" else [Const(0, layout["reads"].width)]]
        return layout(Cat(Value.cast(Array(Value.cast(one) for one in part)[place]) for part in kept))

    def _never_early(self, m: Module) -> None:
        """What is offered may begin, and is what was dispatched."""
        dut, young, unit = self.dut, self.young, self.unit
        taken, leaves = dut.issued[unit], getattr(dut, f"o_{unit}")
        self.is_next = young.active & (taken == young.place)
        offered, begins, conflicts = Signal(), Signal(), []
        m.d.comb += [
            offered.eq(leaves.valid & self.is_next),
            begins.eq(offered & dut.o_go if unit == "activation" else offered),
            Assert(~young.active | ((young.place < self.counts[unit]) & (young.place == self.older[unit]))),
            Assert(~offered | (Value.cast(leaves.payload) == self.payload_then)),
            Assert(~young.active | (Array(Value.cast(e) for e in dut.held[unit])[young.place] == self.payload_then)),
        ]
        for other, old in self.old.items():
            conflict = Signal(name=f"conflict_with_{other}")
            waits = Array(dut.left[unit][other])[young.place]
            m.d.comb += [
                conflict.eq(young.active & old.active & in_conflict(unit, young.touched, other, old.touched)),
                Assert(~conflict | ~begins),
                Assert(~conflict | (waits > old.place)),
            ]
            conflicts.append(conflict)
        m.d.comb += Cover(Cat(conflicts).all() & (young.place == 1))

    def _never_late(self, m: Module) -> None:
        """Waits are for older ones in conflict, so the oldest of all waits for nothing."""
        dut, young, unit = self.dut, self.young, self.unit
        leaves, free = getattr(dut, f"o_{unit}"), []
        for other in self.old:
            waits = Array(dut.left[unit][other])[young.place]
            meets = in_conflict(unit, young.touched, other, self._held(other, waits - 1))
            m.d.comb += Assert(~young.active | (waits == 0) | ((waits <= self.older[other]) & meets))
            free.append(waits == 0)
        oldest = young.active & Cat(older == 0 for older in self.older.values()).all()
        if unit == "activation":
            m.d.comb += [
                Assert(~(self.is_next & Cat(free).all()) | dut.o_go),
                Assert(~self.is_next | leaves.valid),
                Assert(~oldest | ~self.is_next | dut.o_go),
            ]
        else:
            m.d.comb += Assert(~(self.is_next & Cat(free).all()) | leaves.valid)
            m.d.comb += Assert(~oldest | ~self.is_next | leaves.valid)
