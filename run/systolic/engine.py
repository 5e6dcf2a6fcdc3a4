"""Descriptor of the weight-stationary matrix unit."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...fpga.target import BoardConfig, FpgaTarget
from ...hw.systolic.config import PRESETS, SystolicConfig
from ..contract import Engine, Table
from ..jobs import Job

if TYPE_CHECKING:
    from ...hw.systolic.matrix_unit import MatrixUnit
    from ...sim.energy import Event
    from ...sim.memory_timing import MemoryTiming
    from ...sim.systolic.cycles import SystolicCycles
    from ...sim.workloads.layers import LayerShape
    from ..demonstration import Demonstration
    from ..execution import Simulator
    from ..progress import Stages
    from ..registry import Design
    from .program import SystolicProgram

__all__ = ["ENGINE", "SystolicEngine"]


def _arty(columns: int) -> BoardConfig:
    """For boards of Digilent's Arty family."""
    array = SystolicConfig(rows=16, columns=columns, tile_rows=4, tile_columns=columns, accumulator_rows=256)
    return BoardConfig(config=array, frequency_hz=100_000_000)


BOARDS = {
    "ulx3s-85f": BoardConfig(
        config=SystolicConfig(
            rows=12, columns=11, tile_rows=4, tile_columns=11, accumulator_rows=256, drain_queue=4,
            multiplier_registers=3,
        ),
        frequency_hz=100_000_000,
    ),
    "icebreaker": BoardConfig(
        config=SystolicConfig(
            rows=4, columns=2, tile_rows=4, tile_columns=2, accumulator_rows=64, accumulator_bits=32,
            weight_fifo_tiles=2, drain_queue=2,
        ),
        frequency_hz=24_000_000,
    ),
    "tang-primer-20k": BoardConfig(
        config=SystolicConfig(rows=8, columns=6, tile_rows=4, tile_columns=6, accumulator_rows=128),
        frequency_hz=54_000_000,
    ),
    "arty-a7": _arty(14),
    "arty-z7": _arty(13),
}  # fmt: skip


class SystolicEngine(Engine[SystolicConfig, "SystolicProgram", "SystolicCycles"]):
    """Matrix unit of the TPU v1: products of any sizes, and convolutions by im2col. Zeros count as useful work."""

    name = "systolic"
    title = "weight-stationary systolic matrix unit"
    position = 0
    config_class = SystolicConfig
    presets = PRESETS
    causes = {
        "issued": "an activation row entered the array",
        "wait_weights": "the first row of a command waited for its weight tile",
        "wait_accumulators": "a row waited for an accumulator row, or for a place in the drain queue",
        "wait_activations": "a row could have entered, but none was offered",
        "drain": "no row waited to enter: start and end",
    }
    demo_presets = ("systolic-256",)
    examples = {
        "sweep": (
            "tensorloom sweep systolic-32 --set rows=16,32,64 --set columns=16,32,64 --layer resnet50 --area",
            "tensorloom sweep tiny --set rows=2,4,8 --shape 6x6x8,3x3,8 --rtl 1 --json",
        ),
        "explain": ("tensorloom explain resnet50 --design systolic-64 --workers 2",),
        "explore": ("tensorloom explore tiny --matmul 6x4x4 -o array.html",),
        "list": ("tensorloom list systolic --json",),
        "config": ("tensorloom config systolic-256 > my.toml", "tensorloom config tiny --set rows=8 --json"),
        "verilog": (
            "tensorloom verilog systolic-256 -o build",
            "tensorloom verilog systolic-256 --set rows=128 --set accumulator_rows=2048 -o build --json",
        ),
        "lint": ("tensorloom lint systolic-256",),
        "sim": (
            "tensorloom sim systolic-256 --matmul 512x256x256 --kinds int8,uint8 --seed 1",
            "tensorloom sim systolic-16 --conv 1x28x28x3,3x3,64 --padding 1 --stall 0.2",
            "tensorloom sim tiny --matmul 8x8x8 --vcd waves.vcd --window 0:200",
            "tensorloom sim tiny --a activations.npy --b weights.npy -o result.npy --json",
        ),
        "walk": (
            "tensorloom walk tiny --matmul 4x4x4 -o walk.svg",
            "tensorloom walk tiny --set rows=2 --set columns=2 --matmul 4x4x4 --seed 2 -o walk.svg --json",
            "tensorloom walk tiny --a activations.npy --b weights.npy -o walk.svg",
        ),
        "beside": (
            "tensorloom beside scale-sim alexnet --design systolic-256",
            "tensorloom beside scale-sim resnet50/res5c_branch2a resnet50/fc1000 --design systolic-64 --json",
            "tensorloom beside scale-sim --topology alexnet.csv",
        ),
        "mutate": ("tensorloom mutate tiny --count 400",),
        "bench": ("tensorloom bench systolic",),
        "demo": ("tensorloom demo systolic-16 -o build/small --json",),
        "fpga build": (
            "tensorloom fpga build --board icebreaker --engine systolic",
            "tensorloom fpga build --board ulx3s-85f --engine systolic --set rows=8 --frequency 80",
            "tensorloom fpga build --board arty-a7 --engine systolic --project-only -o vivado",
        ),
    }
    others = ("scale-sim",)
    fpga = FpgaTarget(self_test="systolic:systolic_test", boards=BOARDS)

    def summary(self, config: SystolicConfig) -> str:
        """One line about a configuration."""
        return (
            f"{config.rows} x {config.columns} PEs in {config.tile_rows} x {config.tile_columns} tiles, "
            f"{config.accumulator_rows} x {config.accumulator_bits}-bit accumulators a column"
        )

    def figures(self, config: SystolicConfig) -> dict[str, int]:
        """Key figures of a configuration."""
        return {
            "multipliers": config.multipliers,
            "operations_per_cycle": 2 * config.multipliers,
            "accumulator_bytes": config.accumulator_rows * config.columns * config.accumulator_bits // 8,
            "weight_fifo_bytes": config.weight_fifo_tiles * config.multipliers * config.data_bits // 8,
        }

    def component(self, config: SystolicConfig) -> "MatrixUnit":
        """The matrix unit."""
        from ...hw.systolic.matrix_unit import MatrixUnit

        return MatrixUnit(config)

    def map(self, config: SystolicConfig, job: Job) -> "SystolicProgram":
        """Map a product or a convolution of 8- or 16-bit integers."""
        from .program import map_job

        return map_job(config, job)

    def predict(
        self, config: SystolicConfig, program: "SystolicProgram", timing: "MemoryTiming | None" = None
    ) -> "SystolicCycles":
        """Counters of the cycle model; there is no memory to be timed."""
        from ...sim.systolic.cycles import predict

        return predict(config, program.matrix.commands)

    def read_counters(self, ports: Mapping[str, Any]) -> "SystolicCycles":
        """Counters from ``o_counters``."""
        from ...sim.systolic.cycles import SystolicCycles

        return SystolicCycles(**{name: int(value) for name, value in ports["o_counters"].items()})

    def complaint(self, ports: Mapping[str, Any], *, wraps: bool) -> str:
        """What ``o_error`` says."""
        return "the matrix unit raised o_error: it refused a command" if ports["o_error"] else ""

    def data_bits(self, config: SystolicConfig) -> int:
        """Width of an operand."""
        return config.data_bits

    def sum_bits(self, config: SystolicConfig) -> int:
        """Width of an accumulator."""
        return config.accumulator_bits

    def macs(self, program: "SystolicProgram", counters: "SystolicCycles") -> int:
        """Multiply-accumulates of the job, zeros included."""
        return program.matrix.macs

    def job_figures(
        self, config: SystolicConfig, job: Job, program: "SystolicProgram", counters: "SystolicCycles"
    ) -> dict[str, Any]:
        """The limit of utilisation on these tiles, and SCALE-Sim's cycles for the same passes."""
        from ...sim.systolic.scale_sim import scale_sim_cycles

        plan = program.matrix.plan
        passes = job.a.dtype.itemsize * job.b.dtype.itemsize * plan.groups
        return {
            "utilisation_limit": round(plan.macs / (plan.beats * config.multipliers), 6),
            "scale_sim_cycles": passes * scale_sim_cycles(config.rows, config.columns, plan.m, plan.k, plan.n),
        }

    def energy_events(self, config: SystolicConfig, counters: "SystolicCycles") -> "list[Event]":
        """Those of the array and its accumulators."""
        from ...sim.systolic.energy import array_events

        return array_events(config, counters.issued)

    def demonstrate(self, simulator: "Simulator") -> "Demonstration":
        """Read digits and convolve a photograph."""
        from .demo import run

        return run(simulator)

    def benchmark(self, stages: "Stages", *, quick: bool) -> dict[str, Any]:
        """Measure emission, compilation, simulation speed and utilisation."""
        from .benchmark import benchmark

        return benchmark(stages, quick=quick)

    def beside(self, other: str, design: "Design", layers: "Sequence[LayerShape]", stages: "Stages") -> dict[str, Any]:
        """SCALE-Sim's figures and the cycle model's."""
        from .beside import figures_beside

        return figures_beside(design, layers, stages)

    def beside_tables(self, figures: dict[str, Any]) -> list[Table]:
        """Cycles by layer, and totals."""
        from .beside import beside_tables

        return beside_tables(figures)

    def walk(self, config: SystolicConfig, job: Job) -> dict[str, Any]:
        """Samples of PEs and accumulators; see `run.systolic.walk.walk`."""
        from .walk import walk

        return walk(config, job)

    def draw_walk(self, figures: dict[str, Any]) -> str:
        """A panel a step."""
        from .walk_picture import draw_walk

        return draw_walk(figures)

    def explore(self, config: SystolicConfig, job: Job) -> dict[str, Any]:
        """What each PE does, cycle by cycle."""
        from .explore import explore

        return explore(config, job)


ENGINE = SystolicEngine()
