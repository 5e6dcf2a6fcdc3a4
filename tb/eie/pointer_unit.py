"""Testbench of the pointer unit."""

import numpy as np

from ...hw.eie.config import EieConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .cluster_parts import PARTS


@testbench(PARTS["pointer_unit"])
async def columns(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Columns in any order, one a cycle and with pauses; empty ones, the longest, and pointers that can't be."""
    size, seen = min(40, config.pointers), set()
    first = int(rng.integers(0, config.pointers - size + 1))
    bits = config.pointer_bits
    falls_or_long = [-1, *(1 << bit for bit in range(bits))]  # a fault in any bit of a comparison shows
    steps = np.where(
        rng.random(size - 1) < 0.7, rng.choice([0, 0, 1, 2, config.rows, config.rows + 1], size - 1),
        rng.choice(falls_or_long, size - 1) + rng.integers(0, 2, size - 1),
    )  # fmt: skip
    words = int(rng.integers(1, config.entries - 1)) + np.array([0, 1, 1, 0])  # one entry, none, a fall
    for step in steps[3:].tolist():
        odd = int(rng.choice([0, config.entries, config.entries + 1, config.entries + (1 << int(rng.integers(bits)))]))
        word = int(words[-1]) + step if rng.random() < 0.9 else odd
        words = np.append(words, word if 0 <= word < 1 << bits else config.entries - 1)
    no_write = {"enable": 0, "bank": 0, "address": 0, "data": 0}
    quiet = {"valid": 0, "scan_end": 0, "pointer": 0, "activation": 0}
    for at, word in enumerate(words.tolist(), first):
        write = {"enable": 1, "bank": at % 2, "address": at // 2, "data": word}
        await bench.cycle({"i_broadcast": quiet, "i_write": write})
        await bench.cycle({"i_write": write | {"enable": 0, "data": 0}})
    way: list[tuple[dict[str, int], bool, list[int]]] = [(quiet, False, [])] * 2
    order = rng.permutation(size - 1)
    for cycle in range(300):
        at, going = int(order[cycle % len(order)]), rng.random()
        broadcast = {
            "valid": int(going < 0.7), "scan_end": int(going > 0.9), "pointer": first + at,
            "activation": int(rng.integers(-1 << config.data_bits - 1, 1 << config.data_bits - 1)),
        }  # fmt: skip
        outputs = await bench.cycle({"i_broadcast": broadcast, "i_write": no_write})
        way.append((broadcast, True, words[at : at + 2].tolist()))
        came, _, pair = way.pop(0)
        assert outputs["o_scan_end"] == came["scan_end"]
        start, end = pair if came["valid"] else (0, 0)
        malformed = end < start or end - start > config.rows or end > config.entries
        count = 0 if malformed else end - start
        empty = int(came["valid"] and count == 0)
        assert outputs["o_error"] == malformed
        assert outputs["o_empty"] == empty
        assert outputs["o_drop"] == (empty and config.skip_empty)
        assert outputs["o_push"] == (came["valid"] and not outputs["o_drop"])
        if outputs["o_push"]:
            expected = {"activation": came["activation"], "start": start % (1 << (config.entries - 1).bit_length())}
            assert outputs["o_column"] == expected | {"count": count}
        seen.add((came["valid"], malformed, count == 0, end == config.entries, count == config.rows))
    assert {(1, False, True), (1, False, False), (1, True, True), (0, False, True)} <= {case[:3] for case in seen}
