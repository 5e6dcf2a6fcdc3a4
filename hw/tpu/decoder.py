"""Decoder: finds out whether an instruction is legal and what it touches, and dispatches it."""

# Fields of layouts are values of classes that no checker can know.
# pyright: reportOperatorIssue=false, reportAttributeAccessIssue=false

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from .config import GRANULE_BYTES, QUEUES, TpuConfig
from .isa import ERRORS, INSTRUCTION_BITS, INSTRUCTIONS, KINDS, SET_REGISTERS, SWAPS
from .layouts import granule_address, instruction_layout, rows_layout
from .scoreboard import unit_entries

__all__ = ["HOST_WINDOWS", "Decoder", "area_layout"]

HOST_WINDOWS = 2

CODE_BITS = 5
PC_BITS = 32
SPAN_BITS = 42
"""Of what instructions span, legal or not: no sum may wrap before it is compared with a size."""

AHEAD_BITS = 24
"""Of weight tiles read and not used: as many as a queue of the largest requests can hold, and more."""


def area_layout(config: TpuConfig) -> data.StructLayout:
    """A stretch of memory that software made known: its first beat, and how many granules it has."""
    granules = config.address_bits - exact_log2(GRANULE_BYTES)
    return data.StructLayout({"base": config.bus.beat_address_bits, "granules": granules})


def _fields(word: Value, name: str) -> dict[str, Value]:
    """Fields of an instruction by name."""
    return {
        field.name: word[field.low : field.low + field.bits].as_signed()
        if field.signed
        else word[field.low : field.low + field.bits]
        for field in INSTRUCTIONS[name].fields
    }


class Decoder(wiring.Component):
    """Takes instructions in order, each in five cycles, six for an ``activate``, and the time that it must wait.

    An illegal instruction, and what would come after it, is not executed; all older ones are. Which instruction is
    illegal never depends on how fast anything is: it follows from the program alone. A draining ``matmul`` is kept
    until the ``activate`` after it is known to be legal, and both are dispatched in two cycles that follow each other.

    Attributes
    ----------
    i_instructions
        Stream of instructions.
    i_end
        The program has no more instructions than those that were offered until now.
    i_start
        Begin a program: nothing is in use, and instructions are counted from 0.
    i_host, i_weights
        Where the host's windows and weight memory are (`area_layout`).
    i_busy
        By unit: it has not completed all; of ``host_out``, or memory has not answered all.
    o_<unit>
        Streams to the queues of the scoreboard.
    o_rows
        Rows of the unified buffer that the instruction touches.
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
        self._word = Signal(INSTRUCTION_BITS, name="word")
        self._is = {name: Signal(name=f"is_{name}") for name in INSTRUCTIONS}
        m.d.comb += [flag.eq(self._word[:8] == INSTRUCTIONS[name].opcode) for name, flag in self._is.items()]
        self._f = {name: _fields(self._word, name) for name in INSTRUCTIONS}
        self._plane_step = Signal(granule_address(self.config), name="plane_step")
        self._held = Signal(name="held")
        self._held_entry = Signal(unit_entries(self.config)["matrix"], name="held_entry")
        self._held_rows = Signal(rows_layout(self.config), name="held_rows")
        self._multiply(m)
        self._reach(m)
        self._supplies(m)
        self._judge(m)
        self._offer(m)
        self._control(m)
        return m

    def _multiply(self, m: Module) -> None:
        """Two products, a cycle each: what an instruction spans from row to row, and from tile to tile."""
        matmul, activate, weights = (self._f[name] for name in ("matmul", "activate", "read_weights"))
        rows, pitch = Signal(13, name="factor_rows"), Signal(9, name="factor_pitch")
        many, step = Signal(16, name="factor_many"), Signal(24, name="factor_step")
        self._across, self._beyond = Signal(22, name="across"), Signal(SPAN_BITS, name="beyond")
        with m.If(self._is["read_weights"]):
            m.d.comb += [rows.eq(weights["rows"]), pitch.eq(weights["chunks"])]
            m.d.comb += [many.eq(weights["tiles"]), step.eq(self._across)]
        with m.Elif(self._is["matmul"]):
            m.d.comb += [rows.eq(matmul["rows"] - 1), pitch.eq(matmul["pitch"])]
            m.d.comb += [many.eq(matmul["repeat"] - 1), step.eq(matmul["step"])]
        with m.Else():
            planes = Cat(activate["planes"] != 0, activate["planes"] == 2)  # 0, 1 or 3 more
            m.d.comb += [rows.eq(activate["rows"] - 1), pitch.eq(activate["pitch"])]
            m.d.comb += [many.eq(planes), step.eq(self._plane_step)]
        m.d.sync += [self._across.eq(rows * pitch), self._beyond.eq(many * step)]

    def _reach(self, m: Module) -> None:
        """Where accesses end, registers: granules of the buffer and of memory, rows of the accumulators."""
        config, f = self.config, self._f
        beat = exact_log2(config.bus_granules)
        area, beats = Signal(area_layout(config), name="area"), Signal(SPAN_BITS, name="all_beats")
        width, span, granules = (Signal(SPAN_BITS, name=name) for name in ("width", "span", "granules"))
        offset = Signal(SPAN_BITS, name="offset")
        self._ub = Signal(24, name="ub")
        self._transfers = self._is["read_host"] | self._is["write_host"]
        m.d.comb += [area.eq(self.i_weights), granules.eq(beats << beat)]
        with m.If(self._transfers):
            host = f["read_host"]
            m.d.comb += [self._ub.eq(host["ub"]), width.eq(host["granules"]), granules.eq(host["granules"])]
            m.d.comb += [offset.eq(host["host"]), area.eq(Mux(host["window"], self.i_host[1], self.i_host[0]))]
        with m.Elif(self._is["matmul"]):
            m.d.comb += [self._ub.eq(f["matmul"]["ub"]), width.eq(f["matmul"]["pitch"])]
            m.d.comb += span.eq(self._across + self._beyond)
        with m.Elif(self._is["activate"]):
            m.d.comb += [self._ub.eq(f["activate"]["ub"]), width.eq(f["activate"]["used"])]
            m.d.comb += span.eq(self._across + self._beyond)
        with m.Elif(self._is["read_weights"]):
            m.d.comb += [offset.eq(f["read_weights"]["address"]), beats.eq(self._beyond)]
        with m.Else():
            sets = f["read_parameters"]
            m.d.comb += [offset.eq(sets["address"]), beats.eq(sets["count"] * config.set_beats)]

        ub_end, area_end = Signal(SPAN_BITS + 2, name="ub_end"), Signal(SPAN_BITS + 8, name="area_end")
        area_granules = Signal.like(area.granules, name="area_granules")
        self._beats, self._address = Signal(32, name="beats"), Signal(config.bus.beat_address_bits, name="address")
        m.d.sync += [
            ub_end.eq(self._ub + width + span),
            area_end.eq((offset << beat) + granules),
            area_granules.eq(area.granules),
            self._beats.eq(beats),
            self._address.eq(area.base + offset),
        ]
        row = exact_log2(config.row_granules)
        self._rows = Signal(rows_layout(config), name="rows")
        self._beyond_buffer, self._beyond_area = Signal(name="beyond_buffer"), Signal(name="beyond_area")
        m.d.comb += [
            self._rows.first.eq(self._ub >> row),
            self._rows.last.eq((ub_end - 1) >> row),
            self._beyond_buffer.eq(ub_end > config.ub_granules),
            self._beyond_area.eq(area_end > area_granules),
        ]

    def _supplies(self, m: Module) -> None:
        """Weight tiles and parameter sets that were read and not used, as the program says, however far units are."""
        f, config = self._f, self.config
        self._leaves = Signal(name="leaves")  # the instruction was found legal, and nothing keeps it any more
        matmul = f["matmul"]
        self._uses = Signal(12, name="uses")
        with m.Switch(matmul["swap"]):
            with m.Case(SWAPS.index("first")):
                m.d.comb += self._uses.eq(1)
            with m.Case(SWAPS.index("every")):
                m.d.comb += self._uses.eq(matmul["repeat"])
        self._ahead, self._tile_in_use = Signal(AHEAD_BITS, name="ahead"), Signal(name="tile_in_use")
        # By request in the queue, the newest first: tiles up to its last one that no matmul before uses.
        waiting = [Signal(signed(AHEAD_BITS), name=f"ahead_of_request_{place}") for place in range(QUEUES["weights"])]
        self._oldest = waiting[-1]
        after = Signal(AHEAD_BITS, name="ahead_after")
        m.d.comb += after.eq(self._ahead + f["read_weights"]["tiles"])
        with m.If(self._leaves & self._is["read_weights"]):
            m.d.sync += [self._ahead.eq(after), waiting[0].eq(after)]
            m.d.sync += [one.eq(before) for before, one in zip(waiting, waiting[1:], strict=False)]
        with m.If(self._leaves & self._is["matmul"]):
            m.d.sync += [self._ahead.eq(self._ahead - self._uses), *(one.eq(one - self._uses) for one in waiting)]
            with m.If(self._uses != 0):
                m.d.sync += self._tile_in_use.eq(1)

        self._sets = Signal(range(config.parameter_sets + 1), name="sets")
        self._set_in_use = Signal(name="set_in_use")
        with m.If(self._leaves & self._is["read_parameters"]):
            m.d.sync += self._sets.eq(self._sets + f["read_parameters"]["count"])
        with m.If(self._leaves & self._is["activate"] & f["activate"]["next"]):
            m.d.sync += [self._sets.eq(self._sets - 1), self._set_in_use.eq(1)]
        with m.If(self.i_start):
            m.d.sync += [self._ahead.eq(0), self._tile_in_use.eq(0), self._sets.eq(0), self._set_in_use.eq(0)]
            m.d.sync += [one.eq(0) for one in waiting]

    def _judge(self, m: Module) -> None:
        """The first reason for which the instruction is illegal."""
        config, f, found = self.config, self._f, self._is
        matmul, activate, weights, sets = (
            f[name] for name in ("matmul", "activate", "read_weights", "read_parameters")
        )
        row, most = config.row_granules, config.matrix.accumulator_rows
        raw = activate["kind"] == KINDS.index("raw")
        low = Mux(activate["kind"] == KINDS.index("int8"), -128, 0)
        high = Mux(activate["kind"] == KINDS.index("int8"), 127, 255)
        numbers = [activate[name] for name in ("zero", "lo", "hi")]
        out_of_type = Cat((one < low) | (one > high) for one in numbers).any() | (activate["lo"] > activate["hi"])
        waits = (found["sync"] & f["sync"]["units"].bit_select(list(QUEUES).index("weights"), 1)) | (
            found["interrupt"] & f["interrupt"]["units"].bit_select(list(QUEUES).index("weights"), 1)
        )
        reserved = {
            name: ~sum(((1 << field.bits) - 1) << field.low for field in one.fields)
            & ((1 << INSTRUCTION_BITS) - 1)
            & ~0xFF
            for name, one in INSTRUCTIONS.items()
        }
        rules = {
            "opcode": ~Cat(found.values()).any(),
            "reserved": Cat(found[name] & (self._word & mask).any() for name, mask in reserved.items()).any()
            | (found["set"] & ~Cat(f["set"]["index"] == index for index in SET_REGISTERS.values()).any()),
            "bundle": Mux(
                self._held, ~found["activate"] | (activate["rows"] != self._held_entry.rows), found["activate"]
            ),
            "value": (found["set"] & (f["set"]["value"] >= config.ub_granules))
            | (
                found["matmul"]
                & ((matmul["swap"] == len(SWAPS)) | ~_within(matmul["pitch"], row) | (matmul["repeat"] == 0))
            )
            | (
                found["activate"]
                & (
                    ~_within(activate["pitch"], row)
                    | (activate["used"] == 0)
                    | (activate["used"] > activate["pitch"])
                    | (activate["kind"] == len(KINDS))
                    | (activate["planes"] == 3)
                    | Mux(
                        raw,
                        activate["next"] | Cat(one.any() for one in numbers).any(),
                        (activate["planes"] != 0) | activate["relu"] | out_of_type,
                    )
                )
            )
            | (
                found["read_weights"]
                & ((weights["rows"] > config.matrix.rows) | (weights["chunks"] > config.row_chunks))
            ),
            "accumulators": found["matmul"] & ((matmul["rows"] == 0) | (matmul["acc"] + matmul["rows"] > most)),
            "buffer": ((found["matmul"] | found["activate"] | self._transfers) & self._beyond_buffer)
            | (
                self._transfers
                & (f["read_host"]["ub"][: exact_log2(config.bus_granules)].any() if config.bus_granules > 1 else 0)
            ),
            "memory": ((self._transfers | found["read_weights"] | found["read_parameters"]) & self._beyond_area)
            | (self._transfers & (f["read_host"]["granules"] == 0))
            | (found["read_weights"] & ((weights["tiles"] == 0) | (weights["rows"] == 0) | (weights["chunks"] == 0)))
            | (found["read_parameters"] & (sets["count"] == 0)),
            "no_tile": found["matmul"] & ((self._uses > self._ahead) | ((self._uses == 0) & ~self._tile_in_use)),
            "no_parameters": found["activate"] & ~raw & Mux(activate["next"], self._sets == 0, ~self._set_in_use),
            "prefetch": (found["read_parameters"] & (self._sets + sets["count"] > config.parameter_sets))
            | (found["read_weights"] & (self._oldest > config.tiles_ahead))
            | (waits & (self._ahead > config.tiles_ahead)),
            "leftover": found["halt"] & ((self._ahead != 0) | (self._sets != 0)),
        }
        self._illegal, self._code = Signal(name="illegal"), Signal(CODE_BITS, name="code")
        for name, broken in reversed(rules.items()):
            flag = Signal(name=f"illegal_{name}")
            m.d.comb += flag.eq(broken)
            with m.If(flag):
                m.d.comb += [self._illegal.eq(1), self._code.eq(ERRORS[name][0])]

    def _offer(self, m: Module) -> None:
        """What queues are offered, whether it is valid or not."""
        f = self._f
        matmul, activate = f["matmul"], f["activate"]
        self._entry = Signal(self._held_entry.shape(), name="entry")
        m.d.comb += [self._entry[name].eq(matmul[name]) for name in self._held_entry.shape().members]
        m.d.comb += self.o_matrix.payload.eq(Mux(self._held, self._held_entry, self._entry))
        out = self.o_activation.payload
        m.d.comb += [out[name].eq(activate[name]) for name in out.shape().members if name != "plane_step"]
        m.d.comb += out.plane_step.eq(self._plane_step)
        for transfer in (self.o_host_in.payload, self.o_host_out.payload):
            host = f["read_host"]
            m.d.comb += [transfer.ub.eq(host["ub"]), transfer.granules.eq(host["granules"])]
            m.d.comb += transfer.address.eq(self._address)
        weights = self.o_weights.payload
        m.d.comb += [weights[name].eq(f["read_weights"][name]) for name in ("tiles", "rows", "chunks")]
        for fetched in (weights, self.o_parameters.payload):
            m.d.comb += [fetched.beats.eq(self._beats), fetched.address.eq(self._address)]

    def _control(self, m: Module) -> None:
        """Instruction after instruction."""
        f, found, instructions = self._f, self._is, self.i_instructions
        pc = Signal(PC_BITS, name="pc")
        queues = {"read_host": self.o_host_in, "write_host": self.o_host_out, "read_weights": self.o_weights}
        queues |= {"read_parameters": self.o_parameters}
        m.d.comb += [self.o_dispatch.eq(self._leaves), self.o_rows.eq(self._rows), self.o_pc.eq(pc - self._held)]

        def fail(code: Value | int, number: Value) -> None:
            m.d.comb += [self.o_error.eq(1), self.o_code.eq(code), self.o_pc.eq(number)]

        with m.FSM(init="stopped"):
            with m.State("stopped"):
                with m.If(self.i_start):
                    m.d.sync += [pc.eq(0), self._held.eq(0), self._plane_step.eq(0)]
                    m.next = "take"
            with m.State("take"):
                m.d.comb += instructions.ready.eq(~self.i_stop)
                with m.If(self.i_stop):
                    m.next = "stopped"
                with m.Elif(instructions.valid):
                    m.d.sync += self._word.eq(instructions.payload)
                    m.next = "multiply"
                with m.Elif(self.i_end):
                    fail(Mux(self._held, ERRORS["bundle"][0], ERRORS["end"][0]), pc - self._held)
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
                with m.Elif(self._illegal):
                    fail(self._code, pc - (self._held & (self._code == ERRORS["bundle"][0])))
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
                        m.d.sync += pc.eq(pc + 1)
                        m.next = "take"
            with m.State("pair"):
                m.d.comb += [
                    self.o_activation.valid.eq(1),
                    self._leaves.eq(self.o_activation.ready),
                    self.o_pc.eq(pc + 1),
                ]
                with m.If(self._leaves):
                    m.d.sync += pc.eq(pc + 1)
                    m.next = "take"
        m.d.sync += self.o_interrupt.eq(self._leaves & found["interrupt"])
        with m.If(self._leaves & found["interrupt"]):
            m.d.sync += self.o_tag.eq(f["interrupt"]["tag"])

    def _alone(self, m: Module, queues: dict) -> None:
        """A legal instruction that needs no other."""
        f, found = self._f, self._is
        with m.If(found["nop"]):
            m.d.comb += self._leaves.eq(1)
        with m.If(found["set"]):
            m.d.comb += self._leaves.eq(1)
            m.d.sync += self._plane_step.eq(f["set"]["value"])
        for name in ("sync", "interrupt"):
            with m.If(found[name]):
                m.d.comb += self._leaves.eq((f[name]["units"] & self.i_busy) == 0)
        with m.If(found["matmul"]):
            with m.If(f["matmul"]["drain"]):
                m.d.comb += self._leaves.eq(1)
                m.d.sync += [self._held.eq(1), self._held_entry.eq(self._entry), self._held_rows.eq(self._rows)]
            with m.Else():
                m.d.comb += [self.o_matrix.valid.eq(1), self._leaves.eq(self.o_matrix.ready)]
        for name, queue in queues.items():
            with m.If(found[name]):
                m.d.comb += [queue.valid.eq(1), self._leaves.eq(queue.ready)]


def _within(value: Value, most: int) -> Value:
    """Whether a number is from 1 to `most`."""
    return (value != 0) & (value <= most)
