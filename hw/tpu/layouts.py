"""What passes between the blocks of the TPU."""

from amaranth.hdl import Shape, signed
from amaranth.lib import data
from amaranth.utils import bits_for

from .config import TpuConfig
from .isa import GEOMETRY, INSTRUCTION_BITS, INSTRUCTIONS, OPERATIONS
from .set_registers import registers_layout

__all__ = [
    "activate_entry",
    "geometry_layout",
    "granule_address",
    "instruction_layout",
    "matmul_entry",
    "parameters_entry",
    "put_layout",
    "rows_layout",
    "store_layout",
    "transfer_entry",
    "ub_row",
    "vector_entry",
    "weights_entry",
    "window_layout",
]


def granule_address(config: TpuConfig) -> Shape:
    """Address of a granule of the unified buffer."""
    return Shape.cast(range(config.ub_granules))


def ub_row(config: TpuConfig) -> Shape:
    """Number of a row of the unified buffer."""
    return Shape.cast(range(config.ub_rows))


def rows_layout(config: TpuConfig) -> data.StructLayout:
    """Rows of the unified buffer that an instruction may touch: the first and the last."""
    return data.StructLayout({"first": ub_row(config), "last": ub_row(config)})


def instruction_layout() -> Shape:
    """An instruction, as it lies in memory (`isa`)."""
    return Shape.cast(INSTRUCTION_BITS)


def window_layout(config: TpuConfig) -> data.StructLayout:
    """As many bytes as a row has, from any granule on: `first` to `end` (exclusive) of them count, all others are 0."""
    return data.StructLayout(
        {
            "address": granule_address(config),
            "first": bits_for(config.row_granules),
            "end": bits_for(config.row_granules),
        }
    )


def put_layout(config: TpuConfig) -> data.StructLayout:
    """Bytes to write: the first `used` granules of `data`, from granule `address` on."""
    return data.StructLayout(
        {"address": granule_address(config), "used": bits_for(config.row_granules), "data": 8 * config.row_bytes}
    )


def store_layout(config: TpuConfig) -> data.StructLayout:
    """Bytes to write within a row: the granules of `data` that `mask` has a bit for."""
    return data.StructLayout({"row": ub_row(config), "mask": config.row_granules, "data": 8 * config.row_bytes})


def matmul_entry(config: TpuConfig) -> data.StructLayout:
    """A ``matmul`` or ``convolve`` that was found legal. Fields are those of the instruction, as wide as they must be.

    Of a ``convolve``, `pitch` is its ``width`` and `first` its ``ub``; `ub` and `step` are not used.
    """
    accumulator_rows = config.matrix.accumulator_rows
    return data.StructLayout(
        {
            "accumulate": 1,
            "drain": 1,
            "a_signed": 1,
            "w_signed": 1,
            "shift": 2,
            "swap": 2,
            "ub": granule_address(config),
            "rows": bits_for(accumulator_rows),
            "acc": range(accumulator_rows),
            "repeat": 12,
            "step": granule_address(config),
            "pitch": bits_for(config.row_granules),
            "convolve": 1,
            "first": 24,
            "y": signed(12),
            "x": signed(16),
            "geometry": geometry_layout(config),
        }
    )


def geometry_layout(config: TpuConfig) -> data.StructLayout:
    """Registers that say where windows lie, as they were set."""
    registers = registers_layout(config)
    return data.StructLayout({name: registers[name].shape for name in GEOMETRY if name != "tap_step"})


def vector_entry(config: TpuConfig) -> data.StructLayout:
    """A ``pool`` or ``vector`` that was found legal: the fields of both, and the registers that they use."""
    fields = {"pool": 1}
    for name in ("pool", "vector"):
        fields |= {
            field.name: signed(field.bits) if field.signed else field.bits for field in INSTRUCTIONS[name].fields
        }
    registers = registers_layout(config)
    return data.StructLayout(
        fields
        | {name: granule_address(config) for name in ("a", "b", "dst")}
        | {
            "operation": range(len(OPERATIONS)),
            "width": bits_for(config.row_granules),
            "rows": min(17, bits_for(config.ub_granules)),  # of a pool, up to all granules
            "geometry": geometry_layout(config),
        }
        | {
            name: registers[name].shape
            for name in ("tap_step", "pool_pitch", "zero_a", "zero_b", "factor_a", "factor_b", "addend")
        }
    )


def activate_entry(config: TpuConfig) -> data.StructLayout:
    """An ``activate`` that was found legal. ``planes``: 1, 2 or 4 of them as 0, 1, 2; ``plane_step`` as it was set."""
    return data.StructLayout(
        {
            "next": 1,
            "kind": 2,
            "planes": 2,
            "relu": 1,
            "ub": granule_address(config),
            "rows": bits_for(config.matrix.accumulator_rows),
            "pitch": bits_for(config.row_granules),
            "used": bits_for(config.row_granules),
            "zero": signed(9),
            "lo": signed(9),
            "hi": signed(9),
            "plane_step": granule_address(config),
        }
    )


def transfer_entry(config: TpuConfig) -> data.StructLayout:
    """A ``read_host`` or ``write_host`` that was found legal.

    ``place``: of its first beat in the unified buffer, ``address``: in memory, both in beats.
    """
    return data.StructLayout(
        {
            "place": range(config.ub_bytes // config.bus_bytes),
            "granules": bits_for(config.ub_granules),
            "address": config.bus.beat_address_bits,
        }
    )


def weights_entry(config: TpuConfig) -> data.StructLayout:
    """A ``read_weights`` that was found legal. ``beats``: all beats of its tiles."""
    tiles = 16
    return data.StructLayout(
        {
            "tiles": tiles,
            "rows": bits_for(config.matrix.rows),
            "chunks": bits_for(config.row_chunks),
            "beats": tiles + bits_for(config.matrix.rows * config.row_chunks),
            "address": config.bus.beat_address_bits,
        }
    )


def parameters_entry(config: TpuConfig) -> data.StructLayout:
    """A ``read_parameters`` that was found legal. ``sets``: how many."""
    return data.StructLayout({"sets": bits_for(config.parameter_sets), "address": config.bus.beat_address_bits})
