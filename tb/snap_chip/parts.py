"""Configurations under test: small, and each with a shape that the others don't have."""

from typing import Any

from ...hw.snap.config import SnapConfig
from ...hw.snap_chip.config import PRESETS, SnapChipConfig

__all__ = ["CONFIGS", "PARTS"]

TINY = PRESETS["snap-chip-tiny"]
"""Rows of one word, bitmaps of a byte, two weights a beat, four kernels."""

MIDDLE = SnapChipConfig(
    core=SnapConfig(
        core_rows=5, core_columns=3, aim_entries=16, beat_entries=4, weight_entries=32, activation_entries=32,
        psum_slots=16, psum_bits=32, list_depth=2,
    ),
    cores=2, data_bits=128, weight_rows=21, bank_rows=32, directory_entries=128, region_pixels=24, tile_slots=4,
    segments=32, resident_bands=8, global_accumulator=True,
)  # fmt: skip
"""Rows of two words, whose number is no power of two, eight kernels, psums of 32 bits, and diagonal mode."""

SINGLE = TINY.replace(
    core=TINY.core.replace(beat_entries=1, data_bits=16), cores=8, data_bits=256, weight_rows=17, residual_lanes=8
)
"""One kernel, one weight a beat, rows of four words."""

FULL = SnapChipConfig(weight_rows=16)
"""As the usual chip: eight weights a beat, groups as long as can be."""

WIDE = TINY.replace(
    core=SnapConfig(core_rows=3, core_columns=2, psum_slots=8, list_depth=2, beat_entries=8),
    cores=4, data_bits=256, row_words=4, bank_rows=32,
)  # fmt: skip
"""Tiles of up to five words, four of which are loaded and fetched at once."""

NARROW = WIDE.replace(row_words=2)
"""Tiles of up to three parts."""

CHIPS = {"tiny": TINY, "middle": MIDDLE}
"""For parts that several others of the chip take to test."""

CONFIGS = {"tiny": TINY, "middle": MIDDLE, "single": SINGLE, "full": FULL}

PARTS: dict[str, dict[str, Any]] = (
    {
        "core_array": {"core_array_tiny": TINY},
        "byte_unpacker": {f"byte_unpacker_{width}": (width,) for width in (2, 4, 8)},
        "bit_picker": {
            f"bit_picker_{width}x{count}": (width, count)
            for width, count in ((64, 8), (16, 2), (11, 3), (2, 1), (4, 4))
        },
    }
    | {
        kind: {f"{kind}_{name}": config for name, config in CONFIGS.items()}
        for kind in ("weight_ring", "weight_feeder", "weight_column")
    }
    | {
        kind: {f"{kind}_{name}": config for name, config in CHIPS.items()}
        for kind in (
            "block_scan",
            "block_sequencer",
            "command_fetch",
            "locator",
            "max_pool",
            "output_buffer",
            "output_scan",
            "segment_reader",
            "segment_writer",
            "tile_expander",
        )
    }
    | {
        kind: {f"{kind}_{name}": config for name, config in (CHIPS | {"wide": WIDE}).items()}
        for kind in (
            "compressor",
            "ia_buffer",
            "ia_loader",
            "residual_stage",
            "scale_table",
            "tile_packer",
            "tile_parser",
        )
    }
    | {
        kind: {f"{kind}_{name}": config for name, config in (CHIPS | {"wide": WIDE, "narrow": NARROW}).items()}
        for kind in ("ia_bank", "tile_fetch", "tile_slots")
    }
)
"""Configurations by name of the part, by component."""
