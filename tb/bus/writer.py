"""Testbench of the writer."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.bus.config import PortConfig
from ..bench import Bench, Source, run
from ..cocotb_bench import testbench
from .memory import Stalls, WriteMemory, all_bursts, first_error
from .parts import PARTS
from .transfers import anywhere, lengths, most_bursts, numbers, with_errors, with_resets

IDLE = {"i_requests_valid": 0, "i_beats_valid": 0, "m_axi_bvalid": 0, "i_clear": 0}


class PatientMemory(WriteMemory):
    """A memory that sees that no burst is asked for before all its beats were taken.

    Parameters
    ----------
    beats
        Where they come from.
    """

    def __init__(
        self, config: PortConfig, stalls: Stalls, rng: random.Random, errors: Mapping[int, int], beats: Source
    ) -> None:
        super().__init__(config, stalls, rng, errors)
        self.beats, self._begun = beats, 0

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Count both."""
        before = len(self.asked)
        moved = super().observe(outputs)
        self._begun += sum(beats for _, beats in self.asked[before:])
        assert self._begun <= self.beats.sent
        return moved


class Done:
    """Counts requests that are done: none before memory has answered for all its bursts.

    Parameters
    ----------
    bursts
        How many bursts each request and those before it have.
    failing
        Requests after which an error is seen.
    """

    def __init__(self, memory: WriteMemory, bursts: list[int], failing: set[int]) -> None:
        self.memory, self.bursts, self.failing, self.count, self._before = memory, bursts, failing, 0, 0

    def drive(self) -> dict[str, Any]:
        """Remember what was answered before this cycle."""
        self._before = self.memory.answered
        return {}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Whether one was done."""
        if outputs["o_done"]:
            assert self.count < len(self.bursts) and self._before == self.bursts[self.count]
            assert self.count not in self.failing or outputs["o_error"]["valid"] == 1
            self.count += 1
        return bool(outputs["o_done"])


def random_beats(config: PortConfig, count: int, rng: random.Random) -> list[dict[str, int]]:
    """Data, and if there are strobes, some of no bytes, all bytes, any."""
    beats = []
    for _ in range(count):
        beat = {"data": rng.getrandbits(config.data_bits)}
        if config.strobes:
            beat["strobe"] = rng.choice([0, (1 << config.bytes) - 1, rng.getrandbits(config.bytes)])
        beats.append(beat)
    return beats


async def write(
    bench: Bench,
    config: PortConfig,
    stalls: Stalls,
    rng: random.Random,
    *,
    requests: list[dict[str, int]],
    errors: Mapping[int, int] | None = None,
    stop_after: float = float("inf"),
) -> WriteMemory:
    """Carry out requests, compare what memory holds, and when each is done."""
    errors = errors or {}
    cuts = [all_bursts(config, [request]) for request in requests if request["beats"]]
    bursts = [burst for cut in cuts for burst in cut]
    rows = [row for burst in bursts for row in burst.rows]
    beats = random_beats(config, len(rows), rng)
    wanted: dict[int, int] = {}
    for row, beat in zip(rows, beats, strict=True):
        for byte in range(config.bytes):
            if beat.get("strobe", -1) >> byte & 1:
                wanted[row * config.bytes + byte] = beat["data"] >> 8 * byte & 255
    failed = [any(errors.keys() & set(burst.rows) for burst in cut) for cut in cuts]
    failing = {number for number in range(len(cuts)) if any(failed[: number + 1])}
    requests_in = Source("i_requests", requests, stalls.address, rng)
    beats_in = Source("i_beats", beats, rng.choice([0, stalls.answer, 0.7]), rng)
    memory = PatientMemory(config, stalls, rng, errors, beats_in)
    done = Done(memory, np.cumsum([len(cut) for cut in cuts]).tolist(), failing)
    start = bench.cycles
    await run(
        bench,
        [done, requests_in, beats_in, memory],
        lambda: (requests_in.done and done.count == len(cuts)) or bench.cycles - start >= stop_after,
        watchdog=300,
    )
    if stop_after == float("inf"):
        assert memory.done and memory.written == wanted
        assert memory.asked == [(burst.address, burst.beats) for burst in bursts]
        await bench.cycle(IDLE)
        outputs = await bench.cycle(IDLE)
        assert outputs["o_idle"] == 1 and not outputs["m_axi_awvalid"] and not outputs["m_axi_wvalid"]
        assert first_error(config, bursts, errors).items() <= outputs["o_error"].items()
    return memory


@testbench(PARTS["writer"])
async def random_writes(bench: Bench, config: PortConfig, rng: np.random.Generator) -> None:
    """Requests anywhere, with stalls on each channel alone, on all, and none."""
    await anywhere(write, IDLE, bench, config, rng)


@testbench(PARTS["writer"])
async def most_writes(bench: Bench, config: PortConfig, rng: np.random.Generator) -> None:
    """As many bursts as may be outstanding, and no more."""
    await most_bursts(write, IDLE, bench, config, rng, count=config.outstanding)


@testbench(PARTS["writer"])
async def errors_while_writing(bench: Bench, config: PortConfig, rng: np.random.Generator) -> None:
    """Some bursts fail; the first is reported until it is cleared, and everything is written nevertheless."""
    await with_errors(write, IDLE, bench, config, rng)


@testbench(PARTS["writer"])
async def reset_while_writing(bench: Bench, config: PortConfig, rng: np.random.Generator) -> None:
    """Reset at any time leaves nothing behind."""
    await with_resets(write, IDLE, bench, config, rng)


@testbench(PARTS["writer"])
async def all_lengths(bench: Bench, config: PortConfig, rng: np.random.Generator) -> None:
    """Requests of as many beats as each power of two begin as they must."""
    await lengths("aw", IDLE, bench, config)


@testbench({"writer_usual": PARTS["writer"]["writer_usual"]})
async def latency_of_writes(bench: Bench, config: PortConfig, rng: np.random.Generator) -> None:
    """Address and first beat two cycles after the burst's last beat was taken, then a beat a cycle; done after that."""
    count, burst, latency = max(64, config.max_burst), config.max_burst, 3
    some = numbers(rng)
    memory, beats = WriteMemory(config, Stalls(latency=latency), some), random_beats(config, count, some)
    addresses, data, done = [], [], []
    for cycle in range(count + burst + 40):
        inputs: dict[str, Any] = {"i_requests_valid": int(cycle == 0), "i_beats_valid": int(cycle < count)}
        inputs |= {"i_requests_payload": {"address": 0, "beats": count}, "i_beats_payload": beats[cycle % count]}
        outputs = await bench.cycle(IDLE | inputs | memory.drive())
        memory.observe(outputs)
        assert cycle >= count or outputs["i_beats_ready"]
        addresses += [cycle] * outputs["m_axi_awvalid"]
        data += [cycle] * outputs["m_axi_wvalid"]
        done += [cycle] * outputs["o_done"]
    assert addresses == [burst - 1 + 2 + burst * number for number in range(count // burst)]
    assert data == list(range(addresses[0], addresses[0] + count))
    assert done == [data[-1] + latency + 1]
