"""Area of SNAP chips, and how much work they do for it."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...hw.snap_chip.config import PRESETS
from ...tb.area import measure_area
from ..emission import emit_design
from ..progress import Stages
from ..registry import find_preset
from .frames import MEAN, find_frame

__all__ = ["measure_areas"]


def measure_areas(stages: Stages, frames: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Area of each preset that a frame ran on, and useful products a cycle of that frame for it.

    Memories count apart: ``sram_kb`` is what all memory macros hold, ``buffers_kb`` what the large ones do.
    """
    rows = []
    for preset, config in PRESETS.items():
        found = find_frame(frames, preset, MEAN)
        if found is None:
            continue
        design = find_preset(preset)
        assert design is not None
        with stages(f"Synthesising {preset}") as update:
            report = measure_area(emit_design(design), progress=update)
        millions = report.area / 1e6
        rows.append(
            {
                "preset": preset,
                "m_nand2": round(millions, 3),
                "cores_m_nand2": round(report.share("snap_core") * millions, 3),
                "sram_kb": round(report.modules[report.top].memory_bits / 8000, 1),
                "buffers_kb": round(config.sram_bytes / 1000, 1),
                "products_per_cycle": found["products_per_cycle"],
                "products_per_cycle_per_m_nand2": round(found["products_per_cycle"] / millions, 2),
            }
        )
    return rows
