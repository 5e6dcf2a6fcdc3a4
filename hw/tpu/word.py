"""An instruction's word, taken apart."""

from typing import NamedTuple

from amaranth.hdl import Module, Signal, Value

from .isa import INSTRUCTIONS

__all__ = ["Word", "take_apart"]


class Word(NamedTuple):
    """What a word says.

    Parameters
    ----------
    found
        By instruction, in the order of the table: whether it is that one.
    fields
        By instruction: its fields by name, whatever the word is.
    """

    found: dict[str, Signal]
    fields: dict[str, dict[str, Value]]


def take_apart(m: Module, word: Value) -> Word:
    """Return what a word says, in signals of a module."""
    found = {name: Signal(name=f"is_{name}") for name in INSTRUCTIONS}
    m.d.comb += [flag.eq(word[:8] == INSTRUCTIONS[name].opcode) for name, flag in found.items()]
    return Word(found, {name: _fields(word, name) for name in INSTRUCTIONS})


def _fields(word: Value, name: str) -> dict[str, Value]:
    return {
        field.name: word[field.low : field.low + field.bits].as_signed()
        if field.signed
        else word[field.low : field.low + field.bits]
        for field in INSTRUCTIONS[name].fields
    }
