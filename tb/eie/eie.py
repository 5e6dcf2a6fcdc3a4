"""Testbench of the whole machine: its two streams, counters and errors."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...hw.eie.command import Clear, Kind, addresses
from ...hw.eie.config import EieConfig
from ...sim.eie.beats import (
    Words,
    clear,
    give_lines,
    job_word,
    output_parts,
    outputs_of,
    program_words,
    run_jobs,
    word_values,
    words,
)
from ...sim.eie.counters import EieCounters, read_counters, total
from ...sim.eie.cycles import simulate
from ...sim.eie.golden import Layer, run
from ...sim.eie.mapping import map_layers
from ...sim.eie.program import EieProgram, Load
from ...sim.formats.coded import CodedMatrix
from ..bench import Bench, Sink, Source
from ..bench import run as play
from ..bus.transfers import numbers
from ..cocotb_bench import testbench
from .machine_parts import WHOLE
from .random_layers import random_chain

NO_ERRORS = {"command": 0, "job": 0}


async def send(
    bench: Bench, config: EieConfig, parts: Sequence[Words], count: int, rng: np.random.Generator, stall: float
) -> tuple[np.ndarray, dict[str, Any]]:
    """Send words, take so many parts of lines; these, and the outputs some cycles later."""
    some = numbers(rng)
    source = Source("i_commands", word_values(parts), stall, some)
    sink = Sink("o_lines", count, stall, some, after_valid=stall > 0.3)
    await play(bench, [source, sink], lambda: source.done and sink.done, watchdog=3000)
    outputs: dict[str, Any] = {"i_commands_ready": 0}
    while not outputs["i_commands_ready"]:  # what is still at work ends
        outputs = await bench.cycle({"i_commands_valid": 0, "o_lines_ready": 1})
        assert not outputs["o_lines_valid"]
    outputs = await bench.cycle()
    return np.array(sink.beats, int).reshape(count, config.part_activations), outputs


def found_counters(values: dict[str, Any]) -> EieCounters:
    """Counters of the port."""
    clusters = values["clusters"]
    by_name = {name: [one[name] for one in clusters] for name in clusters[0]}
    return read_counters({name: value for name, value in values.items() if name != "clusters"}, by_name)


def check_errors(outputs: dict[str, Any], **raised: int) -> None:
    """Those errors, and no others; none in clusters."""
    errors = dict(outputs["o_errors"])
    assert not any(any(one.values()) for one in errors.pop("clusters"))
    assert errors == NO_ERRORS | raised


async def check(
    bench: Bench,
    config: EieConfig,
    program: EieProgram,
    vectors: np.ndarray,
    rng: np.random.Generator,
    stall: float = 0,
) -> EieCounters:
    """Run a program; results and counters, from cleared ones on, must be those of the models."""
    parts = [clear(config, Clear.COUNTERS), program_words(config, program, vectors)]
    count = len(vectors) * output_parts(config, program)
    found, outputs = await send(bench, config, parts, count, rng, stall)
    expected = [program.outputs(config, run(config, program, one)[-1]) for one in vectors]
    assert np.array_equal(outputs_of(config, program, found), expected)
    check_errors(outputs)
    predicted = total([simulate(config, program, one) for one in vectors])
    assert found_counters(outputs["o_counters"]).differences(predicted) == []
    return predicted


def full_layer(config: EieConfig, rows: int, columns: int, shift: int = 0) -> Layer:
    """A layer of ones."""
    codebook = np.append(0, np.ones(config.codes - 1, int))
    return Layer(matrix=CodedMatrix.encode(np.ones((rows, columns), int), codebook), shift=shift, relu=False)


@testbench(WHOLE["eie"])
async def chains(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Layers behind each other, in one load or several, for several inputs, while streams pause or don't."""
    await bench.reset()
    for number in range(6):
        layers, inputs = random_chain(rng, config, count=1 + number % 2, most=24)
        program = map_layers(config, layers, reload=True)
        await check(bench, config, program, np.array([inputs, inputs[::-1]]), rng, (0, 0.3, 0.6)[number % 3])


@testbench(WHOLE["eie"])
async def corners(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Inputs that are all zero, or whose last line or last one is; kept sums behind each other; any number of rows."""
    await bench.reset()
    width = config.line_activations
    one = map_layers(config, [full_layer(config, config.clusters * 2 + 1, 3 * width - 1)])
    zeros = np.zeros(3 * width - 1, int)
    some = [zeros, zeros.copy(), np.ones_like(zeros), np.ones_like(zeros), np.ones_like(zeros)]
    some[1][0] = some[3][-1] = 1
    some[2][-1] = 0
    some[3][:-1] = 0
    some[4][width : 2 * width] = 0
    predicted = await check(bench, config, one, np.array(some), rng)
    assert predicted.broadcasts == 0 + 1 + len(zeros) - 1 + 1 + len(zeros) - width
    for rows in range(1, config.total_rows + 1, max(1, config.clusters - 1)):
        await check(bench, config, map_layers(config, [full_layer(config, rows, 2)]), np.array([[1, 2], [0, 0]]), rng)
    kept = kept_jobs(config, rng)
    await check(bench, config, kept, np.array([rng.integers(-9, 9, kept.inputs) for _ in range(2)]), rng)


def kept_jobs(config: EieConfig, rng: np.random.Generator) -> EieProgram:
    """Three jobs of one load that add to the same sums, the second without any entries, and one that begins anew."""
    width, rows = config.line_activations, config.clusters * 2
    program = map_layers(config, [full_layer(config, rows, 2 * width)])
    load, job = program.loads[0], program.jobs[0]
    empty = np.repeat(load.pointers[:, -1:], width + 2, 1)
    half = dataclasses.replace(job, columns=width)
    jobs = [
        dataclasses.replace(half, keep=True),
        dataclasses.replace(half, keep=True, pointers=load.pointers.shape[1]),
        dataclasses.replace(half, source=job.source + 1, pointers=width),
    ]
    pointers = np.concatenate([load.pointers, empty], 1)
    again = [*jobs, dataclasses.replace(half, destination=job.destination + 8)][: config.jobs]
    changed = Load(pointers=pointers, codes=load.codes, indices=load.indices, jobs=again)
    return dataclasses.replace(program, loads=[changed])


@testbench(WHOLE["eie"])
async def words_wait(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """What would spoil a run, or lines that are given, if it were done at once: words right behind the commands."""
    await bench.reset()
    layer = full_layer(config, config.clusters, config.line_activations)
    program = map_layers(config, [layer])
    inputs = rng.integers(-9, 10, (1, program.inputs))
    right = program_words(config, program, inputs)
    rubbish = right | {"data": rng.integers(0, 256, right["data"].shape, np.uint8)}
    memories = np.isin(right["kind"], [Kind.MATRIX, Kind.POINTERS, Kind.CODEBOOK])
    during, after = (
        {name: values[some] for name, values in rubbish.items()} for some in (memories, right["kind"] < Kind.JOB)
    )
    runs, gives = ({name: values[span] for name, values in right.items()} for span in (slice(-1), slice(-1, None)))
    found, outputs = await send(bench, config, [runs, during, gives, after], output_parts(config, program), rng, 0)
    expected = program.outputs(config, run(config, program, inputs[0])[-1])
    assert np.array_equal(outputs_of(config, program, found)[0], expected)
    check_errors(outputs)


@testbench(WHOLE["eie"])
async def refused(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Words with addresses that there are not, jobs that can't be done, runs of jobs that were not loaded."""
    await bench.reset()
    program = map_layers(config, [full_layer(config, config.clusters, 3)])
    inputs = rng.integers(-9, 10, (1, 3))
    limits, highest = addresses(config), max(addresses(config).values())
    data = np.ones((1, 8 * config.word_bytes), np.uint8)
    beyond = [words(config, kind, np.array([most]), data) for kind, most in limits.items() if most < highest]
    for word in [*beyond, run_jobs(config, 0, 0), give_lines(config, 1, 0)]:
        _, outputs = await send(bench, config, [clear(config, Clear.ERRORS), word], 0, rng, 0)
        check_errors(outputs, command=1)
    job = program.jobs[0]
    bad = job_word(config, 1, dataclasses.replace(job, destination=job.source))
    _, outputs = await send(bench, config, [clear(config, Clear.ERRORS), bad], 0, rng, 0)
    check_errors(outputs, job=1)
    _, outputs = await send(bench, config, [clear(config, Clear.ERRORS), run_jobs(config, 1, 1)], 0, rng, 0)
    check_errors(outputs, command=1)
    _, outputs = await send(bench, config, [clear(config, Clear.ERRORS)], 0, rng, 0)
    await check(bench, config, program, inputs, rng)


@testbench(WHOLE["eie"])
async def errors_of_clusters(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Pointers that fall, in one cluster after the other; what is cleared, and what is not cleared with it."""
    await bench.reset()
    program = map_layers(config, [full_layer(config, config.clusters, 3)])
    inputs = np.ones((1, 3), int)
    for cluster in range(config.clusters):
        pointers = program.loads[0].pointers.copy()
        pointers[cluster, 0] = pointers[cluster, 1] + 1
        wrong = dataclasses.replace(program, loads=[dataclasses.replace(program.loads[0], pointers=pointers)])
        parts = [clear(config, Clear.COUNTERS), program_words(config, wrong, inputs)]
        _, outputs = await send(bench, config, parts, output_parts(config, program), rng, 0)
        expected = [{"pointers": int(at == cluster), "row": 0, "filler": 0} for at in range(config.clusters)]
        assert outputs["o_errors"]["clusters"] == expected and outputs["o_counters"]["broadcasts"] == 3
        _, outputs = await send(bench, config, [clear(config, Clear.COUNTERS | Clear.SUMS)], 0, rng, 0)
        assert outputs["o_errors"]["clusters"] == expected and outputs["o_counters"]["broadcasts"] == 0
        await send(bench, config, [run_jobs(config, 0, 0)], 0, rng, 0)
        _, outputs = await send(bench, config, [clear(config, Clear.ERRORS)], 0, rng, 0)
        check_errors(outputs)
        assert outputs["o_counters"]["broadcasts"] == 3
    await check(bench, config, program, inputs, rng)


@testbench(WHOLE["eie"])
async def clears(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Sums that were kept are gone once they are cleared, and after reset, even in the middle of a job."""
    await bench.reset()
    program = map_layers(config, [full_layer(config, config.total_rows, config.line_activations)])
    inputs = np.ones((1, program.inputs), int)
    keep = job_word(config, 0, dataclasses.replace(program.jobs[0], keep=True))
    load = {name: values[:-2] for name, values in program_words(config, program, inputs).items()}
    for way in range(5):
        sources = [load, keep, run_jobs(config, 0, 0)]
        if way == 0:
            await send(bench, config, [*sources, clear(config, Clear.SUMS)], 0, rng, 0)
        else:
            some = Source("i_commands", word_values(sources), 0, numbers(rng))
            await play(bench, [some], lambda some=some: some.done)
            for _ in range(3 * way):
                await bench.cycle({"i_commands_valid": 0})
            await bench.reset()
        await check(bench, config, program, inputs, rng)
