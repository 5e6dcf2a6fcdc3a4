"""Testbench of the sequence decoder."""

from typing import Any

import numpy as np

from ...hw.snap.config import SnapConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS
from .random_lists import position_of, random_head, random_list

FREED = ("o_free_windows", "o_free_tiles")


class Lists:
    """The queue in front of the decoder, and what must come out of it."""

    def __init__(self, config: SnapConfig, rng: np.random.Generator, density: float, ends: float) -> None:
        self.config, self.rng, self.density, self.ends = config, rng, density, ends
        self.queue: list[dict[str, Any]] = []
        self.block = self.drained = 0  # of the next list to arrive; given back

    def arrive(self) -> None:
        """Put a list into the queue."""
        matches, head = random_list(self.config, self.rng, self.density), random_head(self.config, self.rng, self.ends)
        lanes = [lane for lane in range(self.config.window_entries) if matches["valid"] >> lane & 1]
        self.queue.append({"matches": matches, "head": head, "lanes": lanes, "block": self.block})
        self.block += head["ends_block"]

    def inputs(self) -> dict[str, Any]:
        """Inputs of the decoder: the two oldest lists, noise where there are none."""
        shown = [{"matches": entry["matches"], "head": entry["head"]} for entry in self.queue[:2]]
        while len(shown) < 2:
            shown.append({
                "matches": random_list(self.config, self.rng, 0.5), "head": random_head(self.config, self.rng)
            })  # fmt: skip
        return {"i_queued": (0, 1, 3)[min(2, len(self.queue))], "i_lists": shown}

    def step(self) -> dict[str, Any]:
        """Take up to M matches of up to two lists; returns what the decoder has to show."""
        room, popped, pairs, clear, ends = self.config.pe_multipliers, [], [], [0, 0], 0
        begin_open = bool(self.queue) and self.queue[0]["block"] - self.drained < 2
        for number, entry in enumerate(self.queue[:2]):
            if len(popped) < number or entry["block"] - self.drained >= 2:
                break
            taken, entry["lanes"] = entry["lanes"][:room], entry["lanes"][room:]
            room -= len(taken)
            pairs += [self._pair(entry, lane) for lane in taken]
            clear[number] = sum(1 << lane for lane in taken)
            entry["matches"] = entry["matches"] | {"valid": entry["matches"]["valid"] & ~clear[number]}
            if entry["lanes"]:
                break
            popped.append(entry["head"])
            ends |= entry["head"]["ends_block"] << entry["block"] % 2
        del self.queue[: len(popped)]
        now = {
            "o_clear": clear,
            "o_pop": (0, 1, 3)[len(popped)],
            "o_free_windows": sum(head["frees_window"] for head in popped),
            "o_free_tiles": sum(head["frees_tile"] for head in popped),
            "o_open": int(begin_open),
            "o_issued": len(pairs),
        }
        return {"now": now, "pairs": pairs, "ends": ends}

    def _pair(self, entry: dict[str, Any], lane: int) -> dict[str, int]:
        """Addresses by search: the first entry from the start of window or tile on that is in this lane."""
        config, head = self.config, entry["head"]
        starts = head["weight_start"] * config.beat_entries, head["tile_start"] * config.beat_entries
        span = config.aim_entries >> head["mode"]
        weight = next(w for w in range(starts[0], 1 << 20) if w % config.window_entries == lane)
        position = position_of(entry["matches"], lane) % span
        activation = next(a for a in range(starts[1], 1 << 20) if a % span == position)
        return {
            "valid": 1,
            "weight": weight % config.weight_entries,
            "activation": activation % config.activation_entries,
            "slot": head["slot"],
            "bank": entry["block"] % 2,
        }


@testbench(PARTS["sequence_decoder"])
async def every_pair_once(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Lists of all densities, banks given back soon and late: pairs, pops and releases, cycle by cycle."""
    two_lists = blocked = two_ends = 0
    for density in (0, 1 / config.window_entries, 3 / config.window_entries, 0.3, 1):
        for ends in (0.1, 0.5, 0.9):
            lists = Lists(config, rng, density, ends)
            before: dict[str, Any] = {"pairs": [], "ends": 0, "now": dict.fromkeys(FREED, 0)}
            for _ in range(100):
                while len(lists.queue) < config.list_depth and rng.random() < 0.6:
                    lists.arrive()
                finished = lists.queue[0]["block"] if lists.queue else lists.block
                drain = finished > lists.drained and rng.random() < 0.4
                blocked += bool(lists.queue) and finished - lists.drained == 2
                inputs = lists.inputs() | {"i_drained": int(drain)}
                expected = lists.step()
                outputs = await bench.cycle(inputs)
                shown = before if config.pipelined else expected
                now = expected["now"] | {name: shown["now"][name] for name in FREED}
                assert {name: outputs[name] for name in now} == now
                pairs = outputs["o_pairs"]
                count = sum(pair["valid"] for pair in pairs)
                assert pairs[:count] == shown["pairs"], f"pairs must be {shown['pairs']}, not {pairs}"
                assert not any(pair["valid"] for pair in pairs[count:])
                assert outputs["o_ends"] == shown["ends"]
                before = expected
                lists.drained += drain
                two_lists += len({pair["slot"] for pair in expected["pairs"]}) > 1
                two_ends += expected["ends"] == 3
            await bench.cycle({"i_queued": 0, "i_drained": 0})
            await bench.reset()
    assert blocked > 20 and two_ends > 0
    assert two_lists > 10 or config.pe_multipliers == 1
