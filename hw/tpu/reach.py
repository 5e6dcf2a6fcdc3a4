"""Reach of an instruction: rows of the unified buffer and beats of memory that it touches, and whether it may."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from .config import GRANULE_BYTES, TpuConfig
from .isa import INSTRUCTION_BITS, OPERATIONS
from .layouts import rows_layout, weights_entry
from .scoreboard import meet, reads_layout
from .set_registers import registers_layout
from .word import Word, take_apart

__all__ = ["HOST_WINDOWS", "TABLE_BYTES", "Reach", "area_layout"]

HOST_WINDOWS = 2

TABLE_BYTES = 256
"""Of a ``table``: a byte for each value of a byte."""

SPAN_BITS = 42
"""Of what instructions span, legal or not: no sum may wrap before it is compared with a size."""


def area_layout(config: TpuConfig) -> data.StructLayout:
    """A stretch of memory that software made known: its first beat, and how many granules it has."""
    granules = config.address_bits - exact_log2(GRANULE_BYTES)
    return data.StructLayout({"base": config.bus.beat_address_bits, "granules": granules})


class Reach(wiring.Component):
    """Finds where accesses end. All outputs are of the instruction that `i_word` has had for three cycles.

    Attributes
    ----------
    i_word, i_registers
        The instruction, and what was set before it.
    i_host, i_weights
        Where the host's windows and weight memory are (`area_layout`).
    o_rows
        Rows of the unified buffer that it touches; of ``pool`` and ``vector``, those that it writes.
    o_reads
        Rows that ``pool`` and ``vector`` read.
    o_beats, o_address
        Beats of a ``read_weights``; where an access to memory begins.
    o_buffer, o_overlap, o_memory
        It is illegal for a reason of this name: beyond the unified buffer or not on its beats or rows, written over
        what is read, beyond the memory.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        area = area_layout(config)
        super().__init__(
            {
                "i_word": In(INSTRUCTION_BITS),
                "i_registers": In(registers_layout(config)),
                "i_host": In(area).array(HOST_WINDOWS),
                "i_weights": In(area),
                "o_rows": Out(rows_layout(config)),
                "o_reads": Out(reads_layout(config)),
                "o_beats": Out(weights_entry(config)["beats"].shape),
                "o_address": Out(config.bus.beat_address_bits),
                "o_buffer": Out(1),
                "o_overlap": Out(1),
                "o_memory": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        word = take_apart(m, self.i_word)
        across, beyond = self._multiply(m, word)
        self._memory(m, word, beyond)
        buffer = self._written(m, word, across, beyond)
        self._read(m, word, buffer)
        return m

    def _multiply(self, m: Module, word: Word) -> tuple[Signal, Signal]:
        """Two products, a cycle each: what an instruction spans from row to row, and from tile to tile."""
        found = word.found
        matmul, activate, weights, pool = (word.fields[name] for name in ("matmul", "activate", "read_weights", "pool"))
        # A greater pitch is illegal by itself.
        rows, pitch = Signal(16, name="factor_rows"), Signal(range(self.config.row_granules + 1), name="factor_pitch")
        many, step = Signal(16, name="factor_many"), Signal(24, name="factor_step")
        across, beyond = Signal(len(rows) + len(pitch), name="across"), Signal(SPAN_BITS, name="beyond")
        with m.If(found["read_weights"]):
            m.d.comb += [rows.eq(weights["rows"]), pitch.eq(weights["chunks"])]
            m.d.comb += [many.eq(weights["tiles"]), step.eq(across)]
        with m.Elif(found["matmul"]):
            m.d.comb += [rows.eq(matmul["rows"] - 1), pitch.eq(matmul["pitch"])]
            m.d.comb += [many.eq(matmul["repeat"] - 1), step.eq(matmul["step"])]
        with m.Elif(found["activate"]):
            planes = Cat(activate["planes"] != 0, activate["planes"] == 2)  # 0, 1 or 3 more
            m.d.comb += [rows.eq(activate["rows"] - 1), pitch.eq(activate["pitch"])]
            m.d.comb += [many.eq(planes), step.eq(self.i_registers.plane_step)]
        with m.Elif(found["pool"]):
            m.d.comb += [rows.eq(pool["rows"] - 1), pitch.eq(self.i_registers.pool_pitch)]
        m.d.sync += [across.eq(rows * pitch), beyond.eq(many * step)]
        return across, beyond

    def _memory(self, m: Module, word: Word, beyond: Signal) -> None:
        """Beats of memory, in registers, and whether its area has them."""
        config, found, f = self.config, word.found, word.fields
        beat = exact_log2(config.bus_granules)
        area, beats = Signal(area_layout(config), name="area"), Signal(SPAN_BITS, name="all_beats")
        offset, granules = (Signal(SPAN_BITS, name=name) for name in ("offset", "granules"))
        m.d.comb += [area.eq(self.i_weights), granules.eq(beats << beat)]
        transfers = found["read_host"] | found["write_host"]
        with m.If(transfers):
            host = f["read_host"]
            m.d.comb += [granules.eq(host["granules"]), offset.eq(host["host"])]
            m.d.comb += area.eq(Mux(host["window"], self.i_host[1], self.i_host[0]))
        with m.Elif(found["read_weights"]):
            m.d.comb += [offset.eq(f["read_weights"]["address"]), beats.eq(beyond)]
        with m.Else():
            sets = f["read_parameters"]
            m.d.comb += [offset.eq(sets["address"]), beats.eq(sets["count"] * config.set_beats)]
        end, size = Signal(SPAN_BITS + 8, name="area_end"), Signal.like(area.granules, name="area_granules")
        m.d.sync += [
            end.eq((offset << beat) + granules),
            size.eq(area.granules),
            self.o_beats.eq(beyond),
            self.o_address.eq(area.base + offset),
        ]
        m.d.comb += self.o_memory.eq((transfers | found["read_weights"] | found["read_parameters"]) & (end > size))

    def _written(self, m: Module, word: Word, across: Signal, beyond: Signal) -> Signal:
        """Rows that an instruction writes, or touches if it writes none; whether it may not."""
        config, found, f = self.config, word.found, word.fields
        row, beat = exact_log2(config.row_granules), exact_log2(config.bus_granules)
        first, end = Signal(24, name="first"), Signal(SPAN_BITS + 2, name="end")
        width, span = (Signal(SPAN_BITS, name=name) for name in ("width", "span"))
        grid = Signal(range(config.row_granules), name="grid")  # bits of the first granule that must be 0
        touches = Signal(name="touches")
        with m.If(found["read_host"] | found["write_host"]):
            m.d.comb += [first.eq(f["read_host"]["ub"]), width.eq(f["read_host"]["granules"])]
            m.d.comb += [grid.eq((1 << beat) - 1), touches.eq(1)]
        for name, granules in (("matmul", "pitch"), ("activate", "used")):
            with m.If(found[name]):
                m.d.comb += [first.eq(f[name]["ub"]), width.eq(f[name][granules])]
                m.d.comb += [span.eq(across + beyond), touches.eq(1)]
        with m.If(found["pool"]):
            m.d.comb += [first.eq(f["pool"]["dst"]), width.eq(f["pool"]["width"])]
            m.d.comb += [span.eq(across), touches.eq(1)]
        with m.If(found["vector"]):
            m.d.comb += [first.eq(f["vector"]["dst"]), width.eq(f["vector"]["rows"] << row)]
            m.d.comb += [grid.eq(config.row_granules - 1), touches.eq(1)]
        m.d.sync += end.eq(first + width + span)
        wrong = Signal(name="written_wrong")
        m.d.comb += [
            self.o_rows.first.eq(first >> row),
            self.o_rows.last.eq((end - 1) >> row),
            wrong.eq(touches & ((end > config.ub_granules) | (first & grid).any())),
        ]
        with m.If(found["convolve"]):  # wherever its windows lie
            m.d.comb += [self.o_rows.first.eq(self.i_registers.window_first)]
            m.d.comb += [self.o_rows.last.eq(self.i_registers.window_last)]
        return wrong

    def _read(self, m: Module, word: Word, wrong: Signal) -> None:
        """Rows that ``pool`` and ``vector`` read beside those that they write."""
        config, found, vector = self.config, word.found, word.fields["vector"]
        row = exact_log2(config.row_granules)
        table = vector["operation"] == OPERATIONS.index("table")
        sizes = {"a": vector["rows"], "b": Mux(table, TABLE_BYTES // config.row_bytes, vector["rows"])}
        off, over = Signal(2, name="off_rows"), Signal(2, name="over_what_is_read")
        for number, (name, size) in enumerate(sizes.items()):
            reads, end = self.o_reads[name], Signal(25, name=f"end_of_{name}")
            m.d.sync += end.eq((vector[name] >> row) + size)
            m.d.comb += off[number].eq((end > config.ub_rows) | vector[name][:row].any())
            same = Signal(name=f"same_as_{name}")
            with m.If(found["vector"]):
                m.d.comb += [reads.first.eq(vector[name] >> row), reads.last.eq(end - 1)]
                m.d.comb += same.eq((reads.first == self.o_rows.first) & (~table if name == "b" else 1))
            with m.Else():
                m.d.comb += [reads.first.eq(self.i_registers.window_first)]
                m.d.comb += [reads.last.eq(self.i_registers.window_last)]
            m.d.comb += over[number].eq(meet(self.o_rows, reads) & ~same)
        m.d.comb += [
            self.o_buffer.eq(wrong | (found["vector"] & off.any())),
            self.o_overlap.eq((found["pool"] | found["vector"]) & over.any()),
        ]
