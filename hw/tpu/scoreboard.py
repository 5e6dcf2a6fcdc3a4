"""Scoreboard: which instruction may begin, so that units side by side do what the program says in order."""

# Ports come from a table, which no checker can know.
# pyright: reportAttributeAccessIssue=false

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import QUEUES, TpuConfig
from .layouts import (
    activate_entry,
    matmul_entry,
    parameters_entry,
    rows_layout,
    transfer_entry,
    weights_entry,
)

__all__ = ["READS", "WRITES", "Scoreboard", "unit_entries"]

READS = ("host_out", "matrix")
"""Units that read the unified buffer."""

WRITES = ("host_in", "activation")
"""Units that write it."""


def unit_entries(config: TpuConfig) -> dict[str, data.StructLayout]:
    """What each unit executes."""
    return {
        "host_in": transfer_entry(config),
        "host_out": transfer_entry(config),
        "weights": weights_entry(config),
        "parameters": parameters_entry(config),
        "matrix": matmul_entry(config),
        "activation": activate_entry(config),
    }


def _hazard(unit: str, other: str) -> bool:
    """Whether an instruction of `unit` may have to wait for an older one of `other`: units do theirs in order."""
    touch = unit in READS + WRITES and other in READS + WRITES
    return touch and unit != other and (unit in WRITES or other in WRITES)


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
        Rows of the unified buffer that this instruction reads or writes, the first and the last.
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
        Of the next instruction of ``matrix``: it waits for ``activation``, for ``host_in`` (a bit each).
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
        self.left = {
            name: {
                other: [Signal(range(most + 1), name=f"{name}_{place}_waits_for_{other}") for place in range(depth)]
                for other, most in depths
                if _hazard(name, other)
            }
            for name, depth in depths
        }

    def elaborate(self, platform) -> Module:
        m = Module()
        done = {name: self.i_done[number] for number, name in enumerate(QUEUES)}
        for number, (name, count) in enumerate(self.counts.items()):
            waits = {other: self._conflict(m, name, other, done[other]) for other in self.left[name]}
            self._queue(m, name, waits, done)
            m.d.comb += self.o_busy[number].eq(count != 0)
        return m

    def _conflict(self, m: Module, name: str, other: str, done: Value) -> Signal:
        """How many instructions of `other` must complete before one of `name` that is dispatched now."""
        rows, count = self.rows[other], self.counts[other]
        found = Signal(range(len(rows) + 1), name=f"{name}_after_{other}")
        for place, held in enumerate(rows):  # later places are younger, and go first
            overlap = (self.i_rows.first <= held.last) & (held.first <= self.i_rows.last)
            with m.If((place < count) & overlap):
                m.d.comb += found.eq(place + 1)
        after = Signal.like(found, name=f"{name}_waits_for_{other}")
        m.d.comb += after.eq(found - (done & (found != 0)))
        return after

    def _queue(self, m: Module, name: str, waits: dict[str, Signal], done: dict[str, Value]) -> None:
        """The instructions of a unit, the oldest at place 0; each completion moves all of them."""
        depth = QUEUES[name]
        arrives, leaves = getattr(self, f"i_{name}"), getattr(self, f"o_{name}")
        count, issued, entries, left = self.counts[name], self.issued[name], self.held[name], self.left[name]
        push, pop, issue = Signal(name=f"{name}_push"), done[name], Signal(name=f"{name}_issue")
        m.d.comb += [
            arrives.ready.eq(count != depth),
            push.eq(arrives.valid & arrives.ready),
            issue.eq(leaves.valid & leaves.ready),
        ]
        m.d.sync += [count.eq(count + push - pop), issued.eq(issued + issue - pop)]

        free = {other: Signal(name=f"{name}_free_of_{other}") for other in left}
        with m.Switch(issued):
            for place in range(depth):
                with m.Case(place):
                    m.d.comb += leaves.payload.eq(entries[place])
                    m.d.comb += [free[other].eq(left[other][place] == 0) for other in left]
        if name == "activation":
            m.d.comb += [leaves.valid.eq(issued < count), self.o_go.eq(leaves.valid & Cat(*free.values()).all())]
        else:
            m.d.comb += leaves.valid.eq((issued < count) & Cat(*free.values()).all())
        if name == "matrix":
            pending = issued < count
            m.d.comb += [
                self.o_waits[0].eq(pending & ~free["activation"]),
                self.o_waits[1].eq(pending & ~free["host_in"]),
            ]

        place_of_new = Signal(range(depth + 1), name=f"{name}_place")
        m.d.comb += place_of_new.eq(count - pop)
        for place in range(depth):
            new = push & (place_of_new == place)
            above = min(place + 1, depth - 1)
            with m.If(new):
                m.d.sync += entries[place].eq(arrives.payload)
            with m.Elif(pop):
                m.d.sync += entries[place].eq(entries[above])
            if rows := self.rows.get(name):
                with m.If(new):
                    m.d.sync += rows[place].eq(self.i_rows)
                with m.Elif(pop):
                    m.d.sync += rows[place].eq(rows[above])
            for other in left:
                wait, kept = left[other][place], Mux(pop, left[other][above], left[other][place])
                m.d.sync += wait.eq(Mux(new, waits[other], kept - (done[other] & (kept != 0))))
