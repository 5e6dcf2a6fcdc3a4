"""Programs of the TPU as text and as bytes.

A line has one instruction: its name, then ``field=value`` in any order; fields that are not given are 0, and one of a
single bit may stand alone, which sets it. A value is a number (``12``, ``-3``, ``0x40``), one of the field's own names
(``swap=every``, ``kind=uint8``, ``index=plane_step``, ``units=matrix+activation``), a symbol, or products, sums and
differences of these without blanks (``ub=INPUT+7*ROWS-2``). ``.equ NAME VALUE`` makes a symbol for the lines below it.
``.word NUMBER`` is an instruction as a plain number of 128 bits, for those that no name has. What follows a ``#`` is a
comment.

``set`` takes a register's name and value as if it were a field (``set columns=14``). Steps, zero points, ``pad``, and
granules that are counted modulo 2**24 may be below 0 (``set column_step=-2``). A register of float32 takes one number
or a symbol of one: a decimal number is its value (``set factor_a=0.25``), a hexadecimal one its bits
(``set factor_a=0x3e800000``). ::

    .equ OUTPUT 0x100
    read_host granules=64 host=2                     # 256 bytes
    read_weights tiles=1 rows=8 chunks=1
    read_parameters count=1 address=8
    matmul rows=32 repeat=1 pitch=2 swap=every w_signed drain
    activate ub=OUTPUT rows=32 pitch=2 used=2 kind=uint8 next hi=255
    write_host ub=OUTPUT granules=64 host=2 window=1
    halt
"""

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite, prod
from typing import NamedTuple

import numpy as np

from ...hw.errors import ConfigError, did_you_mean
from ...hw.tpu.config import INSTRUCTION_BYTES
from ...hw.tpu.isa import (
    FLOATS,
    INSTRUCTION_BITS,
    INSTRUCTIONS,
    REGISTERS,
    SET_REGISTERS,
    UNITS,
    Field,
    decode,
    encode,
)
from .field_rules import REGISTER_NAMES
from .windows import MODULUS

__all__ = ["assemble", "disassemble", "lines_of", "program_of", "words_of"]

HEXADECIMAL = ("ub", "address", "host", "tag", "value", "dst", "a", "b")
"""Fields that are disassembled in hexadecimal."""

DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
"""A number that a register of float32 may have as its value in text."""

HEXADECIMAL_NUMBER = re.compile(r"0x[\da-f]+", re.IGNORECASE)

TERM = re.compile(r"([+-]*)([^+*-]*(?:\*[+-]?[^+*-]*)*)")
"""A term of a sum: its signs, and numbers and names with ``*`` between them."""

BELOW_ZERO = {"column_step", "line_step", "image_step", "kernel_step", "tap_step", "pad", "zero_a", "zero_b"}
"""Registers whose values may be."""

UNIT_BITS = {name: 1 << bit for bit, name in enumerate(UNITS)}


def assemble(text: str) -> bytes:
    """Return the program that a text says.

    Raises
    ------
    ConfigError
        With line, column and word, and a near name as the hint: there is no such instruction, field or symbol, a value
        does not fit, or a field is given twice.
    """
    symbols = _Symbols({}, {})
    words = []
    for number, found in _lines(text):
        if found[0][1] == ".equ":
            _equ(number, found, symbols)
        elif found[0][1] == ".word":
            words.append(_word(number, found, symbols.values))
        else:
            words.append(_instruction(number, found, symbols))
    return program_of(words)


def lines_of(text: str) -> list[int]:
    """Number of the line of each instruction, from 1 on."""
    return [number for number, found in _lines(text) if found[0][1] != ".equ"]


def _lines(text: str) -> Iterator[tuple[int, "Words"]]:
    """Words of the lines that have some."""
    for number, line in enumerate(text.splitlines(), 1):
        found = [(one.start() + 1, one.group()) for one in re.finditer(r"\S+", line.partition("#")[0])]
        if found:
            yield number, found


def disassemble(program: bytes) -> str:
    """Return a text that `assemble` makes the same program of.

    Raises
    ------
    ConfigError
        If the program ends within an instruction.
    """
    return "".join(f"{_line(word)}\n" for word in words_of(program))


def words_of(program: bytes) -> list[int]:
    """Instructions of a program as numbers.

    Raises
    ------
    ConfigError
        If the program ends within an instruction.
    """
    size = INSTRUCTION_BYTES
    if len(program) % size:
        raise ConfigError(f"a program must be of whole instructions of {size} bytes, not of {len(program)} bytes")
    return [int.from_bytes(program[at : at + size], "little") for at in range(0, len(program), size)]


def program_of(words: Iterable[int]) -> bytes:
    """The program of these instructions, as `encode` gives them."""
    return b"".join(word.to_bytes(INSTRUCTION_BYTES, "little") for word in words)


Words = list[tuple[int, str]]
"""Words of a line, each with its column, from 1 on."""


class _Symbols(NamedTuple):
    """What ``.equ`` says: numbers, and the texts that they were given as."""

    values: dict[str, int]
    texts: dict[str, str]


def _fault(line: int, column: int, word: str, message: str, hint: str = "") -> ConfigError:
    return ConfigError(f"line {line}, column {column}, {word!r}: {message}", hint, field=word)


def _equ(line: int, found: Words, symbols: _Symbols) -> None:
    if len(found) != 3:
        raise _fault(line, *found[0], "takes a name and a value")
    column, name = found[1]
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise _fault(line, column, name, "no name: letters, digits and _, not a digit first")
    if name in symbols.texts:
        raise _fault(line, column, name, f"has a value already, {symbols.texts[name]}")
    column, text = found[2]
    symbols.texts[name] = symbols.texts.get(text, text)
    if not _is_fraction(symbols.texts[name]):
        symbols.values[name] = _value(line, column, text, text, symbols.values)


def _is_fraction(text: str) -> bool:
    """Whether it is a decimal number that only a register of float32 can hold."""
    return DECIMAL.fullmatch(text) is not None and not re.fullmatch(r"[+-]?\d+", text)


def _word(line: int, found: Words, symbols: Mapping[str, int]) -> int:
    if len(found) != 2:
        raise _fault(line, *found[0], "takes a number")
    value = _value(line, *found[1], found[1][1], symbols)
    if not 0 <= value < 1 << INSTRUCTION_BITS:
        raise _fault(line, *found[1], f"must be from 0 to 2**{INSTRUCTION_BITS} - 1, not {value}")
    return value


def _instruction(line: int, found: Words, symbols: _Symbols) -> int:
    (column, name), *rest = found
    if name not in INSTRUCTIONS:
        hint = did_you_mean(name, [*INSTRUCTIONS, ".equ", ".word"])
        raise _fault(line, column, name, f"no instruction is called {name!r}", hint)
    fields = {field.name: field for field in INSTRUCTIONS[name].fields}
    registers = REGISTERS if name == "set" else {}
    values: dict[str, int] = {}
    for column, word in rest:
        key, equals, text = word.partition("=")
        if key not in fields and key not in registers:
            raise _fault(line, column, word, f"{name} has no field {key!r}", did_you_mean(key, [*fields, *registers]))
        if not equals and (key in registers or fields[key].bits > 1):
            raise _fault(line, column, word, f"{key} needs a value, {key}=...")
        if key in registers:
            value = _register_value(line, column, word, key, text, symbols)
            given = {"index": registers[key].index, "value": value}
        else:
            names = {**symbols.values, **_names(fields[key])}
            value = _value(line, column, word, text, names) if equals else 1
            wraps = "modulo" in fields[key].text and -MODULUS // 2 <= value < 0
            given = {key: value + MODULUS * wraps}
        if twice := given.keys() & values.keys():
            raise _fault(line, column, word, f"{key if key in twice else 'a register'} is given twice")
        try:
            encode(name, **given)
        except ConfigError as error:
            raise _fault(line, column, word, str(error)) from None
        values |= given
    if name == "set" and "index" not in values:
        raise _fault(line, *found[0], "names no register", "for example: set columns=14")
    return encode(name, **values)


def _register_value(line: int, column: int, word: str, name: str, text: str, symbols: _Symbols) -> int:
    """What ``set`` has as the value of a register."""
    if name in FLOATS:
        text = symbols.texts.get(text, text)
        if DECIMAL.fullmatch(text):
            try:
                return int.from_bytes(struct.pack("<f", float(text)), "little")
            except OverflowError:
                raise _fault(line, column, word, "too large for a float32") from None
        if not HEXADECIMAL_NUMBER.fullmatch(text):
            message = f"{name} takes a decimal number, its value, or a hexadecimal one, the bits of a float32"
            raise _fault(line, column, word, message)
    value, end = _value(line, column, word, text, symbols.values), 1 << REGISTERS[name].bits
    low = -end // 2 if name in BELOW_ZERO else 0
    if not low <= value < end:
        raise _fault(line, column, word, f"{name} must be from {low} to {end - 1}, not {value}")
    return value % end


def _names(field: Field) -> dict[str, int]:
    """Values that have names in a field."""
    if field.name == "units":
        return UNIT_BITS
    return SET_REGISTERS if field.name == "index" else {name: value for value, name in enumerate(field.names)}


def _value(line: int, column: int, word: str, text: str, names: Mapping[str, int]) -> int:
    """A sum of products; of `units`, which are bits, it doesn't matter how often one is named."""
    terms = text.split("+")
    if all(term in UNIT_BITS and names.get(term) == UNIT_BITS[term] for term in terms):
        return sum(UNIT_BITS[term] for term in set(terms))
    found = [(signs, term) for signs, term in TERM.findall(text) if signs or term]
    return sum(
        (-1) ** signs.count("-") * prod(_atom(line, column, word, atom, names) for atom in term.split("*"))
        for signs, term in found or [("", "")]
    )


def _atom(line: int, column: int, word: str, text: str, names: Mapping[str, int]) -> int:
    if text in names:
        return names[text]
    try:
        return int(text, 0)
    except ValueError:
        message = f"{text!r} is neither a number nor a name that is known here"
        raise _fault(line, column, word, message, did_you_mean(text, names)) from None


def _line(word: int) -> str:
    instruction, values, reserved = decode(word)
    if instruction is None or reserved:
        return f".word {word:#034x}"
    if instruction.name == "set" and values["index"] in REGISTER_NAMES:
        name = REGISTER_NAMES[values["index"]]
        if values["value"] < 1 << REGISTERS[name].bits:
            return f"set {_register(name, values['value'])}"
    if instruction.name == "set":
        return f"set index={values['index']} value={values['value']:#x}"
    parts = [_part(field, values[field.name]) for field in instruction.fields]
    return " ".join([instruction.name, *filter(None, parts)])


def _register(name: str, value: int) -> str:
    """A register and its value as a word."""
    if name in FLOATS:
        number = np.uint32(value).view(np.float32)
        if isfinite(number):
            return f"{name}={number!s}"
    return f"{name}={value:#x}"


def _part(field: Field, value: int) -> str:
    """A field as a word; empty for one that is 0, unless 0 has a name."""
    if field.name == "units" and value:
        return f"units={'+'.join(name for name, bit in UNIT_BITS.items() if value & bit)}"
    named = [name for name, one in _names(field).items() if one == value]
    if named:
        return f"{field.name}={named[0]}"
    if value and field.bits == 1 and field.name != "window":
        return field.name
    return f"{field.name}={value:{'#x' if field.name in HEXADECIMAL else ''}}" if value else ""
