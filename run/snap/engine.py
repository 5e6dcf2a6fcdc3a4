"""Descriptor of the SNAP core."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...fpga.target import BoardConfig, FpgaTarget
from ...hw.snap.config import PRESETS, SnapConfig
from ..contract import Engine
from ..jobs import Job
from .papers import FIGURES

if TYPE_CHECKING:
    from ...hw.snap.core import SnapCore
    from ...sim.energy import Event
    from ...sim.memory_timing import MemoryTiming
    from ...sim.snap.cycles import CoreCounters
    from ...tb.area import AreaReport
    from ..demonstration import Demonstration
    from ..execution import Simulator
    from ..progress import Stages
    from .program import SnapProgram

__all__ = ["ENGINE", "SnapEngine"]

ON_BOARDS = BoardConfig(config=PRESETS["snap-fpga"], frequency_hz=60_000_000)


class SnapEngine(Engine[SnapConfig, "SnapProgram", "CoreCounters"]):
    """Core of SNAP: convolutions and fully connected layers that skip zeros. Pairs of two non-zeros are useful work."""

    name = "snap"
    title = "sparse convolution core (SNAP)"
    position = 1
    config_class = SnapConfig
    presets = PRESETS
    causes = {
        "busy": "at least one multiplier of a PE had a pair",
        "empty_list": "a PE used up a list without a match",
        "wait_weights": "a PE waited for a window of weights",
        "wait_activations": "a PE waited for a tile of activations",
        "wait_aim": "a PE waited for its turn at the row's AIM",
        "wait_psum": "both banks of a PE's psums were full: sums had not left yet",
    }
    paper_figures = FIGURES
    demo_presets = ("snap-core",)
    examples = {
        "sim": (
            "tensorloom sim snap-core --layer resnet50/res4b_branch2b --part 14x14x256,64 --density 0.38/0.52",
            "tensorloom sim snap-core --shape 14x14x256,1x1,64 --density 0.2/0.3 --json",
        ),
        "sweep": (
            "tensorloom sweep snap-core --set psum_slots=8,16 --layer vgg16/conv3_2 --density 0.38/0.52 -o a.csv",
            "tensorloom sweep snap-tiny --set list_depth=2,4 --shape 6x6x16,3x3,8 --area --front front.svg",
        ),
        "explain": ("tensorloom explain resnet50/res4b_branch2b --design snap-core --density 0.38/0.52",),
        "explore": ("tensorloom explore snap-tiny --shape 4x4x16,3x3,2 --density 0.5/0.5 -o core.html",),
        "area": ("tensorloom area snap-tiny", "tensorloom area snap-core-8b --set aim=table --json"),
        "mutate": (
            "tensorloom mutate snap-tiny --count 600",
            "tensorloom mutate snap-tiny --block requester --count 100 --json",
        ),
        "bench": ("tensorloom bench snap-core --plot cycles.svg --json > bench.json",),
        "demo": ("tensorloom demo snap-core",),
    }
    fpga = FpgaTarget(
        self_test="snap:snap_test",
        boards={board: ON_BOARDS for board in ("ulx3s-85f", "arty-a7", "arty-z7")},
        mapped_once=True,
        reset_modules="PE",
    )

    def summary(self, config: SnapConfig) -> str:
        """One line about a configuration."""
        return (
            f"{config.core_rows} x {config.core_columns} PEs of {config.pe_multipliers} multipliers, "
            f"{config.data_bits} bits, AIMs of {config.aim_entries} x {config.aim_entries} comparators"
        )

    def figures(self, config: SnapConfig) -> dict[str, int]:
        """Key figures of a configuration."""
        entry = config.data_bits + config.index_bits
        weight, activation = entry + config.slot_bits + (config.classes - 1).bit_length(), entry
        rings = config.weight_entries * weight + config.activation_entries * activation
        return {
            "multipliers": config.multipliers,
            "operations_per_cycle": 2 * config.multipliers,
            "comparators": config.core_rows * config.aim_entries**2,
            "register_file_bytes": config.pes * (rings + 2 * config.psum_slots * config.psum_bits) // 8,
        }

    def component(self, config: SnapConfig) -> "SnapCore":
        """The core."""
        from ...hw.snap.core import SnapCore

        return SnapCore(config)

    def map(self, config: SnapConfig, job: Job) -> "SnapProgram":
        """Map a convolution, or a product as a fully connected or 1x1 layer."""
        from .program import map_job

        return map_job(config, job)

    def predict(
        self, config: SnapConfig, program: "SnapProgram", timing: "MemoryTiming | None" = None
    ) -> "CoreCounters":
        """Counters of the cycle model; there is no memory to be timed."""
        from ...sim.snap.cycles import simulate_core

        return simulate_core(config, program.core)

    def read_counters(self, ports: Mapping[str, Any]) -> "CoreCounters":
        """Counters from ``o_counters``."""
        from ...tb.snap.program import core_counters

        return core_counters(ports["o_counters"])

    def complaint(self, ports: Mapping[str, Any], *, wraps: bool) -> str:
        """What ``o_errors`` says; sums that wrap are an error unless they may."""
        errors = {name: value for name, value in ports["o_errors"].items() if not (wraps and name == "overflow")}
        return f"the core raised an error: {errors}" if any(errors.values()) else ""

    def data_bits(self, config: SnapConfig) -> int:
        """Width of an operand."""
        return config.data_bits

    def sum_bits(self, config: SnapConfig) -> int:
        """Width of a psum."""
        return config.psum_bits

    def macs(self, program: "SnapProgram", counters: "CoreCounters") -> int:
        """Multiplied pairs; both operands of each are non-zero."""
        return int(counters.multiplies.sum())

    def job_figures(
        self, config: SnapConfig, job: Job, program: "SnapProgram", counters: "CoreCounters"
    ) -> dict[str, Any]:
        """Updates of output activations a cycle, and sizes of the tensors as bundles."""
        from .compression import compression

        return {"oa_updates_per_cycle": round(counters.sums_per_cycle, 4), **compression(config, job)}

    def energy_events(self, config: SnapConfig, counters: "CoreCounters") -> "list[Event]":
        """Arithmetic, matching and register files."""
        from ...sim.snap.energy import core_energy_events

        return core_energy_events(config, counters)

    def demonstrate(self, simulator: "Simulator") -> "Demonstration":
        """Read digits with a pruned convolutional network."""
        from .demo import run

        return run(simulator)

    def benchmark(self, stages: "Stages", *, quick: bool) -> dict[str, Any]:
        """Measure emission, compilation, area, and layers on the Verilog."""
        from .benchmark import benchmark

        return benchmark(stages, quick=quick)

    def reproduce(self, name: str, stages: "Stages") -> dict[str, Any]:
        """Values of a figure, by the models."""
        from .figures import REPRODUCE

        return REPRODUCE[name](stages)

    def plot(self, figures: dict[str, Any]) -> str:
        """Where the cycles of the benchmark's layers went."""
        from .plot import plot_rows

        return plot_rows(figures)

    def area_shares(self, report: "AreaReport") -> dict[str, float]:
        """Shares of the AIMs."""
        from .area import aim_shares

        return aim_shares(report)

    def explore(self, config: SnapConfig, job: Job) -> dict[str, Any]:
        """What each PE does, cycle by cycle."""
        from .explore import explore

        return explore(config, job)


ENGINE = SnapEngine()
