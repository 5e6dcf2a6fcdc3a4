"""Testbench of the reader."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.bus.config import PortConfig
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .memory import ReadMemory, Stalls, all_bursts, first_error, word
from .parts import PARTS
from .transfers import anywhere, lengths, most_bursts, numbers, with_errors, with_resets

IDLE = {"i_requests_valid": 0, "m_axi_rvalid": 0, "i_clear": 0}


class Beats(Sink):
    """Takes beats; whoever takes the last one of a burst that failed already sees an error."""

    def __init__(self, failing: set[int], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.failing = failing

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Whether a beat came."""
        came = super().observe(outputs)
        if came and len(self.beats) - 1 in self.failing:
            assert outputs["o_error"]["valid"] == 1
        return came


async def read(
    bench: Bench,
    config: PortConfig,
    stalls: Stalls,
    rng: random.Random,
    *,
    requests: list[dict[str, int]],
    errors: Mapping[int, int] | None = None,
    stop_after: float = float("inf"),
) -> ReadMemory:
    """Carry out requests and compare all beats; the error at the end is that of the first burst that failed."""
    errors = errors or {}
    bursts = all_bursts(config, requests)
    rows = [row for burst in bursts for row in burst.rows]
    lasts = [burst.final and row == burst.rows[-1] for burst in bursts for row in burst.rows]
    ends = np.cumsum([burst.beats for burst in bursts]) - 1
    failing = {int(end) for end, burst in zip(ends, bursts, strict=True) if errors.keys() & set(burst.rows)}
    memory = ReadMemory(config, stalls, rng, errors)
    source = Source("i_requests", requests, stalls.address, rng)
    sink = Beats(failing, "o_beats", len(rows), stalls.data, rng, after_valid=stalls.after_valid)
    start = bench.cycles
    await run(
        bench,
        [source, memory, sink],
        lambda: (source.done and sink.done) or bench.cycles - start >= stop_after,
        watchdog=300,
    )
    got = [(beat["data"], bool(beat["last"])) for beat in sink.beats]
    wanted = [(word(row, config.data_bits), last) for row, last in zip(rows, lasts, strict=True)]
    assert got == wanted[: len(got)]
    if stop_after == float("inf"):
        assert memory.asked == [(burst.address, burst.beats) for burst in bursts]
        outputs = await bench.cycle(IDLE)
        outputs = await bench.cycle(IDLE)  # a request of no beats may have been the last
        assert outputs["o_idle"] == 1 and not outputs["m_axi_arvalid"] and not outputs["o_beats_valid"]
        wanted_error = first_error(config, bursts, errors)
        assert wanted_error.items() <= outputs["o_error"].items()
    return memory


@testbench(PARTS["reader"])
async def random_reads(bench: Bench, config: PortConfig, rng: np.random.Generator) -> None:
    """Requests anywhere, with stalls on each channel alone, on all, and none."""
    await anywhere(read, IDLE, bench, config, rng)


@testbench(PARTS["reader"])
async def most_reads(bench: Bench, config: PortConfig, rng: np.random.Generator) -> None:
    """As many bursts as may be outstanding and have room, and no more."""
    await most_bursts(read, IDLE, bench, config, rng, count=min(config.outstanding, config.fifo_depth))


@testbench(PARTS["reader"])
async def errors_while_reading(bench: Bench, config: PortConfig, rng: np.random.Generator) -> None:
    """Beats of some bursts fail; the first is reported until it is cleared, and all beats come nevertheless."""
    await with_errors(read, IDLE, bench, config, rng)


@testbench(PARTS["reader"])
async def reset_while_reading(bench: Bench, config: PortConfig, rng: np.random.Generator) -> None:
    """Reset at any time leaves nothing behind."""
    await with_resets(read, IDLE, bench, config, rng)


@testbench(PARTS["reader"])
async def all_lengths(bench: Bench, config: PortConfig, rng: np.random.Generator) -> None:
    """Requests of as many beats as each power of two begin as they must."""
    await lengths("ar", IDLE, bench, config)


@testbench({"reader_usual": PARTS["reader"]["reader_usual"]})
async def latency_of_reads(bench: Bench, config: PortConfig, rng: np.random.Generator) -> None:
    """Address two cycles after the request, data two cycles after they came, then a beat a cycle."""
    beats, latency = 64, 3
    memory, times = ReadMemory(config, Stalls(latency=latency), numbers(rng)), []
    for cycle in range(beats + 10):
        request = {"i_requests_valid": int(cycle == 0), "i_requests_payload": {"address": 0, "beats": beats}}
        outputs = await bench.cycle(IDLE | request | memory.drive() | {"o_beats_ready": 1})
        memory.observe(outputs)
        assert cycle > 2 or outputs["m_axi_arvalid"] == (cycle == 2)
        times += [cycle] * outputs["o_beats_valid"]
    assert times == list(range(2 + latency + 2, 2 + latency + 2 + beats))
