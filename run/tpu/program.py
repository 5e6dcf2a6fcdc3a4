"""Programs of the TPU with all that lies in memory, as the contract wants them."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ...hw.bus.config import PAGE_BYTES
from ...hw.config import ConfigError
from ...hw.tpu.config import INSTRUCTION_BYTES, TpuConfig
from ...hw.tpu.register_map import COUNTED, REGISTERS
from ...sim.golden.geometry import ConvolutionGeometry
from ...sim.golden.im2col import im2col, kernel_matrix
from ...sim.golden.tensors import check_tensor
from ...sim.memory_timing import MemoryTiming
from ...sim.tpu.assembler import assemble as assemble_text
from ...sim.tpu.assembler import lines_of
from ...sim.tpu.chain import Network
from ...sim.tpu.check import check_program
from ...sim.tpu.compiler import Compiled, compile_graph, compile_network
from ...sim.tpu.cycles import Stretch, TpuCycles, trace
from ...sim.tpu.golden import Outcome, run
from ...sim.tpu.graph import Graph
from ...sim.tpu.layers import BYTES
from ...sim.tpu.product import compile_product
from ...sim.tpu.rules import Room
from ...tb.bulk.software import Step, Wait, read_register, write_register
from ..contract import Image
from ..jobs import Job

__all__ = [
    "HOST_PORTS",
    "WEIGHT_PORT",
    "NetworkProgram",
    "TpuProgram",
    "assemble",
    "map_compiled",
    "map_graph",
    "map_job",
    "map_network",
]

HOST_PORTS = ("m_host_read", "m_host_write")
WEIGHT_PORT = "m_weights"


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class TpuProgram:
    """See `run.contract.Program`. The TPU has no streams: program and data lie in memory, an interrupt tells the end.

    Parameters
    ----------
    config
        The machine.
    program
        Instructions' bytes.
    host
        uint8: contents of the host's two windows.
    weights
        uint8: contents of weight memory.
    macs
        Multiply-accumulates that are useful.
    origin
        Address of the first byte of either memory: whole pages.
    """

    config: TpuConfig
    program: bytes
    host: Sequence[np.ndarray]
    weights: np.ndarray
    macs: int = 0
    origin: int = 0

    def inputs(self) -> dict[str, Any]:
        """None: the TPU has no streams."""
        return {}

    def outputs(self) -> dict[str, int]:
        """None: the TPU has no streams."""
        return {}

    def memories(self) -> dict[str, Image]:
        """The host's memory, with the program and both windows, and weight memory."""
        before = {0: self.program} | self._windows(self.host)
        after, weights = {0: self.program} | self._windows(self.outcome.host), {0: self.weights.tobytes()}
        host = Image(before=before, after=after, size=self._places[-1], origin=self.origin)
        size = max(PAGE_BYTES, self._whole(len(self.weights)))
        image = Image(before=weights, after=weights, size=size, origin=self.origin)
        return dict.fromkeys(HOST_PORTS, host) | {WEIGHT_PORT: image}

    def software(self) -> list[Step]:
        """Set up, start, wait for the interrupt; then read errors and counters."""
        areas = [
            step
            for name, (place, size) in self.areas().items()
            for step in (
                *write_register(REGISTERS, name, address=place),
                *write_register(REGISTERS, f"{name}_size", bytes=size),
            )
        ]
        return [
            *areas,
            *write_register(REGISTERS, "program", address=self.origin + self.program_place),
            *write_register(REGISTERS, "program_size", instructions=len(self.program) // INSTRUCTION_BYTES),
            *write_register(REGISTERS, "interrupt_pending", done=1, tag=1, error=1),
            *write_register(REGISTERS, "interrupt_enable", done=1, error=1),
            *write_register(REGISTERS, "control", start=1),
            Wait("o_interrupt"),
            *write_register(REGISTERS, "counter_control", snapshot=1),
            *(read_register(REGISTERS, name) for name in ("error", "error_pc", "tag")),
            *(read_register(REGISTERS, f"count_{name}") for name in COUNTED),
        ]

    def areas(self) -> dict[str, tuple[int, int]]:
        """Where the windows and weight memory begin and how many bytes they have, as software says."""
        windows = enumerate(zip(self._places, self.host, strict=False))
        found = {f"host_{number}": (self.origin + place, len(window)) for number, (place, window) in windows}
        return found | {"weights": (self.origin, len(self.weights))}

    @property
    def program_place(self) -> int:
        """Where the program lies in the host's memory; the cycle model knows it at 0 only."""
        return 0

    @cached_property
    def outcome(self) -> Outcome:
        """What the program leaves, by the golden interpreter."""
        return run(self.config, self.program, host=self.host, weights=self.weights)

    def predict(self, timing: MemoryTiming | None = None) -> TpuCycles:
        """Counters of the cycle model."""
        return self.trace((), timing)[-1]

    def trace(self, ends: Sequence[tuple[int, int, int]], timing: MemoryTiming | None = None) -> list[TpuCycles]:
        """Counters of the cycle model at some instructions and at the end; see `sim.tpu.cycles.trace`."""
        windows = zip(self._places, self.host, strict=False)
        return trace(
            self.config, self.program, ends, host=[Stretch(place, len(window)) for place, window in windows],
            weights=Stretch(0, len(self.weights)), timing=timing or MemoryTiming(),
        )  # fmt: skip

    def golden(self) -> np.ndarray:
        """Both windows after the program, one behind the other."""
        return np.concatenate(self.outcome.host).astype(np.int64)

    def assemble(self, outputs: Mapping[str, Any]) -> np.ndarray:
        """Both windows, one behind the other."""
        return np.frombuffer(b"".join(self.contents(outputs).values()), np.uint8).astype(np.int64)

    def contents(self, outputs: Mapping[str, Any]) -> dict[str, bytes]:
        """Each of the windows."""
        memory, windows = outputs[HOST_PORTS[0]], enumerate(zip(self._places, self.host, strict=False))
        return {f"host_{number}": memory[at : at + len(window)].tobytes() for number, (at, window) in windows}

    @cached_property
    def _places(self) -> tuple[int, int, int]:
        """Where the windows begin in the host's memory, and where that ends."""
        first = self._whole(len(self.program))
        second = first + self._whole(len(self.host[0]))
        return first, second, second + self._whole(len(self.host[1]))

    def _windows(self, host: Sequence[np.ndarray]) -> dict[int, bytes]:
        return {place: window.tobytes() for place, window in zip(self._places, host, strict=False)}

    @staticmethod
    def _whole(size: int) -> int:
        """Whole pages, one at least."""
        return max(1, -(-size // PAGE_BYTES)) * PAGE_BYTES


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class NetworkProgram(TpuProgram):
    """A compiled network with its inputs; the result are its outputs, batch after batch.

    Parameters
    ----------
    compiled
        What the program was made as.
    shape
        The result's, of all batches; what the last one has beyond it is left out.
    """

    compiled: Compiled
    shape: tuple[int, ...]

    def golden(self) -> np.ndarray:
        """Outputs, by the golden interpreter of the program."""
        return self._result(self.outcome.host[1])

    def assemble(self, outputs: Mapping[str, Any]) -> np.ndarray:
        """Outputs."""
        return self._result(np.frombuffer(self.contents(outputs)["host_1"], np.uint8))

    def _result(self, window: np.ndarray) -> np.ndarray:
        outputs = [values.reshape(-1) for batch in self.compiled.unpack(window) for values in batch.values()]
        return np.concatenate(outputs).astype(np.int64)[: math.prod(self.shape)].reshape(self.shape)


def assemble(config: TpuConfig, text: str, memories: Mapping[str, bytes]) -> TpuProgram:
    """Make a program of its text; see `Engine.assemble`."""
    data = {name: np.frombuffer(memories.get(name, b""), np.uint8) for name in ("host_0", "host_1", "weights")}
    program, sizes = assemble_text(text), {name: len(values) for name, values in data.items()}
    problems = check_program(config, program, Room((sizes["host_0"], sizes["host_1"]), sizes["weights"]))
    if problems:
        more = f" ({len(problems)} problems in all)" if len(problems) > 1 else ""
        lines, pc = lines_of(text), problems[0].pc
        where = f"line {lines[pc]}, " if pc < len(lines) else ""
        raise ConfigError(f"{where}{problems[0]}{more}", field="program")
    return TpuProgram(config=config, program=program, host=(data["host_0"], data["host_1"]), weights=data["weights"])


def map_network(config: TpuConfig, network: Network, inputs: Sequence[np.ndarray]) -> NetworkProgram:
    """Compile a network for its inputs, one a batch (rows x columns), which the program works on one after the other.

    Raises
    ------
    TypeError, ConfigError
        If an input or a buffer doesn't fit.
    """
    compiled = compile_network(config, network, len(inputs))
    shape = len(inputs), network.rows, network.layers[-1].weights.shape[1]
    macs = len(inputs) * network.rows * sum(layer.weights.size for layer in network.layers)
    return _program(compiled, compiled.pack_inputs(inputs), shape, macs)


def map_graph(config: TpuConfig, graph: Graph, inputs: Sequence[Mapping[str, np.ndarray]]) -> NetworkProgram:
    """Compile a network for its inputs, by name for each batch, which the program works on one after the other.

    Raises
    ------
    TypeError, ConfigError
        If an input or a buffer doesn't fit.
    """
    return map_compiled(compile_graph(config, graph, len(inputs)), inputs, len(inputs) * graph.macs)


def map_compiled(compiled: Compiled, inputs: Sequence[Mapping[str, np.ndarray]], macs: int) -> NetworkProgram:
    """The program of a compiled network with its inputs, as `map_graph` has them."""
    elements = sum(math.prod(compiled.graph.tensors[name].shape) for name in compiled.graph.outputs)
    return _program(compiled, compiled.pack(inputs), (len(inputs) * elements,), macs)


def map_job(config: TpuConfig, job: Job) -> NetworkProgram:
    """Map a product, or a convolution whose input the host lays out as one; see `Engine.map`.

    It is a network of one layer, whose sums of 32 bits are the result. Groups of channels lie side by side in the
    input's rows; where a kernel doesn't look, its weights are 0.
    """
    a, b = job.a, job.b
    useful = b.size
    if job.convolution is None:
        shape = (*a.shape[:1], *b.shape[1:])
    else:
        a = check_tensor(job.names[0], a, "N x H x W x C", BYTES)
        b = check_tensor(job.names[1], b, "R x S x C x K", BYTES)
        geometry = ConvolutionGeometry.of(a.shape, b.shape, **job.convolution, names=job.names)
        shape, a = geometry.output_shape, np.concatenate(im2col(a, geometry), axis=1)
        b = _diagonal(kernel_matrix(b, geometry))
    product = compile_product(config, a, b, wraps=job.wraps, names=job.names)
    return _program(product.compiled, product.inputs, shape, len(a) * useful)


def _diagonal(blocks: np.ndarray) -> np.ndarray:
    """A matrix with blocks (G x K x N) on its diagonal, and zeros."""
    count, rows, columns = blocks.shape
    result = np.zeros((count, rows, count, columns), blocks.dtype)
    result[np.arange(count), :, np.arange(count)] = blocks
    return result.reshape(count * rows, count * columns)


def _program(compiled: Compiled, inputs: np.ndarray, shape: tuple[int, ...], macs: int) -> NetworkProgram:
    outputs = np.zeros(compiled.window_bytes[1], np.uint8)
    return NetworkProgram(
        config=compiled.config, program=compiled.program, host=(inputs, outputs), weights=compiled.weights,
        compiled=compiled, shape=shape, macs=macs,
    )  # fmt: skip
