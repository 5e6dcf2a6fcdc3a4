"""Self-test of the SNAP core."""

import dataclasses
from collections.abc import Iterator

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import flipped

from ..hw.snap.config import SnapConfig
from ..hw.snap.core import SnapCore
from ..hw.snap.layouts import activation_beat, command_layout, sum_layout, weight_beat
from ..sim.golden.signature import signature
from ..sim.golden.snap import core_sums
from ..sim.mapping.snap import map_convolution, map_fully_connected
from ..sim.mapping.snap_batch import join_programs
from ..sim.mapping.snap_program import CoreProgram, Stream
from .rom_stream import RomStream
from .self_test import Expected, SelfTest, Stimulus

__all__ = ["snap_program", "snap_test"]

SEED = 21

DENSITIES = ((1.0, 1.0), (0.4, 0.5), (0.1, 0.3), (0.5, 0.1))
"""Of activations and weights, from dense to sparse: all three modes of the AIM, queues full and empty."""


def snap_program(config: SnapConfig) -> CoreProgram:
    """Small layers of each kind by turns: 3 x 3 with stride 1 and 2, 1 x 1, fully connected."""
    rng, channels, columns = np.random.default_rng(SEED), config.channel_tile, config.core_columns
    programs = []
    for number, density in enumerate(DENSITIES):
        size = (2, config.core_rows, channels)
        kernel = (2, columns, channels, 2)
        programs.append(map_convolution(config, *_tensors(config, rng, (size, kernel), density), padding=1))
        if number == 1:
            size, kernel = (3, 3, channels // 2), (3, 3, channels // 2, 2)
            programs.append(map_convolution(config, *_tensors(config, rng, (size, kernel), density), 2, 1))
        size, kernel = (1, config.core_rows, columns * channels), (1, 1, columns * channels, 2)
        programs.append(map_convolution(config, *_tensors(config, rng, (size, kernel), density)))
    size, kernel = (columns * channels,), (columns * channels, config.core_rows)
    programs.append(map_fully_connected(config, *_tensors(config, rng, (size, kernel), DENSITIES[1])))
    return join_programs(programs)


def _tensors(
    config: SnapConfig, rng: np.random.Generator, shapes: tuple[tuple[int, ...], ...], densities: tuple[float, ...]
) -> Iterator[np.ndarray]:
    """Operands with random zeros, small enough that no sum of a layer overflows."""
    half = 1 << config.data_bits - 1
    for shape, density in zip(shapes, densities, strict=True):
        values = rng.integers(1, half, shape) * rng.choice([-1, 1], shape)
        yield values * (rng.random(shape) < density)


class SnapStimulus(Stimulus):
    """A core's program from memories.

    Parameters
    ----------
    config, program
        The core's.
    fault_beat
        Beat of the first activation stream in which a fault turns over the lowest bit of the first value.
    """

    def __init__(self, config: SnapConfig, program: CoreProgram, fault_beat: int):
        weights, activations, commands = weight_beat(config), activation_beat(config), command_layout(config)
        self._parts: dict[str, RomStream] = {}
        for number, stream in enumerate(program.weights):
            words = [weights.const(values) for values in _beats(stream, tile=False)]
            self._add(f"o_weights__{number}", weights, words)
        for number, stream in enumerate(program.activations):
            words = [activations.const(values) for values in _beats(stream, tile=True)]
            value = activations["entries"].offset
            self._add(f"o_activations__{number}", activations, words, (fault_beat, value) if number == 0 else None)
        fields = program.slots.tolist(), program.ports.tolist(), program.row_mode.tolist()
        words = [
            commands.const({"slots": slots, "ports": ports, "row_mode": int(mode)})
            for slots, ports, mode in zip(*fields, strict=True)
        ]
        self._add("o_commands", commands, words)
        widths = {"o_weights": weights.size, "o_activations": activations.size, "o_commands": commands.size}
        super().__init__({name: widths[name.split("__")[0]] for name in self._parts})

    def _add(
        self, name: str, layout: data.Layout, words: list[data.Const], fault: tuple[int, int] | None = None
    ) -> None:
        values = [word.as_value().value for word in words]
        self._parts[name] = RomStream(width=layout.size, words=values, fault=fault)

    def elaborate(self, platform) -> Module:
        m = Module()
        for name, part in self._parts.items():
            m.submodules[name] = part
            wiring.connect(m, part.o, flipped(getattr(self, name)))
            m.d.comb += [part.i_start.eq(self.i_start), part.i_fault.eq(self.i_fault)]
        return m


def _beats(stream: Stream, *, tile: bool) -> Iterator[dict]:
    """Fields of each beat as `activation_beat` (`tile`) or `weight_beat` name them."""
    names = {"value": stream.values, "index": stream.indices}
    rest = {
        "count": stream.counts, "mask": stream.masks, "last": stream.last, "group_last": stream.group_last,
    }  # fmt: skip
    if tile:
        rest |= {"slot": stream.tile_slots, "classes": stream.tile_classes}
    else:
        names |= {"slot": stream.slots, "kind": stream.classes}
        rest |= {"block_last": stream.block_last}
    for beat in range(len(stream)):
        entries = [
            dict(zip(names, lane, strict=True))
            for lane in zip(*(field[beat].tolist() for field in names.values()), strict=True)
        ]
        yield {"entries": entries} | {name: int(field[beat]) for name, field in rest.items()}


def snap_test(config: SnapConfig, *, heartbeat_bits: int = 24) -> SelfTest:
    """The self-test of a SNAP core: what it sends, and what must come according to the golden model."""
    program = snap_program(config)
    expected = _expected(config, program)
    stream = program.activations[0]
    beats = np.flatnonzero((stream.counts > 0) & (stream.masks > 0))
    fault_beat = 0
    for beat in beats.tolist():
        values = stream.values.copy()
        values[beat, 0] ^= 1
        faulty = [dataclasses.replace(stream, values=values), *program.activations[1:]]
        # An activation that meets no weight changes nothing; one that becomes 0 is an error by itself.
        if values[beat, 0] and _expected(config, dataclasses.replace(program, activations=faulty)) != expected:
            fault_beat = beat
            break
    return SelfTest(
        SnapCore(config), SnapStimulus(config, program, fault_beat), expected, heartbeat_bits=heartbeat_bits
    )


def _expected(config: SnapConfig, program: CoreProgram) -> dict[str, Expected]:
    layout, sums = sum_layout(config), core_sums(config, program)
    ports: dict[str, Expected] = {}
    for port in range(config.ports):
        payloads = [
            layout.const({"value": value, "slot": slot}).as_value().value
            for block, mask in zip(sums, program.ports.tolist(), strict=True)
            if mask >> port & 1
            for slot, value in enumerate(block[port].tolist())
        ]
        ports[f"o_sums__{port}"] = Expected(len(payloads), signature(payloads))
    return ports
