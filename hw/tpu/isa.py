"""The TPU's instructions: the one table that decoder, assembler, interpreter and documents are made from."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import ConfigError, did_you_mean

__all__ = [
    "ERRORS",
    "FLOATS",
    "GEOMETRY",
    "INSTRUCTIONS",
    "INSTRUCTION_BITS",
    "KINDS",
    "OPERATIONS",
    "REGISTERS",
    "SET_REGISTERS",
    "SWAPS",
    "UNITS",
    "Field",
    "Instruction",
    "Register",
    "decode",
    "encode",
]

INSTRUCTION_BITS = 128

UNITS = ("host_in", "host_out", "weights", "parameters", "matrix", "activation", "vector")
"""Units in the order of their bits in ``units``."""

KINDS = ("int8", "uint8", "raw")
"""What ``activate`` makes of sums, by number: values of 8 bits, or the sums' own bytes."""

SWAPS = ("none", "first", "every")
"""Which commands of a ``matmul`` or ``convolve`` go on with the next weight tile, by number."""

OPERATIONS = ("add", "multiply", "max", "table")
"""Operations of ``vector``, by number."""


@dataclasses.dataclass(frozen=True)
class Register:
    """A register of ``set``: every program begins with 0 in it, and an instruction takes its value along.

    Parameters
    ----------
    index
        Its number.
    bits
        Width of its value, which is a number from 0 on, or the bits of a float32.
    text
        What it says.
    """

    index: int
    bits: int
    text: str


GEOMETRY = {
    "columns": Register(0x10, 12, "Positions of a line of results, at least 1."),
    "lines": Register(0x11, 12, "Lines of an image of results, at least 1."),
    "column_step": Register(0x12, 24, "Granules from a position's window to the next one's."),
    "line_step": Register(0x13, 24, "Granules from the first window of a line to that of the next."),
    "image_step": Register(0x14, 24, "Granules from the first window of an image to that of the next."),
    "kernel_step": Register(0x15, 24, "Granules from one row of the kernel to the next."),
    "tap_step": Register(0x16, 24, "Granules from one column of the kernel to the next; only of ``pool``."),
    "line": Register(0x17, 24, "Granules of a line of the input."),
    "height": Register(0x18, 12, "Lines of an image of the input."),
    "stride": Register(0x19, 12, "Lines of the input from a line of results to the next."),
    "dilation": Register(0x1A, 12, "Lines of the input from one row of the kernel to the next."),
    "pad": Register(0x1B, 8, "Byte that stands where the input has none."),
    "window_first": Register(0x1C, 17, "First row of the unified buffer that belongs to the input."),
    "window_last": Register(0x1D, 17, "Last row of the unified buffer that belongs to the input."),
}
"""Registers that say where the windows of ``convolve`` and ``pool`` lie."""

FLOATS = {
    "factor_a": Register(0x22, 32, "Factor, a float32."),
    "factor_b": Register(0x23, 32, "Factor of b of ``add``, a float32."),
    "addend": Register(0x24, 32, "What is added before rounding, a float32."),
}
"""Registers that hold a float32: 0, or a normal number of a magnitude below 2**31."""

REGISTERS = {
    **GEOMETRY,
    "pool_pitch": Register(0x1E, 7, "Granules from one result of ``pool`` to the next, at least its width."),
    "zero_a": Register(0x20, 8, "Zero point of a of ``multiply``, a byte of the operands' type."),
    "zero_b": Register(0x21, 8, "Zero point of b of ``multiply``, a byte of the operands' type."),
    **FLOATS,
    "plane_step": Register(0x50, 24, "Granules from one byte plane of raw sums to the next."),
}
"""Registers of ``set`` by name."""

SET_REGISTERS = {name: one.index for name, one in REGISTERS.items()}
"""Indices of ``set`` by name."""

ERRORS = {
    "opcode": (1, "No instruction has this opcode."),
    "reserved": (2, "A bit is set that has no meaning, or a register that ``set`` names doesn't exist."),
    "buffer": (3, "The instruction reaches beyond the unified buffer, or a transfer doesn't begin at a bus beat."),
    "accumulators": (4, "The instruction has no rows, or reaches beyond the accumulators."),
    "memory": (5, "A transfer moves nothing, or reaches beyond the host's window or the weight memory."),
    "bundle": (
        6,
        "Sums that drain aren't followed by an ``activate`` of as many rows, or that comes alone.",
    ),
    "no_tile": (
        7,
        "More weight tiles are used than were read before, or there is none in use.",
    ),
    "no_parameters": (8, "An ``activate`` uses a parameter set, and none was read for it."),
    "overlap": (9, "Results would be written over what they are made from, but not exactly in its place."),
    "value": (10, "A field has a value that means nothing."),
    "prefetch": (11, "More weight tiles or parameter sets were read ahead than there is room for."),
    "leftover": (12, "The program halted, and weight tiles or parameter sets that it read were not used."),
    "bus_host": (14, "The host's memory answered with an error."),
    "bus_weights": (15, "Weight memory answered with an error."),
    "bus_fetch": (16, "Memory answered with an error where the program is."),
    "end": (17, "The program ended without ``halt``."),
    "stopped": (18, "Software stopped the program."),
}
"""Error codes by name, with what they mean."""


class Field(NamedTuple):
    """Bits of an instruction.

    Parameters
    ----------
    name, low, bits
        Its name, lowest bit and width.
    text
        What it says, with its unit.
    signed
        In two's complement.
    names
        Names of its values, by number; empty for numbers.
    """

    name: str
    low: int
    bits: int
    text: str
    signed: bool = False
    names: tuple[str, ...] = ()

    @property
    def range(self) -> tuple[int, int]:
        """Smallest and largest value."""
        return (-(1 << self.bits - 1), (1 << self.bits - 1) - 1) if self.signed else (0, (1 << self.bits) - 1)


class Instruction(NamedTuple):
    """One instruction: opcode in bits 0 to 7, then its fields; all other bits are 0."""

    name: str
    opcode: int
    text: str
    fields: tuple[Field, ...] = ()


_TRANSFER = (
    Field("window", 8, 1, "Which of the host's windows."),
    Field("ub", 16, 24, "First granule in the unified buffer; a multiple of a beat's granules."),
    Field("granules", 40, 24, "Granules to move, at least 1."),
    Field("host", 64, 32, "Where they begin in the window, in bus beats."),
)
_UNITS = Field("units", 16, 7, "Units that must have completed all older instructions, a bit each.")

_MULTIPLIES = (
    Field("accumulate", 8, 1, "Add to what the accumulators hold; tiles after the first do so anyway."),
    Field("drain", 9, 1, "The sums are complete with the last tile; an ``activate`` follows."),
    Field("a_signed", 10, 1, "Activation bytes are signed."),
    Field("w_signed", 11, 1, "Weights of tiles swapped in are signed."),
    Field("shift", 12, 2, "Bytes that products are shifted up, for byte planes of wider operands."),
    Field("swap", 14, 2, "Which tiles are new.", names=SWAPS),
)

_TABLE = (
    Instruction("nop", 0x00, "Does nothing."),
    Instruction(
        "set", 0x01, "Gives a register a value, for the instructions after it.",
        (Field("index", 16, 8, "Which register."), Field("value", 64, 64, "Its value.")),
    ),
    Instruction("sync", 0x02, "Waits until units have completed, answers of memory included.", (_UNITS,)),
    Instruction(
        "interrupt", 0x03, "Waits like ``sync``, then shows a tag to the host and interrupts it.",
        (_UNITS, Field("tag", 64, 32, "What the host reads.")),
    ),
    Instruction("halt", 0x04, "Waits until everything has completed; the program is over."),
    Instruction("read_host", 0x10, "Copies from the host's memory to the unified buffer.", _TRANSFER),
    Instruction("write_host", 0x11, "Copies from the unified buffer to the host's memory.", _TRANSFER),
    Instruction(
        "read_weights", 0x12, "Fetches weight tiles that lie one behind the other; what they lack is filled with 0.",
        (
            Field("tiles", 16, 16, "How many, at least 1."),
            Field("rows", 32, 9, "Rows of each that lie in memory, at least 1."),
            Field("chunks", 41, 7, "Bus beats of each row, at least 1."),
            Field("address", 64, 40, "Where they begin in weight memory, in bus beats."),
        ),
    ),
    Instruction(
        "read_parameters", 0x13, "Fetches parameter sets, which lie one behind the other: bias and factor by column.",
        (
            Field("count", 16, 8, "How many, at least 1."),
            Field("address", 64, 40, "Where they begin in weight memory, in bus beats."),
        ),
    ),
    Instruction(
        "matmul", 0x20, "Multiplies activation rows by weight tiles and adds the products in the accumulators.",
        (
            *_MULTIPLIES,
            Field("ub", 16, 24, "First granule of the first row."),
            Field("rows", 40, 13, "Activation rows, at least 1."),
            Field("acc", 56, 16, "First accumulator row."),
            Field("repeat", 72, 12, "Weight tiles one after the other, at least 1."),
            Field("step", 84, 24, "Granules from the rows of one tile to those of the next."),
            Field("pitch", 108, 7, "Granules from row to row, at least 1; bytes beyond them count as 0."),
        ),
    ),
    Instruction(
        "convolve", 0x21, "Like ``matmul``, but its rows are windows of an image, where the geometry registers say.",
        (
            *_MULTIPLIES,
            Field("ub", 16, 24, "Granule of the first window, modulo 2**24; it may lie before the input."),
            Field("rows", 40, 13, "Positions, at least 1."),
            Field("acc", 56, 16, "First accumulator row."),
            Field("repeat", 72, 12, "Rows of the kernel, at least 1; a weight tile each."),
            Field("y", 84, 12, "Line of the input where the first window lies.", signed=True),
            Field("x", 96, 16, "Granule of its line where the first window begins.", signed=True),
            Field("width", 112, 7, "Granules of a window, at least 1; bytes beyond them count as 0."),
        ),
    ),
    Instruction(
        "activate", 0x22, "Takes the sums that the instruction before drains, and writes them to the unified buffer.",
        (
            Field("next", 8, 1, "Go on with the next parameter set."),
            Field("kind", 9, 2, "What to make of sums.", names=KINDS),
            Field("planes", 11, 2, "Of raw sums: 0, 1, 2 for 1, 2, 4 byte planes, lowest first."),
            Field("relu", 13, 1, "Of raw sums: 0 in place of those below 0."),
            Field("ub", 16, 24, "First granule of the first row."),
            Field("rows", 40, 13, "Rows, those of the instruction before."),
            Field("pitch", 53, 7, "Granules from row to row, at least 1."),
            Field("zero", 64, 16, "Zero point.", signed=True),
            Field("lo", 80, 16, "Smallest result.", signed=True),
            Field("hi", 96, 16, "Largest result.", signed=True),
            Field("used", 112, 7, "Granules of each row that are written, from 1 to the pitch."),
        ),
    ),
    Instruction(
        "pool", 0x23, "Reduces the windows of an image to their greatest value or to their average, byte by byte.",
        (
            Field("average", 8, 1, "Sum times ``factor_a`` plus ``addend``, rounded; else the greatest value."),
            Field("signed", 9, 1, "Bytes are signed."),
            Field("ub", 16, 24, "Granule of the first window's first tap, modulo 2**24."),
            Field("dst", 40, 24, "Granule of the first result."),
            Field("rows", 64, 16, "Results, at least 1."),
            Field("y", 80, 12, "Line of the input where the first window lies.", signed=True),
            Field("x", 92, 16, "Granule of its line where the first window begins.", signed=True),
            Field("kernel_rows", 108, 5, "Rows of the kernel, at least 1."),
            Field("kernel_columns", 113, 5, "Columns of the kernel, at least 1."),
            Field("width", 118, 7, "Granules of a tap and of a result, at least 1."),
        ),
    ),
    Instruction(
        "vector", 0x24, "Combines two tensors, or looks up a table, byte by byte.",
        (
            Field("operation", 8, 3, "What to do.", names=OPERATIONS),
            Field("signed", 11, 1, "Bytes are signed."),
            Field("a", 16, 24, "First granule of a; a multiple of a row's, as are b and dst."),
            Field("b", 40, 24, "First granule of b, or of the table of 256 bytes."),
            Field("dst", 64, 24, "First granule of the results."),
            Field("rows", 88, 17, "Rows of the unified buffer, at least 1."),
            Field("lo", 105, 9, "Smallest result; 0 for ``table``.", signed=True),
            Field("hi", 114, 9, "Largest result; 0 for ``table``.", signed=True),
        ),
    ),
)  # fmt: skip

INSTRUCTIONS: Mapping[str, Instruction] = {one.name: one for one in _TABLE}
"""All instructions by name."""

_BY_OPCODE = {one.opcode: one for one in _TABLE}


def encode(name: str, **values: int) -> int:
    """Return an instruction's 128 bits; fields that are not given are 0.

    Raises
    ------
    ConfigError
        If there is no such instruction or field, or a value does not fit its field.
    """
    if name not in INSTRUCTIONS:
        raise ConfigError(f"no instruction is called {name!r}", did_you_mean(name, INSTRUCTIONS), field="instruction")
    instruction = INSTRUCTIONS[name]
    fields = {field.name: field for field in instruction.fields}
    word = instruction.opcode
    for key, value in values.items():
        if key not in fields:
            raise ConfigError(f"{name} has no field {key!r}", did_you_mean(key, fields), field=key)
        field = fields[key]
        low, high = field.range
        if not low <= value <= high:
            raise ConfigError(f"{key} of {name} must be from {low} to {high}, not {value}", field=key, value=value)
        word |= (value & (1 << field.bits) - 1) << field.low
    return word


def decode(word: int) -> tuple[Instruction | None, dict[str, int], bool]:
    """Take an instruction's bits apart.

    Returns
    -------
    tuple
        The instruction (None: no instruction has this opcode), its fields' values by name, and whether a bit is set
        that belongs to none of them.
    """
    instruction = _BY_OPCODE.get(word & 0xFF)
    if instruction is None:
        return None, {}, False
    values, rest = {}, word & ~0xFF
    for field in instruction.fields:
        mask = (1 << field.bits) - 1
        value = word >> field.low & mask
        rest &= ~(mask << field.low)
        values[field.name] = value - (1 << field.bits) if field.signed and value >> field.bits - 1 else value
    return instruction, values, rest != 0
