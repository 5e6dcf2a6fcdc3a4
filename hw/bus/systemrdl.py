"""SystemRDL 2.0 text of a description of registers, from which other tools make documents, headers and IP-XACT."""

from .register_map import WORD_BITS, Field, Register, RegisterMap

__all__ = ["systemrdl"]

PROPERTIES = {
    "rw": "sw = rw; hw = r;",
    "ro": "sw = r; hw = w;",
    "w1c": "sw = rw; onwrite = woclr; hw = w; hwset;",
    "pulse": "sw = w; hw = r; singlepulse;",
}


def _text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _field(field: Field) -> list[str]:
    reset = "" if field.access == "ro" else f" = {field.reset}"
    return [
        "    field {",
        f"      desc = {_text(field.text)};",
        f"      {PROPERTIES[field.access]}",
        f"    }} {field.name}[{field.low + field.bits - 1}:{field.low}]{reset};",
    ]


def _register(register: Register) -> list[str]:
    return [
        "  reg {",
        f"    desc = {_text(register.text)};",
        f"    regwidth = {register.bits};",
        f"    accesswidth = {WORD_BITS};",
        *(line for field in register.fields for line in _field(field)),
        f"  }} {register.name} @ 0x{register.offset:x};",
    ]


def systemrdl(registers: RegisterMap) -> str:
    """Text of an address map of the description's name."""
    lines = [
        f"addrmap {registers.name} {{",
        f"  desc = {_text(registers.text)};",
        "  littleendian;",
        *(line for register in registers.registers for line in _register(register)),
        "};",
    ]
    return "\n".join(lines) + "\n"
