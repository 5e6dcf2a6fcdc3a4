"""Descriptions of registers under test."""

from ...hw.bus.register_map import Event, Field, Register, RegisterMap

__all__ = ["MAPS"]

EVERYTHING = RegisterMap(
    name="everything",
    text='Every kind of field: "quoted", and with a backslash \\.',
    own=(
        Register(
            name="identity",
            text="What this is.",
            offset=0x00,
            fields=(Field(name="value", text="A constant.", access="ro", bits=32),),
        ),
        Register(
            name="control",
            text="What to do.",
            offset=0x08,
            fields=(
                Field(name="start", text="Begin.", access="pulse", low=0),
                Field(name="mode", text="How.", access="rw", low=4, bits=3, reset=5),
                Field(name="across", text="In two bytes.", access="rw", low=14, bits=4, reset=9),
                Field(name="fault", text="What went wrong.", access="w1c", low=22, bits=5),
                Field(name="busy", text="Not yet done.", access="ro", low=31),
            ),
        ),
        Register(
            name="address",
            text="Two words of one field.",
            offset=0x10,
            bits=64,
            fields=(Field(name="bytes", text="Where.", access="rw", bits=40, reset=0x12_3456_789A),),
        ),
        Register(
            name="kick",
            text="Nothing to read; the upper word has nothing to write.",
            offset=0x20,
            bits=64,
            fields=(
                Field(name="first", text="A pulse.", access="pulse", low=2),
                Field(name="second", text="Another.", access="pulse", low=10),
                Field(name="seen", text="A number.", access="ro", low=40, bits=24),
            ),
        ),
    ),
    interrupts=(Event("done", "The work is done."), Event("error", "Something failed.")),
    interrupt_offset=0x30,
    counters=(Event("cycles", "Cycles."), Event("beats", "Beats that came.")),
    counter_offset=0x40,
)

LEAST = RegisterMap(
    name="least",
    text="One register.",
    own=(
        Register(
            name="only",
            text="It.",
            offset=0,
            fields=(Field(name="bits", text="All of it.", access="rw", bits=32, reset=0xDEAD_BEEF),),
        ),
    ),
)

MAPS = {"everything": EVERYTHING, "least": LEAST}
