"""Description of registers, from which hardware and SystemRDL text come. No Amaranth here."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Literal

from ..config import check, check_int

__all__ = ["COUNTER_BITS", "WORD_BITS", "WORD_BYTES", "Access", "Event", "Field", "Register", "RegisterMap"]

WORD_BITS, WORD_BYTES = 32, 4
"""Of an access."""

COUNTER_BITS = 64

Access = Literal["rw", "ro", "w1c", "pulse"]
"""How software and hardware share a field.

``rw``: software writes, hardware sees it. ``ro``: software sees what hardware shows. ``w1c``: hardware sets bits,
software clears those that it writes 1 to; a bit that is set and cleared at once stays set. ``pulse``: a bit that
is 1 for hardware for one cycle when software writes 1 to it; it reads as 0.
"""


def _check_name(field: str, name: str) -> None:
    check(
        field, bool(re.fullmatch(r"[a-z](_?[a-z0-9])*", name)), "lower case letters, digits, single underscores", name
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Field:
    """Some bits of a register.

    Attributes
    ----------
    name, text
        What it is called, what it means.
    low, bits
        Its lowest bit, how many it has.
    access
        See `Access`.
    reset
        Value after reset; only that of ``rw`` may be other than 0.
    """

    name: str
    text: str
    access: Access
    low: int = 0
    bits: int = 1
    reset: int = 0

    def __post_init__(self) -> None:
        _check_name("name", self.name)
        check("access", self.access in ("rw", "ro", "w1c", "pulse"), "rw, ro, w1c or pulse", self.access)
        check_int("bits", self.bits, 1, 1 if self.access == "pulse" else 64)
        check_int("low", self.low, 0, 63)
        check_int("reset", self.reset, 0, (1 << self.bits) - 1 if self.access == "rw" else 0)

    @property
    def mask(self) -> int:
        """Its bits in the register."""
        return (1 << self.bits) - 1 << self.low

    @property
    def writable(self) -> bool:
        """Whether writing does anything."""
        return self.access != "ro"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Register:
    """A register of one word or two, of which each is accessed alone, the lower one at the lower address.

    Attributes
    ----------
    name, text
        What it is called, what it is for.
    offset
        Address of its first byte.
    fields
        Its fields; bits between them read as 0.
    bits
        32 or 64.
    """

    name: str
    text: str
    offset: int
    fields: tuple[Field, ...]
    bits: int = WORD_BITS

    def __post_init__(self) -> None:
        _check_name("name", self.name)
        check("bits", self.bits in (WORD_BITS, 2 * WORD_BITS), "32 or 64", self.bits)
        check_int("offset", self.offset, 0)
        check("offset", self.offset % (self.bits // 8) == 0, f"a multiple of {self.bits // 8}", self.offset)
        check("fields", bool(self.fields), "at least one", self.fields)
        used, names = 0, set()
        for field in self.fields:
            check(f"{self.name}.{field.name}", field.mask >> self.bits == 0, f"inside {self.bits} bits", field.low)
            check(f"{self.name}.{field.name}", not used & field.mask, "in bits that no other field has", field.low)
            check(f"{self.name}.{field.name}", field.name not in names, "the only one of its name", field.name)
            used |= field.mask
            names.add(field.name)

    @property
    def reset(self) -> int:
        """Value after reset, as far as software wrote it."""
        return sum(field.reset << field.low for field in self.fields)

    @property
    def writable(self) -> int:
        """Bits of fields that writing does something to."""
        return sum(field.mask for field in self.fields if field.writable)

    def words(self) -> Iterator[tuple[int, int]]:
        """Address of each of its words, and the first bit of it."""
        for low in range(0, self.bits, WORD_BITS):
            yield self.offset + low // 8, low

    def pack(self, **values: int) -> int:
        """Its value, of fields by name; those that aren't named are 0.

        Raises
        ------
        ConfigError
            If a value doesn't fit or there is no such field.
        """
        fields = {field.name: field for field in self.fields}
        packed = 0
        for name, value in values.items():
            check("field", name in fields, f"one of {', '.join(fields)}", name)
            check_int(f"{self.name}.{name}", value, 0, (1 << fields[name].bits) - 1)
            packed |= value << fields[name].low
        return packed

    def unpack(self, value: int) -> dict[str, int]:
        """Its fields by name."""
        return {field.name: (value & field.mask) >> field.low for field in self.fields}


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that is counted, or asks for an interrupt."""

    name: str
    text: str

    def __post_init__(self) -> None:
        _check_name("name", self.name)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RegisterMap:
    """All registers of a block.

    Attributes
    ----------
    name, text
        What the block is called, what it is.
    own
        Its own registers.
    interrupts
        Events, at most 32. They add ``interrupt_pending`` (w1c) at `interrupt_offset` and ``interrupt_enable`` (rw)
        behind it, a bit each.
    counters
        Events. They add ``counter_control`` at `counter_offset`, whose pulses ``snapshot`` and ``clear`` copy all
        counters at once to where they are read, and begin anew; both together lose nothing. From `counter_offset` + 8
        on there is a register of 64 bits for each, ``count_<name>``.
    """

    name: str
    text: str
    own: tuple[Register, ...]
    interrupts: tuple[Event, ...] = ()
    interrupt_offset: int = 0
    counters: tuple[Event, ...] = ()
    counter_offset: int = 0

    def __post_init__(self) -> None:
        _check_name("name", self.name)
        check_int("interrupts", len(self.interrupts), 0, WORD_BITS)
        check("registers", bool(self.registers), "at least one", self.registers)
        names: set[str] = set()
        owners: dict[int, str] = {}
        for register in self.registers:
            check(register.name, register.name not in names, "the only register of its name", register.name)
            names.add(register.name)
            for address, _ in register.words():
                other = owners.setdefault(address, register.name)
                check(register.name, other == register.name, f"at other addresses than {other}", hex(address))

    @property
    def registers(self) -> tuple[Register, ...]:
        """All of them, with those of interrupts and counters."""
        return self.own + self._of_interrupts() + self._of_counters()

    @property
    def address_bits(self) -> int:
        """Width of an address that reaches all, at least 2."""
        return max(2, max(register.offset + register.bits // 8 - 1 for register in self.registers).bit_length())

    def __getitem__(self, name: str) -> Register:
        """A register by its name; `KeyError` if there is none."""
        return {register.name: register for register in self.registers}[name]

    def _of_interrupts(self) -> tuple[Register, ...]:
        if not self.interrupts:
            return ()

        def register(name: str, text: str, offset: int, access: Access) -> Register:
            fields = tuple(
                Field(name=event.name, text=event.text, access=access, low=low)
                for low, event in enumerate(self.interrupts)
            )
            return Register(name=name, text=text, offset=self.interrupt_offset + offset, fields=fields)

        return (
            register("interrupt_pending", "Events that happened; write 1 to forget them.", 0, "w1c"),
            register("interrupt_enable", "Events that ask for an interrupt while they are pending.", WORD_BYTES, "rw"),
        )

    def _of_counters(self) -> tuple[Register, ...]:
        if not self.counters:
            return ()
        pulses = (
            Field(name="snapshot", text="Copy all counters to where they are read.", access="pulse"),
            Field(name="clear", text="Begin to count from 0.", access="pulse", low=1),
        )
        control = Register(
            name="counter_control", text="Of all counters at once.", offset=self.counter_offset, fields=pulses
        )
        counts = tuple(
            Register(
                name=f"count_{event.name}",
                text=event.text,
                offset=self.counter_offset + (number + 1) * (COUNTER_BITS // 8),
                bits=COUNTER_BITS,
                fields=(Field(name="value", text="As of the last snapshot.", access="ro", bits=COUNTER_BITS),),
            )
            for number, event in enumerate(self.counters)
        )
        return (control, *counts)
