"""Testbench of the cores with their feeders: layers from memory to sums."""

import contextlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...hw.errors import ConfigError
from ...hw.snap_chip.command import COMMAND_BYTES, FIELDS
from ...hw.snap_chip.config import SnapChipConfig
from ...sim.snap_chip.command import disassemble
from ...sim.snap_chip.compiler import compile_layers
from ...sim.snap_chip.golden import input_layout, layer_sums
from ...sim.snap_chip.layers import Convolution, Tensor
from ...sim.snap_chip.program import Program
from ...sim.snap_chip.scales import kernel_order
from ...sim.snap_chip.tensors import decode_tensor
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .nest import Shape, blocks
from .parts import PARTS

__all__ = ["layers", "random_layers"]


class RingMemory:
    """Answers the weight buffers' requests, in the order in which it takes them."""

    def __init__(self, config: SnapChipConfig, memory: np.ndarray, stall: float, rng: random.Random) -> None:
        self.config, self.memory, self.stall, self.rng = config, memory, stall, rng
        self.queue: list[tuple[int, int]] = []
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
        taken = self.ready < self.config.rings and outputs[f"o_requests_{self.ready}_valid"]
        if taken:
            request = outputs[f"o_requests_{self.ready}_payload"]
            self.queue += [(self.ready, request["address"] + n) for n in range(request["beats"])]
        return bool(self.valid or taken)


def random_layers(config: SnapChipConfig, rng: np.random.Generator, some: random.Random) -> tuple[Program, np.ndarray]:
    """A random convolution that the chip has room for, compiled, and a memory with its input."""
    while True:
        with contextlib.suppress(ConfigError):
            return random_layer(config, rng, some)


def random_layer(config: SnapChipConfig, rng: np.random.Generator, some: random.Random) -> tuple[Program, np.ndarray]:
    """A random convolution, compiled, and a memory with its input."""
    channels, kernels = some.choice([3, 8, 20, 24, 33]), some.choice([4, 8, 19])
    height, width = some.randint(3, 9), some.randint(3, 10)
    kernel, padding = some.choice([((1, 1), 0), ((3, 3), 0), ((3, 3), 1), ((2, 3), 1)])
    weights = rng.integers(-127, 128, (*kernel, channels, kernels)).astype(np.int8)
    weights[rng.random(weights.shape) >= rng.choice([0.1, 0.5, 1.0], size=kernels)] = 0
    stride = some.choice([1, 1, 2])
    layer = Convolution(
        source="x", target="y", weights=weights, bias=np.zeros(kernels, np.int32), factors=np.ones(kernels, np.float32),
        stride=stride, padding=padding, diagonal=config.global_accumulator and stride == 1 and some.random() < 0.7,
    )  # fmt: skip
    tensor = Tensor(height=height, width=width, channels=channels, zero=some.choice([0, 0, 9]))
    program = compile_layers(config, {"x": tensor}, [layer])
    values = rng.integers(0, 256, tensor.shape)
    values[rng.random(tensor.shape) >= some.choice([0.2, 0.6, 1])] = tensor.zero
    return program, program.memory(x=values)


def ring_job(command: Mapping[str, int], ring: int) -> dict[str, int]:
    """What a weight buffer has to load for a layer."""
    return {name: command[f"weight_{name}_{ring}"] for name in ("address", "beats")} | {"passes": command["passes"]}


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


@testbench(PARTS["core_array"])
async def layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Sums of random convolutions, one after the other: a testbench too slow for all simulators but a compiled one."""
    some, outputs = random.Random(int(rng.integers(1 << 32))), {}
    for number in range(4):
        program, memory = random_layers(config, rng, some)
        command = disassemble(config, memory[program.list_address * config.bus.bytes :][:COMMAND_BYTES])
        values = decode_tensor(config, input_layout(config, command), memory)
        wanted = port_sums(config, command, layer_sums(config, command, values, memory))
        stall, after_valid = some.choice([0, 0.3]), number % 3 == 2
        sinks = [
            Sink(f"o_sums_{port}", len(sums), stall, some, after_valid=after_valid) for port, sums in enumerate(wanted)
        ]
        jobs = [Source(f"i_jobs_{ring}", [ring_job(command, ring)], stall, some) for ring in range(config.rings)]
        inputs = Source("i_beats", segments(config, command, memory), stall, some)
        for _ in range(60):
            outputs = await bench.cycle()
        assert outputs["o_idle"]
        await bench.cycle({"i_layer": {field.name: command[field.name] for field in FIELDS}, "i_start": 1, "i_end": 0})
        await bench.peek({"i_start": 0})
        memories = RingMemory(config, memory, stall, some)
        await run(
            bench, [*jobs, inputs, memories, *sinks],
            lambda inputs=inputs, sinks=sinks: inputs.done and all(sink.done for sink in sinks), watchdog=2000,
        )  # fmt: skip
        await bench.peek({"i_end": 1, "i_beats_valid": 0, "i_valid": 0})
        for port, (sink, sums) in enumerate(zip(sinks, wanted, strict=True)):
            got = [beat["value"] if want is not None else None for beat, want in zip(sink.beats, sums, strict=True)]
            assert got == sums, f"sums of port {port} of layer {number}: {command}"
        outputs = await bench.peek()
        errors = [outputs[f"o_errors_{core}"] for core in range(config.cores)]
        assert not any(np.any(value) for core in errors for value in core.values()), errors
