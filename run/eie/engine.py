"""Descriptor of EIE."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...fpga.target import BoardConfig, FpgaTarget
from ...hw.eie.config import PRESETS, EieConfig
from ..contract import Engine, Table
from ..jobs import Job

if TYPE_CHECKING:
    import numpy as np

    from ...hw.eie.eie import Eie
    from ...sim.eie.counters import EieCounters
    from ...sim.energy import Event
    from ...sim.memory_timing import MemoryTiming
    from ...tb.area import AreaReport
    from ..demonstration import Demonstration
    from ..execution import Simulator
    from ..progress import Stages
    from .program import LayersProgram

__all__ = ["ENGINE", "EieEngine"]


class EieEngine(Engine[EieConfig, "LayersProgram", "EieCounters"]):
    """EIE: fully connected layers from compressed weights. Products of two non-zeros are useful work."""

    name = "eie"
    title = "fully connected layers from compressed weights (EIE)"
    position = 4
    config_class = EieConfig
    presets = PRESETS
    demo_presets = ("eie-4x4",)
    examples = {
        "sim": (
            "tensorloom sim eie-tiny --matmul 3x40x20",
            "tensorloom sim eie-16x4 --layer alexnet/fc8 --density 0.375/0.25",
            "tensorloom sim eie-64 --shape 1x1x4096,1x1,600 --density 1/0.1 --json",
        ),
        "bench": ("tensorloom bench eie-16x4 --json > bench.json",),
        "demo": ("tensorloom demo eie-4x4",),
        "area": ("tensorloom area eie-64 --json",),
        "mutate": ("tensorloom mutate eie-tiny --count 400",),
        "fpga build": ("tensorloom fpga build --board ulx3s-85f --engine eie",),
    }

    fpga = FpgaTarget(
        self_test="eie:eie_test",
        boards={"ulx3s-85f": BoardConfig(config=PRESETS["eie-4x4"], frequency_hz=40_000_000)},
        mapped_once=True,
    )

    def summary(self, config: EieConfig) -> str:
        """One line about a configuration."""
        return (
            f"{config.clusters} x {config.lanes} multipliers, {config.data_bits} bits, {config.rows} rows and "
            f"{config.entries:,} entries of {config.entry_bits} bits ({config.index}) a cluster"
        )

    def figures(self, config: EieConfig) -> dict[str, int]:
        """Key figures of a configuration."""
        return {
            "multipliers": config.multipliers,
            "operations_per_cycle": 2 * config.multipliers,
            **{f"{name}_bytes": bits // 8 for name, bits in config.memory_bits.items()},
        }

    def component(self, config: EieConfig) -> "Eie":
        """The whole machine."""
        from ...hw.eie.eie import Eie

        return Eie(config)

    def map(self, config: EieConfig, job: Job) -> "LayersProgram":
        """Map a product whose weights have few different values, or such a convolution laid out as one."""
        from .mapping import map_job

        return map_job(config, job)

    def weight_values(self, config: EieConfig) -> int:
        """Those of a codebook, in which code 0 stands for 0."""
        return config.codes - 1

    def predict(
        self, config: EieConfig, program: "LayersProgram", timing: "MemoryTiming | None" = None
    ) -> "EieCounters":
        """Counters of the cycle model; there is no memory to be timed."""
        return program.predict()

    def read_counters(self, ports: Mapping[str, Any]) -> "EieCounters":
        """Counters from ``o_counters``."""
        from ...sim.eie.counters import read_counters

        values = dict(ports["o_counters"])
        return read_counters(values, values.pop("clusters"))

    def complaint(self, ports: Mapping[str, Any], *, wraps: bool) -> str:
        """What ``o_errors`` says."""
        from .program import complaint

        return complaint(ports["o_errors"])

    def data_bits(self, config: EieConfig) -> int:
        """Width of an operand."""
        return config.data_bits

    def sum_bits(self, config: EieConfig) -> int:
        """Width of a result, which saturates and never wraps."""
        return config.data_bits

    def expected(self, config: EieConfig, job: Job) -> "np.ndarray":
        """Activations: the sums divided by the least power of two with which none saturates, and rounded."""
        from .mapping import expected

        return expected(config, job)

    def macs(self, program: "LayersProgram", counters: "EieCounters") -> int:
        """Products of an activation that is not zero and a weight that is not."""
        return int(counters.products.sum())

    def job_figures(
        self, config: EieConfig, job: Job, program: "LayersProgram", counters: "EieCounters"
    ) -> dict[str, Any]:
        """What sums are divided by, cycles by those of the products alone, jobs, and loads of the memories."""
        jobs = program.layers.jobs
        return {
            "shift": jobs[0].shift,
            "over_ideal": round(counters.over_ideal, 4) if counters.products.any() else None,
            "jobs": len(jobs) * len(program.vectors),
            "loads": 1 if len(program.layers.loads) == 1 else len(program.layers.loads) * len(program.vectors),
        }

    def energy_events(self, config: EieConfig, counters: "EieCounters") -> "list[Event]":
        """Arithmetic and memories."""
        from ...sim.eie.energy import energy_events

        return energy_events(config, counters)

    def demonstrate(self, simulator: "Simulator") -> "Demonstration":
        """Read digits with a pruned perceptron whose weights share a codebook."""
        from .demo import run

        return run(simulator)

    def benchmark(self, stages: "Stages", *, quick: bool) -> dict[str, Any]:
        """Measure the paper's layers on the Verilog, emission, compilation and speed of simulation."""
        from .benchmark import benchmark

        return benchmark(stages, quick=quick)

    def area_shares(self, report: "AreaReport") -> dict[str, float]:
        """Shares of a cluster's parts, and of the source of activations."""
        from .area import cluster_shares

        return cluster_shares(report)

    def tables(self, figures: dict[str, Any]) -> list[Table]:
        """Layers beside published figures, and goals."""
        from .benchmark import figure_tables

        return figure_tables(figures)


ENGINE = EieEngine()
