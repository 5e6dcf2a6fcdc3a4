"""Compile an emitted design into a shared library that `Model` drives."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...hw.errors import UsageError
from ...hw.folders import plain_path
from ..build_log import BuildError, first_errors
from ..runtime_objects import RuntimeObjects, digest_of
from ..sources import EmissionLike, Sources
from ..tools import OUTPUT_SPLIT, ZEROED_NEW, check_tools, compiler_version, tool_environment, verilator_version
from .cache import Cache

__all__ = ["BuildError", "Options", "Progress", "compile_library"]

LIBRARY = "model.so"

CPP = ("harness.cpp", "design.cpp", ZEROED_NEW.name)
"""What is compiled with a design."""

HARNESS = ("harness.cpp", "design.cpp", "design.h", "memory.h", "port.h", "software.h")
"""Files that are the same for every design."""

OPTIMIZATION = "TENSORLOOM_OPTIMIZE"
"""Environment variable: the level at which C++ is compiled. Low ones suit designs that run for a short time only."""

LEVELS = "0", "1", "2", "3"

Progress = Callable[[str], None]
"""Called with what is being done, in a few words."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """How a simulation is compiled.

    Parameters
    ----------
    assertions
        Check the design's assertions (for tests; off for speed).
    trace
        Able to write waveforms (slower even when it doesn't).
    threads
        Threads that one simulation runs on.
    flags
        Further options of Verilator.
    """

    assertions: bool = False
    trace: bool = False
    threads: int = 1
    flags: tuple[str, ...] = ()

    def verilator_flags(self, *, hierarchical: bool) -> list[str]:
        """Command line options of Verilator."""
        flags = ["--cc", "--exe", "--prefix", "Vdut", "-O3", "--x-assign", "fast", "--x-initial", "fast"]
        flags += ["--timescale", "1ns/1ns", "-Wno-fatal", "-Wno-lint", "-Wno-style", "--quiet", "-o", LIBRARY]
        # Without splitting them, one function holds a whole tile: the compiler takes three times as long.
        flags += [*OUTPUT_SPLIT, "--output-split-cfuncs", "300"]
        flags += ["-CFLAGS", "-fPIC -fvisibility=hidden -fvisibility-inlines-hidden"]
        flags += ["-CFLAGS", "-DVL_USER_FINISH -DVL_USER_STOP -DVL_USER_FATAL"]
        flags += ["-LDFLAGS", "-shared -Wl,-Bsymbolic-functions"]
        flags += ["--assert"] if self.assertions else ["--no-assert"]
        flags += ["--trace-vcd"] if self.trace else []
        flags += ["--threads", str(self.threads)] if self.threads > 1 else []
        flags += ["--hierarchical"] if hierarchical else []
        return flags + list(self.flags)


def compile_library(
    sources: Sources | EmissionLike | Path | str, options: Options, *, cache: Cache, progress: Progress | None = None
) -> tuple[Path, dict[str, Any]]:
    """Find the compiled library of a design in the cache, or build it.

    Returns
    -------
    path, meta
        The library, and ``{"build_seconds", "bytes", "cached", ...}``.

    Raises
    ------
    BuildError
        If Verilator or the compiler reports an error.
    ToolError
        If one of the programs is missing.
    UsageError
        If `OPTIMIZATION` is no level.
    """
    sources = Sources.load(sources)
    texts = {name: Path(__file__).with_name(name).read_text(encoding="utf-8") for name in HARNESS}
    zeroed = ZEROED_NEW.read_text(encoding="utf-8")
    wrapper = texts | {ZEROED_NEW.name: zeroed, "ports.h": _port_table(sources.manifest)}
    flags = options.verilator_flags(hierarchical=bool(sources.manifest["hierarchical"]))
    level = os.environ.get(OPTIMIZATION, "2")
    if level not in LEVELS:
        raise UsageError(f"the environment variable {OPTIMIZATION} must be one of {', '.join(LEVELS)}, not {level!r}")
    check_tools()
    environment = tool_environment()
    entries = plain_path(cache.folder)  # the loader takes a $ for its own
    tools = [level, verilator_version(), compiler_version()]
    identity = [sources.verilog, sources.waivers, sources.manifest, wrapper, flags, *tools]
    key = digest_of(identity)
    if found := cache.find(key):
        return entries / key / LIBRARY, found[1] | {"cached": True}
    with cache.lock(key):
        if found := cache.find(key):  # another process built it in the meantime
            return entries / key / LIBRARY, found[1] | {"cached": True}
        with cache.work_folder(key) as work:
            start = time.perf_counter()
            job = _Job(sources, wrapper, flags, f"-O{level}", work, cache.folder / f"{key}.log", environment)
            library = job.run(progress or (lambda _: None), cache, [texts, zeroed, options.threads, *tools])
            meta = {
                "top": sources.top,
                "build_seconds": round(time.perf_counter() - start, 3),
                "bytes": library.stat().st_size,
                "verilator": verilator_version(),
                "options": dataclasses.asdict(options),
            }
            cache.publish(key, [library], meta)
    return entries / key / LIBRARY, meta | {"cached": False}


@dataclasses.dataclass(frozen=True)
class _Job:
    """One build in its work folder; the log is kept only if it fails."""

    sources: Sources
    wrapper: dict[str, str]
    flags: list[str]
    level: str
    work: Path
    log: Path
    environment: dict[str, str]

    def run(self, report: Progress, cache: Cache, identity: Any) -> Path:
        """Run Verilator and make; return the library.

        What doesn't depend on the design, the harness and Verilator's own C++, is kept by `identity` and flags.
        """
        self.log.unlink(missing_ok=True)
        for name, text in self.wrapper.items():
            (self.work / name).write_text(text, encoding="utf-8")
        inputs = [path.name for path in self.sources.write(self.work)]
        hierarchical = bool(self.sources.manifest["hierarchical"])
        objects = self.work / "objects"
        report(f"translating {self.sources.top} with Verilator")
        top = ["--top-module", self.sources.top]
        self._call("verilator", *self.flags, *top, "-Mdir", "objects", *inputs, *CPP)
        report(f"compiling {self.sources.top}")
        jobs = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        target = ["-f", "Vdut_hier.mk", "hier_build"] if hierarchical else ["-f", "Vdut.mk"]
        make = ["make", f"-j{jobs}", "-C", "objects", f"OPT_GLOBAL={self.level}"]
        runtime = RuntimeObjects(cache, objects, "Vdut", identity, self.level, ("harness.o", "zeroed_new.o"))
        runtime.build(lambda *arguments: self._call(*make, *arguments), *target)
        self.log.unlink(missing_ok=True)
        return objects / LIBRARY

    def _call(self, *command: str) -> None:
        """Run a command in a process group of its own, so that nothing of it survives an interrupt."""
        with self.log.open("a", encoding="utf-8") as output:
            output.write(f"$ {' '.join(command)}\n")
            output.flush()
            process = subprocess.Popen(
                command,
                cwd=self.work,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = process.wait()
            except BaseException:
                with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                self.log.unlink(missing_ok=True)
                raise
        if code:
            errors = first_errors(self.log.read_text(encoding="utf-8", errors="replace"))
            raise BuildError(f"{command[0]} failed:\n{errors}\nfull log: {self.log}")


def _port_table(manifest: dict[str, Any]) -> str:
    """C++ that binds the ports of the verilated class: inputs first, each in the manifest's order."""
    ports = ordered_ports(manifest)
    names = [port["name"] for port in ports]
    table = "".join(f"        {{&top.{port['name']}, {port['width']}}},\n" for port in ports)
    inputs = sum(port["direction"] == "in" for port in ports)
    return (
        "static void bind(Vdut& top, Design& design) {\n"
        f"    design.ports = {{\n{table}    }};\n"
        f"    design.inputs = {inputs};\n"
        f"    design.clk = {names.index('clk') if 'clk' in names else -1};\n"
        f"    design.rst = {names.index('rst') if 'rst' in names else -1};\n"
        "}\n"
    )


def ordered_ports(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Ports as the harness numbers them: inputs, then outputs."""
    return sorted(manifest["ports"], key=lambda port: port["direction"] == "out")
