"""Testbench of the cores with their feeders: layers from memory to sums."""

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ...hw.errors import ConfigError
from ...hw.snap_chip.command import COMMAND_BYTES
from ...hw.snap_chip.config import SnapChipConfig
from ...sim.snap_chip.command import Command, disassemble
from ...sim.snap_chip.compiler import compile_layers
from ...sim.snap_chip.golden import input_layout, layer_sums
from ...sim.snap_chip.layers import Convolution, Tensor
from ...sim.snap_chip.program import Program
from ...sim.snap_chip.scales import kernel_order
from ...sim.snap_chip.tensors import decode_tensor
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .activations import pack_segments, random_tensor, row_tiles
from .ia_buffer import check_tiles
from .nest import Shape, blocks, fields_of, random_shape
from .networks import single_region
from .parts import PARTS
from .weight_ring import long_jobs_begin

__all__ = ["full_banks", "layers", "many_regions", "pooling_layers", "random_layers"]


class RingMemory:
    """Answers the weight buffers' requests, in the order in which it takes them."""

    def __init__(self, config: SnapChipConfig, memory: np.ndarray, stall: float, rng: random.Random) -> None:
        self.config, self.memory, self.stall, self.rng = config, memory, stall, rng
        self.queue: list[tuple[int, int]] = []
        self.sent = 0
        self.ready, self.valid = 0, 0

    def drive(self) -> dict[str, Any]:
        """One request at most, one beat at most."""
        rings = self.config.rings
        self.ready = self.rng.randrange(rings) if self.rng.random() >= self.stall else rings
        inputs: dict[str, Any] = {f"o_requests_{ring}_ready": int(ring == self.ready) for ring in range(rings)}
        self.valid = bool(self.queue) and self.rng.random() >= self.stall
        ring, beat = self.queue[0] if self.queue else (0, 0)
        size = self.config.bus.bytes
        data = bytes(self.memory[beat * size : (beat + 1) * size]) if self.valid else self.rng.randbytes(size)
        return inputs | {"i_valid": 1 << ring if self.valid else 0, "i_data": int.from_bytes(data, "little")}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Whether anything went."""
        if self.valid:
            self.queue.pop(0)
            self.sent += 1
        taken = self.ready < self.config.rings and outputs[f"o_requests_{self.ready}_valid"]
        if taken:
            request = outputs[f"o_requests_{self.ready}_payload"]
            self.queue += [(self.ready, request["address"] + n) for n in range(request["beats"])]
        return bool(self.valid or taken)


def random_layers(
    config: SnapChipConfig, rng: np.random.Generator, some: random.Random, most_lines: int = 9
) -> tuple[Program, np.ndarray]:
    """A random convolution that the chip has room for, compiled, and a memory with its input."""
    while True:
        with contextlib.suppress(ConfigError):
            return random_layer(config, rng, some, most_lines)


def convolution(weights: np.ndarray, **fields: Any) -> Convolution:
    """One whose sums are looked at, and nothing that follows."""
    kernels = weights.shape[3]
    return Convolution(
        source="x", target="y", weights=weights, bias=np.zeros(kernels, np.int32), factors=np.ones(kernels, np.float32),
        **fields,
    )  # fmt: skip


def random_layer(
    config: SnapChipConfig, rng: np.random.Generator, some: random.Random, most_lines: int
) -> tuple[Program, np.ndarray]:
    """A random convolution, compiled, and a memory with its input."""
    channels, kernels = some.choice([3, 8, 20, 24, 33]), some.choice([4, 8, 19])
    height, width = some.randint(3, most_lines), some.randint(3, 10)
    kernel, padding = some.choice([((1, 1), 0), ((3, 3), 0), ((3, 3), 1), ((2, 3), 1)])
    weights = rng.integers(-127, 128, (*kernel, channels, kernels)).astype(np.int8)
    weights[rng.random(weights.shape) >= rng.choice([0.1, 0.5, 1.0], size=kernels)] = 0
    stride = some.choice([1, 1, 2])
    diagonal = config.global_accumulator and stride == 1 and some.random() < 0.7
    layer = convolution(weights, stride=stride, padding=padding, diagonal=diagonal)
    tensor = Tensor(height=height, width=width, channels=channels, zero=some.choice([0, 0, 9]))
    program = compile_layers(config, {"x": tensor}, [layer])
    values = rng.integers(0, 256, tensor.shape)
    values[rng.random(tensor.shape) >= some.choice([0.2, 0.6, 1])] = tensor.zero
    return program, program.memory(x=values)


def ring_jobs(config: SnapChipConfig, command: Mapping[str, int], stall: float, some: random.Random) -> list[Source]:
    """What each weight buffer has to load for a layer."""
    passes, jobs = {"passes": command["passes"]}, []
    for ring in range(config.rings):
        job = {name: command[f"weight_{name}_{ring}"] for name in ("address", "beats")} | passes
        jobs.append(Source(f"i_jobs_{ring}", [job], stall, some))
    return jobs


def segments(config: SnapChipConfig, command: Mapping[str, int], memory: np.ndarray) -> Iterator[int]:
    """Beats of the input's segments."""
    size = config.bus.bytes
    lengths = memory[command["in_table"] * size :].view(np.uint32)[: command["bands"] * command["tiles"]]
    for number, length in enumerate(lengths.tolist()):
        first = command["in_address"] + number * command["in_pitch"]
        for beat in range(first, first + length):
            yield int.from_bytes(bytes(memory[beat * size : (beat + 1) * size]), "little")


def port_sums(config: SnapChipConfig, command: Mapping[str, int], sums: np.ndarray) -> list[list[int | None]]:
    """By core and row: the sums in their order; None for columns that the output doesn't have."""
    order = kernel_order(config, command["kernels"], command["out_tiles"])
    found: list[list[int | None]] = [[] for _ in range(config.cores * config.banks)]
    for block in blocks(config, shape_of(command)):
        for entry in range(block["start"], block["start"] + block["pixels"]):
            group, x = divmod(entry, block["lines"])
            for row in range(config.banks):
                y = config.banks * group + (row + command["rotate"] * x) % config.banks
                for core in range(config.cores):
                    for kernel in order[block["round"], core].tolist():
                        there = y < command["out_columns"]
                        found[core * config.banks + row].append(
                            int(sums[block["x0"] + x, y, kernel]) if there else None
                        )
    return found


def shape_of(command: Mapping[str, int]) -> Shape:
    """What `blocks` has to know of a command."""
    c = command
    return Shape(
        height=c["height"], width=c["width"], tiles=c["tiles"], band_lines=c["band_lines"], out_lines=c["out_lines"],
        out_columns=c["out_columns"], region_lines=c["region_lines"], block_lines=c["block_lines"],
        kernels=c["kernels"], out_tiles=c["out_tiles"], group_rounds=c["group_rounds"], group_tiles=c["group_tiles"],
        full_steps=c["full_steps"], rest_steps=c["rest_steps"], rest_tiles=c["rest_tiles"],
    )  # fmt: skip


class Watch:
    """The cores are not idle before all of a layer has come in, and never believe that it doesn't fit.

    Parameters
    ----------
    done
        Whether everything that a layer needs was taken.
    """

    def __init__(self, done: Callable[[], bool]) -> None:
        self.done, self._was_done = done, False

    def drive(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """No progress."""
        assert self._was_done or not outputs["o_idle"], "idle before the layer's end"
        assert not outputs["o_stuck"], "stuck, though the layer fits"
        self._was_done = self.done()
        return False


class Told:
    """Looks whether the layer fits."""

    stuck = False

    def drive(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """No progress."""
        assert not outputs["o_idle"]
        self.stuck = bool(outputs["o_stuck"])
        return False


async def ended(bench: Bench) -> None:
    """Nothing is left of the layer before."""
    for _ in range(60):
        await bench.cycle()
    assert (await bench.cycle())["o_idle"]


async def begin(bench: Bench, command: Mapping[str, int]) -> None:
    """Start a layer, when the one before it is over."""
    await ended(bench)
    layer = {name: command[name] for name in bench.inputs["i_layer"]["fields"]}
    await bench.cycle({"i_layer": layer, "i_start": 1, "i_end": 0})
    await bench.peek({"i_start": 0})


async def convolve(
    bench: Bench, config: SnapChipConfig, command: Command, memory: np.ndarray, some: random.Random, **sink
) -> None:
    """One convolution: all its sums, in their order."""
    values = decode_tensor(config, input_layout(config, command), memory)
    wanted = port_sums(config, command, layer_sums(config, command, values, memory))
    stall = some.choice([0, 0.3])
    sinks = [Sink(f"o_sums_{port}", len(sums), stall, some, **sink) for port, sums in enumerate(wanted)]
    jobs = ring_jobs(config, command, stall, some)
    inputs = Source("i_beats", segments(config, command, memory), stall, some)
    await begin(bench, command)
    memories = RingMemory(config, memory, stall, some)
    taken = sum(command[f"weight_beats_{ring}"] for ring in range(config.rings)) * command["passes"]
    watch = Watch(lambda: inputs.done and memories.sent == taken)
    await run(
        bench, [*jobs, inputs, memories, *sinks, watch],
        lambda: inputs.done and all(sink.done for sink in sinks), watchdog=2000,
    )  # fmt: skip
    await bench.peek({"i_end": 1, "i_beats_valid": 0, "i_valid": 0})
    for port, (taker, sums) in enumerate(zip(sinks, wanted, strict=True)):
        got = [beat["value"] if want is not None else None for beat, want in zip(taker.beats, sums, strict=True)]
        assert got == sums, f"sums of port {port}: {command}"
    outputs = await bench.peek()
    errors = [outputs[f"o_errors_{core}"] for core in range(config.cores)]
    assert not any(np.any(value) for core in errors for value in core.values()), errors


def first_command(program: Program, memory: np.ndarray) -> dict[str, int]:
    """The program's first layer."""
    return disassemble(program.config, memory[program.list_address * program.config.bus.bytes :][:COMMAND_BYTES])


@testbench(PARTS["core_array"])
async def layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Sums of random convolutions, one after the other: a testbench too slow for all simulators but a compiled one."""
    some = random.Random(int(rng.integers(1 << 32)))
    for number in range(4):
        program, memory = random_layers(config, rng, some, most_lines=(9, 25)[number % 2])
        await convolve(bench, config, first_command(program, memory), memory, some, after_valid=number % 3 == 2)
    await ended(bench)


@testbench(PARTS["core_array"])
async def pooling_layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Tiles of layers to be pooled, and none of them for the cores; a convolution before and after."""
    some = random.Random(int(rng.integers(1 << 32)))
    for number in range(5):
        if number % 3 == 0:
            program, memory = random_layers(config, rng, some)
            await convolve(bench, config, first_command(program, memory), memory, some)
            continue
        shape = random_shape(config, some, pool=True)
        tensor, stall = random_tensor(config, shape, rng), some.choice([0, 0.4])
        beats = [beat for segment in pack_segments(config, shape, tensor) for beat in segment]
        source = Source("i_beats", beats, stall, some)
        wanted = [list(row_tiles(config, shape, tensor, row)) for row in range(config.banks)]
        sinks = [
            Sink(f"o_tiles_{row}", len(tiles), stall, some, after_valid=number == 2) for row, tiles in enumerate(wanted)
        ]
        await begin(bench, fields_of(config, shape))
        watch = Watch(lambda source=source: source.done)
        await run(bench, [source, *sinks, watch], lambda sinks=sinks: all(sink.done for sink in sinks))
        await bench.peek({"i_end": 1})
        await run(bench, [source], lambda source=source: source.done)  # of bands below the last region's lines
        await bench.peek({"i_beats_valid": 0})
        check_tiles(sinks, wanted, shape)
        sums = [f"o_sums_{port}_valid" for port in range(config.cores * config.sum_ports)]
        outputs = await bench.peek()
        assert not any(outputs[name] for name in sums)
    await ended(bench)


@testbench(PARTS["core_array"])
async def full_banks(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """A region that just fits its banks; then one that has a word too many, which is told."""
    some = random.Random(int(rng.integers(1 << 32)))
    program, memory = single_region(config, some, config.bank_words, pools=False)
    await convolve(bench, config, first_command(program, memory), memory, some)
    program, memory = single_region(config, some, config.bank_words + 1, pools=False)
    command = first_command(program, memory)
    inputs = Source("i_beats", segments(config, command, memory), 0, some)
    jobs = ring_jobs(config, command, 0, some)
    memories, told = RingMemory(config, memory, 0, some), Told()
    await begin(bench, command)
    await run(bench, [inputs, *jobs, memories, told], lambda: told.stuck)
    assert not inputs.done


@testbench(PARTS["core_array"])
async def many_regions(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Regions of a line each, more than a tensor of the chip may have, with weights that stay and that come again."""
    some = random.Random(int(rng.integers(1 << 32)))
    for resident in (0, 1):
        lines = some.randint(*((1030, 1100), (600, 1000))[resident])  # with bit 10 or without
        tensor = Tensor(height=lines, width=1, channels=1)
        weights = rng.integers(-127, 128, (1, 1, 1, config.core_kernels)).astype(np.int8)
        layer = convolution(weights)
        program = compile_layers(config.replace(segments=1 << 12), {"x": tensor}, [layer])
        memory = program.memory(x=rng.integers(0, 256, tensor.shape))
        command = first_command(program, memory)
        assert command["resident"]
        command |= {"region_lines": 1, "regions": lines, "resident": resident, "passes": 1 if resident else lines}
        await convolve(bench, config, command, memory, some)
    await ended(bench)


@testbench(PARTS["core_array"])
async def long_jobs(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Of each number of beats, however large, for each weight buffer."""
    rings = range(config.rings)
    await bench.cycle(
        {"i_start": 0, "i_end": 0, "i_valid": 0, "i_beats_valid": 0} | {f"i_jobs_{n}_valid": 0 for n in rings}
    )
    for ring in rings:
        await long_jobs_begin(bench, config, random.Random(int(rng.integers(1 << 32))), f"_{ring}")
