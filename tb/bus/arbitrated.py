"""Testbench of the read arbiter before a reader."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.bus.config import PortConfig
from ..bench import Bench, Source, run
from ..cocotb_bench import testbench
from .memory import STALLS, ReadMemory, Stalls, all_bursts, random_requests, word
from .parts import PARTS
from .transfers import numbers

Arbiter = tuple[PortConfig, int]


class Clients:
    """Take beats at once, and compare them with what they asked for.

    Attributes
    ----------
    order
        Which client each beat was for.
    """

    def __init__(self, config: PortConfig, requests: list[list[dict[str, int]]]) -> None:
        self.left = [
            [
                (word(row, config.data_bits), int(burst.final and row == burst.rows[-1]))
                for burst in all_bursts(config, asked)
                for row in burst.rows
            ]
            for asked in requests
        ]
        self.order: list[int] = []

    @property
    def done(self) -> bool:
        """All beats came."""
        return not any(self.left)

    def drive(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Whether a beat came."""
        valid, beat = outputs["o_valid"], outputs["o_beat"]
        if valid:
            client = valid.bit_length() - 1
            assert valid == 1 << client, "a beat is for one client"
            assert self.left[client], f"client {client} asked for no more"
            assert (beat["data"], beat["last"]) == self.left[client].pop(0)
            self.order.append(client)
        return bool(valid)


async def read(
    bench: Bench, config: Arbiter, stalls: Stalls, rng: random.Random, requests: list[list[dict[str, int]]], idle: float
) -> Clients:
    """Carry out requests by client and compare all beats."""
    port, _ = config
    memory, clients = ReadMemory(port, stalls, rng), Clients(port, requests)
    sources = [Source(f"i_requests_{client}", asked, idle, rng) for client, asked in enumerate(requests)]
    await run(bench, [*sources, memory, clients], lambda: clients.done and all(source.done for source in sources))
    for _ in range(6):  # requests of no beats may have been the last
        outputs = await bench.cycle({"m_axi_rvalid": 0})
        assert outputs["o_idle"] and not outputs["o_valid"] and not outputs["m_axi_arvalid"]
    return clients


@testbench(PARTS["arbitrated"])
async def random_reads(bench: Bench, config: Arbiter, rng: np.random.Generator) -> None:
    """Requests anywhere, of no beats too, with stalls of each kind; clients that ask often and seldom."""
    some = numbers(rng)
    for stalls in STALLS:
        requests = [random_requests(config[0], some, some.randint(0, 6)) for _ in range(config[1])]
        await read(bench, config, stalls, some, requests, some.choice([0, 0.5, 0.95]))
        await bench.cycle({f"i_requests_{client}_valid": 0 for client in range(config[1])})


@testbench(PARTS["arbitrated"])
async def in_turn(bench: Bench, config: Arbiter, rng: np.random.Generator) -> None:
    """Clients that always ask are served one after the other, and one that stops leaves its turns to the others."""
    count = config[1]
    asked = [6 if client else 2 for client in range(count)]
    requests = [[{"address": client, "beats": 1}] * times for client, times in enumerate(asked)]
    clients = await read(bench, config, Stalls(), numbers(rng), requests, 0)
    assert clients.order == [client for turn in range(6) for client in range(count) if turn < asked[client]]


@testbench(PARTS["arbitrated"])
async def resets(bench: Bench, config: Arbiter, rng: np.random.Generator) -> None:
    """Reset at any time leaves nothing behind."""
    some, (port, count) = numbers(rng), config
    for _ in range(8):
        requests = [random_requests(port, some, 4) for _ in range(count)]
        memory = ReadMemory(port, some.choice(STALLS), some)
        sources = [Source(f"i_requests_{client}", asked, 0.3, some) for client, asked in enumerate(requests)]
        stop = bench.cycles + some.randint(1, 40)
        await run(bench, [*sources, memory], lambda stop=stop: bench.cycles >= stop)
        await bench.cycle({"m_axi_rvalid": 0} | {f"i_requests_{client}_valid": 0 for client in range(count)})
        await bench.reset()
        requests = [random_requests(port, some, 2) for _ in range(count)]
        await read(bench, config, some.choice(STALLS), some, requests, 0)
