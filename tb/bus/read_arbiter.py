"""Testbench of the read arbiter alone."""

import random
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.bus.config import PortConfig
from ..bench import Bench, Source, run
from ..cocotb_bench import testbench
from .parts import PARTS
from .transfers import numbers

Arbiter = tuple[PortConfig, int]


class Client(Source):
    """A client's requests."""

    @property
    def asks(self) -> dict[str, int] | None:
        """What it asks for in this cycle."""
        return self.beats[self.sent] if self._offered else None


class Turns:
    """A reader behind the arbiter; it says which client must be served, and for which one a beat must be.

    It gives some beats for each request, not so many as that asks for: which is the last one, only the reader knows.

    Parameters
    ----------
    clients
        In the order of the ports.
    stall, silence
        Probability that the reader takes no request in a cycle, and that it has no beat.
    rng
        Decides that, and what beats hold.
    """

    def __init__(
        self, port: PortConfig, clients: list[Client], rng: random.Random, *, stall: float, silence: float
    ) -> None:
        self.port, self.clients, self.stall, self.silence, self.rng = port, clients, stall, silence, rng
        self.last = len(clients) - 1
        self.taken, self.asked = deque[tuple[int, dict[str, int]]](), deque[tuple[int, int]]()
        self._beat: dict[str, int] | None = None

    @property
    def done(self) -> bool:
        """All that was asked for came."""
        return all(client.done for client in self.clients) and not self.taken and not self.asked

    def drive(self) -> dict[str, Any]:
        """Take a request, and give a beat of the oldest that was taken."""
        self._ready = self.rng.random() >= self.stall
        if self._beat is None and self.asked and self.rng.random() >= self.silence:
            self._beat = {"data": self.rng.getrandbits(self.port.data_bits), "last": int(self.asked[0][1] == 1)}
        inputs: dict[str, Any] = {"o_requests_ready": int(self._ready), "i_beats_valid": int(self._beat is not None)}
        if self._beat is not None:
            inputs["i_beats_payload"] = self._beat
        return inputs

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Compare the client that is served, what is asked for on, and whom a beat is for."""
        offered = bool(outputs["o_requests_valid"])
        assert offered == bool(self.taken), "a request is there in the cycle after its client was served"
        pending = len(self.asked) + len(self.taken)
        moved = self._give(outputs)
        if offered:
            client, request = self.taken[0]
            assert outputs["o_requests_payload"] == request
            if self._ready:
                self.taken.popleft()
                self.asked.append((client, self.rng.randint(1, 3)))
        self._serve(outputs, free=self._ready or not offered, room=pending < self.port.outstanding + 2)
        return moved or (offered and self._ready)

    def _give(self, outputs: Mapping[str, Any]) -> bool:
        """Whether a beat goes to the client that asked for it; to nobody otherwise."""
        if self._beat is None or not outputs["i_beats_ready"]:
            assert not outputs["o_valid"]
            return False
        client, left = self.asked.popleft()
        assert outputs["o_valid"] == 1 << client and outputs["o_beat"] == self._beat
        if left > 1:
            self.asked.appendleft((client, left - 1))
        self._beat = None
        return True

    def _serve(self, outputs: Mapping[str, Any], *, free: bool, room: bool) -> None:
        """One client at most, the next in turn of those that ask; one of them if there is room for sure."""
        asking = [number for number, client in enumerate(self.clients) if client.asks]
        served = [number for number in asking if outputs[f"i_requests_{number}_ready"]]
        order = sorted(asking, key=lambda number: (number - self.last - 1) % len(self.clients))
        assert served in ([], order[:1]), f"client {order[0]} must be served, not {served}"
        assert free or not served
        assert served or not asking or not (free and room), "nobody was served"
        for number in served:
            self.last, request = number, self.clients[number].asks
            if request and request["beats"]:
                self.taken.append((number, request))


def random_requests(port: PortConfig, some: random.Random, count: int) -> list[dict[str, int]]:
    """Of any address and any number of beats, or of none, or with one bit."""
    return [
        {
            "address": some.getrandbits(port.beat_address_bits),
            "beats": some.choice([0, some.getrandbits(port.beats_bits), 1 << some.randrange(port.beats_bits)]),
        }
        for _ in range(count)
    ]


async def serve(bench: Bench, config: Arbiter, some: random.Random, stall: float, silence: float) -> None:
    """Clients that ask at any time, or always if nothing but the reader's beats is rare."""
    port, count_of_clients = config
    clients = [
        Client(
            f"i_requests_{number}",
            random_requests(port, some, 30),
            some.choice([0, 0.3, 0.95]) if stall or not silence else 0,
            some,
        )
        for number in range(count_of_clients)
    ]
    turns = Turns(port, clients, some, stall=stall, silence=silence)
    await run(bench, [turns, *clients], lambda: turns.done)  # it looks at what is asked before that is taken
    await bench.cycle({"i_beats_valid": 0} | {f"{client.name}_valid": 0 for client in clients})


@testbench(PARTS["read_arbiter"])
async def any_requests(bench: Bench, config: Arbiter, rng: np.random.Generator) -> None:
    """With a reader that is fast or slow, or full of requests; after reset the first client's turn comes first."""
    some = numbers(rng)
    for stall, silence in ((0, 0), (0.3, 0.3), (0.8, 0), (0, 0.9)):
        await serve(bench, config, some, stall, silence)
        await bench.reset()
