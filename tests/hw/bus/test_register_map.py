"""Descriptions of registers."""

import re
from typing import Any

import pytest

from tensorloom.hw.bus.register_map import Event, Field, Register, RegisterMap
from tensorloom.hw.config import ConfigError
from tensorloom.tb.bus.maps import MAPS

EVERYTHING = MAPS["everything"]


def test_width_of_addresses():
    assert EVERYTHING["count_beats"].offset == 0x50 and EVERYTHING.address_bits == 7


def test_values_of_registers():
    control = EVERYTHING["control"]
    assert control.pack(start=1, across=0b1010) == 1 | 0b1010 << 14
    fields = {"start": 0, "mode": 5, "across": 9, "fault": 0, "busy": 0}
    assert control.reset == control.pack(**fields) and control.unpack(control.reset) == fields
    with pytest.raises(ConfigError, match=r"^control\.mode must be an integer from 0 to 7, not 8$"):
        control.pack(mode=8)
    with pytest.raises(ConfigError, match="^field must be one of start, mode, across, fault, busy, not 'stop'$"):
        control.pack(stop=1)


def field(**changes):
    values: dict[str, Any] = {"name": "value", "text": "", "access": "rw"} | changes
    return Field(**values)


def register(**changes):
    values: dict[str, Any] = {"name": "word", "text": "", "offset": 0, "fields": (field(),)} | changes
    return Register(**values)


def block(**changes):
    values: dict[str, Any] = {"name": "block", "text": "", "own": (register(),)} | changes
    return RegisterMap(**values)


TWO = (Event("done", ""),)


@pytest.mark.parametrize(
    ("make", "changes", "message"),
    [
        (field, {"name": "Value"}, "name must be lower case letters, digits, single underscores, not 'Value'"),
        (field, {"name": "a__b"}, "name must be lower case letters, digits, single underscores, not 'a__b'"),
        (field, {"access": "wo"}, "access must be rw, ro, w1c or pulse, not 'wo'"),
        (field, {"bits": 65}, "bits must be an integer from 1 to 64, not 65"),
        (field, {"access": "pulse", "bits": 2}, "bits must be an integer from 1 to 1, not 2"),
        (field, {"bits": 2, "reset": 4}, "reset must be an integer from 0 to 3, not 4"),
        (field, {"access": "pulse", "reset": 1}, "reset must be an integer from 0 to 0, not 1"),
        (register, {"offset": 2}, "offset must be a multiple of 4, not 2"),
        (register, {"offset": 4, "bits": 64}, "offset must be a multiple of 8, not 4"),
        (register, {"bits": 16}, "bits must be 32 or 64, not 16"),
        (register, {"fields": ()}, "fields must be at least one, not ()"),
        (register, {"fields": (field(low=31, bits=2),)}, "word.value must be inside 32 bits, not 31"),
        (
            register,
            {"fields": (field(bits=3), field(name="other", low=2))},
            "word.other must be in bits that no other field has, not 2",
        ),
        (
            register,
            {"fields": (field(), field(low=2))},
            "word.value must be the only one of its name, not 'value'",
        ),
        (block, {"own": ()}, "registers must be at least one, not ()"),
        (block, {"own": (register(), register(offset=4))}, "word must be the only register of its name, not 'word'"),
        (
            block,
            {"own": (register(bits=64), register(name="second", offset=4))},
            "second must be at other addresses than word, not '0x4'",
        ),
        (block, {"interrupts": TWO}, "interrupt_pending must be at other addresses than word, not '0x0'"),
        (block, {"counters": TWO}, "counter_control must be at other addresses than word, not '0x0'"),
        (block, {"interrupts": (Event("a", ""),) * 33}, "interrupts must be an integer from 0 to 32, not 33"),
    ],
)
def test_descriptions_that_are_refused(make, changes, message):
    make()
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        make(**changes)
