"""Descriptor of the TPU."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ...hw.tpu.config import PRESETS, TpuConfig
from ..contract import Engine, Table, Trial
from ..jobs import Job
from .papers import FIGURES

if TYPE_CHECKING:
    from ...hw.bus.register_map import RegisterMap
    from ...hw.tpu.tpu import Tpu
    from ...sim.energy import Event
    from ...sim.memory_timing import MemoryTiming
    from ...sim.network.graph import Network
    from ...sim.tpu.cycles import TpuCycles
    from ..demonstration import Demonstration
    from ..execution import Simulator
    from ..network.plan import Plan
    from ..progress import Stages
    from .program import NetworkProgram, TpuProgram

__all__ = ["ENGINE", "TpuEngine"]


class TpuEngine(Engine[TpuConfig, "TpuProgram", "TpuCycles"]):
    """The TPU: programs of instructions from memory to memory. A job is a program of one layer, its sums of 32 bits."""

    name = "tpu"
    title = "TPU v1: matrix unit, unified buffer, instructions and memory ports"
    position = 3
    config_class = TpuConfig
    presets = PRESETS
    causes = {
        "active": "an activation row entered the array",
        "weight_shift": "a row waited for a tile of weights that had come, to settle in the array",
        "weight_stall": "a row waited for a tile of weights from memory",
        "accumulators": "a row waited for accumulators to drain",
        "raw": "a matmul waited for what an earlier instruction writes",
        "input": "a matmul waited for the host's data",
        "fill": "a matmul's first rows were being read",
        "idle": "there was no matmul",
    }
    paper_figures = FIGURES
    demo_presets = ("tpu-16",)
    memory_names = ("host_0", "host_1", "weights")
    examples = {
        "list": ("tensorloom list tpu",),
        "verilog": ("tensorloom verilog tpu-16 -o build",),
        "sim": (
            "tensorloom sim tpu-tiny --matmul 20x30x12 --kinds uint8,int8",
            "tensorloom sim tpu-16 --conv 1x8x8x3,3x3,16 --padding 1 --stall 0.2",
        ),
        "run": (
            "tensorloom run tpu-tiny layer.tpu --memory host_0=x.bin --memory host_1=256 --memory weights=w.bin -o out",
            "tensorloom run model.onnx --engine tpu --input x.npy -o y.npy",
        ),
        "explain": ("tensorloom explain model.onnx --design tpu-16",),
        "registers": ("tensorloom registers tpu-v1 -o build/registers",),
        "demo": ("tensorloom demo tpu-16",),
        "bench": ("tensorloom bench tpu --quick --json",),
    }

    def summary(self, config: TpuConfig) -> str:
        """One line about a configuration."""
        return (
            f"{config.matrix.rows} x {config.matrix.columns} PEs, {config.ub_bytes >> 10:,} KiB of unified buffer, "
            f"{config.matrix.accumulator_rows:,} accumulators a column, memory ports of {8 * config.bus_bytes} bits"
        )

    def figures(self, config: TpuConfig) -> dict[str, int]:
        """Key figures of a configuration."""
        matrix = config.matrix
        return {
            "multipliers": config.multipliers,
            "operations_per_cycle": 2 * config.multipliers,
            "unified_buffer_bytes": config.ub_bytes,
            "accumulator_bytes": matrix.accumulator_rows * matrix.columns * matrix.accumulator_bits // 8,
            "weight_fifo_bytes": matrix.weight_fifo_tiles * matrix.multipliers * matrix.data_bits // 8,
            "memory_bytes_per_cycle": config.bus_bytes,
        }

    def component(self, config: TpuConfig) -> "Tpu":
        """The whole machine."""
        from ...hw.tpu.tpu import Tpu

        return Tpu(config)

    def map(self, config: TpuConfig, job: Job) -> "NetworkProgram":
        """Map a product of 8-bit integers, or a convolution laid out as one, to a program of one layer."""
        from .program import map_job

        return map_job(config, job)

    def assemble(self, config: TpuConfig, text: str, memories: Mapping[str, bytes]) -> "TpuProgram":
        """A program as `sim.tpu.assembler` takes it; refused if it is illegal, or reads what nobody wrote."""
        from .program import assemble

        return assemble(config, text, memories)

    def plan_network(self, config: TpuConfig, network: "Network") -> "Plan":
        """Layers as instructions; images of a batch at once, or as many as the unified buffer has room for."""
        from .network import plan_network

        return plan_network(config, network)

    def trials(self, config: TpuConfig, seed: int) -> Iterable[Trial]:
        """Legal and illegal programs, each twice."""
        from .trials import trials

        return trials(config, seed)

    def contents(self, program: "TpuProgram", outputs: Mapping[str, Any]) -> dict[str, bytes]:
        """Both of the host's windows."""
        return program.contents(outputs)

    def predict(self, config: TpuConfig, program: "TpuProgram", timing: "MemoryTiming | None" = None) -> "TpuCycles":
        """Counters of the cycle model."""
        return program.predict(timing)

    def read_counters(self, ports: Mapping[str, Any]) -> "TpuCycles":
        """Counters from the registers that software read."""
        from ...hw.tpu.register_map import COUNTED
        from ...sim.tpu.cycles import TpuCycles

        return TpuCycles(**{name: ports[f"count_{name}"] for name in COUNTED})

    def complaint(self, ports: Mapping[str, Any], *, wraps: bool) -> str:
        """What the register ``error`` says."""
        return error_text(ports)

    def data_bits(self, config: TpuConfig) -> int:
        """Width of an operand."""
        return config.matrix.data_bits

    def sum_bits(self, config: TpuConfig) -> int:
        """Width of an accumulator."""
        return config.matrix.accumulator_bits

    def macs(self, program: "TpuProgram", counters: "TpuCycles") -> int:
        """Multiply-accumulates of the layers, zeros included."""
        return program.macs

    def energy_events(self, config: TpuConfig, counters: "TpuCycles") -> "list[Event]":
        """Those of the array, the unified buffer and memory."""
        from ...sim.tpu.energy import tpu_energy_events

        return tpu_energy_events(config, counters)

    def registers(self, config: TpuConfig) -> "RegisterMap":
        """The same for all configurations."""
        from ...hw.tpu.register_map import REGISTERS

        return REGISTERS

    def demonstrate(self, simulator: "Simulator") -> "Demonstration":
        """Read digits with a perceptron, all layers by one program."""
        from .demo import run

        return run(simulator)

    def benchmark(self, stages: "Stages", *, quick: bool) -> dict[str, Any]:
        """Measure networks of published sizes, emission, compilation and speed of simulation."""
        from .benchmark import benchmark

        return benchmark(stages, quick=quick)

    def reproduce(self, name: str, stages: "Stages") -> dict[str, Any]:
        """Values of a figure, by the models."""
        from .figures import REPRODUCE

        return REPRODUCE[name](stages)

    def tables(self, figures: dict[str, Any]) -> list[Table]:
        """Networks beside published figures, and goals."""
        from .benchmark import figure_tables

        return figure_tables(figures)


def error_text(registers: Mapping[str, Any]) -> str:
    """Why a program ended before its end, from the registers that software read; empty if it halted."""
    from ...hw.tpu.isa import ERRORS

    names = {code: (name, text) for name, (code, text) in ERRORS.items()}
    if not registers["error"]:
        return ""
    name, text = names.get(registers["error"], ("unknown", "no error has this code"))
    return f"instruction {registers['error_pc']}: {name}: {text}"


ENGINE = TpuEngine()
