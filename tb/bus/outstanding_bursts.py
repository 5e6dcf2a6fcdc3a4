"""Testbench of the queue of bursts with several readers."""

from typing import Any

import numpy as np

from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS
from .transfers import numbers

PACES = ((0.5, 0.5), (0.9, 0.2), (0.2, 0.9), (1, 1), (0.9, 0), (0, 1))
"""Probabilities that a burst is put there, and that a reader goes on."""


@testbench(PARTS["outstanding_bursts"])
async def random_traffic(bench: Bench, config: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    """Every reader sees all bursts in order, from the cycle after they came; there is room for as many as there are."""
    some = numbers(rng)
    address_bits, max_burst, depth, readers = config
    quiet = {"i_push": 0} | {f"i_next_{reader}": 0 for reader in range(readers)}
    for _ in range(10):
        bursts: list[dict[str, int]] = []
        places, push, go, slow = [0] * readers, 0.0, 0.0, 0
        for cycle in range(8 * depth + 30):
            if cycle % (2 * depth + 4) == 0:
                push, go = some.choice(PACES)
                slow = some.randrange(readers)  # who is behind, and holds up those after it
            burst = {
                "address": some.getrandbits(address_bits), "beats": some.randint(1, max_burst),
                "final": some.randrange(2),
            }  # fmt: skip
            waiting = [len(bursts) - places[0], *(a - b for a, b in zip(places, places[1:], strict=False))]
            room = len(bursts) - places[-1] < depth
            pushes = room and some.random() < push
            moves = [waits > 0 and some.random() < (go / 2 if n == slow else go) for n, waits in enumerate(waiting)]
            inputs: dict[str, Any] = {f"i_next_{reader}": int(moves[reader]) for reader in range(readers)}
            outputs = await bench.cycle({"i_push": int(pushes), "i_burst": burst} | inputs)
            assert outputs["o_room"] == room
            for reader, place in enumerate(places):
                there = place < len(bursts)
                assert outputs[f"o_valid_{reader}"] == there
                assert not there or outputs[f"o_burst_{reader}"] == bursts[place], f"reader {reader}"
            bursts += [burst] * pushes
            places = [place + move for place, move in zip(places, moves, strict=True)]
        await bench.cycle(quiet)
        await bench.reset()
    outputs = await bench.cycle(quiet)
    assert outputs["o_room"] and not any(outputs[f"o_valid_{reader}"] for reader in range(readers))
