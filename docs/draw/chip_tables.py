"""Tables of the SNAP chip's commands and registers, from the design."""

from tensorloom.hw.snap_chip.command import FIELDS, RING_FIELDS, RING_WORD
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.hw.snap_chip.register_map import REGISTERS

__all__ = ["chip_tables"]


def chip_tables() -> dict[str, list[list[str]]]:
    """Rows by table."""
    return {"chip-presets": _presets(), "chip-commands": _commands(), "chip-registers": _registers()}


def _presets() -> list[list[str]]:
    return [
        [
            f"`{name}`",
            f"{config.cores} x {config.core.core_rows} x {config.core.core_columns}",
            f"{config.multipliers}",
            f"{config.core.data_bits}",
            f"{config.core.psum_slots} / {config.core.activation_entries}",
            f"{config.data_bits}",
            f"{config.sram_bytes / 1000:.1f}",
        ]
        for name, config in PRESETS.items()
    ]


def _commands() -> list[list[str]]:
    rows = [
        [f"{field.word}", f"{field.low + field.bits - 1}:{field.low}", f"`{field.name}`", field.text.replace("|", "or")]
        for field in sorted(FIELDS, key=lambda field: (field.word, field.low))
    ]
    return rows + [
        [
            f"{RING_WORD + field.word} + 2n",
            f"{field.low + field.bits - 1}:{field.low}",
            f"`{field.name}_n`",
            field.text + ", for buffer n = core * columns + column",
        ]
        for field in RING_FIELDS
    ]


def _registers() -> list[list[str]]:
    return [
        [
            f"0x{register.offset:02x}",
            f"`{register.name}`",
            f"{field.low + field.bits - 1}:{field.low}",
            f"`{field.name}`",
            field.access,
            field.text,
        ]
        for register in sorted(REGISTERS.registers, key=lambda register: register.offset)
        for field in register.fields
    ]
