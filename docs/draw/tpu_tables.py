"""Tables of the TPU's instructions, from the one table that all else is made from too."""

from tensorloom.hw.tpu.isa import ERRORS, INSTRUCTIONS, SET_REGISTERS, UNITS, Field

__all__ = ["isa_tables"]


def isa_tables() -> dict[str, list[list[str]]]:
    """Rows by table.

    tpu-instructions
        Opcode, name, what it does.
    tpu-fields
        Instruction, bits, field, what it says.
    tpu-names
        Field, value, its name.
    tpu-errors
        Code, name, what it means.
    """
    return {
        "tpu-instructions": [[f"{one.opcode:#04x}", f"`{one.name}`", _text(one.text)] for one in INSTRUCTIONS.values()],
        "tpu-fields": [
            [f"`{one.name}`", _bits(field), f"`{field.name}`", _text(field.text)]
            for one in INSTRUCTIONS.values()
            for field in sorted(one.fields, key=lambda field: field.low)
        ],
        "tpu-names": _names(),
        "tpu-errors": [[f"{code}", f"`{name}`", _text(text)] for name, (code, text) in ERRORS.items()],
    }


def _text(text: str) -> str:
    return text.replace("``", "`").replace("|", "or")


def _bits(field: Field) -> str:
    last = field.low + field.bits - 1
    sign = ", signed" if field.signed else ""
    return (f"{last}:{field.low}" if field.bits > 1 else f"{last}") + sign


def _names() -> list[list[str]]:
    fields = {field.name: field for one in INSTRUCTIONS.values() for field in one.fields if field.names}
    rows = [[f"`{name}`", f"{value}", f"`{one}`"] for name in fields for value, one in enumerate(fields[name].names)]
    rows += [["`units`", f"bit {bit}", f"`{unit}`"] for bit, unit in enumerate(UNITS)]
    return rows + [["`index`", f"{value:#x}", f"`{name}`"] for name, value in SET_REGISTERS.items()]
