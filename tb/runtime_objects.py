"""Objects of C++ that is the same for every design, most of it Verilator's own: compiled once and kept."""

import dataclasses
import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from .bulk.cache import Cache

__all__ = ["RuntimeObjects", "digest_of"]

VERILATOR = "verilated*.o"
"""Verilator's own."""


def digest_of(identity: Any) -> str:
    """Key of the cache for plain values that say all that a result depends on."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:40]


@dataclasses.dataclass(frozen=True)
class RuntimeObjects:
    """The objects for one build: taken between Verilator and make, or kept after make.

    Parameters
    ----------
    cache
        Where they are kept.
    folder
        With Verilator's makefiles and the objects of the build.
    prefix
        Of the makefiles.
    identity
        Whatever changes the objects and is not in the makefiles: sources, versions, options of the compiler.
    names
        Patterns of further objects that don't depend on the design.
    """

    cache: Cache
    folder: Path
    prefix: str
    identity: Any
    names: Sequence[str] = ()

    def take(self) -> bool:
        """Put them in place, newer than the makefiles, so that make has nothing to do for them; False if unknown."""
        found = self.cache.find(self._key)
        if found:
            for name in found[1]["files"]:
                shutil.copyfile(found[0] / name, self.folder / name)
        return found is not None

    def keep(self) -> None:
        """Keep those of a build that has ended."""
        with self.cache.lock(self._key):
            self.cache.publish(
                self._key, [path for name in (*self.names, VERILATOR) for path in self.folder.glob(name)], {}
            )

    @cached_property
    def _key(self) -> str:
        makefiles = [self.folder / f"{self.prefix}{end}.mk" for end in ("", "_classes")]
        return digest_of([self.identity, [_switches(path.read_text(encoding="utf-8")) for path in makefiles]])


def _switches(makefile: str) -> list[str]:
    """What a makefile of Verilator says about the compilation of C++ that is the same for all designs."""
    return re.findall(
        r"^VM_(?:TIMING|COVERAGE|TRACE\w*|SC|USER_CFLAGS|GLOBAL_\w+) \S*=(?:.*\\\n)*.*", makefile, re.MULTILINE
    )
