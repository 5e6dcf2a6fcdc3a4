"""Descriptor of the SNAP chip."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ...hw.snap_chip.config import PRESETS, SnapChipConfig
from ..contract import Engine, Table, Trial
from ..jobs import Job
from .papers import FIGURES

if TYPE_CHECKING:
    import numpy as np

    from ...hw.bus.register_map import RegisterMap
    from ...hw.snap_chip.chip import SnapChip
    from ...sim.energy import Event
    from ...sim.memory_timing import MemoryTiming
    from ...sim.network.graph import Network
    from ...sim.snap_chip.counters import ChipCounters
    from ..demonstration import Demonstration
    from ..execution import Simulator
    from ..network.plan import Plan
    from ..progress import Stages
    from ..registry import Design
    from .program import SnapChipProgram

__all__ = ["ENGINE", "SnapChipEngine", "errors_text"]


class SnapChipEngine(Engine[SnapChipConfig, "SnapChipProgram", "ChipCounters"]):
    """Chip of SNAP cores: lists of layers from memory to memory. A job is one layer, its sums requantized to int8.

    The factor of a job is a power of two by which its sums fit: see `job_factor`. Pairs of two non-zeros are useful
    work.
    """

    name = "snap-chip"
    title = "chip of sparse convolution cores with memory ports (SNAP)"
    position = 2
    config_class = SnapChipConfig
    presets = PRESETS
    causes = {
        "compute": "at least one multiplier of a PE had a pair",
        "lists": "a PE waited for its turn at an AIM, or used up a list without a match",
        "weights": "a PE waited for weights, while memory had sent them",
        "activations": "a PE waited for activations, while memory had sent them",
        "memory": "a PE waited for weights or activations, and memory had not sent them",
        "psums": "a PE's psums had not left yet",
        "begin": "before a core's first beat",
        "spread": "from a core's last sum to that of the slowest core",
        "end": "from the slowest core's last sum to the next layer",
        "pooling": "a pool was at work",
    }
    paper_figures = FIGURES
    demo_presets = ("snap-chip-tiny",)
    frames = ("resnet-50", "vgg-16", "alexnet", "resnet-mini")
    examples = {
        "sim": (
            "tensorloom sim snap-chip-tiny --shape 8x8x24,3x3,16 --padding 1 --density 0.4/0.5",
            "tensorloom sim snap-chip-tiny --matmul 10x60x20 --kinds uint8,int8 --stall 0.2 --json",
        ),
        "run": ("tensorloom run model.onnx --engine snap-chip --model-only --json",),
        "registers": ("tensorloom registers snap-chip -o build/registers",),
        "demo": ("tensorloom demo snap-chip-tiny",),
        "frame": (
            "tensorloom frame resnet-mini --engine snap-chip-tiny",
            "tensorloom frame resnet-50 --model-only --json",
            "tensorloom frame resnet-50 --layers res2a,res5c -o build/frame",
        ),
        "bench": ("tensorloom bench snap-chip --quick --json",),
    }

    def summary(self, config: SnapChipConfig) -> str:
        """One line about a configuration."""
        core = config.core
        return (
            f"{config.cores} cores of {core.core_rows} x {core.core_columns} PEs of {core.pe_multipliers} multipliers, "
            f"{config.sram_bytes / 1000:,.1f} kB of SRAM, memory ports of {config.data_bits} bits"
        )

    def figures(self, config: SnapChipConfig) -> dict[str, int]:
        """Key figures of a configuration."""
        return {
            "multipliers": config.multipliers,
            "operations_per_cycle": 2 * config.multipliers,
            "sram_bytes": config.sram_bytes,
            "memory_bytes_per_cycle": config.bus.bytes,
        }

    def component(self, config: SnapChipConfig) -> "SnapChip":
        """The chip."""
        from ...hw.snap_chip.chip import SnapChip

        return SnapChip(config)

    def map(self, config: SnapChipConfig, job: Job) -> "SnapChipProgram":
        """Map a convolution of int8 or uint8 by int8, or a product, to a list with a layer for each image."""
        from .program import map_job

        return map_job(config, job)

    def plan_network(self, config: SnapChipConfig, network: "Network") -> "Plan":
        """Nodes as layers of a list, image behind image; networks of products alone have images as pixels."""
        from .network import plan_network

        return plan_network(config, network)

    def trials(self, config: SnapChipConfig, seed: int) -> Iterable[Trial]:
        """Lists of all kinds of layers, and lists that fail."""
        from .trials import trials

        return trials(config, seed)

    def predict(
        self, config: SnapChipConfig, program: "SnapChipProgram", timing: "MemoryTiming | None" = None
    ) -> "ChipCounters":
        """Counters of the cycle model; of a memory that stalls at random, all but the cycles."""
        counters = program.counters()
        if timing is not None and timing.random:
            return counters
        found = program.simulate(timing)
        return dataclasses.replace(counters, cycles=found.cycles, went=found.where_cycles_went(), modelled=found.layers)

    def read_counters(self, ports: Mapping[str, Any]) -> "ChipCounters":
        """Counters from the registers that software read."""
        from ...sim.snap_chip.counters import KINDS, ChipCounters

        beats = {f"{kind}_beats": ports[f"count_{kind}_beats"] for kind in KINDS}
        return ChipCounters(cycles=ports["count_cycles"], layers=ports["count_layers"], beats=beats)

    def complaint(self, ports: Mapping[str, Any], *, wraps: bool) -> str:
        """What the register ``errors`` says; sums that wrap are an error unless they may."""
        return errors_text(ports, wraps=wraps)

    def data_bits(self, config: SnapChipConfig) -> int:
        """Width of a value in memory."""
        return 8

    def sum_bits(self, config: SnapChipConfig) -> int:
        """Width of the sums that are requantized."""
        from .program import SUM_BITS

        return SUM_BITS

    def expected(self, config: SnapChipConfig, job: Job) -> "np.ndarray":
        """The sums by the maths, requantized to int8."""
        from .program import expected_outputs

        return expected_outputs(job)

    def macs(self, program: "SnapChipProgram", counters: "ChipCounters") -> int:
        """Multiplied pairs; both operands of each are non-zero."""
        return program.macs

    def job_figures(
        self, config: SnapChipConfig, job: Job, program: "SnapChipProgram", counters: "ChipCounters"
    ) -> dict[str, Any]:
        """How the sums were requantized, and what crossed the memory ports."""
        from .program import job_factor

        return {"output_factor": job_factor(job), **counters.bytes(config)}

    def energy_events(self, config: SnapChipConfig, counters: "ChipCounters") -> "list[Event]":
        """Those of cores, buffers and memory."""
        from ...sim.snap_chip.energy import chip_energy_events

        return chip_energy_events(config, counters.modelled or [])

    def registers(self, config: SnapChipConfig) -> "RegisterMap":
        """The same for all configurations."""
        from ...hw.snap_chip.register_map import REGISTERS

        return REGISTERS

    def demonstrate(self, simulator: "Simulator") -> "Demonstration":
        """Read digits with a pruned convolutional network, all layers by one start."""
        from .demo import run

        return run(simulator)

    def benchmark(self, stages: "Stages", *, quick: bool) -> dict[str, Any]:
        """Measure a frame, cores and area by models, then emission, compilation, and layers on the Verilog."""
        from .benchmark import benchmark

        return benchmark(stages, quick=quick)

    def reproduce(self, name: str, stages: "Stages") -> dict[str, Any]:
        """Values of a figure, by the models."""
        from .figures import REPRODUCE

        return REPRODUCE[name](stages)

    def tables(self, figures: dict[str, Any]) -> list[Table]:
        """Frames, layers, cores, area and goals."""
        from .tables import figure_tables

        return figure_tables(figures)

    def run_frame(self, design: "Design", network: str, *, stages: "Stages", **options: Any) -> dict[str, Any]:
        """Run a frame; units are blocks of layers, each by one start of the chip."""
        from .whole_network import run_frame

        return run_frame(design, network, stages=stages, **options)

    def frame_tables(self, figures: dict[str, Any]) -> list[Table]:
        """Layers, units, and the whole."""
        from .tables import frame_tables

        return frame_tables(figures)


def errors_text(registers: Mapping[str, Any], *, wraps: bool = False) -> str:
    """What the register ``errors`` says, that software read; empty if nothing, or sums that may wrap."""
    from ...hw.snap_chip.register_map import ERRORS, REGISTERS

    raised = REGISTERS["errors"].unpack(registers["errors"])
    return " ".join(ERRORS[name] for name, value in raised.items() if value and not (wraps and name == "overflow"))


ENGINE = SnapChipEngine()
