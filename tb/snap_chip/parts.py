"""Configurations under test, by part."""

from typing import Any

from ...hw.snap_chip.config import PRESETS

__all__ = ["PARTS"]

TINY = PRESETS["snap-chip-tiny"]

WIDE = TINY.replace(
    core=TINY.core.replace(core_rows=5, core_columns=3, aim_entries=16, beat_entries=4, weight_entries=64), cores=2,
    data_bits=256, tile_slots=8,
)  # fmt: skip

CHIPS = {"tiny": TINY, "wide": WIDE}

PARTS: dict[str, dict[str, Any]] = {
    "ia_buffer": {f"ia_buffer_{name}": config for name, config in CHIPS.items()},
    "block_sequencer": {f"block_sequencer_{name}": config for name, config in CHIPS.items()},
    "tile_expander": {f"tile_expander_{name}": config for name, config in CHIPS.items()},
}
