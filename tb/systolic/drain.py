"""Testbench of the drain control."""

import dataclasses
from collections import Counter

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ...hw.systolic.drain import OUTPUT_SLOTS
from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS


@dataclasses.dataclass
class Range:
    """Accumulator rows that still have to leave."""

    address: int
    rows: int


class Queue:
    """What the drain control must do, as a list of ranges, and which inputs it may see.

    Parameters
    ----------
    config
        Of the matrix unit.
    rng
        Decides about inputs.
    """

    def __init__(self, config: SystolicConfig, rng: np.random.Generator) -> None:
        self.size, self.most, self.rng = config.accumulator_rows, config.drain_queue, rng
        self.ranges: list[Range] = []
        self.newest: Range | None = None
        self.landed = 0  # rows that may be read
        self.held: list[int] = []  # output slots that hold a row that wasn't taken
        self.arriving = False  # a row was read in the cycle before
        self.stored = self.taken = 0
        self.conflict = False
        self.seen: Counter[str] = Counter()

    def address(self) -> int:
        """A row: any, or in, beside, or in one bit away from a range."""
        if not self.ranges or self.rng.random() < 0.2:
            return int(self.rng.integers(self.size))
        near = self.ranges[int(self.rng.integers(len(self.ranges)))]
        place = near.address + int(
            self.rng.choice([-1, 0, near.rows - 1, near.rows, int(self.rng.integers(near.rows))])
        )
        flipped = 1 << int(self.rng.integers(self.size.bit_length() - 1)) if self.rng.random() < 0.3 else 0
        return place % self.size ^ flipped

    def inputs(self, push: float, land: float, busy: float, ready: float) -> dict[str, int]:
        """Inputs that may come next, with these probabilities of some of them."""
        outstanding = sum(entry.rows for entry in self.ranges)
        take = self.rng.random() < 0.4
        rows = int(
            self.rng.choice([1, 2, int(self.rng.integers(1, min(9, self.size + 1))), self.size], p=[0.4, 0.2, 0.3, 0.1])
        )
        pushes = len(self.ranges) < self.most and self.rng.random() < push
        lands = self.landed < min(outstanding, self.size) and self.rng.random() < land
        inputs = {"i_push": int(pushes), "i_rows": 1 if take else rows, "i_landed": int(lands), "i_take": int(take)}
        inputs |= {name: self.address() for name in ("i_address", "i_following", "i_next_address")}
        if self.rng.random() < 0.3:
            inputs["i_next_address"] = inputs["i_address"]
        inputs |= {name: int(self.rng.random() < 0.5) for name in ("i_issue", "i_own")}
        inputs["i_port_busy"] = sum(int(self.rng.random() < busy) << bank for bank in range(2))
        return inputs | {"i_ready": int(self.rng.random() < ready)}

    def conflicts(self, address: int, newest: Range | None = None) -> bool:
        """Whether a row is in a range other than that."""
        others = (entry for entry in self.ranges if entry is not newest)
        return any((address - entry.address) % self.size < entry.rows for entry in others)

    def step(self, inputs: dict[str, int]) -> dict[str, int]:
        """Outputs of this cycle; what happens at its end."""
        valid = bool(self.held)
        taken = valid and bool(inputs["i_ready"])
        room = len(self.held) + self.arriving < OUTPUT_SLOTS or taken
        address = self.ranges[0].address if self.ranges else 0
        reads = self.landed > 0 and not inputs["i_port_busy"] >> address % 2 & 1 and room
        outputs = {
            "o_full": len(self.ranges) == self.most,
            "o_conflict": self.conflict,
            "o_read": reads,
            "o_stored": self.arriving,
            "o_push_slot": self.stored % OUTPUT_SLOTS,
            "o_pop_slot": self.taken % OUTPUT_SLOTS,
            "o_valid": valid,
            "o_busy": bool(self.ranges) or valid or self.arriving,
        } | ({"o_read_address": address} if reads else {})

        if inputs["i_take"]:
            own_push = inputs["i_push"] and inputs["i_address"] == inputs["i_next_address"]
            self.conflict = self.conflicts(inputs["i_next_address"]) or bool(own_push)
        else:
            row = inputs["i_following"] if inputs["i_issue"] else inputs["i_address"]
            self.conflict = self.conflicts(row, self.newest if inputs["i_own"] else None)
        self._count(inputs, reads, taken)
        if taken:
            self.taken += 1
            self.held.pop(0)
        if self.arriving:
            self.held.append(self.stored % OUTPUT_SLOTS)
            self.stored += 1
        self.arriving = reads
        self.landed += inputs["i_landed"] - reads
        if reads:
            first = self.ranges[0]
            first.address, first.rows = (first.address + 1) % self.size, first.rows - 1
            self.ranges = [entry for entry in self.ranges if entry.rows]
        if inputs["i_push"]:
            self.newest = Range(inputs["i_address"], inputs["i_rows"])
            self.ranges.append(self.newest)
        return {name: int(value) for name, value in outputs.items()}

    def _count(self, inputs: dict[str, int], reads: bool, taken: bool) -> None:
        self.seen["conflict"] += self.conflict
        self.seen["free"] += not self.conflict
        self.seen["full"] += len(self.ranges) == self.most
        self.seen["read and take of full slots"] += reads and taken and len(self.held) + self.arriving == OUTPUT_SLOTS
        self.seen["port busy"] += self.landed > 0 and not reads and bool(inputs["i_port_busy"])
        self.seen["end at both"] += reads and self.ranges[0].rows == 1 and bool(inputs["i_push"])


MIXES = {
    "all": (0.5, 0.8, 0.2, 0.8),
    "full": (0.9, 0.3, 0.2, 0.5),
    "ports busy": (0.4, 0.9, 0.7, 0.9),
    "output stands still": (0.5, 0.9, 0.1, 0.1),
    "full speed": (0.9, 1, 0, 1),
}
"""Probabilities of a push, of a row that lands, of a bank's busy port, and of a ready output."""


async def work(bench: Bench, queue: Queue, mix: tuple[float, float, float, float], cycles: int) -> None:
    """Compare every output in every cycle."""
    for _ in range(cycles):
        inputs = queue.inputs(*mix)
        outputs = await bench.cycle(inputs)
        wanted = queue.step(inputs)
        assert {name: outputs[name] for name in wanted} == wanted, f"cycle {bench.cycles}: {inputs}"


@testbench(PARTS["drain"])
async def random_work(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Ranges of every length and place, rows that land early and late, banks that are busy, outputs that wait."""
    queue = Queue(config, rng)
    for mix in MIXES.values():
        await work(bench, queue, mix, 300)
    assert all(queue.seen[name] for name in ("conflict", "free", "full", "port busy", "end at both")), queue.seen
    assert queue.seen["read and take of full slots"]


@testbench(PARTS["drain"])
async def reset_in_the_middle(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """After a reset nothing of the past drains or is in conflict."""
    for mix in MIXES.values():
        await work(bench, Queue(config, rng), mix, int(rng.integers(5, 60)))
        await bench.cycle(dict.fromkeys(bench.inputs, 0))
        await bench.reset()
        await work(bench, Queue(config, rng), mix, 40)
        await bench.cycle(dict.fromkeys(bench.inputs, 0))
        await bench.reset()


@testbench(PARTS["drain"])
async def long_range(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """All rows land before the first leaves, and leave one a cycle; each is in conflict until then."""
    queue, size = Queue(config, rng), config.accumulator_rows
    rows, idle, outputs = min(size, 256), dict.fromkeys(bench.inputs, 0), {}
    for begin in (0, size // 2 + 1):
        asked = [(begin + place) % size for place in rng.permutation(rows)[:64].tolist()]
        phases = [{"i_push": 1, "i_address": begin, "i_rows": rows}, *[{"i_landed": 1, "i_port_busy": 3}] * rows]
        phases += [{"i_address": address, "i_port_busy": 3} for address in asked]
        phases += [{"i_ready": 1, "i_address": (begin + row + int(rng.integers(3)) - 1) % size} for row in range(rows)]
        for phase in [*phases, *[{"i_ready": 1}] * 3]:
            outputs, wanted = await bench.cycle(idle | phase), queue.step(idle | phase)
            assert {name: outputs[name] for name in wanted} == wanted, f"cycle {bench.cycles}: {phase}"
        assert not outputs["o_busy"]
