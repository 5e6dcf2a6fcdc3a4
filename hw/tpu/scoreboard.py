"""Scoreboard: which instruction may begin, so that units side by side do what the program says in order."""

from itertools import product

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from .config import QUEUES, TpuConfig
from .layouts import (
    activate_entry,
    matmul_entry,
    parameters_entry,
    rows_layout,
    transfer_entry,
    vector_entry,
    weights_entry,
)

__all__ = ["READS", "WRITES", "Scoreboard", "meet", "reads_layout", "unit_entries"]

READS = ("host_out", "matrix", "vector")
"""Units that read the unified buffer."""

WRITES = ("host_in", "activation", "vector")
"""Units that write it."""


def reads_layout(config: TpuConfig) -> data.StructLayout:
    """Rows of the unified buffer that ``vector`` reads, two stretches of them; what it writes lies elsewhere."""
    return data.StructLayout({"a": rows_layout(config), "b": rows_layout(config)})


def meet(one, other) -> Value:
    """Whether two stretches of rows (`rows_layout`) have one in common."""
    return (one.first <= other.last) & (other.first <= one.last)


def unit_entries(config: TpuConfig) -> dict[str, data.StructLayout]:
    """What each unit executes."""
    return {
        "host_in": transfer_entry(config),
        "host_out": transfer_entry(config),
        "weights": weights_entry(config),
        "parameters": parameters_entry(config),
        "matrix": matmul_entry(config),
        "activation": activate_entry(config),
        "vector": vector_entry(config),
    }


def _pairs(unit: str, other: str) -> list[tuple[str, str]]:
    """Stretches of rows of a younger and of an older instruction that must have none in common: one is written."""
    written, read = _stretches(unit)
    other_written, other_read = _stretches(other)
    return [*product(written, other_written + other_read), *product(read, other_written)]


def _stretches(unit: str) -> tuple[list[str], list[str]]:
    """What a unit's instruction writes and reads: `rows`, and ``a`` and ``b`` of `reads_layout`."""
    written = ["rows"] if unit in WRITES else []
    return written, ["a", "b"] if unit == "vector" else ["rows"] if unit in READS else []


class Scoreboard(wiring.Component):
    """A queue for each unit, whose entries know how many completions of other units they still wait for.

    An instruction that is dispatched is compared with all that were dispatched before and have not completed: it waits
    for the youngest of each unit that touches rows of the unified buffer that it touches too, if one of the two writes
    them. A unit completes its instructions in order, so a number of completions says it all. Each wait is for an
    older instruction: nothing waits in a circle.

    An instruction dispatched in cycle t is offered to its unit from t + 1 on, or from the cycle after the last
    completion that it waits for.

    Attributes
    ----------
    i_<unit>
        Stream of instructions found legal, by unit (`unit_entries`): ready while the queue has room. At most one is
        valid in a cycle, for they come in the order of the program.
    i_rows
        Rows of the unified buffer that this instruction reads or writes, the first and the last; of ``vector``, those
        that it writes.
    i_reads
        Rows that it reads, of ``vector`` (`reads_layout`).
    o_<unit>
        Stream to the unit, in order. Only what nothing holds back is valid; what ``activation`` has to do is shown at
        once, and `o_go` tells when it may begin.
    o_go
        Nothing holds back the instruction that is shown to ``activation``.
    i_done
        By unit (a bit each): it has completed its oldest instruction.
    o_busy
        By unit (a bit each): it has not completed all.
    o_waits
        Of the next instruction of ``matrix``: it waits for ``activation`` or ``vector``, for ``host_in`` (a bit each).
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        self.entries = unit_entries(config)
        streams = {name: stream.Signature(layout) for name, layout in self.entries.items()}
        super().__init__(
            {f"i_{name}": In(signature) for name, signature in streams.items()}
            | {f"o_{name}": Out(signature) for name, signature in streams.items()}
            | {
                "i_rows": In(rows_layout(config)),
                "i_reads": In(reads_layout(config)),
                "o_go": Out(1),
                "i_done": In(len(QUEUES)),
                "o_busy": Out(len(QUEUES)),
                "o_waits": Out(2),
            }
        )
        # By unit: how many are under way and how many of these the unit has taken; then by place, the oldest first,
        # what they are, the rows that they touch, and the completions of each other unit that they wait for.
        depths = QUEUES.items()
        self.counts = {name: Signal(range(depth + 1), name=f"{name}_count") for name, depth in depths}
        self.issued = {name: Signal(range(depth + 1), name=f"{name}_issued") for name, depth in depths}
        self.held = {
            name: [Signal(self.entries[name], name=f"{name}_entry_{place}") for place in range(depth)]
            for name, depth in depths
        }
        self.rows = {
            name: [Signal(rows_layout(config), name=f"{name}_rows_{place}") for place in range(depth)]
            for name, depth in depths
            if name in READS + WRITES
        }
        self.reads = [Signal(reads_layout(config), name=f"vector_reads_{place}") for place in range(QUEUES["vector"])]
        self.left = {
            name: {
                other: [Signal(range(most + 1), name=f"{name}_{place}_waits_for_{other}") for place in range(depth)]
                for other, most in depths
                if name != other and _pairs(name, other)
            }
            for name, depth in depths
        }

    def elaborate(self, platform) -> Module:
        m = Module()
        self._meetings: dict[tuple[str, str, int, str], Signal] = {}
        done = {name: self.i_done[number] for number, name in enumerate(QUEUES)}
        for number, (name, count) in enumerate(self.counts.items()):
            waits = {other: self._conflict(m, name, other, done[other]) for other in self.left[name]}
            self._queue(m, name, waits, done)
            m.d.comb += self.o_busy[number].eq(count != 0)
        return m

    def _conflict(self, m: Module, name: str, other: str, done: Value) -> Signal:
        """How many instructions of `other` must complete before one of `name` that is dispatched now."""
        count = self.counts[other]
        found = Signal(range(QUEUES[other] + 1), name=f"{name}_after_{other}")
        for place in range(QUEUES[other]):  # later places are younger, and go first
            meetings = [self._meeting(m, one, other, place, held) for one, held in _pairs(name, other)]
            with m.If((place < count) & Cat(meetings).any()):
                m.d.comb += found.eq(place + 1)
        after = Signal.like(found, name=f"{name}_waits_for_{other}")
        m.d.comb += after.eq(found - (done & (found != 0)))
        return after

    def _meeting(self, m: Module, one: str, other: str, place: int, held: str) -> Signal:
        """Whether rows of the one that comes meet rows of an older one of `other`: a comparison for all that ask."""
        key = one, other, place, held
        if key not in self._meetings:
            coming = self.i_rows if one == "rows" else self.i_reads[one]
            there = self.rows[other][place] if held == "rows" else self.reads[place][held]
            self._meetings[key] = Signal(name=f"{one}_meet_{other}_{held}_{place}")
            m.d.comb += self._meetings[key].eq(meet(coming, there))
        return self._meetings[key]

    def _queue(self, m: Module, name: str, waits: dict[str, Signal], done: dict[str, Value]) -> None:
        """The instructions of a unit, the oldest at place 0; each completion moves all of them."""
        depth = QUEUES[name]
        arrives, leaves = getattr(self, f"i_{name}"), getattr(self, f"o_{name}")
        count, issued, entries, left = self.counts[name], self.issued[name], self.held[name], self.left[name]
        push, pop, issue = Signal(name=f"{name}_push"), done[name], Signal(name=f"{name}_issue")
        m.d.comb += [
            arrives.ready.eq(~count[-1]),  # a depth is a power of two
            push.eq(arrives.valid & arrives.ready),
            issue.eq(leaves.valid & leaves.ready),
        ]
        m.d.sync += [count.eq(count + push - pop), issued.eq(issued + issue - pop)]

        free = {other: Signal(name=f"{name}_free_of_{other}") for other in left}
        with m.Switch(issued[: bits_for(depth - 1)]):  # of a place behind the last nothing is valid
            for place in range(depth):
                with m.Case(place):
                    m.d.comb += leaves.payload.eq(entries[place])
                    m.d.comb += [free[other].eq(left[other][place] == 0) for other in left]
        pending, begins = Signal(name=f"{name}_pending"), Signal(name=f"{name}_begins")
        m.d.comb += [pending.eq(issued != count), begins.eq(pending & Cat(*free.values()).all())]
        m.d.comb += leaves.valid.eq(pending if name == "activation" else begins)
        if name == "activation":
            m.d.comb += self.o_go.eq(begins)
        if name == "matrix":
            m.d.comb += [
                self.o_waits[0].eq(pending & ~(free["activation"] & free["vector"])),
                self.o_waits[1].eq(pending & ~free["host_in"]),
            ]

        place_of_new = Signal(range(depth), name=f"{name}_place")  # while there is room
        m.d.comb += place_of_new.eq(count - pop)
        for place in range(depth):
            new, above = Signal(name=f"{name}_new_{place}"), min(place + 1, depth - 1)
            m.d.comb += new.eq(push & (place_of_new == place))
            with m.If(new):
                m.d.sync += entries[place].eq(arrives.payload)
            with m.Elif(pop):
                m.d.sync += entries[place].eq(entries[above])
            touched = [(self.rows[name], self.i_rows)] if name in self.rows else []
            touched += [(self.reads, self.i_reads)] if name == "vector" else []
            for rows, coming in touched:
                with m.If(new):
                    m.d.sync += rows[place].eq(coming)
                with m.Elif(pop):
                    m.d.sync += rows[place].eq(rows[above])
            for other in left:
                wait, kept = left[other][place], Mux(pop, left[other][above], left[other][place])
                m.d.sync += wait.eq(Mux(new, waits[other], kept - (done[other] & (kept != 0))))
