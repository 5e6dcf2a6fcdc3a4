"""Parameters of the engines that read and write memory."""

import dataclasses
from typing import Any

from ..config import check, check_int

__all__ = ["PAGE_BYTES", "PortConfig", "check_bus"]

PAGE_BYTES = 4096
"""No burst crosses a multiple of this."""


def check_bus(address_bits: int, data_bits: int, id_bits: int) -> None:
    """Raise `TypeError` or `ConfigError` unless these are widths that AXI4 has."""
    check_int("address_bits", address_bits, 12, 64)
    check_int("data_bits", data_bits, 8, 1024)
    check("data_bits", data_bits.bit_count() == 1, "a power of two", data_bits)
    check_int("id_bits", id_bits, 1, 32)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PortConfig:
    """A memory port and the engine behind it.

    Attributes
    ----------
    data_bits, address_bits, id_bits
        Widths of the AXI4 port.
    beats_bits
        Width of the number of beats of a request.
    max_burst
        Beats of a burst at most: a power of two, no more than a page holds.
    outstanding
        Bursts at most that wait for their answers.
    fifo_depth
        Beats that the engine buffers, at least a burst. To read without gaps: as many as there are cycles from an
        address to its data, and a burst more.
    strobes
        Whether each beat that is written says which of its bytes count. Reading makes no use of it.
    """

    data_bits: int = 128
    address_bits: int = 32
    id_bits: int = 1
    beats_bits: int = 16
    max_burst: int = 16
    outstanding: int = 8
    fifo_depth: int = 64
    strobes: bool = False

    def __post_init__(self) -> None:
        check_bus(self.address_bits, self.data_bits, self.id_bits)
        check_int("beats_bits", self.beats_bits, 1, 32)
        check_int("max_burst", self.max_burst, 1, min(256, PAGE_BYTES // self.bytes))
        check("max_burst", self.max_burst.bit_count() == 1, "a power of two", self.max_burst)
        check_int("outstanding", self.outstanding, 1, 256)
        check_int("fifo_depth", self.fifo_depth, self.max_burst, 1 << 16)

    def replace(self, **changes: Any) -> "PortConfig":
        """A copy with some fields changed (validated again)."""
        return dataclasses.replace(self, **changes)

    @property
    def bytes(self) -> int:
        """Bytes of a beat."""
        return self.data_bits // 8

    @property
    def beat_address_bits(self) -> int:
        """Width of an address that counts beats."""
        return self.address_bits - (self.bytes.bit_length() - 1)
