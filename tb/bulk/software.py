"""What software does with a design's registers in a bulk simulation, step by step."""

import ctypes
import dataclasses
import random
from collections.abc import Mapping, Sequence
from typing import Any

from ...hw.bus.axi import Response
from ...hw.bus.register_map import WORD_BITS, RegisterMap

__all__ = [
    "Poll",
    "Read",
    "Step",
    "Wait",
    "Write",
    "read_register",
    "write_register",
    "write_some_bytes",
    "wrong_accesses",
]

WRITE, READ, WAIT, POLL = range(4)

_FIELDS = {
    "aw": ("valid", "ready", "addr"), "w": ("valid", "ready", "data", "strb"), "b": ("valid", "ready", "resp"),
    "ar": ("valid", "ready", "addr"), "r": ("valid", "ready", "data", "resp"),
}  # fmt: skip
PINS = tuple(channel + field for channel, fields in _FIELDS.items() for field in fields)
"""Of an AXI4-Lite port, in the order of ``LitePin`` in software.h."""


ALL_BYTES = (1 << WORD_BITS // 8) - 1
"""Strobes of a word."""


@dataclasses.dataclass(frozen=True)
class Write:
    """Write a word of 32 bits, or those of its bytes whose bit of `strobes` is 1; `response` must be the answer."""

    address: int
    data: int
    strobes: int = ALL_BYTES
    response: Response = Response.OKAY


@dataclasses.dataclass(frozen=True)
class Read:
    """Read a word of 32 bits, or two words behind each other, the lower one first; the result has this name.

    `response` must be the answer.
    """

    name: str
    address: int
    bits: int = WORD_BITS
    response: Response = Response.OKAY


@dataclasses.dataclass(frozen=True)
class Wait:
    """Wait until an output port outside streams, as an interrupt, is not 0."""

    port: str


@dataclasses.dataclass(frozen=True)
class Poll:
    """Read a word until the bits of `mask` are those of `value`."""

    address: int
    mask: int
    value: int


Step = Write | Read | Wait | Poll
"""One thing that software does; the next begins when it is done."""


def write_register(registers: RegisterMap, name: str, **fields: int) -> list[Write]:
    """Steps that write the fields of a register; those that aren't named become 0."""
    register = registers[name]
    value = register.pack(**fields)
    words = [(address, low) for address, low in register.words() if register.writable >> low & (1 << WORD_BITS) - 1]
    return [Write(address, value >> low & (1 << WORD_BITS) - 1) for address, low in words]


def write_some_bytes(registers: RegisterMap, name: str, value: int, some: random.Random) -> tuple[list[Write], int]:
    """Steps that write some bytes of a register whose every bit can be written, and its value if it was `value`."""
    steps = [
        Write(address, some.getrandbits(WORD_BITS), some.randint(1, ALL_BYTES - 1))
        for address, _ in registers[name].words()
    ]
    bits = [byte for step in steps for byte in (0xFF * (step.strobes >> place & 1) for place in range(WORD_BITS // 8))]
    mask = int.from_bytes(bytes(bits), "little")
    data = sum(step.data << WORD_BITS * number for number, step in enumerate(steps))
    return steps, value & ~mask | data & mask


def wrong_accesses(registers: RegisterMap) -> list[Step]:
    """Steps that write a register which can only be read, and read where there is none: both are answered so."""
    places = {place: register for register in registers.registers for place, _ in register.words()}
    fixed = next(place for place, register in places.items() if not register.writable)
    nowhere = [place for place in range(0, 1 << registers.address_bits, WORD_BITS // 8) if place not in places]
    reads = [Read("no_register", place, response=Response.SLVERR) for place in nowhere[-1:]]
    return [Write(fixed, 0, response=Response.SLVERR), *reads]


def read_register(registers: RegisterMap, name: str) -> Read:
    """A step that reads a whole register; the result has its name, and `Register.unpack` gives its fields."""
    return Read(name, registers[name].offset, registers[name].bits)


class CStep(ctypes.Structure):
    """One access or wait in C."""

    _fields_ = (
        ("kind", ctypes.c_int32),
        ("port", ctypes.c_int32),
        ("address", ctypes.c_uint64),
        ("data", ctypes.c_uint32),
        ("mask", ctypes.c_uint32),
        ("response", ctypes.c_int32),
    )


class SoftwareDescription(ctypes.Structure):
    """All steps in C."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("steps", ctypes.POINTER(CStep)),
        ("count", ctypes.c_uint64),
        ("done", ctypes.c_uint64),
        ("pins", ctypes.c_int32 * len(PINS)),
    )


class Script:
    """Steps as the harness takes them; must live as long as they are attached.

    Parameters
    ----------
    steps
        What to do.
    registers
        Name of the AXI4-Lite port.
    ports
        The harness's number and the manifest's entry of ports by name.

    Attributes
    ----------
    description
        In C.

    Raises
    ------
    ValueError
        For an access that the port can't make, and a port that can't be waited for.
    """

    def __init__(self, steps: Sequence[Step], registers: str, ports: Mapping[str, tuple[int, dict[str, Any]]]) -> None:
        self._steps = steps
        pins = [ports.get(f"{registers}_{pin}", (-1,))[0] for pin in PINS]
        accesses = [step for step in steps if not isinstance(step, Wait)]
        if accesses and -1 in pins:
            raise ValueError(f"registers must be an AXI4-Lite port of the design, not {registers!r}")
        bits = ports[f"{registers}_awaddr"][1]["width"] if accesses else 0
        codes: list[CStep] = []
        self._words: list[list[int]] = []
        """By step: places of its words in C."""
        for step in steps:
            made = list(_code(step, bits, ports))
            self._words.append([len(codes) + index for index in range(len(made))])
            codes += made
        self._codes = (CStep * max(len(codes), 1))(*codes)
        self.description = SoftwareDescription(name=registers.encode(), steps=self._codes, count=len(codes))
        self.description.pins[:] = pins if accesses else [-1] * len(PINS)

    def results(self) -> dict[str, int]:
        """What was read, by name; the last of several that have one name."""
        return {
            step.name: sum(self._codes[place].data << WORD_BITS * index for index, place in enumerate(places))
            for step, places in zip(self._steps, self._words, strict=True)
            if isinstance(step, Read)
        }

    @property
    def doing(self) -> str:
        """The step that is not done, in words."""
        for step, places in zip(self._steps, self._words, strict=True):
            if self.description.done <= places[-1]:
                return f"software waits in {step}"
        return "software is done"


def _code(step: Step, bits: int, ports: Mapping[str, tuple[int, dict[str, Any]]]) -> list[CStep]:
    if isinstance(step, Wait):
        number, port = ports.get(step.port, (0, {"direction": "", "width": 0}))
        if port["direction"] != "out" or port["width"] > 64:
            raise ValueError(f"port must be an output of no more than 64 bits, not {step.port!r}")
        return [CStep(kind=WAIT, port=number)]
    if isinstance(step, Read):
        if step.bits not in (WORD_BITS, 2 * WORD_BITS):
            raise ValueError(f"bits must be 32 or 64, not {step.bits!r}")
        places = range(step.address, step.address + step.bits // 8, WORD_BITS // 8)
        return [CStep(kind=READ, address=_address(place, bits), response=step.response) for place in places]
    address = _address(step.address, bits)
    if isinstance(step, Write):
        if not 0 <= step.data < 1 << WORD_BITS:
            raise ValueError(f"data must be {WORD_BITS} bits, not {step.data!r}")
        if not 0 <= step.strobes <= ALL_BYTES:
            raise ValueError(f"strobes must be from 0 to {ALL_BYTES}, not {step.strobes!r}")
        return [CStep(kind=WRITE, address=address, data=step.data, mask=step.strobes, response=step.response)]
    if step.value & ~step.mask or not 0 < step.mask < 1 << WORD_BITS:
        raise ValueError(f"value must be bits of a mask of 32 bits, not {step.value:#x} of {step.mask:#x}")
    return [CStep(kind=POLL, address=address, data=step.value, mask=step.mask)]


def _address(address: int, bits: int) -> int:
    if not 0 <= address < 1 << bits or address % 4:
        raise ValueError(f"address must be a multiple of 4 below {1 << bits:#x}, not {address!r}")
    return address
