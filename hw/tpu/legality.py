"""Legality of an instruction: the first rule that it breaks."""

from itertools import groupby

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import TpuConfig
from .isa import ERRORS, INSTRUCTION_BITS, INSTRUCTIONS, KINDS, OPERATIONS, SWAPS
from .set_registers import registers_layout
from .supplies import lacks_layout
from .word import Word, take_apart

__all__ = ["CODE_BITS", "Legality", "reserved_parts"]

CODE_BITS = 5


def reserved_parts() -> dict[range, list[str]]:
    """Bits of an instruction behind its opcode, part by part, and the instructions that have no field in a part."""

    def without(bit: int) -> list[str]:
        return [
            name
            for name, one in INSTRUCTIONS.items()
            if not any(field.low <= bit < field.low + field.bits for field in one.fields)
        ]

    parts = ((names, list(bits)) for names, bits in groupby(range(8, INSTRUCTION_BITS), without))
    return {range(bits[0], bits[-1] + 1): names for names, bits in parts}


class Legality(wiring.Component):
    """Judges an instruction; all outputs are of the same cycle.

    Attributes
    ----------
    i_word, i_registers
        The instruction, and what was set before it.
    i_known, i_legal
        Of ``set``: there is such a register, and it can hold the value.
    i_held, i_held_rows
        Sums are drained that wait for their ``activate``, of so many rows.
    i_buffer, i_overlap, i_memory
        Errors of its reach.
    i_lacks
        Errors of what was read and used before (`lacks_layout`).
    o_illegal, o_code
        It is illegal, and why.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        super().__init__(
            {
                "i_word": In(INSTRUCTION_BITS),
                "i_registers": In(registers_layout(config)),
                "i_known": In(1),
                "i_legal": In(1),
                "i_held": In(1),
                "i_held_rows": In(13),
                "i_buffer": In(1),
                "i_overlap": In(1),
                "i_memory": In(1),
                "i_lacks": In(lacks_layout()),
                "o_illegal": Out(1),
                "o_code": Out(CODE_BITS),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        word = take_apart(m, self.i_word)
        found, f = word
        activate = f["activate"]

        def broken(by_instruction: dict[str, Value]) -> Value:
            return Cat(found[name] & wrong for name, wrong in by_instruction.items()).any()

        rules = {
            "opcode": ~Cat(found.values()).any(),
            "reserved": self._reserved(found) | (found["set"] & ~self.i_known),
            "bundle": Mux(self.i_held, ~found["activate"] | (activate["rows"] != self.i_held_rows), found["activate"]),
            "value": broken(self._values(word)),
            "accumulators": broken({name: self._accumulators(f[name]) for name in ("matmul", "convolve")}),
            "buffer": self.i_buffer,
            "overlap": self.i_overlap,
            "memory": self.i_memory
            | broken(
                {
                    name: Cat(f[name][field] == 0 for field in fields).any()
                    for name, fields in (
                        ("read_host", ["granules"]),
                        ("write_host", ["granules"]),
                        ("read_weights", ["tiles", "rows", "chunks"]),
                        ("read_parameters", ["count"]),
                    )
                }
            ),
        }
        rules |= {name: self.i_lacks[name] for name in self.i_lacks.shape().members}
        for name, wrong in reversed(rules.items()):
            flag = Signal(name=f"illegal_{name}")
            m.d.comb += flag.eq(wrong)
            with m.If(flag):
                m.d.comb += [self.o_illegal.eq(1), self.o_code.eq(ERRORS[name][0])]
        return m

    def _reserved(self, found: dict[str, Signal]) -> Value:
        """Whether a bit is set that belongs to no field."""
        wrong = [
            self.i_word[bits.start : bits.stop].any() & Cat(found[name] for name in names).any()
            for bits, names in reserved_parts().items()
        ]
        return Cat(wrong).any()

    def _accumulators(self, fields: dict[str, Value]) -> Value:
        most = self.config.matrix.accumulator_rows
        return (fields["rows"] == 0) | (fields["acc"] + fields["rows"] > most)

    def _values(self, word: Word) -> dict[str, Value]:
        """By instruction: whether a field, or a register that it uses, has a value that means nothing."""
        f, config, registers = word.fields, self.config, self.i_registers
        row = config.row_granules
        matmul, convolve, pool, weights = (f[name] for name in ("matmul", "convolve", "pool", "read_weights"))
        no_window = (registers.columns == 0) | (registers.lines == 0) | (registers.window_first > registers.window_last)
        return {
            "set": ~self.i_legal,
            "matmul": (matmul["swap"] == len(SWAPS)) | (matmul["repeat"] == 0) | ~_within(matmul["pitch"], row),
            "convolve": (convolve["swap"] == len(SWAPS))
            | (convolve["repeat"] == 0)
            | ~_within(convolve["width"], row)
            | no_window,
            "activate": self._activate_values(f["activate"]),
            "pool": Cat(pool[name] == 0 for name in ("rows", "kernel_rows", "kernel_columns")).any()
            | ~_within(pool["width"], row)
            | no_window
            | (registers.pool_pitch < pool["width"]),
            "vector": self._vector_values(f["vector"]),
            "read_weights": (weights["rows"] > config.matrix.rows) | (weights["chunks"] > config.row_chunks),
        }

    def _activate_values(self, activate: dict[str, Value]) -> Value:
        raw = activate["kind"] == KINDS.index("raw")
        signed = activate["kind"] == KINDS.index("int8")
        numbers = [activate[name] for name in ("zero", "lo", "hi")]
        return (
            ~_within(activate["pitch"], self.config.row_granules)
            | (activate["used"] == 0)
            | (activate["used"] > activate["pitch"])
            | (activate["kind"] == len(KINDS))
            | (activate["planes"] == 3)
            | Mux(
                raw,
                activate["next"] | Cat(one.any() for one in numbers).any(),
                (activate["planes"] != 0)
                | activate["relu"]
                | Cat(_out_of_type(one, signed) for one in numbers).any()
                | (activate["lo"] > activate["hi"]),
            )
        )

    def _vector_values(self, vector: dict[str, Value]) -> Value:
        lo, hi = vector["lo"], vector["hi"]
        return (
            (vector["operation"] >= len(OPERATIONS))
            | (vector["rows"] == 0)
            | Mux(
                vector["operation"] == OPERATIONS.index("table"),
                lo.any() | hi.any(),
                (lo > hi) | _out_of_type(lo, vector["signed"]) | _out_of_type(hi, vector["signed"]),
            )
        )


def _within(value: Value, most: int) -> Value:
    """Whether a number is from 1 to `most`."""
    return (value != 0) & (value <= most)


def _out_of_type(value: Value, is_signed: Value) -> Value:
    """Whether a number is no int8, or no uint8."""
    return (value < Mux(is_signed, -128, 0)) | (value > Mux(is_signed, 127, 255))
