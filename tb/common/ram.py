"""Testbench of the memory: what every memory promises, and nothing else."""

import random

import numpy as np

from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS

FEW = 64
"""Rows of which all are used; of more, only some."""


def rows_of_interest(depth: int, rng: np.random.Generator) -> list[int]:
    """All rows, or of many the first, the last, ones that differ in one bit of the address, and any."""
    if depth <= FEW:
        return list(range(depth))
    base = int(rng.integers(depth))
    near = [base ^ 1 << bit for bit in range((depth - 1).bit_length())]
    return sorted({0, depth - 1, base, *(row for row in near if row < depth), *rng.integers(0, depth, 8).tolist()})


async def work(
    bench: Bench, width: int, lanes: int, rows: list[int], numbers: random.Random, writes: float, cycles: int
) -> int:
    """Write and read at random; compare what was read of rows that were written, but not in the same cycle."""
    held: dict[int, int] = {}
    wanted, compared, every = None, 0, (1 << lanes) - 1
    for _ in range(cycles):
        write, read = (numbers.choice(rows) for _ in range(2))
        word = numbers.choice([numbers.getrandbits(width), held.get(write, 0) ^ (1 << width) - 1])
        write_enable, read_enable = int(numbers.random() < writes), int(numbers.random() < 0.8)
        if write_enable:  # the first time all of a row
            write_enable = numbers.choice([every, numbers.randint(1, every)]) if write in held else every
        inputs = {
            "i_write_enable": write_enable, "i_write_address": write, "i_write_data": word,
            "i_read_enable": read_enable, "i_read_address": read,
        }  # fmt: skip
        # The address of a memory of one row has no bits, and so is no port.
        outputs = await bench.cycle({name: value for name, value in inputs.items() if name in bench.inputs})
        if wanted is not None:
            compared += 1
            assert outputs["o_read_data"] == wanted, f"row read in cycle {bench.cycles - 2}"
        wanted = held.get(read) if read_enable and not (write_enable and write == read) else None
        if write_enable:
            mask = sum((1 << width // lanes) - 1 << n * width // lanes for n in range(lanes) if write_enable >> n & 1)
            held[write] = held.get(write, 0) & ~mask | word & mask
    return compared


@testbench(PARTS["ram"])
async def random_traffic(bench: Bench, config: tuple[int, int, int], rng: np.random.Generator) -> None:
    """Rows and lanes of rows are written often and seldom, and read all the while."""
    width, depth, lanes = config
    rows, numbers = rows_of_interest(depth, rng), random.Random(int(rng.integers(1 << 32)))
    cycles = 200 + 4 * len(rows)
    assert (
        sum([await work(bench, width, lanes, rows, numbers, writes, cycles) for writes in (0.9, 0.5, 0.2)])
        > cycles // 2
    )


@testbench(PARTS["ram"])
async def every_row(bench: Bench, config: tuple[int, int, int], rng: np.random.Generator) -> None:
    """Rows are filled with different words one after the other and keep them; then they are read in another order."""
    width, depth, lanes = config
    rows, numbers = rows_of_interest(depth, rng), random.Random(int(rng.integers(1 << 32)))
    idle = {name: 0 for name in bench.inputs}
    for _ in range(4):
        words = {row: numbers.getrandbits(width) for row in rows}
        for row in rng.permutation(rows).tolist():
            inputs = {"i_write_enable": (1 << lanes) - 1, "i_write_address": row, "i_write_data": words[row]}
            await bench.cycle(idle | {name: value for name, value in inputs.items() if name in bench.inputs})
        wrong = {"i_write_data": numbers.getrandbits(width)}
        for row in rng.permutation(rows).tolist():
            inputs = wrong | {"i_read_enable": 1, "i_read_address": row, "i_write_address": row}
            await bench.cycle(idle | {name: value for name, value in inputs.items() if name in bench.inputs})
            assert (await bench.cycle(idle))["o_read_data"] == words[row], f"row {row}"
