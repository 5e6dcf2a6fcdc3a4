"""Area of matrix units for ResNet-50, which docs/sizing.ipynb reads: ``python scripts/size_resnet50.py``."""

import argparse
import json
from pathlib import Path
from typing import Any

from tensorloom.cli.output import Stages
from tensorloom.hw.emit.files import write_files
from tensorloom.run.emission import emit_design
from tensorloom.run.registry import find_preset
from tensorloom.tb.area import measure_area

__all__ = ["PRESETS", "RECORD", "measure"]

RECORD = Path(__file__).parent.parent / "docs" / "resnet50_sizes.json"

PRESETS = "systolic-16", "systolic-32", "systolic-64", "systolic-128"


def measure(preset: str, stages: Stages) -> dict[str, Any]:
    """Area of a preset, and of which design it is: values for JSON."""
    design = find_preset(preset)
    assert design is not None
    with stages(f"Measuring {preset}") as update:
        emission = emit_design(design, progress=update)
        report = measure_area(emission, progress=update)
    return {
        "preset": preset,
        "config": design.config.to_dict(),
        "hash": emission.manifest["hash"],
        "multipliers": design.config.multipliers,
        "area": round(report.area),
        "memory_bits": report.modules[report.top].memory_bits,
    }


def main() -> None:
    """Measure all, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=RECORD, metavar="FILE", help="the record")
    path, stages = parser.parse_args().output, Stages()
    record = {"machines": [measure(preset, stages) for preset in PRESETS]}
    write_files(path.parent, {path.name: json.dumps(record, indent=1) + "\n"})


if __name__ == "__main__":
    main()
