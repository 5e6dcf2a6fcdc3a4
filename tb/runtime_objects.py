"""What compilations of C++ have in common whatever the design, most of it Verilator's own: made once and kept."""

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ..hw.folders import plain_path
from .bulk.cache import Cache
from .tools import compiler_version

__all__ = ["RuntimeObjects", "digest_of"]

VERILATOR = "verilated*.o"
"""Verilator's own."""

HEADER = "precompiled.h"
HEADERS = '#include "verilated.h"\n#include "verilated_dpi.h"\n#include "verilated_syms.h"\n'
"""What the compiler spends most of its time on in a small design."""


def digest_of(identity: Any) -> str:
    """Key of the cache for plain values that say all that a result depends on."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:40]


@dataclasses.dataclass(frozen=True)
class RuntimeObjects:
    """Make of what Verilator wrote, with objects and a precompiled header from the cache.

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
    level
        Option of the compiler for the design's own C++: how much it optimizes.
    names
        Patterns of further objects that don't depend on the design.
    """

    cache: Cache
    folder: Path
    prefix: str
    identity: Any
    level: str
    names: Sequence[str] = ()

    def build(self, make: Callable[..., None], *target: str) -> None:
        """Build; `make` calls make in the folder with further arguments, for which `target` stands.

        The first build of a kind keeps its objects; the header, which takes as long as two small designs and 75 MB, is
        made by the second.
        """
        found = self._take()
        make(*target, f"OPT_FAST={self.level}{self._header(make) if found else ''}")
        if not found:
            self._keep()

    def _take(self) -> bool:
        """Put objects in place, newer than the makefiles, so that make has nothing to do for them; False if unknown."""
        found = self.cache.find(self._key)
        if found:
            for name in found[1]["files"]:
                shutil.copyfile(found[0] / name, self.folder / name)
        return found is not None

    def _keep(self) -> None:
        """Keep those of a build that has ended; where they can't be kept, it costs time only."""
        with contextlib.suppress(OSError), self.cache.lock(self._key):
            self.cache.publish(
                self._key, [path for name in (*self.names, VERILATOR) for path in self.folder.glob(name)], {}
            )

    def _header(self, make: Callable[..., None]) -> str:
        """Option of the compiler that includes the precompiled header, to be made if need be.

        None for clang and ccache, which look at a header's time, and for what is compiled file by file, as large blocks
        are, with headers of their own.
        """
        wrapped = os.environ.get("OBJCACHE") or shutil.which("ccache")
        if wrapped or "Free Software Foundation" not in compiler_version():
            return ""
        key = digest_of([self._key, self.level, HEADERS])
        with self.cache.lock(key):
            if not self.cache.find(key):
                header, made = self.folder / HEADER, self.folder / f"{HEADER}.gch"
                header.write_text(HEADERS, encoding="utf-8")
                make("-f", f"{self.prefix}.mk", f"OPT_FAST={self.level}", f"{HEADER}.fast.gch")
                (self.folder / f"{HEADER}.fast.gch").rename(made)
                self.cache.publish(key, [header, made], {})
        return f" $(if $(filter 0,$(VM_PARALLEL_BUILDS)),--include={plain_path(self.cache.folder) / key / HEADER})"

    @cached_property
    def _key(self) -> str:
        makefiles = [self.folder / f"{self.prefix}{end}.mk" for end in ("", "_classes")]
        return digest_of([self.identity, [_switches(path.read_text(encoding="utf-8")) for path in makefiles]])


def _switches(makefile: str) -> list[str]:
    """What a makefile of Verilator says about the compilation of C++ that is the same for all designs."""
    return re.findall(
        r"^VM_(?:TIMING|COVERAGE|TRACE\w*|SC|USER_CFLAGS|GLOBAL_\w+) \S*=(?:.*\\\n)*.*", makefile, re.MULTILINE
    )
