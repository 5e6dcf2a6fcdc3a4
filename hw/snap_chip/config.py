"""Configuration of the SNAP chip."""

import dataclasses
import enum
import math

from ..bus.config import PortConfig
from ..config import Config, check, check_bool, check_int
from ..snap.config import SnapConfig

__all__ = ["BLOCKS", "NO_LINE", "OA_SLOTS", "PRESETS", "End", "WINDOWS", "WORD_BYTES", "SnapChipConfig"]

WORD_BYTES = 8
"""Tiles and weights lie in memory and buffers in words of so many bytes."""

WINDOWS = 4
"""Windows of a group of weights at most: bytes that its header has for them."""

BLOCKS = 3
"""Blocks that wait for each part behind the one that it is at: with fewer, parts that run ahead wait for each other."""

NO_LINE = (1 << 12) - 1
"""A line that no tensor has."""

OA_SLOTS = 3
"""Stored tiles of a region that the output buffer holds: one being computed, one being compressed, one between."""


class End(enum.IntEnum):
    """What follows a block: one of its round, another round, another region, another layer."""

    BLOCK = 0
    ROUND = 1
    REGION = 2
    LAYER = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class SnapChipConfig(Config):
    """Parameters of a SNAP chip (paper: four cores, 280.6 kB of SRAM; sections V-C and VI).

    Parameters
    ----------
    core
        Each of the cores. The channels of its AIM are those of a stored tile.
    cores
        Cores, which share a layer's kernels and get the same activations.
    data_bits, address_bits
        Widths of the AXI4 ports.
    weight_rows
        Rows of `data_bits` of each of the weight buffers, one a core and column.
    bank_rows
        Rows of each of the banks of activations, one a row of a core. A power of two.
    row_words
        Words of such a row: so many words of a tile are fetched in a cycle. A power of two.
    directory_entries
        Tiles that the directory of a bank holds at most. A power of two.
    region_pixels
        Output pixels of a region that a port may have at most.
    tile_slots
        Tiles of activations that wait between a bank and each row. A power of two.
    segments
        Segments of a tensor at most: the lengths that the chip keeps while it reads or writes one.
    resident_bands
        Bands of a tensor of which something is in the banks at most.
    residual_lanes
        Channels that are added to a residual in a cycle.
    global_accumulator
        Whether layers may run in diagonal mode: what a core has of a column of the output is added to what it had of it
        in the blocks before (SNAP, sections V-B and VI-A).
    """

    core: SnapConfig = SnapConfig(psum_slots=16, activation_tiles=16, list_depth=2, beat_entries=8)
    cores: int = 4
    data_bits: int = 256
    address_bits: int = 32
    weight_rows: int = 276
    bank_rows: int = 512
    row_words: int = 4
    directory_entries: int = 1024
    region_pixels: int = 56
    tile_slots: int = 8
    segments: int = 512
    resident_bands: int = 16
    residual_lanes: int = 16
    global_accumulator: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        core = self.core
        check_int("cores", self.cores, 1, 8)
        check("core.aim_entries", core.aim_entries in (8, 16, 32), "8, 16 or 32", core.aim_entries)
        check("core.data_bits", core.data_bits >= 9, "at least 9, for 8 bits with a zero point", core.data_bits)
        check("core.psum_bits", core.psum_bits >= 32, "at least 32", core.psum_bits)
        check(
            "core.core_rows",
            math.gcd(core.core_rows, 2) == 1 and core.core_rows >= 3,
            "odd, 3 at least",
            core.core_rows,
        )
        check("cores", core.aim_entries % self.cores == 0, "a divisor of core.aim_entries", self.cores)
        check("cores", self.core_kernels <= WORD_BYTES, f"at least core.aim_entries / {WORD_BYTES}", self.cores)
        check("cores", self.cores * core.core_columns <= 16, "at most 16 / core.core_columns", self.cores)
        check_int("data_bits", self.data_bits, 64, 512)
        check("data_bits", self.data_bits.bit_count() == 1, "a power of two", self.data_bits)
        check_int("weight_rows", self.weight_rows, 16, 1 << 16)
        for field in ("bank_rows", "directory_entries", "tile_slots"):
            value = check_int(field, getattr(self, field), 4, 1 << 16)
            check(field, value.bit_count() == 1, "a power of two", value)
        words = check_int("row_words", self.row_words, 2, 8)
        check("row_words", words.bit_count() == 1, "a power of two", words)
        check("tile_slots", self.tile_slots > core.core_columns, "more than core.core_columns", self.tile_slots)
        check_int("region_pixels", self.region_pixels, 1, 256)
        check_int("segments", self.segments, 1, 1 << 12)
        check_int("resident_bands", self.resident_bands, 2, 256)
        check_int("residual_lanes", self.residual_lanes, 1, self.tile_channels)
        check(
            "residual_lanes",
            self.tile_channels % self.residual_lanes == 0,
            "a divisor of core.aim_entries",
            self.residual_lanes,
        )
        if check_bool("global_accumulator", self.global_accumulator):
            rule = "at least core.core_columns, as there is a global accumulator"
            check("core.core_rows", core.core_rows >= core.core_columns, rule, core.core_rows)
        _ = self.bus

    @property
    def bus(self) -> PortConfig:
        """The memory ports."""
        return PortConfig(
            data_bits=self.data_bits, address_bits=self.address_bits, max_burst=8, outstanding=16, fifo_depth=64
        )

    @property
    def multipliers(self) -> int:
        """Multipliers of all cores."""
        return self.cores * self.core.multipliers

    @property
    def tile_channels(self) -> int:
        """Channels of a stored tile."""
        return self.core.aim_entries

    @property
    def bitmap_bytes(self) -> int:
        """Bytes of a stored tile's bitmap."""
        return self.tile_channels // 8

    @property
    def tile_words(self) -> int:
        """Words of a stored tile at most."""
        return -(-(self.bitmap_bytes + self.tile_channels) // WORD_BYTES)

    @property
    def banks(self) -> int:
        """Banks of activations: one a row of a core."""
        return self.core.core_rows

    @property
    def bank_words(self) -> int:
        """Words of a bank."""
        return self.bank_rows * self.row_words

    @property
    def tile_parts(self) -> int:
        """Cycles in which the longest stored tile is fetched."""
        return -(-self.tile_words // self.row_words)

    @property
    def run_words(self) -> int:
        """Words of a stored tile that are loaded in a cycle."""
        return min(self.row_words, max(2, self.beat_words))

    @property
    def core_kernels(self) -> int:
        """Kernels of a core in a stored tile of outputs."""
        return self.tile_channels // self.cores

    @property
    def beat_words(self) -> int:
        """Words of a beat of memory."""
        return self.data_bits // (8 * WORD_BYTES)

    @property
    def rings(self) -> int:
        """Weight buffers."""
        return self.cores * self.core.core_columns

    @property
    def sram_bytes(self) -> int:
        """Bytes of all memories that are large enough for SRAM macros."""
        bank = WORD_BYTES * self.bank_words + self.directory_entries * self.directory_bits // 8
        weights = self.rings * self.weight_rows * self.data_bits // 8
        outputs = OA_SLOTS * self.region_pixels * self.tile_channels
        sums = self.cores * self.carries * self.carried_sums * self.core.psum_bits // 8
        return self.banks * (bank + outputs) + weights + sums

    @property
    def sum_ports(self) -> int:
        """Ports of a core that send sums: of the rows, and with a global accumulator those of all diagonals."""
        return self.banks + self.carries

    @property
    def carries(self) -> int:
        """Ports of a core whose sums are kept until those of other blocks are added: none without an accumulator."""
        return self.core.core_columns - 1 if self.global_accumulator else 0

    @property
    def carried_sums(self) -> int:
        """Sums that are kept of such a port: those of half a region, in rounds of half a tile, and of a block more."""
        return self.region_pixels // 2 * max(1, self.core_kernels // 2) + self.core.psum_slots

    @property
    def directory_bits(self) -> int:
        """Bits of an entry of a bank's directory: where a tile begins, and its words less one."""
        return (self.bank_words - 1).bit_length() + (self.tile_words - 1).bit_length()


_LARGE = SnapConfig(psum_slots=32, activation_entries=256, activation_tiles=16, list_depth=4, beat_entries=8)

PRESETS: dict[str, SnapChipConfig] = {
    "snap-chip": SnapChipConfig(),
    "snap-chip-large": SnapChipConfig(core=_LARGE),
    "snap-chip-8b": SnapChipConfig(
        core=SnapConfig(
            psum_slots=16, activation_tiles=16, list_depth=2, beat_entries=8, data_bits=9, psum_bits=32,
        )
    ),
    "snap-chip-tiny": SnapChipConfig(
        core=SnapConfig(
            core_rows=3, core_columns=2, aim_entries=8, data_bits=9, beat_entries=2, weight_entries=32,
            activation_entries=32, activation_tiles=8, psum_slots=8, list_depth=2,
        ),
        cores=2, data_bits=64, weight_rows=64, bank_rows=64, row_words=2, directory_entries=128, region_pixels=24,
        tile_slots=4, segments=32, resident_bands=8, residual_lanes=4,
    ),
}  # fmt: skip
