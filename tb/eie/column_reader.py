"""Testbench of the column reader."""

from typing import Any

import numpy as np

from ...hw.eie.config import EieConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .cluster_parts import PARTS


@testbench(PARTS["column_reader"])
async def every_entry_once_and_in_order(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Columns anywhere in the memory, often behind or in the line of the one before; queues that run empty and full."""
    size = config.line_entries
    lines = min(24, config.entries // size)
    base = int(rng.integers(0, config.entries // size - lines + 1)) * size
    nothing = {"activation": 0, "start": 0, "count": 0}
    levels, most, seconds, end = set(), 0, 0, 0
    for _ in range(3):
        codes, indices = (rng.integers(0, 1 << bits, lines * size) for bits in (config.code_bits, config.index_bits))
        entries = [{"code": code, "index": index} for code, index in zip(codes.tolist(), indices.tolist(), strict=True)]
        no_write = {"enable": 0, "address": 0, "data": entries[:size]}
        for at in range(0, len(entries), size):
            write = {"enable": 1, "address": (base + at) // size, "data": entries[at : at + size]}
            await bench.cycle({"i_begin": 0, "i_push": 0, "i_column": nothing, "i_write": write})
        await bench.cycle({"i_begin": 1, "i_push": 0, "i_write": no_write})
        queue: list[dict[str, Any]] = []  # pushed and not popped; entries that the oldest has left
        taken: list[tuple[int, list[Any]]] = []
        willing, longest = 1.0, 1
        for cycle in range(400):
            if cycle > 200 and not queue and not taken:
                break
            if cycle % 25 == 0:
                willing, longest = float(rng.choice([0.2, 1])), min(config.rows, int(rng.choice([0, 1, 3, 20])))
            count = int(rng.choice([0, longest, int(rng.integers(0, longest + 1))]))
            start = end if rng.random() < (0.9 if count else 0.4) else int(rng.integers(len(entries)))
            start, count = (start, count) if start + count <= len(entries) else (0, min(count, len(entries)))
            activation = int(rng.integers(-1 << config.data_bits - 1, 1 << config.data_bits - 1))
            push = len(queue) < config.queue_depth and cycle < 200 and rng.random() < willing
            push = push and (count > 0 or not config.skip_empty)
            column = {"activation": activation, "start": (base + start) % (1 << (config.entries - 1).bit_length())}
            outputs = await bench.cycle({"i_begin": 0, "i_push": int(push), "i_column": column | {"count": count}})
            assert outputs["o_count"] == len(queue)
            levels.add(len(queue))
            _compare(config, outputs, taken)
            taken = []
            pops = outputs["o_pop"]
            for number in range(bin(outputs["o_valid"]).count("1")):
                while not queue[0]["left"]:
                    queue.pop(0)
                    pops -= 1
                head = queue[0]
                taken.append((head["activation"], [head["first"], len(queue), head["left"].pop(0)]))
                head["first"] = False
                assert outputs["o_valid"] >> number & 1
            for _ in range(pops):
                assert not queue.pop(0)["left"]
            if taken:
                most, seconds = max(most, len(taken)), seconds + (taken[0][1][1] != taken[-1][1][1])
            if push:
                queue.append({"activation": activation, "left": entries[start : start + count], "first": True})
                end = start + count
        assert not queue, "columns are left"
    assert 0 in levels and (config.queue_depth in levels or config.queue_depth > 6)
    assert most == min(config.lanes, config.rows)
    assert seconds or config.lanes == 1 or config.line_buffer == 2  # then the cursor is hardly ahead


def _compare(config: EieConfig, outputs: dict[str, Any], taken: list[tuple[int, list[Any]]]) -> None:
    """What comes out against what was taken in the cycle before."""
    told = outputs["o_taken"]
    assert told["valid"] == (1 << len(taken)) - 1
    for lane, (activation, (first, place, entry)) in enumerate(taken):
        second = told["second"] >> lane & 1
        assert second == (place != taken[0][1][1])
        assert told["activations"][second] == activation
        assert outputs["o_entries"][lane] == entry
        assert lane or told["first"] == first
