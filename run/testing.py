"""Testbenches of the blocks of a design, for whoever uses it: on any configuration, in any simulator."""

import contextlib
import dataclasses
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import as_completed
from pathlib import Path
from xml.etree import ElementTree

from ..hw.emit.ports import module_name
from ..hw.errors import FailureError, UsageError, did_you_mean
from ..hw.folders import scratch_folder
from ..tb.block_benches import bench_folders, testbenches
from ..tb.block_run import AMARANTH, BlockDesign, block_designs, run_block
from ..tb.build_log import BuildError
from ..tb.runner import BenchRun
from ..tb.tools import check_icarus, check_tools
from .progress import Stages, silent
from .registry import Design
from .workers import workers

__all__ = ["TestReport", "junit", "list_blocks", "test_design"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TestReport:
    """What the testbenches of a design said.

    Attributes
    ----------
    design, simulator, seed
        What was tested, where, and with which random numbers.
    blocks
        Runs of each block's testbenches, children before parents.
    untested
        Blocks of the design without a testbench of their own: those around them play them.
    """

    design: str
    simulator: str
    seed: int
    blocks: dict[str, list[BenchRun]]
    untested: list[str]

    @property
    def failures(self) -> list[tuple[str, BenchRun]]:
        """Runs that failed, with their blocks."""
        return [(block, run) for block, runs in self.blocks.items() for run in runs if run.failure]


def test_design(
    design: Design,
    *,
    blocks: Sequence[str] = (),
    simulator: str = "verilator",
    seed: int = 1,
    waves: Path | None = None,
    stages: Stages = silent,
) -> TestReport:
    """Run the testbenches of a design's blocks, in all processors.

    Parameters
    ----------
    blocks
        Modules to test, by default all that have testbenches.
    simulator
        ``amaranth`` or one of `tb.runner.SIMULATORS`.
    seed
        Of all random numbers.
    waves
        File for the waveforms of the one block.
    stages
        Where progress is shown.

    Raises
    ------
    UsageError
        If there is no such block, or there are several and `waves`.
    FailureError
        If a block can't be built, or a tool is missing.
    """
    from ..hw.emit.emitter import emit_blocks
    from ..hw.emit.yosys import rtlil_to_verilog

    if waves is not None and len(blocks) != 1:
        raise UsageError("waveforms are those of one block", "name it with --block")
    _check_kinds(blocks)
    if simulator == "icarus":
        check_icarus()
    elif simulator != AMARANTH:
        check_tools()
    with stages(f"Emitting the blocks of {design.name}") as update:
        text, modules = emit_blocks(design.engine.component(design.config))
        found = {block.name: block for block in block_designs(modules, None)}
        for name in blocks:
            if name not in found:
                known = ", ".join(sorted(found))
                raise UsageError(f"block must be one of {known}, not {name!r}", did_you_mean(name, found))
        if simulator != AMARANTH:
            verilog = rtlil_to_verilog(text, modules[-1].name, update)
            found = {block.name: block for block in block_designs(modules, verilog)}
    chosen = [block for name, block in found.items() if not blocks or name in blocks]
    untested = [] if blocks else [module.name for module in modules if module.name not in found]
    count = sum(len(block.benches) for block in chosen)
    with (
        tempfile.TemporaryDirectory(dir=scratch_folder(), prefix="test-") as folder,
        stages(f"Running {count} testbenches of {len(chosen)} blocks in {simulator}") as update,
        workers() as pool,
    ):
        futures = {
            pool.submit(_run, block, simulator, seed, Path(folder) / block.name, waves): block.name for block in chosen
        }
        results: dict[str, list[BenchRun]] = {}
        for future in as_completed(futures):
            name = futures[future]
            results[name] = future.result()
            failed = sum(bool(run.failure) for runs in results.values() for run in runs)
            update(f"{len(results)} of {len(chosen)} blocks, {failed} failures", len(results) / len(chosen))
    return TestReport(
        design=design.name, simulator=simulator, seed=seed,
        blocks={block.name: results[block.name] for block in chosen}, untested=untested,
    )  # fmt: skip


def list_blocks(design: Design, *, stages: Stages = silent) -> dict[str, tuple[str, ...]]:
    """Names of the blocks that `test_design` can test, children before parents, and of their testbenches.

    Raises
    ------
    FailureError
        If cocotb is missing.
    """
    from ..hw.emit.emitter import emit_blocks

    _check_kinds(())
    with stages(f"Emitting the blocks of {design.name}"):
        _, modules = emit_blocks(design.engine.component(design.config))
    return {block.name: block.benches for block in block_designs(modules, None)}


def _check_kinds(blocks: Sequence[str]) -> None:
    """Refuse names of blocks that no design has with testbenches, and that cocotb is missing, before the work."""
    kinds = [module_name(component) for component in testbenches(bench_folders())]
    for name in blocks:
        if re.sub(r"_[0-9]+$", "", name) not in kinds:
            hint = did_you_mean(name, kinds) or "--list names those of a design"
            raise UsageError(f"block must be one that has testbenches, not {name!r}", hint)


def _run(block: BlockDesign, simulator: str, seed: int, folder: Path, waves: Path | None) -> list[BenchRun]:
    """Test a block, in a process of the pool."""
    folder.mkdir()
    try:
        with (folder / "said").open("w") as said, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return run_block(block, simulator=simulator, seed=seed, build_dir=folder, waves=waves)
    except BuildError as error:
        raise FailureError(str(error).partition("\nfull log")[0]) from None  # which won't stay


def junit(report: TestReport) -> str:
    """The results as JUnit's XML, a suite for each block."""
    root = ElementTree.Element("testsuites", name=report.design)
    for block, runs in report.blocks.items():
        failures = sum(bool(run.failure) for run in runs)
        seconds = sum(run.seconds for run in runs)
        suite = ElementTree.SubElement(
            root, "testsuite", name=block, tests=str(len(runs)), failures=str(failures), errors="0", skipped="0",
            time=f"{seconds:.3f}",
        )  # fmt: skip
        properties = ElementTree.SubElement(suite, "properties")
        for name in ("design", "simulator", "seed"):
            ElementTree.SubElement(properties, "property", name=name, value=str(getattr(report, name)))
        for run in runs:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"{report.design}.{block}", name=run.name, time=f"{run.seconds:.3f}"
            )
            if run.failure:
                ElementTree.SubElement(case, "failure", message=run.failure.splitlines()[0]).text = run.failure
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
