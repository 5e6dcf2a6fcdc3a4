"""Testbench of the ring of beats."""

import numpy as np

from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS


@testbench(PARTS["ring"])
async def random_traffic(bench: Bench, config: tuple[int, int, int, int, bool], rng: np.random.Generator) -> None:
    """Items of every length, empty ones too, against a list in Python; ring and directory full and empty."""
    beats, items, tag_bits, readers, late = config
    seen = set()
    # How often a beat is stored, an item ends, some are released: until it is full, as it comes, until it is empty.
    phases = [(0.9, 0.1, 0, 2 * beats), (0.3, 0.9, 0, 4 * items), (0.7, 0.4, 0.4, 100), (0, 0.5, 0.9, 4 * items)]
    phases += [(0.9, 0.6, 0.7, 100), (0.9, 0.6, 0, 4 * items), (0.9, 0.1, 0, 2 * beats), (0.5, 0.2, 0.9, 100)]
    for _ in range(2):
        held: list[dict[str, int]] = []  # complete items, oldest first
        put = begin = tail = number = 0  # not wrapped; `number` items were released
        arriving = 0  # items that don't show as complete yet
        for stores, ends, releases in (phase[:3] for phase in phases for _ in range(phase[3])):
            store = int(put - tail < beats and rng.random() < stores)
            end = int(len(held) < items and rng.random() < ends)
            shown = len(held) - arriving
            release = int(rng.integers(min(2, shown) + 1)) if rng.random() < releases else 0
            tag = int(rng.integers(1 << tag_bits))
            asked = [int(at) for at in rng.integers(0, shown + 1, readers)]
            outputs = await bench.cycle(
                {
                    "i_store": store, "i_end": end, "i_tag": tag, "i_release": release,
                    **{f"i_item_{reader}": (number + at) % (2 * items) for reader, at in enumerate(asked)},
                }
            )  # fmt: skip
            assert outputs["o_beat"] == put % beats
            assert outputs["o_beat_room"] == (put - tail < beats)
            assert outputs["o_item_room"] == (len(held) < items)
            for reader, at in enumerate(asked):
                assert outputs[f"o_complete_{reader}"] == (at < shown)
                if at < shown:
                    assert outputs[f"o_item_{reader}"] == held[at]
            assert not late or outputs["o_arriving"] == arriving
            seen |= {("beats", put - tail), ("items", len(held)), ("release", release)}
            put += store
            tail += sum((item["end"] - item["start"]) % (2 * beats) for item in held[:release])
            number += release
            del held[:release]
            arriving = end * late
            if end:
                held.append({"start": begin % (2 * beats), "end": put % (2 * beats), "tag": tag})
                begin = put
        await bench.cycle({"i_store": 0, "i_end": 0, "i_release": 0})
        await bench.reset()
    assert seen >= {("beats", 0), ("beats", beats), ("items", 0), ("items", items), ("release", 2)}
