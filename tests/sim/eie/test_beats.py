"""Words of the machine's input stream."""

import dataclasses

import numpy as np
import pytest

from tensorloom.hw.eie.command import Kind
from tensorloom.hw.eie.config import PRESETS
from tensorloom.sim.eie.beats import job_word, output_parts, outputs_of, program_words
from tensorloom.sim.eie.mapping import map_layers
from tensorloom.sim.eie.program import Job

TINY = PRESETS["eie-tiny"].replace(codebooks=8, jobs=16, activation_lines=256)


def numbers(words, kind):
    """Address and data, as a number, of the words of a kind, in their order."""
    mine = words["kind"] == kind
    data = [int.from_bytes(bytes(row), "little") for row in words["data"][mine].tolist()]
    return list(zip(words["address"][mine].tolist(), data, strict=True))


@pytest.mark.parametrize("clusters", [1, 2, 4])
def test_memories_are_those_of_the_load(seed, chain, clusters):
    config = TINY.replace(clusters=4, load_clusters=clusters)
    layers, inputs = chain(np.random.default_rng(seed), config)
    program = map_layers(config, layers, reload=True)
    load = program.loads[-1]
    words = program_words(config, dataclasses.replace(program, loads=[load]), inputs[None])
    groups, line = config.word_groups, config.line_entries * config.entry_bits
    matrix, pointers = dict(numbers(words, Kind.MATRIX)), dict(numbers(words, Kind.POINTERS))
    for cluster in range(config.clusters):
        group, place = divmod(cluster, clusters)
        found = [
            matrix[address] >> place * line & (1 << line) - 1 for address in sorted(matrix) if address % groups == group
        ]
        expected = load.matrix_lines(config, cluster)
        assert found[: len(expected)] == expected and not any(found[len(expected) :])
        mask = (1 << config.pointer_bits) - 1
        found = [
            pointers[address] >> place * config.pointer_bits & mask
            for address in sorted(pointers)
            if address % groups == group
        ]
        assert found == load.pointers[cluster].tolist()


def test_everything_is_sent_in_order(seed, chain):
    """For each vector: its activations, each load if there are several, its run, and the outputs."""
    config = TINY.replace(entries=64, pointers=32)
    layers, inputs = chain(np.random.default_rng(seed), config, count=2, most=40)
    program = map_layers(config, layers, reload=True)
    words = program_words(config, program, np.array([inputs, inputs]))
    runs = [len(load.jobs) for load in program.loads]
    assert len(runs) > 1
    assert numbers(words, Kind.RUN) == [(0, count - 1) for count in runs] * 2
    assert [address for address, _ in numbers(words, Kind.JOB)] == [at for count in runs for at in range(count)] * 2
    first = program.output_line
    assert numbers(words, Kind.READ) == 2 * [(first, first + output_parts(config, program) // config.line_parts - 1)]
    kinds = words["kind"].tolist()
    assert kinds[-1] == Kind.READ and kinds.index(Kind.RUN) > kinds.index(Kind.ACTIVATIONS)
    weights = [weight & (1 << config.data_bits) - 1 for weight in program.codebooks.ravel().tolist()]
    assert numbers(words, Kind.CODEBOOK) == list(enumerate(weights))


def test_a_job_and_its_lines():
    job = Job(columns=5, source=3, pointers=6, slots=7, destination=9, codebook=1, shift=12, relu=False, keep=True)
    word = job_word(TINY, 2, job)
    (address, data), values = numbers(word, Kind.JOB)[0], []
    for width in TINY.job_fields.values():
        values.append(data & (1 << width) - 1)
        data >>= width
    assert address == 2 and data == 0
    assert values == [5, 3, 6, 7, 9, 1, 12, 0, 1]


def test_outputs_come_from_all_parts(seed, chain):
    config = TINY.replace(clusters=16, line_entries=2)
    layers, inputs = chain(np.random.default_rng(seed), config, count=1)
    program = map_layers(config, layers, reload=True)
    assert config.line_parts > 1
    lines = np.random.default_rng(seed).integers(-9, 9, (2, output_parts(config, program), config.part_activations))
    memory = np.zeros((config.activation_lines, config.line_activations), int)
    for number in range(2):
        first = lines[number].reshape(-1, config.line_activations)
        memory[program.output_line : program.output_line + len(first)] = first
        assert np.array_equal(
            outputs_of(config, program, lines.reshape(-1, lines.shape[2]))[number], program.outputs(config, memory)
        )
