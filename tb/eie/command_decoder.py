"""Testbench of what takes words apart."""

import dataclasses
import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.eie.command import Clear, Kind, addresses
from ...hw.eie.config import EieConfig
from ...hw.errors import ConfigError
from ...sim.eie.beats import Words, clear, give_lines, job_word, run_jobs, word_values, words
from ...sim.eie.program import Job, check_jobs
from ..bench import Bench, Source, run
from ..bus.transfers import numbers
from ..cocotb_bench import testbench
from .machine_parts import PARTS
from .random_jobs import any_job

WORKS = (Kind.RUN, Kind.READ, Kind.CLEAR)


def is_possible(config: EieConfig, job: Job) -> bool:
    """Whether the models take a job; one that keeps its sums needs one that doesn't behind it."""
    last = Job(columns=1, source=0, pointers=0, slots=job.slots, destination=1, codebook=0, shift=0)
    try:
        check_jobs(config, [job, last] if job.keep else [job])
    except ConfigError:
        return False
    return True


class Speaker(Source):
    """Words, what the decoder must say of each in the cycle after it took it, and when it takes one."""

    def __init__(self, config: EieConfig, beats: list[dict[str, Any]], rng: random.Random) -> None:
        super().__init__("i_commands", beats, 0.2, rng)
        self.config = config
        self.loaded: set[int] = set()
        self.word: dict[str, Any] | None = None
        self.said: dict[str, int] = dict.fromkeys(["legal", "command", "job"], 0)

    def drive(self) -> dict[str, Any]:
        """The stream, and whether the machine is at work."""
        self.busy = self.rng.random() < 0.2
        return super().drive() | {"i_busy": int(self.busy)}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Compare."""
        word, verdict = self.word, ""
        if word is not None:
            verdict = self.verdict(word)
            self.said[verdict] += 1
            assert (outputs["o_address"], outputs["o_data"]) == (word["address"], number_of(word))
            assert verdict != "legal" or word["kind"] not in WORKS or outputs["o_last"] == number_of(word) & 0xFFFF
        kinds = 1 << word["kind"] if word is not None and verdict == "legal" else 0
        assert outputs["o_kinds"] == kinds, word
        assert (outputs["o_wrong_command"], outputs["o_wrong_job"]) == (verdict == "command", verdict == "job"), word
        waits = word is not None and word["kind"] in WORKS
        assert outputs["i_commands_ready"] == (not self.busy and not waits)
        sent = self.sent
        taken = super().observe(outputs)
        self.word = self.beats[sent] if taken else None
        return taken

    def verdict(self, word: dict[str, Any]) -> str:
        """Whether a word is legal, or which error it is."""
        config, kind, address, number = self.config, Kind(word["kind"]), word["address"], number_of(word)
        last, limits = number & 0xFFFF, {Kind.RUN: config.jobs, Kind.READ: config.activation_lines}
        if address >= addresses(config)[kind] or (kind in limits and not address <= last < limits[kind]):
            return "command"
        if kind == Kind.RUN and not self.loaded.issuperset(range(address, last + 1)):
            return "command"
        if kind != Kind.JOB:
            return "legal"
        self.loaded.discard(address)
        if not is_possible(config, job_of(config, number)):
            return "job"
        self.loaded.add(address)
        return "legal"


def number_of(word: dict[str, Any]) -> int:
    """The data of a word as a number."""
    return int.from_bytes(bytes(word["data"]), "little")


def job_of(config: EieConfig, bits: int) -> Job:
    """The job that a word's data is."""
    fields: dict[str, Any] = {}
    for name, width in config.job_fields.items():
        fields[name], bits = bits & (1 << width) - 1, bits >> width
    return Job(**fields | {"relu": bool(fields["relu"]), "keep": bool(fields["keep"])})


def any_word(config: EieConfig, rng: np.random.Generator, kind: Kind) -> Words:
    """A word of a kind, often a legal one."""
    most = addresses(config)[kind]
    highest = (1 << (max(addresses(config).values()) - 1).bit_length()) - 1
    address = int(
        rng.choice([0, most - 1, int(rng.integers(most)), min(most, highest), highest], p=[0.2, 0.2, 0.4, 0.1, 0.1])
    )
    if kind in (Kind.RUN, Kind.READ):
        last = int(rng.choice([address, most - 1, most, int(rng.integers(most)), most + int(rng.integers(1 << 14))]))
        return {Kind.RUN: run_jobs, Kind.READ: give_lines}[kind](config, address, last)
    if kind == Kind.CLEAR:
        return clear(config, Clear(int(rng.integers(8))))
    if kind != Kind.JOB:
        return words(config, kind, np.array([address]), rng.integers(0, 2, (1, 8 * config.word_bytes), np.uint8))
    job = any_job(config, rng)
    if rng.integers(2):
        name = str(rng.choice(list(config.job_fields)))
        drawn: Any = int(rng.integers(1 << config.job_fields[name]))
        job = dataclasses.replace(job, **{name: drawn})
    return job_word(config, address, job)


@testbench(PARTS["command_decoder"])
async def any_words(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Words of all kinds, legal and not, while the machine works now and then; jobs with any one field wrong."""
    await bench.reset()
    kinds = rng.choice(list(Kind), 600, p=np.array([1, 1, 1, 1, 8, 6, 3, 1]) / 22)
    beats = word_values(any_word(config, rng, Kind(int(kind))) for kind in kinds)
    actor = Speaker(config, beats, numbers(rng))
    await run(bench, [actor], lambda: actor.done and actor.word is None)
    assert min(actor.said.values()) > 5


@testbench(PARTS["command_decoder"])
async def limits_of_jobs(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Each rule of a job, at its limit and one beyond it."""
    lines, rows = config.activation_lines, config.readout_rows
    most = min(config.pointers - 1, (lines - 1) * config.line_activations)
    one = Job(columns=1, source=0, pointers=0, slots=1, destination=1, codebook=0, shift=0)
    up = -(-config.rows // rows)
    changes: list[dict[str, Any]] = [
        *({"columns": columns, "destination": lines - 1} for columns in (0, 1, most)),
        *({"columns": config.pointers - 1 - at, "pointers": at, "keep": True} for at in (0, 2, 3)),
        *({"columns": config.pointers - at, "pointers": at, "keep": True} for at in (1, 2)),
        *({"source": lines - 1 - at, "columns": config.line_activations + 1, "keep": True} for at in (0, 1)),
        *({"source": lines - 1, "destination": 0, "columns": config.line_activations + at} for at in (0, 1)),
        *({"slots": slots} for slots in (0, config.rows, config.rows + 1)),
        *({"slots": config.rows, "destination": lines - up + at} for at in (0, 1)),
        *({"slots": rows * 2, "source": 4, "destination": at} for at in (1, 2, 3, 4, 5)),
        *({"slots": rows * 2, "source": 2**at + 1, "destination": 2**at} for at in range(1, (lines - 3).bit_length())),
        *({"slots": 1, "source": 1, "columns": config.line_activations + 1, "destination": at} for at in (0, 1, 2, 3)),
        *({"slots": 1, "destination": 0, "keep": keep} for keep in (False, True)),
        *({"codebook": config.codebooks - at} for at in (1, 0)),
        *({"shift": config.psum_bits - at} for at in (1, 0)),
    ]
    jobs = [dataclasses.replace(one, **change) for change in changes]
    fits = [job for job in jobs if all(getattr(job, name) < 1 << width for name, width in config.job_fields.items())]
    beats = word_values(job_word(config, number % config.jobs, job) for number, job in enumerate(fits))
    actor = Speaker(config, beats, numbers(rng))
    await bench.reset()
    await run(bench, [actor], lambda: actor.done and actor.word is None)
    assert actor.said["command"] == 0 and min(actor.said["legal"], actor.said["job"]) > 8
