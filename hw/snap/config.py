"""Configuration of the SNAP compute core."""

import dataclasses

from ..config import Config, check, check_bool, check_int

__all__ = ["PRESETS", "SnapConfig"]


def _check_power_of_two(field: str, value: int, low: int, high: int) -> None:
    rule = f"a power of two from {low} to {high}"
    check_int(field, value, 1)
    check(field, low <= value <= high and value & (value - 1) == 0, rule, value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SnapConfig(Config):
    """Parameters of one SNAP core (paper: 7 x 3 PEs of 3 multipliers, 7 AIMs of 32 x 32 comparators).

    Parameters
    ----------
    core_rows, core_columns
        PEs down (input pixels) and across (kernel columns, or channel groups in row mode).
    pe_multipliers
        Multipliers of a PE.
    aim_entries
        N of the N x N comparators of an AIM; also the channels of a channel tile. An AIM compares N weights with
        N activations, or 2N with N/2, or 2N with N/4 of each of two pixels. A power of two.
    data_bits
        Width of activations and weights, two's complement.
    psum_bits
        Width of partial sums, which wrap; 0 stands for 3 * `data_bits`, at least 32.
    beat_entries
        Entries that one transfer of the weight or activation stream carries. A power of two.
    weight_entries, activation_entries
        Entries of a PE's W and IA register files, each a ring of beats. Powers of two.
    weight_windows, activation_tiles
        Windows and tiles that the rings hold at most, however small they are. Powers of two.
    list_depth
        Lists of matches that a PE queues (prefetch depth).
    psum_slots
        Partial sums in each of a PE's two banks. A power of two.
    pipelined
        Whether sequence decoder, multipliers and reducer have more registers, and the ways to a PE one, for a faster
        clock.
    aim
        How an AIM finds matches: "comparators" (the paper's array) or "table" (look-up by channel index).
    """

    core_rows: int = 7
    core_columns: int = 3
    pe_multipliers: int = 3
    aim_entries: int = 32
    data_bits: int = 16
    psum_bits: int = 0
    beat_entries: int = 4
    weight_entries: int = 128
    activation_entries: int = 128
    weight_windows: int = 4
    activation_tiles: int = 8
    list_depth: int = 3
    psum_slots: int = 32
    pipelined: bool = False
    aim: str = "comparators"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int("core_rows", self.core_rows, 1, 32)
        check_int("core_columns", self.core_columns, 1, 8)
        check_int("pe_multipliers", self.pe_multipliers, 1, 4)
        _check_power_of_two("aim_entries", self.aim_entries, 4, 64)
        check_int("data_bits", self.data_bits, 2, 16)
        check_int("psum_bits", self.psum_bits, 0, 62)
        if not self.psum_bits:
            object.__setattr__(self, "psum_bits", max(32, 3 * self.data_bits))
        check("psum_bits", self.psum_bits >= 2 * self.data_bits, f"at least {2 * self.data_bits}", self.psum_bits)
        _check_power_of_two("beat_entries", self.beat_entries, 1, self.aim_entries // 4)
        _check_power_of_two("weight_entries", self.weight_entries, self.window_entries, 1024)
        _check_power_of_two("activation_entries", self.activation_entries, self.aim_entries, 1024)
        _check_power_of_two("weight_windows", self.weight_windows, 2, 16)
        _check_power_of_two("activation_tiles", self.activation_tiles, 2, 64)
        check_int("list_depth", self.list_depth, 2, 8)
        _check_power_of_two("psum_slots", self.psum_slots, 2, 256)
        check_bool("pipelined", self.pipelined)
        check("aim", self.aim in ("comparators", "table"), '"comparators" or "table"', self.aim)

    @property
    def channel_tile(self) -> int:
        """Channels of a tile, so that a tile of activations always fits the AIM."""
        return self.aim_entries

    @property
    def index_bits(self) -> int:
        """Width of a tile-local channel index (c-idx)."""
        return (self.channel_tile - 1).bit_length()

    @property
    def window_entries(self) -> int:
        """Weights of a window at most: what an AIM compares with a sparse tile in one operation."""
        return 2 * self.aim_entries

    @property
    def window_beats(self) -> int:
        """Beats of a window at most."""
        return self.window_entries // self.beat_entries

    @property
    def tile_beats(self) -> int:
        """Beats of a tile of activations at most."""
        return self.channel_tile // self.beat_entries

    @property
    def weight_beats(self) -> int:
        """Beats of the W register file."""
        return self.weight_entries // self.beat_entries

    @property
    def activation_beats(self) -> int:
        """Beats of the IA register file."""
        return self.activation_entries // self.beat_entries

    @property
    def classes(self) -> int:
        """Classes of weights, so that a tile can skip the kernel rows that fall outside the output for it."""
        return 4

    @property
    def slot_bits(self) -> int:
        """Width of a psum address."""
        return (self.psum_slots - 1).bit_length()

    @property
    def multiplier_registers(self) -> int:
        """Registers in a multiplier, each a cycle of latency."""
        return 3 if self.pipelined else 1

    @property
    def landing_cycles(self) -> int:
        """Cycles from the one in which a pair is taken to the first in which its product is in the psum."""
        return 2 + self.multiplier_registers + self.pipelined

    @property
    def pe_psum_bits(self) -> int:
        """Width of what a PE hands to the reducer: the sum of its multipliers' parts of a psum."""
        return self.psum_bits + (self.pe_multipliers - 1).bit_length()

    @property
    def pes(self) -> int:
        """PEs of the core."""
        return self.core_rows * self.core_columns

    @property
    def multipliers(self) -> int:
        """Multipliers of the core."""
        return self.pes * self.pe_multipliers

    @property
    def ports(self) -> int:
        """Output ports of the core reducer: one a diagonal; in row mode the first `core_rows` are used."""
        return self.core_rows + self.core_columns - 1


PRESETS: dict[str, SnapConfig] = {
    "snap-core": SnapConfig(),
    "snap-core-8b": SnapConfig(data_bits=8),
    "snap-fpga": SnapConfig(
        pe_multipliers=2, aim_entries=8, data_bits=8, psum_bits=24, beat_entries=2, weight_entries=32,
        activation_entries=32, activation_tiles=16, psum_slots=16, pipelined=True,
    ),
    "snap-tiny": SnapConfig(
        core_rows=3, core_columns=2, aim_entries=8, data_bits=8, beat_entries=2, weight_entries=32,
        activation_entries=16, activation_tiles=4, list_depth=4, psum_slots=8,
    ),
    "snap-tiny-1": SnapConfig(
        core_rows=2, core_columns=3, pe_multipliers=1, aim_entries=4, data_bits=4, beat_entries=1, weight_entries=16,
        activation_entries=8, weight_windows=2, activation_tiles=2, list_depth=2, psum_slots=4,
    ),
}  # fmt: skip
