"""What the testbenches of reader and writer play alike."""

import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import numpy as np

from ...hw.bus.config import PortConfig
from ..bench import Bench
from .memory import STALLS, Stalls, all_bursts, random_errors, random_requests

__all__ = ["Transfer", "anywhere", "lengths", "most_bursts", "numbers", "with_errors", "with_resets"]

Transfer = Callable[..., Awaitable[Any]]
"""Carries out requests and compares all that comes of it: bench, configuration, stalls, random numbers, requests."""


def numbers(rng: np.random.Generator) -> random.Random:
    """The standard library's generator from numpy's."""
    return random.Random(int(rng.integers(1 << 32)))


async def anywhere(
    transfer: Transfer, idle: Mapping[str, int], bench: Bench, config: PortConfig, rng: np.random.Generator
) -> None:
    """Requests anywhere, with stalls on each channel alone, on all, and none."""
    for stalls in STALLS:
        some = numbers(rng)
        await bench.cycle(idle)
        await transfer(bench, config, stalls, some, requests=random_requests(config, some, 10))


async def most_bursts(
    transfer: Transfer,
    idle: Mapping[str, int],
    bench: Bench,
    config: PortConfig,
    rng: np.random.Generator,
    *,
    count: int,
) -> None:
    """Memory keeps all answers back until no more bursts come: so many of a beat each."""
    some = numbers(rng)
    requests = [{"address": some.getrandbits(config.beat_address_bits), "beats": 1} for _ in range(2 * count + 3)]
    await bench.cycle(idle)
    stalls = Stalls(latency=4 * count + 20)
    memory = await transfer(bench, config, stalls, some, requests=requests)
    assert memory.most_unanswered == count


async def with_errors(
    transfer: Transfer, idle: Mapping[str, int], bench: Bench, config: PortConfig, rng: np.random.Generator
) -> None:
    """Some bursts fail; the first is reported until it is cleared, and all else is as without."""
    for number in range(6):
        some = numbers(rng)
        requests = random_requests(config, some, 6) + [{"address": 5, "beats": 3}]
        errors = random_errors(all_bursts(config, requests), some)
        await transfer(bench, config, STALLS[number % len(STALLS)], some, requests=requests, errors=errors)
        assert (await bench.cycle(idle))["o_error"]["valid"] == 1
        await bench.cycle({**idle, "i_clear": 1})
        assert (await bench.cycle(idle))["o_error"]["valid"] == 0


async def with_resets(
    transfer: Transfer, idle: Mapping[str, int], bench: Bench, config: PortConfig, rng: np.random.Generator
) -> None:
    """Reset at any time leaves nothing behind."""
    for _ in range(8):
        some = numbers(rng)
        stalls = some.choice(STALLS)
        requests = random_requests(config, some, 6)
        errors = random_errors(all_bursts(config, requests + [{"address": 1, "beats": 1}]), some)
        await transfer(bench, config, stalls, some, requests=requests, errors=errors, stop_after=some.randint(1, 40))
        await bench.cycle(idle)  # inputs are quiet before reset, as the protocol has it
        await bench.reset()
        await transfer(bench, config, stalls, some, requests=random_requests(config, some, 3))


async def lengths(channel: str, idle: Mapping[str, int], bench: Bench, config: PortConfig) -> None:
    """Requests of as many beats as each power of two: the first burst is as long as it may be; then a reset.

    Parameters
    ----------
    channel
        Of addresses: ``ar`` or ``aw``.
    """
    ready = {f"m_axi_{channel}ready": 1} | ({"m_axi_wready": 1} if channel == "aw" else {"o_beats_ready": 1})
    beats_come = {"i_beats_valid": 1} if channel == "aw" else {}
    for bit in range(config.beats_bits):
        request = {"i_requests_valid": 1, "i_requests_payload": {"address": 0, "beats": 1 << bit}}
        outputs = await bench.cycle({**idle, **ready, **request})
        bursts: list[tuple[int, int]] = []
        for _ in range(config.max_burst + 6):
            outputs = await bench.cycle({**idle, **beats_come})
            if outputs[f"m_axi_{channel}valid"]:
                bursts.append((outputs[f"m_axi_{channel}addr"], outputs[f"m_axi_{channel}len"] + 1))
        assert bursts and bursts[0] == (0, min(1 << bit, config.max_burst)), f"2**{bit} beats"
        assert len(bursts) == 1 or 1 << bit > config.max_burst, "more bursts than there are"
        assert outputs["o_idle"] == 0
        await bench.cycle(idle)
        await bench.reset()
