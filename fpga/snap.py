"""Self-test of the SNAP core."""

import dataclasses

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import flipped

from ..hw.snap.config import SnapConfig
from ..hw.snap.core import SnapCore
from ..hw.snap.layouts import activation_beat, command_layout, sum_layout, weight_beat
from ..sim.golden.signature import signature
from ..sim.snap.batch import join_programs
from ..sim.snap.beats import beat_values, program_inputs
from ..sim.snap.golden import port_sums
from ..sim.snap.mapping import map_convolution, map_fully_connected
from ..sim.snap.program import CoreProgram
from ..sim.snap.ways import Way
from .rom_stream import RomStream, payload_bits
from .self_test import Expected, SelfTest, Stimulus

__all__ = ["snap_program", "snap_test"]

SEED = 21

DENSITIES = ((1.0, 1.0), (0.4, 0.5), (0.1, 0.3), (0.5, 0.1))
"""Of activations and weights, from dense to sparse: all three modes of the AIM, queues full and empty."""


def snap_program(config: SnapConfig) -> CoreProgram:
    """Small layers of each kind by turns: 2 x `core_columns`, 3 x 3 with stride 2, 1 x 1, fully connected.

    They are mapped in the plain way, so that both of the core's modes are used.
    """
    rng, channels, columns = np.random.default_rng(SEED), config.channel_tile, config.core_columns
    # So far across that the outermost diagonals of PEs, each a port of the core reducer, have outputs too.
    padding = (1, columns - 1)
    programs = []
    for number, density in enumerate(DENSITIES):
        size = (2, config.core_rows, channels)
        kernel = (2, columns, channels, 2)
        operands = _tensors(config, rng, (size, kernel), density)
        programs.append(map_convolution(config, *operands, padding=padding, way=Way()))
        if number == 1:
            size, kernel = (3, 3, channels // 2), (3, 3, channels // 2, 2)
            programs.append(map_convolution(config, *_tensors(config, rng, (size, kernel), density), 2, 1, way=Way()))
        size, kernel = (1, config.core_rows, columns * channels), (1, 1, columns * channels, 2)
        programs.append(map_convolution(config, *_tensors(config, rng, (size, kernel), density)))
    size, kernel = (columns * channels,), (columns * channels, config.core_rows)
    programs.append(map_fully_connected(config, *_tensors(config, rng, (size, kernel), DENSITIES[1])))
    return join_programs(programs)


def _tensors(
    config: SnapConfig,
    rng: np.random.Generator,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    densities: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Operands with random zeros, small enough that no sum of a layer overflows."""
    half = 1 << config.data_bits - 1

    def tensor(shape: tuple[int, ...], density: float) -> np.ndarray:
        values = rng.integers(1, half, shape) * rng.choice([-1, 1], shape)
        return values * (rng.random(shape) < density)

    return tensor(shapes[0], densities[0]), tensor(shapes[1], densities[1])


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
        layouts = {
            "weights": weight_beat(config),
            "activations": activation_beat(config),
            "commands": command_layout(config),
        }
        self._parts: dict[str, RomStream] = {}
        for name, beats in program_inputs(program).items():
            stream, layout = f"o_{name.removeprefix('i_')}", layouts[name.split("_")[1]]
            fault = (fault_beat, layout["entries"].offset) if stream == "o_activations_0" else None
            words = payload_bits(layout, beat_values(beats))
            self._parts[stream] = RomStream(width=layout.size, words=words, fault=fault)
        super().__init__({name: len(part.o.payload) for name, part in self._parts.items()})

    def elaborate(self, platform) -> Module:
        m = Module()
        for name, part in self._parts.items():
            m.submodules[name] = part
            wiring.connect(m, part.o, flipped(getattr(self, name)))
            m.d.comb += [part.i_start.eq(self.i_start), part.i_fault.eq(self.i_fault)]
        return m


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
    layout = sum_layout(config)
    return {
        f"o_sums_{port}": Expected(len(sums), signature(payload_bits(layout, sums)))
        for port, sums in enumerate(port_sums(config, program))
    }
