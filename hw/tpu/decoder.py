"""Decoder: finds out whether an instruction is legal and what it touches, and dispatches it."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from .config import QUEUES, TpuConfig
from .isa import ERRORS, INSTRUCTION_BITS
from .layouts import instruction_layout, rows_layout
from .legality import CODE_BITS, Legality
from .reach import HOST_WINDOWS, Reach, area_layout
from .scoreboard import reads_layout, unit_entries
from .set_registers import SetRegisters, geometry_of
from .supplies import Supplies
from .word import take_apart

__all__ = ["Decoder"]

PC_BITS = 32


class Decoder(wiring.Component):
    """Takes instructions in order, each in five cycles, six for an ``activate``, and the time that it must wait.

    An illegal instruction, and what would come after it, is not executed; all older ones are. Which instruction is
    illegal never depends on how fast anything is: it follows from the program alone. A ``matmul`` or ``convolve`` that
    drains is kept until the ``activate`` after it is known to be legal, and both are dispatched in two cycles that
    follow each other.

    Attributes
    ----------
    i_instructions
        Stream of instructions.
    i_end
        The program has no more instructions than those that were offered until now.
    i_start
        Begin a program, the first one since a reset: nothing is in use, and instructions are counted from 0.
    i_host, i_weights
        Where the host's windows and weight memory are (`area_layout`).
    i_busy
        By unit: it has not completed all; of ``host_out``, or memory has not answered all.
    o_<unit>
        Streams to the queues of the scoreboard.
    o_rows
        Rows of the unified buffer that the instruction touches; of ``pool`` and ``vector``, those that it writes.
    o_reads
        Rows that ``pool`` and ``vector`` read.
    o_halt
        For a cycle: the program is over.
    o_tag, o_interrupt
        What the last ``interrupt`` shows; `o_interrupt` is 1 for a cycle, the first in which `o_tag` is new.
    o_error, o_code
        For a cycle: an instruction is illegal, and why. Nothing is dispatched any more.
    o_pc
        The number of the illegal instruction; in other cycles, of the first one of which nothing is dispatched, nor
        will be if `i_stop` is 1.
    i_stop
        Dispatch nothing any more.
    o_dispatch
        For a cycle: an instruction leaves the decoder, whatever it is.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        area = area_layout(config)
        super().__init__(
            {f"o_{name}": Out(stream.Signature(layout)) for name, layout in unit_entries(config).items()}
            | {
                "i_instructions": In(stream.Signature(instruction_layout())),
                "i_end": In(1),
                "i_start": In(1),
                "i_stop": In(1),
                "i_host": In(area).array(HOST_WINDOWS),
                "i_weights": In(area),
                "i_busy": In(len(QUEUES)),
                "o_rows": Out(rows_layout(config)),
                "o_reads": Out(reads_layout(config)),
                "o_halt": Out(1),
                "o_tag": Out(32),
                "o_interrupt": Out(1),
                "o_error": Out(1),
                "o_code": Out(CODE_BITS),
                "o_pc": Out(PC_BITS),
                "o_dispatch": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        m.submodules.registers = registers = SetRegisters(config)
        m.submodules.reach = reach = Reach(config)
        m.submodules.supplies = supplies = Supplies(config)
        m.submodules.legality = legality = Legality(config)
        self._registers, self._reach, self._legality = registers, reach, legality
        self._word = Signal(INSTRUCTION_BITS, name="word")
        self._found, self._f = take_apart(m, self._word)
        self._leaves = Signal(name="leaves")  # the instruction was found legal, and nothing keeps it any more
        self._held = Signal(name="held")
        # Without the geometry, which stays as it was set: what is held goes with the next instruction.
        fields = {name: one.shape for name, one in unit_entries(config)["matrix"] if name != "geometry"}
        self._held_entry = Signal(data.StructLayout(fields), name="held_entry")
        self._held_rows = Signal(rows_layout(config), name="held_rows")
        m.d.comb += [
            *(part.i_word.eq(self._word) for part in (reach, supplies, legality)),
            *(part.i_registers.eq(registers.o_values) for part in (reach, legality)),
            registers.i_index.eq(self._f["set"]["index"]),
            registers.i_value.eq(self._f["set"]["value"]),
            registers.i_set.eq(self._leaves & self._found["set"]),
            *(inner.eq(outer) for inner, outer in zip(reach.i_host, self.i_host, strict=True)),
            reach.i_weights.eq(self.i_weights),
            supplies.i_leaves.eq(self._leaves),
            legality.i_known.eq(registers.o_known),
            legality.i_legal.eq(registers.o_legal),
            legality.i_held.eq(self._held),
            legality.i_held_rows.eq(self._held_entry.rows),
            legality.i_buffer.eq(reach.o_buffer),
            legality.i_overlap.eq(reach.o_overlap),
            legality.i_memory.eq(reach.o_memory),
            legality.i_lacks.eq(supplies.o_lacks),
        ]
        self._offer(m)
        self._control(m)
        return m

    def _offer(self, m: Module) -> None:
        """What queues are offered, whether it is valid or not."""
        f, found, values = self._f, self._found, self._registers.o_values
        matmul, convolve, activate = f["matmul"], f["convolve"], f["activate"]
        self._entry = entry = Signal.like(self._held_entry, name="entry")
        # Both have these at the same bits.
        for name in entry.shape().members:
            if name in matmul and name in convolve and name != "ub":
                m.d.comb += entry[name].eq(matmul[name])
        m.d.comb += [
            entry.convolve.eq(found["convolve"]),
            entry.ub.eq(matmul["ub"]),
            entry.step.eq(matmul["step"]),
            entry.pitch.eq(Mux(found["convolve"], convolve["width"], matmul["pitch"])),
            entry.first.eq(convolve["ub"]),
            entry.y.eq(convolve["y"]),
            entry.x.eq(convolve["x"]),
        ]
        matrix = self.o_matrix.payload
        m.d.comb += [
            matrix[name].eq(Mux(self._held, self._held_entry[name], entry[name])) for name in entry.shape().members
        ]
        m.d.comb += geometry_of(values, matrix.geometry)
        out = self.o_activation.payload
        m.d.comb += [out[name].eq(activate[name]) for name in out.shape().members if name != "plane_step"]
        m.d.comb += out.plane_step.eq(values.plane_step)
        for transfer in (self.o_host_in.payload, self.o_host_out.payload):
            host = f["read_host"]
            m.d.comb += transfer.place.eq(host["ub"] >> exact_log2(self.config.bus_granules))
            m.d.comb += transfer.granules.eq(host["granules"])
            m.d.comb += transfer.address.eq(self._reach.o_address)
        weights = self.o_weights.payload
        m.d.comb += [weights[name].eq(f["read_weights"][name]) for name in ("tiles", "rows", "chunks")]
        m.d.comb += [weights.beats.eq(self._reach.o_beats), weights.address.eq(self._reach.o_address)]
        sets = self.o_parameters.payload
        m.d.comb += [sets.sets.eq(f["read_parameters"]["count"]), sets.address.eq(self._reach.o_address)]
        self._offer_vector(m)

    def _offer_vector(self, m: Module) -> None:
        out, found, values = self.o_vector.payload, self._found["pool"], self._registers.o_values
        pool, vector = self._f["pool"], self._f["vector"]
        for name in out.shape().members:
            if name in pool and name in vector:
                m.d.comb += out[name].eq(Mux(found, pool[name], vector[name]))
            elif name in pool or name in vector:
                m.d.comb += out[name].eq((pool | vector)[name])
            elif name in values.shape().members:
                m.d.comb += out[name].eq(values[name])
        m.d.comb += [out.pool.eq(found), *geometry_of(values, out.geometry)]

    def _control(self, m: Module) -> None:
        """Instruction after instruction."""
        f, found, instructions = self._f, self._found, self.i_instructions
        illegal, code, rows = self._legality.o_illegal, self._legality.o_code, self._reach.o_rows
        pc, after, back = Signal(PC_BITS, name="pc"), Signal(PC_BITS, name="pc_after"), Signal(name="back")
        queues = {"read_host": self.o_host_in, "write_host": self.o_host_out, "read_weights": self.o_weights}
        queues |= {"read_parameters": self.o_parameters, "pool": self.o_vector, "vector": self.o_vector}
        m.d.comb += [self.o_dispatch.eq(self._leaves), after.eq(pc + 1), back.eq(self._held), self.o_pc.eq(pc - back)]
        m.d.comb += [self.o_rows.eq(rows), self.o_reads.eq(self._reach.o_reads)]

        def fail(code: Value | int) -> None:
            m.d.comb += [self.o_error.eq(1), self.o_code.eq(code)]

        with m.FSM(init="stopped"):
            with m.State("stopped"):
                with m.If(self.i_start):
                    m.next = "take"
            with m.State("take"):
                m.d.comb += instructions.ready.eq(~self.i_stop)
                with m.If(self.i_stop):
                    m.next = "stopped"
                with m.Elif(instructions.valid):
                    m.d.sync += self._word.eq(instructions.payload)
                    m.next = "multiply"
                with m.Elif(self.i_end):
                    fail(Mux(self._held, ERRORS["bundle"][0], ERRORS["end"][0]))
                    m.next = "stopped"
            with m.State("multiply"):
                m.next = "span"
            with m.State("span"):
                m.next = "reach"
            with m.State("reach"):
                m.next = "judge"
            with m.State("judge"):
                with m.If(self.i_stop):
                    m.next = "stopped"
                with m.Elif(illegal):
                    fail(code)
                    m.d.comb += back.eq(self._held & (code == ERRORS["bundle"][0]))
                    m.next = "stopped"
                with m.Elif(found["halt"]):
                    with m.If(~self.i_busy.any()):
                        m.d.comb += [self.o_halt.eq(1), self._leaves.eq(1)]
                        m.next = "stopped"
                with m.Elif(found["activate"]):
                    m.d.comb += self.o_rows.eq(self._held_rows)
                    m.d.comb += self.o_matrix.valid.eq(self.o_activation.ready)
                    with m.If(self.o_matrix.valid & self.o_matrix.ready):
                        m.d.sync += self._held.eq(0)
                        m.next = "pair"
                with m.Else():
                    self._alone(m, queues)
                    with m.If(self._leaves):
                        m.d.sync += pc.eq(after)
                        m.next = "take"
            with m.State("pair"):
                m.d.comb += [
                    self.o_activation.valid.eq(1),
                    self._leaves.eq(self.o_activation.ready),
                    self.o_pc.eq(after),
                ]
                with m.If(self._leaves):
                    m.d.sync += pc.eq(after)
                    m.next = "take"
        m.d.sync += self.o_interrupt.eq(self._leaves & found["interrupt"])
        with m.If(self._leaves & found["interrupt"]):
            m.d.sync += self.o_tag.eq(f["interrupt"]["tag"])

    def _alone(self, m: Module, queues: dict) -> None:
        """A legal instruction that needs no other."""
        f, found = self._f, self._found
        for name in ("nop", "set"):
            with m.If(found[name]):
                m.d.comb += self._leaves.eq(1)
        for name in ("sync", "interrupt"):
            with m.If(found[name]):
                m.d.comb += self._leaves.eq((f[name]["units"] & self.i_busy) == 0)
        for name in ("matmul", "convolve"):
            with m.If(found[name]):
                with m.If(f[name]["drain"]):
                    m.d.comb += self._leaves.eq(1)
                    m.d.sync += [self._held.eq(1), self._held_entry.eq(self._entry)]
                    m.d.sync += self._held_rows.eq(self._reach.o_rows)
                with m.Else():
                    m.d.comb += [self.o_matrix.valid.eq(1), self._leaves.eq(self.o_matrix.ready)]
        for name, queue in queues.items():
            with m.If(found[name]):
                m.d.comb += [queue.valid.eq(1), self._leaves.eq(queue.ready)]
