"""Results of ``tensorloom mutate`` that are kept with the digest of the design that they came from."""

import json
from pathlib import Path
from typing import Any

from ...hw.config import parse_assignments
from ...hw.emit.files import write_files
from ..registry import find_preset

__all__ = ["RECORDS", "is_stale", "read_records", "record_of", "write_record"]

RECORDS = Path(__file__).parent / "recorded"
"""Folder of the records."""


def write_record(figures: dict[str, Any], folder: Path = RECORDS) -> None:
    """Keep a result; the one of the same design is replaced."""
    write_files(folder, {_file_name(figures["design"]): json.dumps(figures, indent=1) + "\n"})


def record_of(design: str, folder: Path = RECORDS) -> dict[str, Any] | None:
    """What is kept of a design, by its name; None if nothing is."""
    path = folder / _file_name(design)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _file_name(design: str) -> str:
    return f"{design.replace(' ', '_')}.json"


def read_records(folder: Path = RECORDS) -> list[dict[str, Any]]:
    """All records, by name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def is_stale(record: dict[str, Any]) -> bool:
    """Whether a record came from another netlist than the present sources make, or from a preset that is gone."""
    from ...tb.mutation.mutants import design_digest

    preset, *changes = record["design"].split()
    design = find_preset(preset)
    if design is None:
        return True
    config = design.config.replace(**parse_assignments(design.engine.config_class, changes))
    return design_digest(design.engine.component(config)) != record["digest"]
