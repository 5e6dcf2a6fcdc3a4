"""Layers compiled for the SNAP chip, as the contract wants them."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ...hw.config import check
from ...hw.errors import ConfigError
from ...hw.snap_chip.config import SnapChipConfig
from ...hw.snap_chip.register_map import COUNTED, ERRORS, REGISTERS
from ...sim.golden.convolution import convolution
from ...sim.golden.geometry import ConvolutionGeometry
from ...sim.golden.requantize import requantize
from ...sim.golden.tensors import check_tensor, magnitude
from ...sim.golden.wrap import wrap
from ...sim.memory_timing import MemoryTiming
from ...sim.snap_chip.check import check_banks
from ...sim.snap_chip.compiler import compile_layers
from ...sim.snap_chip.counters import ChipCounters, count_beats
from ...sim.snap_chip.cycles import ChipCounters as ListCounters
from ...sim.snap_chip.cycles import simulate_chip
from ...sim.snap_chip.folding import fold_layer, fold_values, folds
from ...sim.snap_chip.golden import Result, input_layout, run_list
from ...sim.snap_chip.layers import MOST_CHANNELS, MOST_PIXELS, Convolution, Layer, Tensor
from ...sim.snap_chip.program import Program
from ...sim.snap_chip.tensors import decode_tensor, tile_words
from ...sim.snap_chip.work import LayerWork, works_of
from ...tb.bulk.software import Step, Wait, read_register, write_register
from ..contract import Image
from ..jobs import Job, golden

__all__ = [
    "MEMORY_PORTS",
    "SUM_BITS",
    "SnapChipProgram",
    "compile_for",
    "expected_outputs",
    "job_factor",
    "map_job",
    "start_list",
]

MEMORY_PORTS = ("m_axi_read", "m_axi_write")

SUM_BITS = 32
"""Of the sums that are requantized; those of the cores may be wider."""

ACTIVATIONS, WEIGHTS = (np.dtype(np.int8), np.dtype(np.uint8)), (np.dtype(np.int8),)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class SnapChipProgram:
    """See `run.contract.Program`. The chip has no streams: all is in memory, and an interrupt tells the end.

    Parameters
    ----------
    compiled
        Commands, weights, scales, and places of tensors.
    inputs_by_name
        Values of the tensors that no layer makes.
    results
        Names of the tensors that are the result, one behind the other.
    shape
        The result's; what the tensors have beyond it is left out.
    pairs
        Multiplications of two values that are not 0; None if nobody has counted them but the cycle model.
    """

    compiled: Program
    inputs_by_name: Mapping[str, np.ndarray]
    results: Sequence[str]
    shape: tuple[int, ...]
    pairs: int | None
    _simulated: dict[MemoryTiming, ListCounters] = dataclasses.field(default_factory=dict, init=False, repr=False)

    def inputs(self) -> dict[str, Any]:
        """None: the chip has no streams."""
        return {}

    def outputs(self) -> dict[str, int]:
        """None: the chip has no streams."""
        return {}

    def memories(self) -> dict[str, Image]:
        """One memory behind both ports, all of which is as the golden model leaves it."""
        image = Image(before={0: self.before.tobytes()}, after={0: self.after.tobytes()}, size=len(self.before))
        return dict.fromkeys(MEMORY_PORTS, image)

    def software(self) -> list[Step]:
        """Set up, start, wait for the interrupt; then read errors and counters."""
        return [
            *start_list(self.list_place),
            Wait("o_interrupt"),
            *write_register(REGISTERS, "counter_control", snapshot=1),
            read_register(REGISTERS, "errors"),
            *(read_register(REGISTERS, f"count_{name}") for name in COUNTED),
        ]

    @property
    def list_place(self) -> int:
        """Address of the first command."""
        return self.compiled.list_address * self.compiled.config.bus.bytes

    @cached_property
    def before(self) -> np.ndarray:
        """Bytes of the memory with commands, weights and inputs."""
        return self.compiled.memory(**self.inputs_by_name)

    @cached_property
    def after(self) -> np.ndarray:
        """Bytes of the memory after the list, by the golden model."""
        return self._ran.memory

    @cached_property
    def _ran(self) -> Result:
        return run_list(self.compiled.config, self.before, self.compiled.list_address)

    def assemble(self, outputs: Mapping[str, Any]) -> np.ndarray:
        """Decode the tensors that are the result."""
        return self._result(outputs[MEMORY_PORTS[0]])

    def golden(self) -> np.ndarray:
        """The result by the golden model of the chip."""
        return self._result(self.after)

    def counters(self) -> ChipCounters:
        """All counters but the cycles."""
        return count_beats(self.compiled.config, self.compiled.commands, self.after)

    def simulate(self, timing: MemoryTiming | None = None) -> ListCounters:
        """Counters of the cycle model, of each layer too."""
        timing = timing or MemoryTiming()
        if timing not in self._simulated:
            config, address = self.compiled.config, self.compiled.list_address
            self._simulated[timing] = simulate_chip(config, self.works, timing=timing, list_address=address)
        return self._simulated[timing]

    @cached_property
    def works(self) -> list[LayerWork]:
        """What each layer gives to do."""
        return works_of(self.compiled.config, self._ran)

    @property
    def macs(self) -> int:
        """Multiplications of two values that are not 0."""
        if self.pairs is not None:
            return self.pairs
        return sum(int(layer.multiplies.sum()) for layer in self.simulate().layers)

    def _result(self, memory: np.ndarray) -> np.ndarray:
        values = np.concatenate([self.compiled.read(memory, name).ravel() for name in self.results]).astype(np.int64)
        return values[: np.prod(self.shape)].reshape(self.shape)


def start_list(address: int) -> list[Step]:
    """Forget what was, and start the list at this byte, whose end gives an interrupt; the last step is the start."""
    return [
        *write_register(REGISTERS, "list", address=address),
        *write_register(REGISTERS, "errors", **dict.fromkeys(ERRORS, 1)),
        *write_register(REGISTERS, "interrupt_pending", done=1, layer=1, error=1),
        *write_register(REGISTERS, "interrupt_enable", done=1),
        *write_register(REGISTERS, "counter_control", clear=1),
        *write_register(REGISTERS, "control", start=1),
    ]


def map_job(config: SnapChipConfig, job: Job) -> SnapChipProgram:
    """Map a job; see `Engine.map`.

    Each image is a layer of the same list. Where there are few channels, as in first layers, the kernel is
    folded into them. The rows of a product are the pixels of an image as wide as a core has rows.
    Sums become int8 by `job_factor`, without bias.
    """
    a_layout, b_layout = ("M x K", "K x N") if job.convolution is None else ("N x H x W x C", "R x S x C / groups x K")
    a = check_tensor(job.names[0], job.a, a_layout, ACTIVATIONS)
    b = check_tensor(job.names[1], job.b, b_layout, WEIGHTS)
    steps: dict[str, Any] = {}
    if job.convolution is None:
        shape = (len(a), b.shape[1])
        rule = f"the {a.shape[1]} columns of {job.names[0]}"
        check(f"rows of {job.names[1]}", len(b) == a.shape[1], rule, len(b))
        width = min(len(a), config.banks)
        images = np.pad(a, ((0, -len(a) % width), (0, 0))).reshape(1, -1, width, a.shape[1])
        weights = b[None, None]
        macs = int(np.count_nonzero(a, axis=0) @ np.count_nonzero(b, axis=1))
    else:
        geometry = ConvolutionGeometry.of(a.shape, b.shape, **job.convolution, names=job.names)
        shape, weights = geometry.output_shape, b
        images, padding = _pad(a, geometry)
        steps = {
            "stride": geometry.stride, "padding": padding, "dilation": geometry.dilation, "groups": geometry.groups
        }  # fmt: skip
        macs = int(convolution((a != 0).astype(np.int8), (b != 0).astype(np.int8), **job.convolution).sum())
    _check_sizes(job, images, weights)
    factors = np.full(weights.shape[3], job_factor(job), np.float32)
    bias = np.zeros(weights.shape[3], np.int32)
    tensor = Tensor(
        height=images.shape[1], width=images.shape[2], channels=images.shape[3], signed=images.dtype == np.int8
    )
    layers = [
        Convolution(
            source=f"x{number}", target=f"y{number}", weights=weights, bias=bias, factors=factors, low=-128, high=127,
            signed=True, **steps,
        )
        for number in range(len(images))
    ]  # fmt: skip
    values = {f"x{number}": image for number, image in enumerate(images)}
    if folds(config, layers[0]):
        values = {layer.source: fold_values(layer, tensor, values[layer.source]) for layer in layers}
        layers, (tensor, *_) = map(list, zip(*(fold_layer(layer, tensor) for layer in layers), strict=True))
    try:
        density = max(float(np.mean(one != 0)) for one in values.values())
        compiled = compile_for(config, dict.fromkeys(values, tensor), layers, values, dict.fromkeys(values, density))
    except ConfigError as error:  # all layers are alike, and the user knows the job's two tensors and its result
        text = re.sub(r"^layer y\d+: ", "", str(error))
        text = re.sub(r"\by\d+\b", "the result", re.sub(r"\bx\d+\b", job.names[0], text))
        raise type(error)(text, error.hint, field=error.field, value=error.value) from None
    return SnapChipProgram(
        compiled=compiled, inputs_by_name=values, results=[layer.target for layer in layers], shape=shape, pairs=macs,
    )  # fmt: skip


def _check_sizes(job: Job, images: np.ndarray, weights: np.ndarray) -> None:
    """Refuse what is larger than any tensor of the chip, by the names of the job's tensors."""
    x, w = job.names
    lines, columns, channels = images.shape[1:]
    product = job.convolution is None
    many = MOST_PIXELS * columns
    for name, size, most in (
        (f"rows of {x}", lines * columns, many) if product else (f"lines of {x}", lines, MOST_PIXELS),
        (f"columns of {x}", 0 if product else columns, MOST_PIXELS),
        (f"{'columns' if product else 'channels'} of {x}", channels, MOST_CHANNELS),
        (f"{'columns' if product else 'kernels'} of {w}", weights.shape[3], MOST_CHANNELS),
    ):
        check(name, size <= most, f"at most {most}", size)


def compile_for(
    config: SnapChipConfig,
    inputs: Mapping[str, Tensor],
    layers: Sequence[Layer],
    values: Mapping[str, np.ndarray],
    densities: Mapping[str, float],
) -> Program:
    """Compile for any values; where these are too many for the banks, for values as sparse as they are.

    Parameters
    ----------
    values
        Of the inputs.
    densities
        Of these, and of what layers make, as far as they are known.
    """
    try:
        return compile_layers(config, inputs, layers)
    except ConfigError as error:
        if error.field != "bank_rows":
            raise
        program = compile_layers(config, inputs, layers, densities)
        memory = program.memory(**values)
        given = {program.tensors[name].layout.address for name in values}
        for command in (command for command in program.commands if command["in_address"] in given):
            layout = input_layout(config, command)
            check_banks(config, command, tile_words(config, layout, decode_tensor(config, layout, memory)))
        return program


def _pad(images: np.ndarray, geometry: ConvolutionGeometry) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Images with as much of the padding as a kernel never sees together with a pixel, and the rest of it."""
    down, across = ((size - 1) * step for size, step in zip(geometry.kernel, geometry.dilation, strict=True))
    top, bottom, left, right = geometry.padding
    kept = min(top, down), min(bottom, down), min(left, across), min(right, across)
    sides = (top - kept[0], bottom - kept[1]), (left - kept[2], right - kept[3])
    return np.pad(images, ((0, 0), *sides, (0, 0))), kept


def job_factor(job: Job) -> float:
    """What a job's sums are multiplied by before they are rounded to int8: the first of 1, 1/2, 1/4, ... that fits.

    So small sums come as they are, and only a sum that is rounded up to 128 is saturated.
    """
    return 0.5 ** max(0, magnitude(_sums(job)).bit_length() - 7)


def expected_outputs(job: Job) -> np.ndarray:
    """The result of a job by the maths: its sums, requantized to int8."""
    return requantize(_sums(job), job_factor(job), dtype=np.int8).astype(np.int64)


def _sums(job: Job) -> np.ndarray:
    sums = golden(job)
    if job.wraps:
        return wrap(sums, SUM_BITS)
    limit = 1 << SUM_BITS - 1
    for extreme in (int(sums.min()), int(sums.max())):
        check("sums", -limit <= extreme < limit, f"numbers of {SUM_BITS} bits, unless they may wrap", extreme)
    return sums
