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

    Memories outside of the cores count apart: ``sram_kb`` is what all of them hold, ``buffers_kb`` what the large ones
    do. A core's are register files, and part of its area.
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
        top, cores = report.modules[report.top], report.modules["snap_core"]
        cores_area, cores_bits = cores.instances * cores.total, cores.instances * cores.memory_bits
        millions = (top.gates + cores_area - cores.instances * cores.gates) / 1e6
        rows.append(
            {
                "preset": preset,
                "m_nand2": round(millions, 3),
                "cores_m_nand2": round(cores_area / 1e6, 3),
                "sram_kb": round((top.memory_bits - cores_bits) / 8000, 1),
                "buffers_kb": round(config.sram_bytes / 1000, 1),
                "products_per_cycle": found["products_per_cycle"],
                "products_per_cycle_per_m_nand2": round(found["products_per_cycle"] / millions, 2),
            }
        )
    return rows
