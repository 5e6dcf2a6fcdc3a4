"""Testbench of the job signature."""

from typing import Any

import numpy as np

from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS

__all__ = ["crc16"]


def crc16(crc: int, bits: tuple[int, ...]) -> int:
    """CRC-16 of CCITT, bit by bit."""
    for bit in bits:
        crc <<= 1
        crc = (crc ^ 0x1021 if crc >> 16 ^ bit else crc) & 0xFFFF
    return crc


@testbench(PARTS["job_signature"])
async def random_jobs(bench: Bench, config: Any, rng: np.random.Generator) -> None:
    """None, one or two jobs a cycle, often with two ends of blocks; banks read soon and late."""
    crc, ended, read, shown, double = 1, [], 0, 0, 0
    for _ in range(1000):
        jobs = [tuple(int(bit) for bit in rng.random(3) < (0.5, 0.3, 0.5)) for _ in range(2)]
        pops, ends = int(rng.integers(3)), 0
        for number in range(pops):  # at most two blocks wait to be read
            if len(ended) - read + ends + jobs[number][2] > 2:
                pops = number
                break
            ends += jobs[number][2]
        free = len(ended) > read and rng.random() < 0.4
        inputs = {
            "i_pop": (0, 1, 3)[pops],
            "i_flags": [dict(zip(("frees_window", "frees_tile", "ends_block"), job, strict=True)) for job in jobs],
            "i_free": int(free), "i_bank": read % 2,
        }  # fmt: skip
        assert (await bench.cycle(inputs))["o_signature"] == shown
        shown = ended[read] if free else shown
        read += free
        for job in jobs[:pops]:
            crc = crc16(crc, job)
            if job[2]:
                ended.append(crc)
        double += ends == 2
    assert double > 10 and read > 50
