"""Testbench of one column of accumulators."""

import dataclasses
from typing import Any

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ...sim.golden.wrap import wrap
from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS
from .vectors import pack_lanes, unpack_lanes

PLACES = 8
"""Different rows that are used, so that they meet again soon."""


@dataclasses.dataclass(frozen=True)
class Write:
    """Psums for a row, and what becomes of them."""

    address: int
    psums: np.ndarray
    accumulate: int
    shift: int


def rows_of_interest(config: SystolicConfig, rng: np.random.Generator) -> list[int]:
    """A few rows: the first, the last, ones that differ in one bit of the address, and any."""
    size = config.accumulator_rows
    base = int(rng.integers(size))
    bits = rng.permutation(size.bit_length() - 1)[: PLACES // 2].tolist()
    rows = {0, size - 1, base, *(base ^ 1 << bit for bit in bits), *rng.integers(0, size, PLACES).tolist()}
    return rng.permutation(list(rows))[:PLACES].tolist()


class Column:
    """What the column holds, and its inputs of each cycle.

    Parameters
    ----------
    config
        Of the matrix unit.
    rng
        Decides about inputs.
    """

    def __init__(self, config: SystolicConfig, rng: np.random.Generator) -> None:
        self.config, self.rng = config, rng
        self.places = rows_of_interest(config, rng)
        self.rows: dict[int, np.ndarray] = {}
        self.slots: dict[int, np.ndarray] = {}
        self.writes: list[Write | None] = [None, None]  # of this cycle and the next
        self.last: Write | None = None  # of the cycle before
        self.read: int | None = None  # the row that was read for an output slot in the cycle before
        self.met = dict.fromkeys(("repeated", "recent", "both", "kept", "read while another is written"), 0)

    def written(self, address: int) -> bool:
        """Whether the row will hold something two cycles from now."""
        return address in self.rows or any(write is not None and write.address == address for write in self.writes)

    def next_write(self, pace: float) -> Write | None:
        """A write two cycles from now, whose row is read in this cycle if it accumulates."""
        rng, half = self.rng, 1 << self.config.psum_bits - 1
        if rng.random() >= pace:
            return None
        address = int(rng.choice(self.places[: int(rng.integers(1, len(self.places) + 1))]))
        psums = rng.integers(-half, half, self.config.tile_columns)
        psums[rng.random(len(psums)) < 0.3] = rng.choice([-half, half - 1, 0, -1])
        accumulate = int(self.written(address) and rng.random() < 0.8)
        return Write(address, psums, accumulate, int(rng.integers(4)))

    def inputs(self, pace: float) -> dict[str, Any]:
        """Inputs of this cycle; noise where nothing matters."""
        rng, config, size = self.rng, self.config, self.config.accumulator_rows
        now, following = self.writes
        landing = self.next_write(pace)
        reads = [int(landing is not None and landing.accumulate and landing.address % 2 == bank) for bank in range(2)]
        addresses = [landing.address // 2 if landing and busy else int(rng.integers(size // 2)) for busy in reads]
        # A free port may read a row for an output slot, but not the row that is being written.
        drained = [
            row for row in self.rows if not reads[row % 2] and not (now and now.address == row) and rng.random() < 0.5
        ]
        inputs: dict[str, Any] = {"i_store": int(self.read is not None), "i_store_bank": int(rng.integers(2))}
        if self.read is not None:
            inputs["i_store_bank"] = self.read % 2
        self.drained = drained[0] if drained else None
        if self.drained is not None:
            reads[self.drained % 2], addresses[self.drained % 2] = 1, self.drained // 2
        noise = Write(
            int(rng.integers(size)), rng.integers(0, 2, config.tile_columns), *rng.integers(0, [2, 4]).tolist()
        )
        shown = now or noise
        repeated, recent = rng.integers(0, 2, 2).tolist()  # noise, if the next write needs no old value
        if following and following.accumulate:
            repeated = int(now is not None and now.address == following.address)
            recent = int(self.last is not None and self.last.address == following.address)
        self.coming, self.store_slot, self.shown_slot = landing, int(rng.integers(2)), int(rng.integers(2))
        self._count(following, repeated, recent)
        return inputs | {
            "i_psums": pack_lanes(shown.psums[None], config.psum_bits)[0],
            "i_read_enable": reads[0] + 2 * reads[1],
            "i_read_address_0": addresses[0],
            "i_read_address_1": addresses[1],
            "i_write": int(now is not None),
            "i_write_address": shown.address,
            "i_accumulate": shown.accumulate,
            "i_shift": shown.shift,
            "i_repeated": repeated,
            "i_recent": recent,
            "i_store_slot": self.store_slot,
            "i_slot": self.shown_slot,
        }

    def _count(self, following: Write | None, repeated: int, recent: int) -> None:
        if following and following.accumulate:
            kind = ("kept", "repeated", "recent", "both")[repeated + 2 * recent]
            self.met[kind] += 1
        self.met["read while another is written"] += self.drained is not None and self.writes[0] is not None

    def step(self) -> np.ndarray | None:
        """The row that is offered in this cycle, if one was stored there; what happens at its end."""
        offered = self.slots.get(self.shown_slot)
        if self.read is not None:
            self.slots[self.store_slot] = self.arrived
        if self.drained is not None:
            self.arrived = self.rows[self.drained]
        self.read = self.drained
        now, following = self.writes
        if now:
            kept = self.rows[now.address] if now.accumulate else 0
            self.rows[now.address] = wrap(kept + (now.psums << 8 * now.shift), self.config.accumulator_bits)
        self.last, self.writes = now, [following, self.coming]
        return offered


async def work(bench: Bench, config: SystolicConfig, column: Column, pace: float, cycles: int) -> int:
    """Compare what is offered in every cycle; returns in how many there was something."""
    compared = 0
    for _ in range(cycles):
        outputs = await bench.cycle(column.inputs(pace))
        offered = column.step()
        if offered is not None:
            got = unpack_lanes([outputs["o_sums"]], config.tile_columns, config.accumulator_bits)[0]
            np.testing.assert_array_equal(got, offered, f"cycle {bench.cycles}")
            compared += 1
    return compared


@testbench(PARTS["accumulator_column"])
async def random_work(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Rows that are hit again in each of the next cycles, pauses, and reads for the output all the while."""
    met: dict[str, int] = {}
    for pace in (1, 0.9, 0.5, 1):
        column = Column(config, rng)
        assert await work(bench, config, column, pace, 250) > 100
        met = {name: count + met.get(name, 0) for name, count in column.met.items()}
    assert all(met.values()), met
