"""Tables of the TPU's instructions."""

import runpy
from pathlib import Path

import pytest

from tensorloom.hw.tpu.isa import ERRORS, INSTRUCTIONS, encode
from tensorloom.sim.tpu.assembler import assemble

DRAW = Path(__file__).parent.parent.parent.parent / "docs/draw"


@pytest.fixture
def tables(monkeypatch) -> dict[str, list[list[str]]]:
    monkeypatch.syspath_prepend(str(DRAW))
    return runpy.run_path(str(DRAW / "tpu_tables.py"))["isa_tables"]()


def test_fields_lie_where_the_table_says(tables):
    """A program written by the table is the one that the assembler makes."""
    opcodes = {name.strip("`"): int(opcode, 16) for opcode, name, _ in tables["tpu-instructions"]}
    assert set(opcodes) == set(INSTRUCTIONS)
    words = dict(opcodes)
    for name, bits, field, _ in tables["tpu-fields"]:
        high, _, low = bits.partition(",")[0].partition(":")
        word = opcodes[name.strip("`")] | 1 << int(high)
        lowest = -(1 << int(high) - int(low)) if "signed" in bits else 1 << int(high) - int(low or high)
        assert word == encode(name.strip("`"), **{field.strip("`"): lowest})
        words[name.strip("`")] += 1 << int(low or high)
    for name, word in words.items():
        ones = " ".join(f"{field.name}=1" for field in INSTRUCTIONS[name].fields)
        assert assemble(f"{name} {ones}") == word.to_bytes(16, "little")


def test_names_are_those_of_the_assembler(tables):
    for field, value, name in tables["tpu-names"]:
        number = 1 << int(value[4:]) if value.startswith("bit ") else int(value, 0)
        key, instruction = (
            field.strip("`"),
            next(one for one in INSTRUCTIONS.values() if field.strip("`") in [each.name for each in one.fields]),
        )
        expected = encode(instruction.name, **{key: number}).to_bytes(16, "little")
        assert assemble(f"{instruction.name} {key}={name.strip('`')}") == expected


def test_errors_are_all_there(tables):
    assert {name.strip("`"): int(code) for code, name, _ in tables["tpu-errors"]} == {
        name: code for name, (code, _) in ERRORS.items()
    }


def test_a_table_has_no_markup_but_markdowns(tables):
    cells = [cell for rows in tables.values() for row in rows for cell in row]
    assert not [cell for cell in cells if "``" in cell or "|" in cell or not cell]
