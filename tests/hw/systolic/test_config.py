# amaranth: UnusedElaboratable=no
"""Configuration of the matrix unit: what is refused before anything is emitted, and what only takes long."""

import re

import pytest
from amaranth.hdl import Value

from tensorloom.hw.config import PORT_BITS, ConfigError
from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.systolic.config import PRESETS, SystolicConfig
from tensorloom.hw.systolic.matrix_unit import MatrixUnit

TINY = PRESETS["tiny"]
INPUT_BITS = PORT_BITS - 2
"""Bits that all inputs of a module may have together: Amaranth numbers them, after the constants 0 and 1."""


def columns(rows: int, bits: int, count: int) -> SystolicConfig:
    """A unit with tiles as large as they divide the array."""
    tiles = (max(tile for tile in range(1, 65) if size % tile == 0) for size in (rows, count))
    tile_rows, tile_columns = tiles
    return SystolicConfig(
        rows=rows, columns=count, tile_rows=tile_rows, tile_columns=tile_columns, accumulator_bits=bits,
        accumulator_rows=16,
    )  # fmt: skip


@pytest.mark.parametrize("rows, bits, most", [(4, 64, 1024), (4, 32, 2048), (1, 17, 3855), (4096, 29, 2259)])
def test_sums_that_are_wider_than_a_port(rows: int, bits: int, most: int) -> None:
    assert columns(rows, bits, most).columns == most
    rule = f"columns must be at most {most} with accumulator_bits of {bits}, as a port may have 65,536 bits"
    with pytest.raises(ConfigError, match=f"^{rule}, not {most + 1}$"):
        columns(rows, bits, most + 1)


@pytest.mark.parametrize(
    "changes, text",
    [
        (
            {"columns": 1088, "tile_columns": 64, "accumulator_bits": 64},
            "columns must be at most 1024 with accumulator_bits of 64, as a port may have 65,536 bits, not 1088",
        ),
        (
            {"rows": 4096, "columns": 4096, "tile_rows": 64, "tile_columns": 64},
            "columns must be at most 2048 with accumulator_bits of 32, as a port may have 65,536 bits, not 4096",
        ),
        ({"tile_rows": 65}, "tile_rows must be an integer from 1 to 64, not 65"),
        ({"rows": 4098}, "rows must be an integer from 1 to 4096, not 4098"),
        ({"accumulator_rows": 1 << 17}, "accumulator_rows must be an integer from 4 to 65536, not 131072"),
        ({"accumulator_bits": 18}, "accumulator_bits must be an integer from 19 to 64, not 18"),
    ],
)
def test_wrong_values(changes: dict[str, int], text: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(text)}$"):
        TINY.replace(**changes)


def test_every_port_of_the_widest_units_can_be_emitted() -> None:
    """Sums fill their port to the last bit. The inputs together are more than half of what a module may have."""
    for rows, bits, most in ((1, 17, 3855), (1, 64, 1024), (4096, 29, 2259)):
        unit = MatrixUnit(columns(rows, bits, most).replace(accumulator_rows=1 << 16))
        ports = [(member.flow.name, len(Value.cast(value))) for _, member, value in unit.signature.flatten(unit)]
        assert max(width for _, width in ports) <= PORT_BITS
        assert sum(width for flow, width in ports if flow == "In") + 2 < INPUT_BITS  # clock and reset


@pytest.mark.slow
def test_a_port_of_the_greatest_width() -> None:
    """As many bits as are allowed, through the whole emission."""
    emission = emit(MatrixUnit(columns(1, 32, 2048).replace(tile_columns=64)))
    widths = {port["name"]: port["width"] for port in emission.manifest["ports"]}
    assert widths["o_sums_payload"] == PORT_BITS
    assert "output [65535:0] o_sums_payload;" in emission.verilog["matrix_unit.v"]


def test_warnings() -> None:
    for preset in PRESETS.values():
        assert preset.warnings() == []
    assert TINY.replace(rows=64, columns=64).warnings() == []
    (text,) = TINY.replace(rows=4096, columns=2048).warnings()
    tiles, advice = text.split(": ")
    assert tiles == "2,048 x 1,024 = 2,097,152 tiles of 2 x 2 PEs take much time and memory to emit and compile"
    assert advice == "enlarge tile_rows and tile_columns"
    largest = TINY.replace(rows=4096, columns=2048, tile_rows=64, tile_columns=64)
    assert largest.warnings() == ["64 x 32 = 2,048 tiles of 64 x 64 PEs take much time and memory to emit and compile"]
