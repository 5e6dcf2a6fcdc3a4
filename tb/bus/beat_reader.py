"""Testbench of the reader of beats."""

import random

import numpy as np

from ...hw.bus.config import PortConfig
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .beat_loader import as_job, beats_asked, jobs_of_bits
from .beat_memory import BeatMemory
from .parts import PARTS


@testbench(PARTS["beat_reader"])
async def random_jobs(bench: Bench, config: tuple[PortConfig, int, int], rng: np.random.Generator) -> None:
    """The beats of all jobs in order, whoever stalls; no more is asked for than there is room for."""
    some = random.Random(int(rng.integers(1 << 32)))
    port, depth, passes_bits = config
    for requests, silence, beats, after_valid in (
        (0, 0, 0, False),
        (0.6, 0, 0, True),
        (0, 0.6, 0, False),
        (0, 0, 0.8, True),
        (0.3, 0.3, 0.3, False),
    ):
        jobs = [
            {
                "address": some.randrange((1 << port.beat_address_bits) - 15),
                "beats": some.choice([0, 1, some.randint(2, 15)]), "passes": passes,
            }
            for passes in (1, 1, 3 if passes_bits else 1, 1, 1, 2 if passes_bits else 1)
        ]  # fmt: skip
        wanted = [
            address
            for job in jobs
            for _ in range(job["passes"])
            for address in range(job["address"], job["address"] + job["beats"])
        ]
        rows = {address: some.getrandbits(port.data_bits) for address in wanted}
        memory = BeatMemory(port, rows, requests, silence, some)
        sink = Sink("o_beats", len(wanted), beats, some, after_valid=after_valid)
        source = Source("i_jobs", [as_job(config, **job) for job in jobs], requests, some)

        def finished(source: Source = source, sink: Sink = sink, memory: BeatMemory = memory) -> bool:
            assert len(memory.asked) - len(sink.beats) <= depth
            return source.done and sink.done

        await run(bench, [source, memory, sink], finished)
        assert sink.beats == [rows[address] for address in wanted]


@testbench(PARTS["beat_reader"])
async def latency(bench: Bench, config: tuple[PortConfig, int, int], rng: np.random.Generator) -> None:
    """A beat that comes in cycle t is offered in t + 2; as many as there is room for wait, and none is lost."""
    port, depth, _ = config
    await bench.cycle({"i_jobs_valid": 0, "o_requests_ready": 1, "o_beats_ready": 0, "i_valid": 0})
    job = as_job(config, address=port.max_burst, beats=min(depth, 15), passes=1)
    asked, given, offered = 0, [], []
    for cycle in range(60):
        gives = asked > len(given)
        inputs = {"i_jobs_valid": int(cycle < 1), "i_jobs_payload": job, "i_valid": int(gives), "i_data": cycle}
        outputs = await bench.cycle(inputs)
        given += [cycle] * gives
        asked += outputs["o_requests_valid"] * outputs["o_requests_payload"]["beats"]
        offered += [cycle] * outputs["o_beats_valid"]
    assert len(given) == min(depth, 15) and offered[0] == given[0] + 2
    await bench.cycle({"i_valid": 0})
    taken = []
    for _ in range(len(given)):
        outputs = await bench.cycle({"o_beats_ready": 1})
        assert outputs["o_beats_valid"]
        taken.append(outputs["o_beats_payload"])
    assert taken == given and not (await bench.cycle())["o_beats_valid"]


@testbench(PARTS["beat_reader"])
async def exact_room(bench: Bench, config: tuple[PortConfig, int, int], rng: np.random.Generator) -> None:
    """Nothing is asked for beyond the room that there is, as long as no beat is taken; each that is makes room for one.

    So all beats of a job that is much longer come, a beat a cycle once they do.
    """
    port, depth, _ = config
    most, jobs = (1 << port.beats_bits) - 1, -(-3 * depth // ((1 << port.beats_bits) - 1))
    idle = {"i_jobs_valid": 0, "o_requests_ready": 1, "o_beats_ready": 0, "i_valid": 0}
    job, left = as_job(config, address=port.max_burst, beats=min(most, 3 * depth), passes=1), jobs
    asked = given = 0
    taken: list[int] = []
    for cycle in range(2 * depth + 40 + 8 * jobs * job["beats"]):
        begins = cycle > 2 * depth + 40
        gives = asked > given
        inputs = {"i_jobs_valid": int(left > 0), "i_jobs_payload": job, "i_valid": int(gives), "i_data": given & 255}
        outputs = await bench.cycle(idle | inputs | {"o_beats_ready": int(begins)})
        given += gives
        left -= bool(left and outputs["i_jobs_ready"])
        asked += outputs["o_requests_valid"] * outputs["o_requests_payload"]["beats"]
        taken += [outputs["o_beats_payload"]] * (begins and outputs["o_beats_valid"])
        assert asked - len(taken) <= depth, "more than there is room for"
        assert begins or cycle < 2 * depth + 30 or asked == given > depth - port.max_burst
        if len(taken) == jobs * job["beats"]:
            break
    assert taken == [number & 255 for number in range(jobs * job["beats"])]


@testbench(PARTS["beat_reader"])
async def long_jobs(bench: Bench, config: tuple[PortConfig, int, int], rng: np.random.Generator) -> None:
    """No other job is taken while one has beats or passes left, however many; what there is room for is asked for."""
    port, depth, _ = config
    await bench.cycle({"i_jobs_valid": 0, "o_beats_ready": 0, "i_valid": 0})
    for job, total in jobs_of_bits(bench, config):
        await bench.reset()
        asked = await beats_asked(bench, job, total, 3 * depth + 6)
        assert asked == total or depth >= asked > depth - port.max_burst
