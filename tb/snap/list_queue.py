"""Testbench of the list queue."""

from typing import Any

import numpy as np

from ...hw.snap.config import SnapConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS
from .random_lists import random_head, random_list
from .random_values import random_bits


@testbench(PARTS["list_queue"])
async def random_traffic(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Single lists, lists in halves and two at a time against lists in Python; empty and full."""
    depth, half, lanes = config.list_depth, config.aim_entries, config.window_entries
    levels = set()
    for _ in range(4):
        queue: list[Any] = []
        part: Any = None
        fills = True
        for cycle in range(240):
            if cycle % 20 == 0:
                fills = cycle < 20 or rng.random() < 0.6
            filling = fills and rng.random() < 0.9
            arriving, heads = (
                [random_list(config, rng, 0.5) for _ in range(2)],
                [random_head(config, rng) for _ in range(2)],
            )
            room = depth - len(queue)
            write = filling and room > 0
            begin = part is None
            both = begin and room > 1 and rng.random() < 0.3
            end = not begin or both or rng.random() < 0.6
            drop = 0 if filling and rng.random() < 0.6 else int(rng.integers(min(2, len(queue)) + 1))
            clear = [random_bits(rng, lanes) if number < min(len(queue), drop + 1) else 0 for number in range(2)]
            outputs = await bench.cycle(
                {
                    "i_write": int(write), "i_begin": int(begin), "i_end": int(end), "i_both": int(both),
                    "i_matches": arriving, "i_heads": heads, "i_clear": clear, "i_pop": (0, 1, 3)[drop],
                }
            )  # fmt: skip
            assert outputs["o_count"] == len(queue)
            assert outputs["o_queued"] == (0, 1, 3)[min(2, len(queue))]
            for expected, got in zip(queue, outputs["o_lists"], strict=False):
                planes = zip(expected["known"], got["matches"]["position"], strict=True)
                assert all(known in (None, plane) for known, plane in planes)
                assert (got["matches"]["valid"], got["head"]) == (expected["matches"]["valid"], expected["head"])
            levels.add(len(queue))
            for element, used in zip(queue, clear, strict=False):
                element["matches"]["valid"] &= ~used
            del queue[:drop]
            if write:
                if not begin:
                    low = (1 << half) - 1
                    arriving[0]["valid"] = part["valid"] & low | arriving[0]["valid"] & ~low
                    planes = zip(part["position"], arriving[0]["position"], strict=True)
                    arriving[0]["position"] = [old & low | new & ~low for old, new in planes]
                part = None if end else arriving[0]
                for number in range((1 + both) * end):
                    planes = arriving[number]["position"]
                    # Of a second list, positions below a quarter of the lanes are known.
                    known = [*planes[:-2], None, None] if number else planes
                    queue.append({"matches": arriving[number], "head": heads[number], "known": known})
        await bench.cycle({"i_write": 0, "i_clear": [0, 0], "i_pop": 0})
        await bench.reset()
    assert levels == set(range(depth + 1))
