"""A program as words of the machine's input stream, and what comes out of it."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ...hw.eie.command import Clear, Kind
from ...hw.eie.config import EieConfig
from .program import EieProgram, Job, Load

__all__ = [
    "Words",
    "clear",
    "give_lines",
    "job_word",
    "output_lines",
    "output_parts",
    "outputs_of",
    "program_words",
    "run_jobs",
    "word_values",
    "words",
]

Words = dict[str, np.ndarray]
"""Words: ``kind``, ``address`` and ``data`` ``[words, bytes]``."""


def words(config: EieConfig, kind: Kind, addresses: np.ndarray, bits: np.ndarray) -> Words:
    """Words of a kind from the bits of each, the lowest first."""
    data = np.packbits(bits, axis=1, bitorder="little")
    data = np.pad(data, ((0, 0), (0, config.word_bytes - data.shape[1])))
    return {"kind": np.full(len(data), kind.value, np.uint8), "address": np.asarray(addresses, np.int64), "data": data}


def _number(config: EieConfig, kind: Kind, address: int, data: int) -> Words:
    return words(config, kind, np.array([address]), _bits(np.array([data]), 16))


def word_values(parts: Iterable[Words]) -> list[dict[str, Any]]:
    """Words one by one, each the values of its fields."""
    return [
        {"kind": int(kind), "address": int(address), "data": data.tolist()}
        for part in parts
        for kind, address, data in zip(part["kind"], part["address"], part["data"], strict=True)
    ]


def run_jobs(config: EieConfig, first: int, last: int) -> Words:
    """Run the jobs of the list from the first to the last."""
    return _number(config, Kind.RUN, first, last)


def give_lines(config: EieConfig, first: int, last: int) -> Words:
    """Give lines of activations from the first to the last."""
    return _number(config, Kind.READ, first, last)


def clear(config: EieConfig, what: Clear) -> Words:
    """Set something to 0."""
    return _number(config, Kind.CLEAR, 0, what.value)


def job_word(config: EieConfig, number: int, job: Job) -> Words:
    """Load a job of the list."""
    values = dataclasses.asdict(job)
    fields = [_bits(np.array([int(values[name])]), width) for name, width in config.job_fields.items()]
    return words(config, Kind.JOB, np.array([number]), np.concatenate(fields, 1))


def _bits(values: np.ndarray, width: int) -> np.ndarray:
    """Bits of numbers, the lowest first, in an axis of their own."""
    return (values[..., None] >> np.arange(width) & 1).astype(np.uint8)


def _grouped(config: EieConfig, kind: Kind, by_cluster: Sequence[np.ndarray]) -> Iterator[Words]:
    """Words for the memories of clusters, from the bits of each one's lines; shorter ones are filled with zeros."""
    size = config.word_clusters
    for group in range(config.word_groups):
        mine = by_cluster[group * size : (group + 1) * size]
        count, width = max(map(len, mine)), mine[0].shape[1]
        bits = np.zeros((count, size, width), np.uint8)
        for place, lines in enumerate(mine):
            bits[: len(lines), place] = lines
        yield words(config, kind, np.arange(count) * config.word_groups + group, bits.reshape(count, size * width))


def _memories(config: EieConfig, load: Load) -> Iterator[Words]:
    lines = []
    for codes, indices in zip(load.codes, load.indices, strict=True):
        entries = codes.astype(np.int32) | indices.astype(np.int32) << config.code_bits
        bits = _bits(entries, config.entry_bits)
        lines.append(bits.reshape(len(bits) // config.line_entries, config.line_entries * config.entry_bits))
    yield from _grouped(config, Kind.MATRIX, lines)
    yield from _grouped(config, Kind.POINTERS, list(_bits(load.pointers, config.pointer_bits)))
    yield from (job_word(config, number, job) for number, job in enumerate(load.jobs))


def _lines(config: EieConfig, first: int, activations: np.ndarray) -> Words:
    """Write activations from a line on; the last line is filled with zeros."""
    lines = -(-len(activations) // config.line_activations)
    padded = np.pad(activations, (0, lines * config.line_activations - len(activations)))
    parts = padded.reshape(-1, config.part_activations)
    bits = _bits(parts, config.data_bits).reshape(len(parts), -1)
    return words(config, Kind.ACTIVATIONS, first * config.line_parts + np.arange(len(parts)), bits)


def _constants(config: EieConfig, program: EieProgram) -> Iterator[Words]:
    quarters = program.codebooks.reshape(-1, config.codes // 4)
    bits = _bits(quarters, config.data_bits).reshape(len(quarters), -1)
    yield words(config, Kind.CODEBOOK, np.arange(len(quarters)), bits)
    yield from (_lines(config, line, values) for line, values in program.constants.items())


def output_lines(config: EieConfig, program: EieProgram) -> int:
    """Lines with the last layer's outputs."""
    return int(program.order.max()) // config.line_activations + 1


def program_words(config: EieConfig, program: EieProgram, inputs: np.ndarray) -> Words:
    """Words that fill the memories, and run all jobs and ask for the outputs for each of some inputs.

    Parameters
    ----------
    config, program
        The machine, and what it does.
    inputs
        ``[vectors, inputs]``; memories are loaded once if there is one load, and for each vector otherwise.
    """
    parts, once = list(_constants(config, program)), len(program.loads) == 1
    if once:
        parts += _memories(config, program.loads[0])
    for vector in inputs:
        parts.append(_lines(config, 0, vector))
        for load in program.loads:
            if not once:
                parts += _memories(config, load)
            parts.append(run_jobs(config, 0, len(load.jobs) - 1))
        last = program.output_line + output_lines(config, program) - 1
        parts.append(give_lines(config, program.output_line, last))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def output_parts(config: EieConfig, program: EieProgram) -> int:
    """Parts of lines that come out for an input vector."""
    return output_lines(config, program) * config.line_parts


def outputs_of(config: EieConfig, program: EieProgram, parts: np.ndarray) -> np.ndarray:
    """Outputs ``[vectors, outputs]`` from the parts that came out."""
    lines = parts.reshape(-1, output_lines(config, program) * config.line_activations)
    return lines[:, program.order].astype(np.int64)
