"""Testbench of the splitter of requests into bursts."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .memory import cut_into_bursts
from .parts import PARTS
from .transfers import numbers

Config = tuple[int, int, int]

STALLS = ((0, 0), (0.7, 0), (0, 0.7), (0.4, 0.4))
"""Of requests, of who takes the bursts."""


def cut(config: Config, address: int, beats: int) -> list[dict[str, int]]:
    """Payloads of the bursts of a request."""
    address_bits, _, most = config
    return [dataclasses.asdict(burst) for burst in cut_into_bursts(address_bits, most, address, beats)]


class Idle:
    """There is something left as long as bursts of what was taken have not come out."""

    def __init__(self, config: Config, requests: Source, bursts: Sink) -> None:
        self.requests, self.bursts, self.counts = requests, bursts, [0]
        for request in requests.beats:
            self.counts.append(self.counts[-1] + len(cut(config, request["address"], request["beats"])))

    def drive(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Compare, before the others see this cycle."""
        assert outputs["o_idle"] == (self.counts[self.requests.sent] == len(self.bursts.beats))
        return False


@testbench(PARTS["burst_splitter"])
async def random_requests(bench: Bench, config: Config, rng: np.random.Generator) -> None:
    """Requests anywhere, of any length, none too, around borders and the end of all addresses; whoever stalls."""
    some = numbers(rng)
    address_bits, beats_bits, most = config
    longest = (1 << beats_bits) - 1
    for number in range(12):
        requests = []
        for _ in range(12):
            near = some.choice([0, some.getrandbits(address_bits) // most * most, some.getrandbits(address_bits)])
            address = (near + some.randint(-2, 2)) % (1 << address_bits)
            beats = some.choice([0, 1, most, most + 1, some.randint(1, 6 * most), 1 << some.randrange(beats_bits)])
            requests.append({"address": address, "beats": min(beats, longest, 20 * most)})
        wanted = [burst for request in requests for burst in cut(config, **request)]
        stalls = STALLS[number % len(STALLS)]
        source = Source("i_requests", requests, stalls[0], some)
        sink = Sink("o_bursts", len(wanted), stalls[1], some, after_valid=number % 3 == 2)
        idle = Idle(config, source, sink)
        await run(bench, [idle, source, sink], lambda source=source, sink=sink: source.done and sink.done)
        assert sink.beats == wanted
        outputs = await bench.cycle({"i_requests_valid": 0, "o_bursts_ready": some.randrange(2)})
        assert outputs["o_idle"] and not outputs["o_bursts_valid"]


@testbench(PARTS["burst_splitter"])
async def long_requests(bench: Bench, config: Config, rng: np.random.Generator) -> None:
    """The first bursts, one a cycle, two cycles after a request whose length has a high bit, or all; then a reset."""
    some = numbers(rng)
    address_bits, beats_bits, most = config
    for length in [*(1 << bit for bit in range(beats_bits)), (1 << beats_bits) - 1]:
        for more in (0, some.randrange(2 * most)):
            address = some.choice([(1 << some.randrange(address_bits)) - 1, some.getrandbits(address_bits)])
            request = {"address": address, "beats": min(length + more, (1 << beats_bits) - 1)}
            wanted, idle = cut(config, address, min(request["beats"], 8 * most)), {"i_requests_valid": 0}
            whole = request["beats"] <= 8 * most
            ready = {"i_requests_valid": 1, "i_requests_payload": request, "o_bursts_ready": 1}
            assert (await bench.cycle(ready))["i_requests_ready"]
            for number, burst in enumerate([None, *(wanted if whole else wanted[:6])]):
                outputs = await bench.cycle(idle)
                assert not outputs["o_idle"] and outputs["o_bursts_valid"] == (number > 0)
                assert number == 0 or outputs["o_bursts_payload"] == burst
                assert outputs["i_requests_ready"] == (whole and number >= len(wanted) - 1)
            if whole:
                outputs = await bench.cycle(idle)
                assert outputs["o_idle"] and not outputs["o_bursts_valid"]
            else:
                assert not (await bench.cycle(idle | {"o_bursts_ready": 0}))["i_requests_ready"]
                await bench.reset()


@testbench(PARTS["burst_splitter"])
async def whole_requests(bench: Bench, config: Config, rng: np.random.Generator) -> None:
    """All bursts of the longest request, and of some that are a bit and a little more than a burst long."""
    some = numbers(rng)
    address_bits, beats_bits, most = config
    longest = (1 << beats_bits) - 1
    for length in (longest, *((1 << bit) + most + some.randrange(most) for bit in range(beats_bits))):
        request = {"address": some.getrandbits(address_bits) // most * most, "beats": min(length, longest)}
        wanted = cut(config, **request)
        sink = Sink("o_bursts", len(wanted), 0, some)
        await run(bench, [Source("i_requests", [request], 0, some), sink], lambda sink=sink: sink.done)
        assert sink.beats == wanted
        assert (await bench.cycle({"i_requests_valid": 0}))["o_idle"]


@testbench(PARTS["burst_splitter"])
async def back_to_back(bench: Bench, config: Config, rng: np.random.Generator) -> None:
    """A burst a cycle also from one request to the next."""
    some = numbers(rng)
    address_bits, beats_bits, most = config
    bound = min(3 * most, (1 << beats_bits) - 1)
    requests = [{"address": some.getrandbits(address_bits), "beats": some.randint(1, bound)} for _ in range(20)]
    bursts = sum(len(cut(config, **request)) for request in requests)
    source, sink = Source("i_requests", requests, 0, some), Sink("o_bursts", bursts, 0, some)
    start = bench.cycles
    await run(bench, [source, sink], lambda: sink.done)
    assert bench.cycles - start == bursts + 2
    await bench.cycle({"i_requests_valid": 0})
