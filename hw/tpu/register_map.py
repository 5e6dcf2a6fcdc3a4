"""Registers of the TPU."""

from ..bus.register_map import Event, Field, Register, RegisterMap
from .fetch import COUNT_BITS
from .isa import ERRORS
from .reach import HOST_WINDOWS

__all__ = ["CATEGORIES", "COUNTED", "REGISTERS"]

CATEGORIES = {
    "active": "An activation row entered the array.",
    "weight_shift": "A row waited for a weight tile that had come whole, and had not settled in the array.",
    "weight_stall": "A row waited for a weight tile that had not come whole.",
    "accumulators": "A row waited for accumulators to drain.",
    "raw": "Nothing entered: the next matmul waited for an activate, pool or vector to write what it reads.",
    "input": "Nothing entered: the next matmul waited for the host's data.",
    "fill": "Nothing entered, although a matmul was at work: its first rows were being read.",
    "idle": "Nothing entered: no matmul was there.",
}
"""Where cycles go: each cycle of a program belongs to the first of these that applies."""

COUNTED = (
    {"cycles": "Cycles in which a program was at work."}
    | CATEGORIES
    | {
        "instructions": "Instructions that left the decoder.",
        "weight_beats": "Beats read of weights.",
        "parameter_beats": "Beats read of parameter sets.",
        "host_in_beats": "Beats read of the host's data.",
        "host_out_beats": "Beats written to the host.",
        "result_rows": "Rows written to the unified buffer by the activation unit; each plane of a row counts.",
        "vector_rows": "Rows written by the vector unit; a result that lies in two rows counts in both.",
    }
)
"""Events that are counted."""


def _address(name: str, text: str, offset: int) -> Register:
    field = Field(name="address", text="Its first byte, a multiple of a beat's bytes.", access="rw", bits=64)
    return Register(name=name, text=text, offset=offset, bits=64, fields=(field,))


def _size(name: str, text: str, offset: int) -> Register:
    field = Field(name="bytes", text="Its size, a multiple of 4.", access="rw", bits=64)
    return Register(name=name, text=text, offset=offset, bits=64, fields=(field,))


REGISTERS = RegisterMap(
    name="tpu",
    text="A TPU: runs a program of instructions that lies in the host's memory.",
    own=(
        Register(
            name="control",
            text="What to do.",
            offset=0x00,
            fields=(
                Field(name="start", text="Begin the program; ignored while one is at work.", access="pulse"),
                Field(
                    name="stop",
                    text="Begin no more instructions, and end the program when all that began have completed.",
                    access="pulse",
                    low=1,
                ),
            ),
        ),
        Register(
            name="status",
            text="What is being done.",
            offset=0x04,
            fields=(Field(name="busy", text="A program is at work.", access="ro"),),
        ),
        _address("program", "Where the program is, in the host's memory.", 0x08),
        Register(
            name="program_size",
            text="How long it is.",
            offset=0x10,
            fields=(Field(name="instructions", text="Instructions of the program.", access="rw", bits=COUNT_BITS),),
        ),
        Register(
            name="error",
            text="Why the last program ended before its end; 0 if it halted.",
            offset=0x14,
            fields=(
                Field(
                    name="code",
                    text="; ".join(f"{code}: {name}" for name, (code, _) in ERRORS.items()) + ".",
                    access="ro",
                    bits=5,
                ),
            ),
        ),
        Register(
            name="error_pc",
            text="Which instruction was illegal; of an error of memory and a stop, the first that was not begun.",
            offset=0x18,
            fields=(Field(name="instruction", text="Its number, from 0.", access="ro", bits=32),),
        ),
        Register(
            name="tag",
            text="What the last ``interrupt`` says.",
            offset=0x1C,
            fields=(Field(name="value", text="Its tag.", access="ro", bits=32),),
        ),
        Register(
            name="error_address",
            text="Of an error of memory.",
            offset=0x20,
            bits=64,
            fields=(Field(name="address", text="First byte of the burst that failed.", access="ro", bits=64),),
        ),
        *(
            register
            for number in range(HOST_WINDOWS)
            for register in (
                _address(f"host_{number}", f"The host's window {number}.", 0x30 + 16 * number),
                _size(f"host_{number}_size", f"The host's window {number}.", 0x38 + 16 * number),
            )
        ),
        _address("weights", "Weight memory.", 0x50),
        _size("weights_size", "Weight memory.", 0x58),
    ),
    interrupts=(
        Event("done", "The program has halted."),
        Event("tag", "An ``interrupt`` was executed."),
        Event("error", "The program ended before its end."),
    ),
    interrupt_offset=0x60,
    counters=tuple(Event(name, text) for name, text in COUNTED.items()),
    counter_offset=0x78,
)  # fmt: skip
