"""A recorded run of a small SNAP core, cycle by cycle: what its PEs, streams and sums do."""

import math
import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...hw.config import check
from ...hw.errors import ConfigError
from ...hw.snap.config import SnapConfig
from ...hw.snap.core import SnapCore
from ...hw.snap.list_layouts import AimMode
from ...sim.golden.geometry import ConvolutionGeometry
from ...sim.snap.beats import beat_values, program_inputs, program_outputs
from ...sim.snap.cycles import WAITS, simulate_core
from ...tb.amaranth_bench import simulate
from ...tb.bench import Bench, Sink, Source, run
from ...tb.waves import read_samples
from ..jobs import Job
from .program import SnapProgram, map_job

__all__ = ["MOST_CYCLES", "MOST_PES", "explore"]

MOST_PES, MOST_CYCLES = 24, 1500
"""That a page can show, and a reader step through."""

LATE = 2
"""Cycles after a grant in which its list is written, counted from the granted one."""


def explore(config: SnapConfig, job: Job) -> dict[str, Any]:
    """Simulate a job on Amaranth's simulator, and say what each PE does; see `Engine.explore`.

    Raises
    ------
    ConfigError
        If the core has too many PEs or is ``pipelined``, or the job takes too many cycles.
    """
    check("core_rows", config.pes <= MOST_PES, f"such that there are at most {MOST_PES} PEs", config.core_rows)
    check("pipelined", not config.pipelined, "false: stages would be shown apart", config.pipelined)
    _check_work(config, job)
    program = map_job(config, job)
    cycles = simulate_core(config, program.core).cycles
    check("cycles of the job", cycles is not None and cycles <= MOST_CYCLES, f"at most {MOST_CYCLES:,}", cycles)
    samples = _simulate(config, program)
    begin = next(n for n, now in enumerate(samples) if any(now[f"{name}__valid"] for name in _inputs(config)))
    steps = [_step(config, samples, begin + n) for n in range(cycles or 0)]
    return {
        "rows": config.core_rows,
        "columns": config.core_columns,
        "labels": {"left": "activations", "top": "weights", "out": "sums"},
        "outputs": [f"port {port}" for port in range(config.ports)],
        "steps": steps,
    }


def _check_work(config: SnapConfig, job: Job) -> None:
    """Refuse at once what would take many times too long: mapping it alone takes minutes."""
    sizes: tuple[int, ...] = len(job.a), *job.b.shape
    if job.convolution is not None:
        geometry = ConvolutionGeometry.of(job.a.shape, job.b.shape, **job.convolution, names=job.names)
        sizes = geometry.groups, *geometry.product
    pairs = math.prod(sizes) * np.count_nonzero(job.a) / job.a.size * np.count_nonzero(job.b) / job.b.size
    cycles = pairs / config.multipliers  # if zeros lie anywhere, and nothing waits
    if cycles > 10 * MOST_CYCLES:
        raise ConfigError(f"cycles of the job must be at most {MOST_CYCLES:,}, not about {cycles:,.0f} or more")


def _inputs(config: SnapConfig) -> list[str]:
    return [f"i_weights__{c}" for c in range(config.core_columns)] + [
        f"i_activations__{r}" for r in range(config.core_rows)
    ]


def _simulate(config: SnapConfig, program: SnapProgram) -> list[dict[str, int]]:
    """Samples of all cycles after reset; streams don't pause, and sums are taken at once."""
    rng = random.Random(1)
    streams = {name: beat_values(fields) for name, fields in program_inputs(program.core).items()}
    counts = program_outputs(config, program.core)

    async def play(bench: Bench) -> None:
        sinks = [Sink(name, count, 0, rng) for name, count in counts.items()]
        sources = [Source(name, beats, 0, rng) for name, beats in streams.items()]
        await run(bench, [*sources, *sinks], lambda: all(one.done for one in (*sources, *sinks)))
        for _ in range(LATE + 1):
            await bench.cycle()

    names: set[str] = set()
    for stream in _inputs(config):
        names |= {f"{stream}__valid", f"{stream}__ready", f"{stream}__payload.count", f"{stream}__payload.mask"}
        names |= {f"{stream}__payload.entries[{n}].{f}" for n in range(config.beat_entries) for f in ("value", "index")}
    for port in range(config.ports):
        names |= {f"o_sums__{port}__{field}" for field in ("valid", "ready", "payload.value", "payload.slot")}
    for row in range(config.core_rows):
        for column in range(config.core_columns):
            path = _path(row, column)
            names |= {path + name for name in ("reason", "list_queue.o_count", "list_queue.i_end", "requester.i_grant")}
            names |= {path + name for name in ("requester.o_mode", "list_queue.i_write", "list_queue.i_both")}
            names |= {f"{path}list_queue.i_matches[{number}].valid" for number in range(2)}
            for lane in range(config.pe_multipliers):
                names |= {f"{path}multiply_add.i_pairs[{lane}].{field}" for field in ("valid", "slot", "bank")}
                names |= {f"{path}multiply_add.i_{name}__{lane}" for name in ("weights", "activations", "slots")}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "waves.vcd"
        simulate(SnapCore(config), play, vcd=path)
        return read_samples(path, names)


def _path(row: int, column: int) -> str:
    return f"row_{row}.pe_{column}."


def _step(config: SnapConfig, samples: Sequence[Mapping[str, int]], cycle: int) -> dict[str, Any]:
    now, after = samples[cycle], samples[cycle + 1]
    rows, columns = range(config.core_rows), range(config.core_columns)
    return {
        "left": [_beat(config, now, f"i_activations__{row}") for row in rows],
        "top": [_beat(config, now, f"i_weights__{column}") for column in columns],
        "cells": [[_pe(config, now, after, _path(row, column)) for column in columns] for row in rows],
        "out": [_sum(config, now, port) for port in range(config.ports)],
    }


def _beat(config: SnapConfig, now: Mapping[str, int], stream: str) -> str:
    """Values of the beat that is offered, each with its channel, and whether it waits."""
    if not now[f"{stream}__valid"]:
        return ""
    entries = [
        f"{_signed(now[f'{stream}__payload.entries[{n}].value'], config.data_bits)} of c"
        f"{now[f'{stream}__payload.entries[{n}].index']}"
        for n in range(now[f"{stream}__payload.count"])
    ]
    text = ", ".join(entries) or "empty"
    return text if now[f"{stream}__ready"] else f"{text} (waits)"


def _pe(config: SnapConfig, now: Mapping[str, int], after: Mapping[str, int], path: str) -> dict[str, Any]:
    """State, lists and pairs; the pairs of a cycle are at the multipliers in the one after."""
    reason = now[f"{path}reason"]
    lines = []
    if now[f"{path}requester.i_grant"]:
        lines.append(f"AIM: {AimMode(now[f'{path}requester.o_mode']).name.lower()}")
    if now[f"{path}list_queue.i_write"] and now[f"{path}list_queue.i_end"]:
        found = [
            now[f"{path}list_queue.i_matches[{number}].valid"].bit_count()
            for number in range(1 + now[f"{path}list_queue.i_both"])
        ]
        lines += [f"list of {count}" for count in found]
    pairs = []
    for lane in range(config.pe_multipliers):
        arithmetic = f"{path}multiply_add."
        if not after[f"{arithmetic}i_pairs[{lane}].valid"]:
            continue
        a, w = (
            _signed(after[f"{arithmetic}i_{name}__{lane}"], config.data_bits) for name in ("activations", "weights")
        )
        slot = after[f"{arithmetic}i_pairs[{lane}].slot"] + after[f"{arithmetic}i_slots__{lane}"]
        bank = after[f"{arithmetic}i_pairs[{lane}].bank"]
        pairs.append([a, w, bank, slot % config.psum_slots])
    return {
        "state": WAITS[reason.bit_length() - 1],
        "queue": now[f"{path}list_queue.o_count"],
        "lines": lines + [f"{a} x {w} to {'ab'[bank]}{slot}" for a, w, bank, slot in pairs],
        "pairs": pairs,
    }


def _sum(config: SnapConfig, now: Mapping[str, int], port: int) -> str:
    name = f"o_sums__{port}__"
    if not now[f"{name}valid"]:
        return ""
    text = f"{_signed(now[f'{name}payload.value'], config.psum_bits)} (slot {now[f'{name}payload.slot']})"
    return text if now[f"{name}ready"] else f"{text} waits"


def _signed(bits: int, width: int) -> int:
    """The number that the lowest bits are."""
    return ((bits & (1 << width) - 1) ^ 1 << width - 1) - (1 << width - 1)
