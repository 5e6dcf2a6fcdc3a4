"""A unit of a network on the chip: on its Verilog, and by the cycle model alone. Any process can do it."""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ...hw.errors import FailureError, UsageError
from ...hw.snap_chip.config import SnapChipConfig
from ...sim.snap_chip.channel_last import channel_last_cycles
from ...sim.snap_chip.compiler import compile_layers
from ...sim.snap_chip.cycles import ChipCounters, simulate_chip
from ...sim.snap_chip.draw import Drawn, dense_unit, draw_unit
from ...sim.snap_chip.program import Program
from ...sim.snap_chip.units import INPUT, Unit
from ...sim.snap_chip.work import program_work
from ..driving import drive
from ..emission import emit_design
from ..execution import IDLE_CYCLES, Simulator
from ..measuring import Clocks
from ..registry import Design
from .engine import ENGINE, errors_text
from .frames import TIMING
from .program import MEMORY_PORTS, SnapChipProgram

__all__ = ["run_dense", "run_unit", "verilog_digest"]

Tell = Callable[[float], None]


def verilog_digest(design: Design) -> str:
    """Hash of a design's Verilog."""
    files = sorted(emit_design(design).verilog.items())
    return hashlib.sha256("\0".join(text for file in files for text in file).encode()).hexdigest()


def run_unit(
    name: str, config: SnapChipConfig, unit: Unit, seed: int, drawn: Drawn | None, verilog: str | None, tell: Tell
) -> dict[str, Any]:
    """Figures of a unit and its layers, values for JSON; those of layers are the cycle model's.

    Parameters
    ----------
    name, config
        The design.
    unit, seed, drawn
        What runs; drawn here if it isn't yet.
    verilog
        Digest of the Verilog that has to run it; None: nothing but the cycle model does.
    tell
        Called with the share that is done.

    Raises
    ------
    FailureError
        If a byte that the Verilog leaves differs from the chip's golden model, an output of any layer from the
        maths, or a counter from the cycle model.
    UsageError
        If this process makes other Verilog.
    """
    start = Clocks.now()
    drawn = drawn or draw_unit(config, unit, seed)
    compiled = compile_layers(config, drawn.inputs, drawn.layers, drawn.densities)
    predicted = _simulate(config, compiled, drawn)
    peers = channel_last_cycles(config, drawn) if unit.is_block else {}
    figures = {
        "name": unit.name,
        "source": "model" if verilog is None else "rtl",
        "bit_exact": None,
        "equals_cycle_model": None,
        "simulated_seconds": None,
        "cycles": predicted.cycles,
        "products": sum(int(layer.multiplies.sum()) for layer in predicted.layers),
        **_bytes(config, predicted.beats),
        "layers": [
            {
                "name": layer.target,
                "size": next((node.shape.text for node in unit.nodes if node.target == layer.target), "pooling"),
                "cycles": counters.cycles,
                "products": int(counters.multiplies.sum()),
                "utilisation": round(counters.utilisation(config.multipliers), 6),
                "where_cycles_went": {
                    part: round(share, 4) for part, share in counters.where_cycles_went().items()
                },
                **_bytes(config, counters.beats),
                "channel_last_cycles": peers.get(layer.target),
            }
            for layer, counters in zip(drawn.layers, predicted.layers, strict=True)
        ],
    }  # fmt: skip
    if verilog is not None:
        figures |= _run_verilog(_simulator(name, config, verilog), unit, drawn, compiled, predicted, tell)
    return figures | {"cpu_seconds": round(start.since().cpu, 2)}


def run_dense(config: SnapChipConfig, unit: Unit, tell: Tell) -> dict[str, Any]:
    """Cycles of a unit without zeros in its tensors, and of its layers, by the cycle model."""
    start, drawn = Clocks.now(), dense_unit(config, unit)
    found = _simulate(config, compile_layers(config, drawn.inputs, drawn.layers), drawn)
    cycles = {layer.target: counters.cycles for layer, counters in zip(drawn.layers, found.layers, strict=True)}
    return {"cycles": found.cycles, "layers": cycles, "cpu_seconds": round(start.since().cpu, 2)}


def _simulate(config: SnapChipConfig, compiled: Program, drawn: Drawn) -> ChipCounters:
    works = program_work(compiled, drawn.layers, drawn.values)
    return simulate_chip(config, works, timing=TIMING, list_address=compiled.list_address)


def _run_verilog(
    simulator: Simulator, unit: Unit, drawn: Drawn, compiled: Program, predicted: ChipCounters, tell: Tell
) -> dict[str, Any]:
    """Run it, and compare everything; what figures know by that."""
    program = SnapChipProgram(
        compiled=compiled, inputs_by_name={INPUT: drawn.values[INPUT]}, results=[drawn.layers[-1].target],
        shape=drawn.output.shape, pairs=None,
    )  # fmt: skip
    start = Clocks.now()
    driven = drive(
        simulator.model, program, timing=TIMING, idle_cycles=IDLE_CYCLES,
        progress=lambda cycle, _: tell(cycle / predicted.cycles),
    )  # fmt: skip
    seconds = start.since().cpu
    if complaint := errors_text(driven.result.counters):
        raise FailureError(f"{unit.name}: {complaint}")
    if driven.wrong_bytes:
        raise FailureError(f"{unit.name}: {driven.wrong_bytes:,} bytes of memory are not what they must be")
    memory = driven.outputs[MEMORY_PORTS[0]]
    for tensor, values in drawn.values.items():
        if wrong := np.count_nonzero(compiled.read(memory, tensor) != values):
            raise FailureError(f"{unit.name}: {wrong:,} values of {tensor} differ from the maths")
    counters = ENGINE.read_counters(driven.result.counters)
    expected = {"cycles": predicted.cycles, "layers": len(predicted.layers), "beats": predicted.beats}
    found = {
        "cycles": counters.cycles,
        "layers": counters.layers,
        "beats": {kind.removesuffix("_beats"): beats for kind, beats in counters.beats.items()},
    }
    if wrong := [counter for counter in expected if found[counter] != expected[counter]]:
        raise FailureError(f"{unit.name}: counters that differ from the cycle model: {', '.join(wrong)}")
    return {"bit_exact": True, "equals_cycle_model": True, "simulated_seconds": round(seconds, 2)}


@cache
def _simulator(name: str, config: SnapChipConfig, verilog: str) -> Simulator:
    """The compiled design, once a process; the first process of a machine compiles it, others wait for that."""
    design = Design(engine=ENGINE, name=name, config=config)
    if verilog_digest(design) != verilog:
        text = "workers must make the same Verilog as this machine does, not another"
        raise UsageError(text, "install the same versions of tensorloom, Python, Amaranth and Yosys there")
    return Simulator(design)


def _bytes(config: SnapChipConfig, beats: dict[str, int]) -> dict[str, int]:
    return {f"{kind}_bytes": count * config.bus.bytes for kind, count in beats.items()}
