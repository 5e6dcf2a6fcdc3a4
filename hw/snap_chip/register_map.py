"""Registers of the SNAP chip."""

from ..bus.register_map import Event, Field, Register, RegisterMap

__all__ = ["COUNTED", "ERRORS", "REGISTERS"]

ERRORS = {
    "read": "Memory answered a read with an error.",
    "write": "Memory answered a write with an error.",
    "operation": "A command's operation is none.",
    "capacity": "A region needs more of the input than the buffers hold.",
    "overflow": "A sum needed more than 32 bits, or more than psums have, and was wrapped.",
    "stream": "A core got malformed weights or activations.",
}
"""Bits of the register ``errors``: they stay until software clears them."""

COUNTED = {
    "cycles": "Cycles in which a list of commands was at work.",
    "layers": "Layers that began.",
    "command_beats": "Beats read of commands.",
    "input_beats": "Beats read of input tensors and their tables.",
    "residual_beats": "Beats read of residual tensors and their tables.",
    "scale_beats": "Beats read of biases and factors.",
    "weight_beats": "Beats read of weights.",
    "output_beats": "Beats written.",
}
"""Events that are counted."""


def _bits(texts: dict[str, str], access) -> tuple[Field, ...]:
    return tuple(Field(name=name, text=text, access=access, low=low) for low, (name, text) in enumerate(texts.items()))


REGISTERS = RegisterMap(
    name="snap_chip",
    text="A SNAP chip: runs a list of layers that lies in memory.",
    own=(
        Register(
            name="control",
            text="What to do.",
            offset=0x00,
            fields=(Field(name="start", text="Begin the list; ignored while one is at work.", access="pulse"),),
        ),
        Register(
            name="status",
            text="What is being done.",
            offset=0x04,
            fields=(Field(name="busy", text="A list is at work.", access="ro"),),
        ),
        Register(
            name="list",
            text="Where the list is.",
            offset=0x08,
            bits=64,
            fields=(
                Field(name="address", text="Its first byte, a multiple of the bytes of a beat.", access="rw", bits=64),
            ),
        ),
        Register(
            name="errors",
            text="What went wrong; the list ends then, but for an overflow. The chip may be started again.",
            offset=0x10,
            fields=_bits(ERRORS, "w1c"),
        ),
        Register(
            name="error_address",
            text="The first burst that failed, first of those that were read, else of those that were written.",
            offset=0x18,
            bits=64,
            fields=(Field(name="address", text="Its first byte.", access="ro", bits=64),),
        ),
    ),
    interrupts=(
        Event("done", "The list is over."),
        Event("layer", "A layer that asks for it is complete."),
        Event("error", "Something went wrong."),
    ),
    interrupt_offset=0x20,
    counters=tuple(Event(name, text) for name, text in COUNTED.items()),
    counter_offset=0x40,
)
