"""Self-test of EIE."""

import dataclasses
from collections.abc import Iterator

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import flipped

from ..hw.eie.command import Kind
from ..hw.eie.config import EieConfig
from ..hw.eie.eie import Eie
from ..hw.eie.machine_layouts import command_layout, part_layout
from ..sim.eie.beats import Words, give_lines, output_lines, program_words, word_values
from ..sim.eie.golden import Layer, run
from ..sim.eie.mapping import map_layers
from ..sim.eie.program import EieProgram
from ..sim.formats.coded import CodedMatrix
from ..sim.golden.signature import signature
from .rom_stream import RomStream, payload_bits
from .self_test import Expected, SelfTest, Stimulus

__all__ = ["eie_program", "eie_test"]

SEED = 41

DENSITIES = (0.25, 0.7, 0.4)
"""Of the weights of each layer."""

ACTIVE = (1.0, 0.3, 0.6)
"""Of the inputs of each run: queues that fill up, and columns that are waited for."""


def eie_program(config: EieConfig) -> tuple[EieProgram, np.ndarray]:
    """Three layers behind each other, the first over every sum and in two jobs, and three input vectors.

    The last of the vectors has only extreme values, with which outputs saturate.
    """
    rng, width = np.random.default_rng(SEED), config.line_activations
    limit = 1 << config.data_bits - 1
    sizes = (3 * width - 1, config.total_rows, width + 1, config.clusters)
    # Small enough for any sums of a layer: the mapping refuses others.
    most = min(limit, (1 << config.psum_bits - config.data_bits) // (max(sizes) + 1)) - 1
    shape = config.codebooks, config.codes - 1
    codebooks = rng.choice([-1, 1], shape) * rng.integers(1 + most // 2, most, shape)
    layers = []
    for number, density in enumerate(DENSITIES):
        constants = (limit // 2,) if number != 1 else ()
        shape = sizes[number + 1], sizes[number] + len(constants)
        codes = rng.integers(1, config.codes, shape) * (rng.random(shape) < density)
        codebook = np.append(0, codebooks[number % config.codebooks])
        products = density * shape[1]
        shift = int(np.log2(most * np.sqrt(products))) + (number == 1)
        layers.append(
            Layer(matrix=CodedMatrix.encode(codes, codebook), shift=shift, relu=number == 0, constants=constants)
        )
    vectors = rng.integers(1, limit, (len(ACTIVE), sizes[0])) * rng.choice([-1, 1], (len(ACTIVE), sizes[0]))
    vectors[-1] = np.where(vectors[-1] < 0, -limit, limit - 1)
    program = _in_two(config, map_layers(config, layers))
    return program, vectors * (rng.random(vectors.shape) < np.array(ACTIVE)[:, None])


def _in_two(config: EieConfig, program: EieProgram) -> EieProgram:
    """The same with the first job in two, of which the second adds to sums that the first one keeps."""
    (load,), width = program.loads, config.line_activations
    first, *others = load.jobs
    parts = [
        dataclasses.replace(first, columns=2 * width, keep=True),
        dataclasses.replace(
            first, columns=first.columns - 2 * width, source=first.source + 2, pointers=first.pointers + 2 * width
        ),
    ]
    return dataclasses.replace(program, loads=[dataclasses.replace(load, jobs=[*parts, *others])])


class EieStimulus(Stimulus):
    """Words of a program from a memory.

    Parameters
    ----------
    config, words
        The machine's.
    fault
        Word, and bit of its data, that a fault turns over.
    """

    def __init__(self, config: EieConfig, words: Words, fault: tuple[int, int]):
        layout = command_layout(config)
        word, bit = fault
        self._commands = RomStream(
            width=layout.size,
            words=payload_bits(layout, word_values([words])),
            fault=(word, layout["data"].offset + bit),
        )
        super().__init__({"o_commands": layout.size})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.commands = commands = self._commands
        wiring.connect(m, commands.o, flipped(self.o_commands))
        m.d.comb += [commands.i_start.eq(self.i_start), commands.i_fault.eq(self.i_fault)]
        return m


def eie_test(config: EieConfig, *, heartbeat_bits: int = 24) -> SelfTest:
    """The self-test of a machine: what it sends, and what must come according to the golden model.

    That are the last layer's outputs for each vector, and the others' for the last one.
    """
    program, vectors = eie_program(config)
    hidden = [job for job in program.jobs[:-1] if not job.keep]
    parts = [program_words(config, program, vectors)]
    parts += [give_lines(config, job.destination, job.destination + job.output_lines(config) - 1) for job in hidden]
    words = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    expected = _expected(config, program, vectors)
    inputs = int(np.flatnonzero((words["kind"] == Kind.ACTIVATIONS) & (words["address"] == 0))[0])
    number = next(_visible(config, program, vectors, expected))
    fault = inputs, config.data_bits * (number + 1) - 1
    stimulus = EieStimulus(config, words, fault)
    return SelfTest(Eie(config), stimulus, {"o_lines": expected}, heartbeat_bits=heartbeat_bits)


def _visible(config: EieConfig, program: EieProgram, vectors: np.ndarray, expected: Expected) -> Iterator[int]:
    """Activations of the first word of inputs whose sign changes what comes out."""
    for number in range(config.part_activations):
        faulty = vectors.copy()
        faulty[0, number] ^= -1 << config.data_bits - 1
        if _expected(config, program, faulty) != expected:
            yield number


def _expected(config: EieConfig, program: EieProgram, vectors: np.ndarray) -> Expected:
    states = [run(config, program, vector)[-1] for vector in vectors]
    lines = [state[program.output_line : program.output_line + output_lines(config, program)] for state in states]
    for job in program.jobs[:-1]:
        lines.append(states[-1][job.destination : job.destination + job.output_lines(config)])
    parts = np.concatenate(lines).reshape(-1, config.part_activations)
    layout = part_layout(config)
    return Expected(len(parts), signature(layout.const(part).as_value().value for part in parts.tolist()))
