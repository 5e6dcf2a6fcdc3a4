"""Runs the testbenches of one block of a design, at its own configuration, in a simulator."""

import dataclasses
import pickle
import time
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from ..hw.emit.emitter import Block
from ..hw.emit.waivers import verilator_control
from .amaranth_bench import simulate
from .bench import Bench
from .bits import unpack_bits
from .block_benches import bench_folders, testbenches
from .bundle import instance
from .runner import SIMULATORS, BenchRun, cocotb_tests
from .sources import MODULE, Sources

__all__ = ["AMARANTH", "BlockDesign", "block_designs", "run_block"]

AMARANTH = "amaranth"
"""The simulator that needs no Verilog."""

SIMULATION = "simulation"
"""What a simulation is called that broke off before all of its testbenches had ended."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BlockDesign:
    """A block with testbenches.

    Attributes
    ----------
    name
        Of its module.
    component, config
        What it is made from.
    benches
        Names of its testbenches.
    sources
        Its Verilog; None for Amaranth's simulator.
    """

    name: str
    component: type[wiring.Component]
    config: Any
    benches: tuple[str, ...]
    sources: Sources | None


def block_designs(blocks: list[Block], verilog: str | None) -> list[BlockDesign]:
    """Blocks of a design that have testbenches, children before parents.

    Parameters
    ----------
    blocks, verilog
        As `emit_blocks` gave them, and the Verilog of all modules, None for Amaranth's simulator.
    """
    checks, found = testbenches(bench_folders()), []
    modules = {match[1]: match[0] + "\n" for match in MODULE.finditer(verilog or "")}
    for block in blocks:
        if benches := tuple(checks.get(block.component, ())):
            sources = _sources(block, modules) if verilog is not None else None
            found.append(
                BlockDesign(
                    name=block.name, component=block.component, config=block.config, benches=benches, sources=sources
                )
            )
    return found


def _sources(block: Block, modules: dict[str, str]) -> Sources:
    inside, _ = Sources(block.manifest | {"hierarchical": []}, modules, "").reach(block.name)
    verilog = {f"{name}.v": text for name, text in modules.items() if name in inside}
    hierarchical = [name for name in block.manifest["hierarchical"] if name in inside - {block.name}]
    manifest = block.manifest | {"files": list(verilog), "hierarchical": hierarchical}
    return Sources(manifest, verilog, verilator_control(list(verilog), hierarchical))


def run_block(
    block: BlockDesign, *, simulator: str, seed: int, build_dir: Path, waves: Path | None = None
) -> list[BenchRun]:
    """Run all testbenches of a block, one after the other in one simulation, with a reset before each.

    Parameters
    ----------
    simulator
        `AMARANTH` or one of `runner.SIMULATORS`.
    seed
        Of all random numbers, which are the same in all simulators.
    build_dir
        An empty folder with a path that make understands.
    waves
        File for waveforms of all signals: VCD, of Icarus Verilog FST.

    Raises
    ------
    BuildError, ToolError
        If there can't be a simulation.
    """
    if simulator == AMARANTH:
        return _on_amaranth(block, seed, waves)
    assert simulator in SIMULATORS and block.sources is not None
    data = {"block": block.name, "pickled": pickle.dumps((block.component, block.config)).hex()}
    try:
        runs = cocotb_tests(
            block.sources, f"{__package__}.block_tests", build_dir=build_dir, seed=seed, data=data,
            waves=waves is not None, simulator=simulator,
        )  # fmt: skip
    except AssertionError as error:
        runs = [BenchRun(name=SIMULATION, seconds=0.0, failure=str(error))]
    if waves is not None:
        for path in [*build_dir.rglob("dump.vcd"), *build_dir.rglob("*.fst")]:
            waves.write_bytes(path.read_bytes())
    return runs


def _on_amaranth(block: BlockDesign, seed: int, waves: Path | None) -> list[BenchRun]:
    from .cocotb_bench import random_generator  # only needed here: it wants cocotb

    checks = testbenches(bench_folders())[block.component]
    runs: list[BenchRun] = []

    async def all_of_them(bench: Bench) -> None:
        for name in block.benches:
            start, failure = time.perf_counter(), ""
            await bench.peek({port: unpack_bits(0, shape) for port, shape in bench.inputs.items()})
            await bench.reset(2)
            try:
                await checks[name](bench, block.config, random_generator(seed, name, block.name))
            except Exception as error:  # an assertion, or values that make no sense to the testbench
                failure = f"{type(error).__name__}: {error}"
            runs.append(BenchRun(name=name, seconds=time.perf_counter() - start, failure=failure))

    simulate(instance(block.component, block.config), all_of_them, vcd=waves)
    return runs
