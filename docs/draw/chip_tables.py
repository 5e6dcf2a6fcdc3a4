"""Tables of the SNAP chip's commands and registers, from the design."""

from tensorloom.hw.bus.register_map import WORD_BITS
from tensorloom.hw.snap_chip.command import FIELDS, RING_FIELDS, RING_WORD
from tensorloom.hw.snap_chip.config import PRESETS, SnapChipConfig
from tensorloom.hw.snap_chip.register_map import REGISTERS

__all__ = ["chip_tables"]


def chip_tables() -> dict[str, list[list[str]]]:
    """Rows by table."""
    return {
        "chip-presets": _presets(),
        "chip-commands": _commands(),
        "chip-registers": _registers(),
        "chip-ports": _ports(PRESETS["snap-chip"]),
    }


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


def _ports(config: SnapChipConfig) -> list[list[str]]:
    bus = config.bus
    widths = f"addresses of {bus.address_bits} bits, data of {bus.data_bits}, ID of {bus.id_bits}"
    bursts = (
        f"bursts of {bus.max_burst} beats ({bus.max_burst * bus.bytes} bytes) at most, {bus.outstanding} on their way"
    )
    window = 1 << REGISTERS.address_bits
    return [
        ["`clk`, `rst`", "clock and reset", "1"],
        [
            "`s_axil`",
            f"AXI4-Lite subordinate: a window of {window} bytes",
            f"addresses of {REGISTERS.address_bits} bits, data of {WORD_BITS}",
        ],
        ["`m_axi_read`", f"AXI4 manager, AR and R: {bursts}, of {bus.fifo_depth} beats at most", widths],
        ["`m_axi_write`", f"AXI4 manager, AW, W and B: {bursts}", widths],
        ["`o_interrupt`", "interrupt", "1"],
    ]
