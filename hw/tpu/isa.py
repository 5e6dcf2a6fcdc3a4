"""The TPU's instructions: the one table that decoder, assembler, interpreter and documents are made from."""

from collections.abc import Mapping
from typing import NamedTuple

from ..errors import ConfigError, did_you_mean

__all__ = [
    "ERRORS",
    "INSTRUCTIONS",
    "INSTRUCTION_BITS",
    "KINDS",
    "SET_REGISTERS",
    "SWAPS",
    "UNITS",
    "Field",
    "Instruction",
    "decode",
    "encode",
]

INSTRUCTION_BITS = 128

UNITS = ("host_in", "host_out", "weights", "parameters", "matrix", "activation")
"""Units in the order of their bits in ``units``."""

KINDS = ("int8", "uint8", "raw")
"""What ``activate`` makes of sums, by number: values of 8 bits, or the sums' own bytes."""

SWAPS = ("none", "first", "every")
"""Which commands of a ``matmul`` go on with the next weight tile, by number."""

SET_REGISTERS = {"plane_step": 0x50}
"""Indices of ``set``. ``plane_step``: granules from one byte plane of raw sums to the next."""

ERRORS = {
    "opcode": (1, "No instruction has this opcode."),
    "reserved": (2, "A bit is set that has no meaning, or a register that ``set`` names doesn't exist."),
    "buffer": (3, "The instruction reaches beyond the unified buffer, or a transfer doesn't begin at a bus beat."),
    "accumulators": (4, "The instruction has no rows, or reaches beyond the accumulators."),
    "memory": (5, "A transfer moves nothing, or reaches beyond the host's window or the weight memory."),
    "bundle": (6, "A draining ``matmul`` isn't followed by an ``activate`` of as many rows, or that comes alone."),
    "no_tile": (7, "A ``matmul`` uses more weight tiles than were read before it, or there is none in use."),
    "no_parameters": (8, "An ``activate`` uses a parameter set, and none was read for it."),
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
_UNITS = Field("units", 16, 6, "Units that must have completed all older instructions, a bit each.")

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
            Field("accumulate", 8, 1, "Add to what the accumulators hold; tiles after the first do so anyway."),
            Field("drain", 9, 1, "The sums are complete with the last tile; an ``activate`` follows."),
            Field("a_signed", 10, 1, "Activation bytes are signed."),
            Field("w_signed", 11, 1, "Weights of tiles swapped in are signed."),
            Field("shift", 12, 2, "Bytes that products are shifted up, for byte planes of wider operands."),
            Field("swap", 14, 2, "Which tiles are new.", names=SWAPS),
            Field("ub", 16, 24, "First granule of the first row."),
            Field("rows", 40, 13, "Activation rows, at least 1."),
            Field("acc", 56, 16, "First accumulator row."),
            Field("repeat", 72, 12, "Weight tiles one after the other, at least 1."),
            Field("step", 84, 24, "Granules from the rows of one tile to those of the next."),
            Field("pitch", 108, 7, "Granules from row to row, at least 1; bytes beyond them count as 0."),
        ),
    ),
    Instruction(
        "activate", 0x22, "Takes the sums that the ``matmul`` before it drains, and writes them to the unified buffer.",
        (
            Field("next", 8, 1, "Go on with the next parameter set."),
            Field("kind", 9, 2, "What to make of sums.", names=KINDS),
            Field("planes", 11, 2, "Of raw sums: 0, 1, 2 for 1, 2, 4 byte planes, lowest first."),
            Field("relu", 13, 1, "Of raw sums: 0 in place of those below 0."),
            Field("ub", 16, 24, "First granule of the first row."),
            Field("rows", 40, 13, "Rows, those of the ``matmul``."),
            Field("pitch", 53, 7, "Granules from row to row, at least 1."),
            Field("zero", 64, 16, "Zero point.", signed=True),
            Field("lo", 80, 16, "Smallest result.", signed=True),
            Field("hi", 96, 16, "Largest result.", signed=True),
            Field("used", 112, 7, "Granules of each row that are written, from 1 to the pitch."),
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
