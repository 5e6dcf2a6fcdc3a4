"""Run cocotb tests on an emitted design, in Verilator or Icarus Verilog."""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock
from xml.etree import ElementTree

from ..hw.folders import FolderError, is_plain, plain_path
from .build_log import BuildError, first_errors
from .bulk.cache import Cache
from .runtime_objects import RuntimeObjects, digest_of
from .sources import EmissionLike, Sources
from .tools import (
    OUTPUT_SPLIT,
    ZEROED_NEW,
    check_icarus,
    check_tools,
    compiler_version,
    tool_environment,
    verilator_version,
)

__all__ = ["SIMULATORS", "BenchRun", "cocotb_tests", "job_data", "run_cocotb"]

SIMULATORS = "verilator", "icarus"

DATA = "TENSORLOOM_COCOTB_DATA"

LEVELS = {False: "-O0", True: "-O1"}
OF_RUNTIME = "OPT_GLOBAL=-O0"
"""Of the compiler: testbenches spend their time in Python, so that more costs more than it saves."""

UNKNOWN_BITS = {"COCOTB_RESOLVE_X": "RANDOM"}
"""Icarus Verilog knows bits without a value, as in memories that nobody wrote: a testbench sees any bits there."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchRun:
    """A testbench that was run.

    Attributes
    ----------
    name
        Of the testbench.
    seconds
        That it took.
    failure
        What went wrong; empty if nothing did.
    """

    name: str
    seconds: float
    failure: str


def run_cocotb(source: Sources | EmissionLike | Path | str, test_module: str | Sequence[str], **options: Any) -> int:
    """Run tests that must pass, with the options of `cocotb_tests`.

    Returns
    -------
    int
        How many tests ran.

    Raises
    ------
    AssertionError
        If a test failed or none ran.
    """
    tests = cocotb_tests(source, test_module, **options)
    modules = test_module if isinstance(test_module, str) else ", ".join(test_module)
    if failures := [f"{test.name}: {test.failure}" for test in tests if test.failure]:
        where = f"{modules}, seed {options['seed']}, below {options['build_dir']}"
        raise AssertionError(f"{len(failures)} of {len(tests)} tests failed ({where})\n" + "\n".join(failures))
    return len(tests)


def cocotb_tests(
    source: Sources | EmissionLike | Path | str,
    test_module: str | Sequence[str],
    *,
    build_dir: Path,
    seed: int,
    tests: Sequence[str] | None = None,
    data: Mapping[str, Any] | None = None,
    hierarchical: bool | None = None,
    assertions: bool = True,
    waves: bool = False,
    simulator: str = "verilator",
    optimize: bool = True,
) -> list[BenchRun]:
    """Build a design for cocotb (once a design and folder) and run tests on it.

    Only the top's ports are visible to the tests: publishing every signal makes big arrays slow to build and to run.

    Parameters
    ----------
    source
        An emission, the folder it was written to, or its manifest.
    test_module
        Dotted name of the module with the cocotb tests, or several.
    build_dir
        Where builds and results go; a design that was built there before isn't built again.
    seed
        Seed of cocotb's random generator; part of every failure message.
    tests
        Names of the tests to run; all of the module by default.
    data
        Plain values that the tests read back with `job_data`.
    hierarchical
        Use the hierarchical blocks of the manifest; by default if it has some.
    assertions
        Check the design's assertions.
    waves
        Write all signals into the folder of results: ``dump.vcd``, of Icarus Verilog ``TOP.fst``.
    simulator
        One of `SIMULATORS`: the Verilator that came with tensorloom, or the Icarus Verilog that is installed.
    optimize
        Let the compiler optimize. Small designs are built in two thirds of the time without, and run hardly slower.

    Returns
    -------
    list of BenchRun
        All that ran, in their order.

    Raises
    ------
    AssertionError
        If none ran or the simulation broke off.
    BuildError
        If the design doesn't build.
    ToolError
        If the simulator or what it needs is not installed.
    ValueError
        If `build_dir` is not a path that make understands.
    """
    from cocotb_tools import config  # only needed here: cocotb is not a dependency of the generator
    from cocotb_tools.runner import get_runner

    if not is_plain(Path(build_dir).absolute()):
        rule = "a path of letters, digits and ./+@-_, as make takes others apart"
        raise ValueError(f"build_dir must be {rule}, not {str(build_dir)!r}")
    sources = Sources.load(source)
    icarus = simulator == "icarus"
    hierarchical = bool(sources.manifest["hierarchical"]) if hierarchical is None else hierarchical
    arguments = [*OUTPUT_SPLIT, "--no-public-flat-rw", "-Wno-fatal", "-Wno-lint", "-Wno-style", "--quiet"]
    arguments += ["--assert"] if assertions else ["--no-assert"]
    arguments += ["--hierarchical", str(plain_path(ZEROED_NEW.parent) / ZEROED_NEW.name)] if hierarchical else []
    arguments = [] if icarus else arguments
    version = check_icarus() if icarus else verilator_version()
    level = LEVELS[optimize]
    identity = [sources.verilog, sources.waivers, sources.manifest, arguments, level, waves, version]
    key = digest_of(identity)[:16]
    folder = Path(build_dir).absolute() / f"{sources.top}-{key}"
    runner = get_runner(simulator)
    environment = {}
    if not icarus:
        check_tools()
        environment = tool_environment()
        environment["MAKEFLAGS"] += f" OPT_FAST={level} {OF_RUNTIME}"
    with mock.patch.dict(os.environ, environment), _plain_paths(config), _locked(folder):
        if not (folder / "built").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            with contextlib.nullcontext() if icarus else _kept_objects(runner, folder, level):
                _build(runner, sources, folder, arguments, waves, control=not icarus)
            (folder / "built").touch()
    modules = [test_module] if isinstance(test_module, str) else list(test_module)
    name = "-".join([*(module.rpartition(".")[2] for module in modules), str(seed)])[:100]
    if tests:
        name += "-" + hashlib.sha256("\n".join(tests).encode()).hexdigest()[:8]
    results = folder / "results" / name
    results.mkdir(parents=True, exist_ok=True)
    log = results / "log.txt"
    values = dict(data or {}) | {"manifest": sources.manifest, "seed": seed}
    (results / "data.json").write_text(json.dumps(values), encoding="utf-8")
    with contextlib.suppress(SystemExit), mock.patch.dict(os.environ), _plain_paths(config):
        os.environ.pop("PYTEST_CURRENT_TEST", None)  # cocotb would name the results by it
        runner.build_dir = folder
        with contextlib.suppress(RuntimeError):
            runner.test(
                modules,
                sources.top,
                hdl_toplevel_lang="verilog",
                testcase=list(tests) if tests else None,
                seed=seed,
                build_dir=folder,
                test_dir=results,
                results_xml=str(results / "results.xml"),
                extra_env={DATA: str(results / "data.json")} | (UNKNOWN_BITS if icarus else {}),
                waves=waves,
                log_file=log,
            )
    return _results(results / "results.xml", log, f"{', '.join(modules)}, seed {seed}, log: {log}")


def job_data() -> dict[str, Any]:
    """Values that `cocotb_tests` was given as `data`, and ``manifest`` and ``seed`` (call it in a cocotb test)."""
    return json.loads(Path(os.environ[DATA]).read_text(encoding="utf-8"))


def _build(runner: Any, sources: Sources, folder: Path, arguments: list[str], waves: bool, *, control: bool) -> None:
    """Build in a folder; `control` files are Verilator's alone."""
    files = sources.write(folder)
    publish = folder / "publish_ports.vlt"
    ports = [f'public_flat_rw -module "{sources.top}" -var "{port["name"]}"' for port in sources.manifest["ports"]]
    publish.write_text("\n".join(["`verilator_config", *ports, ""]), encoding="utf-8")
    log = folder / "build.log"
    try:
        runner.build(
            sources=[publish, *files] if control else files[1:],
            hdl_toplevel=sources.top,
            build_dir=folder,
            build_args=arguments,
            timescale=("1ns", "1ps"),
            waves=waves,
            log_file=log,
        )
    except RuntimeError as error:
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else str(error)
        raise BuildError(f"{sources.top} doesn't build for cocotb:\n{first_errors(text)}\nfull log: {log}") from None


@contextlib.contextmanager
def _kept_objects(runner: Any, folder: Path, level: str) -> Iterator[None]:
    """Let a build take Verilator's own C++ from the cache, where most of the time of a block's build would go."""
    try:
        identity = ["cocotb", OF_RUNTIME, verilator_version(), compiler_version()]
        runtime = RuntimeObjects(Cache(), folder, "Vtop", identity, level)
    except FolderError:  # costs time only
        yield
        return
    run = runner._execute_cmds  # the one place between its calls of Verilator and make

    def execute(commands: Sequence[Any], *where: Any) -> None:
        verilator, make = commands
        run([verilator], *where)
        target = make.index("-f")
        runtime.build(lambda *arguments: run([[*make[:target], *arguments]], *where), *make[target:])

    with mock.patch.object(runner, "_execute_cmds", execute):
        yield


@contextlib.contextmanager
def _plain_paths(config: Any) -> Iterator[None]:
    """Give cocotb's own files by paths that go into a makefile, and into a list divided by semicolons and commas."""
    library, _, function = config.pygpi_entry_point().rpartition(",")
    entry_point = f"{plain_path(Path(library).parent) / Path(library).name},{function}"
    with contextlib.ExitStack() as stack:
        for name in ("share_dir", "libs_dir"):
            stack.enter_context(mock.patch.object(config, name, plain_path(getattr(config, name))))
        stack.enter_context(mock.patch.object(config, "pygpi_entry_point", lambda: entry_point))
        yield


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One builder at a time for a folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _results(xml: Path, log: Path, where: str) -> list[BenchRun]:
    """Tests of a file of results, of which at least one ran."""
    if not xml.exists():
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
        raise AssertionError(f"simulation ended without results ({where})\n" + "\n".join(lines[-15:]))
    tests = []
    for case in ElementTree.parse(xml).getroot().iter("testcase"):
        failure = ""
        for fault in [*case.iter("failure"), *case.iter("error")]:
            failure = next(filter(None, (fault.get("message"), fault.get("error_msg"), fault.text)), "failed").strip()
        if case.find("skipped") is None:
            tests.append(BenchRun(name=str(case.get("name")), seconds=float(case.get("time", 0)), failure=failure))
    if not tests:
        raise AssertionError(f"no test ran ({where})")
    return tests
