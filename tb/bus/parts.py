"""Configurations under test: small, and each with a shape that the others don't have."""

from typing import Any

from ...hw.bus.config import PortConfig
from .maps import MAPS

__all__ = ["COPIER", "PARTS", "PORTS"]

PORTS = {
    "usual": PortConfig(data_bits=64, id_bits=4, beats_bits=10, outstanding=4, fifo_depth=32, strobes=True),
    "page": PortConfig(
        data_bits=1024, address_bits=16, beats_bits=8, max_burst=32, outstanding=3, fifo_depth=45, strobes=True
    ),
    "byte": PortConfig(data_bits=8, address_bits=13, beats_bits=5, max_burst=4, outstanding=1, fifo_depth=4),
    "single": PortConfig(data_bits=32, address_bits=40, beats_bits=4, max_burst=1, outstanding=2, fifo_depth=1),
}
"""As in a small chip; bursts of a page, a FIFO whose depth is no power of two; one burst at a time; bursts of 1."""

COPIER = PORTS["usual"].replace(address_bits=15)
"""Of the engines that copy; a memory of 32 KiB."""

PARTS: dict[str, dict[str, Any]] = (
    {kind: {f"{kind}_{name}": config for name, config in PORTS.items()} for kind in ("reader", "writer")}
    | {
        kind: {
            f"{kind}_usual": (PORTS["usual"], 3),
            f"{kind}_byte": (PORTS["byte"], 1),
            f"{kind}_single": (PORTS["single"], 5),
        }
        for kind in ("arbitrated", "read_arbiter")
    }
    | {
        "beat_loader": {
            "beat_loader_usual": (PORTS["usual"], 37, 3),
            "beat_loader_page": (PORTS["page"], 32, 0),
            "beat_loader_byte": (PORTS["byte"], 6, 2),
            "beat_loader_single": (PORTS["single"], 3, 0),
        },
        "beat_reader": {
            "beat_reader_usual": (PORTS["usual"], 33, 2),
            "beat_reader_byte": (PORTS["byte"], 4, 0),
            "beat_reader_single": (PORTS["single"], 5, 0),
        },
        "burst_splitter": {
            f"burst_splitter_{address_bits}_{beats_bits}_{most}": (address_bits, beats_bits, most)
            for address_bits, beats_bits, most in ((29, 16, 8), (5, 9, 32), (12, 4, 1))
        },
        "outstanding_bursts": {
            f"outstanding_bursts_{depth}_{readers}": (9, most, depth, readers)
            for most, depth, readers in ((8, 16, 2), (1, 3, 3), (4, 1, 1))
        },
        "first_error": {f"first_error_{name}": config for name, config in PORTS.items()},
        "registers": {f"registers_{name}": registers for name, registers in MAPS.items()},
    }
)
"""By name of the part, by component."""
