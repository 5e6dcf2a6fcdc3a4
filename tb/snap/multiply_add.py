"""Testbench of a PE's arithmetic."""

import dataclasses
from collections import deque

import numpy as np

from ...hw.snap.config import SnapConfig
from ...sim.golden.wrap import wrap
from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS

Flags = tuple[bool, bool]
"""By bank."""


@dataclasses.dataclass
class Lane:
    """A pair with its operands; its psum is at ``(slot + offset) % psum_slots``."""

    valid: bool
    weight: int
    activation: int
    slot: int
    offset: int
    bank: int


class Model:
    """Psums, kept as what each multiplier's own file holds; nothing of it shows early.

    A psum is updated with the sum of a cycle's products that have its address, by the first lane that has one.
    """

    def __init__(self, bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
        self.bench, self.config, self.rng = bench, config, rng
        self.psums = np.zeros((config.pe_multipliers, 2, config.psum_slots), np.int64)
        self.coming = deque[tuple[list[Lane], Flags]]([([], (False, False))] * config.multiplier_registers)
        self.done = [False, False]
        self.lost = deque([False] * (1 + config.pipelined))  # the newest first; the oldest shows
        self.asked = self.read = 0  # the slot that the cycle before asked for; psums that were seen

    def noise(self) -> int:
        """An operand, an extreme one often."""
        half = 1 << self.config.data_bits - 1
        return int(self.rng.choice([-half, half - 1, int(self.rng.integers(-half, half))], p=[0.2, 0.2, 0.6]))

    def lane(self, valid: bool, bank: int, slot: int | None = None) -> Lane:
        """Random operands for a psum, any if there is none given."""
        slots = self.config.psum_slots
        offset = int(self.rng.integers(slots))
        slot = int(self.rng.integers(slots)) if slot is None else (slot - offset) % slots
        return Lane(valid, self.noise(), self.noise(), slot, offset, bank)

    async def cycle(
        self, lanes: list[Lane], ends: Flags = (False, False), clear: Flags = (False, False),
        read: tuple[int, int] = (0, 0),
    ) -> None:  # fmt: skip
        """Pairs that come, blocks that end, banks that are cleared; bank that is shown, slot to show in the next."""
        bank, slot = read
        outputs = await self.bench.cycle({
            "i_targets": [{"valid": int(lane.valid), "slot": lane.offset, "bank": lane.bank} for lane in lanes],
            **{f"i_weights_{number}": lane.weight for number, lane in enumerate(lanes)},
            **{f"i_activations_{number}": lane.activation for number, lane in enumerate(lanes)},
            **{f"i_slots_{number}": lane.slot for number, lane in enumerate(lanes)},
            "i_ends": ends[0] | ends[1] << 1, "i_clear": clear[0] | clear[1] << 1,
            "i_read_slot": slot, "i_bank": bank,
        })  # fmt: skip
        assert outputs["o_done"] == self.done[0] | self.done[1] << 1
        assert outputs["o_overflow"] == self.lost[-1]
        if self.done[bank]:
            assert outputs["o_psum"] == self.psums[:, bank, self.asked].sum(), f"psum {self.asked} of bank {bank}"
            self.read += 1
        self.asked = slot
        self.coming.append((lanes, ends))
        landing, ended = self.coming.popleft()
        over = self._add(landing)
        self.lost = deque([self.lost[0] or over, *list(self.lost)[:-1]])
        for number in range(2):
            if clear[number]:
                self.psums[:, number] = 0
            self.done[number] = self.done[number] and not clear[number] or ended[number]

    def _add(self, lanes: list[Lane]) -> bool:
        """Add the products of a cycle; whether one wraps around."""
        config, over = self.config, False
        totals: dict[tuple[int, int], tuple[int, int]] = {}  # by address, the file and the sum
        for number, lane in enumerate(lanes):
            if lane.valid:
                address = lane.bank, (lane.slot + lane.offset) % config.psum_slots
                file, total = totals.get(address, (number, 0))
                totals[address] = file, total + lane.weight * lane.activation
        for (bank, slot), (file, total) in totals.items():
            total += int(self.psums[file, bank, slot])
            kept = int(wrap(np.array(total), config.psum_bits))
            self.psums[file, bank, slot] = kept
            over |= kept != total
        return over

    async def rest(self) -> None:
        """Let all that is on its way land."""
        for _ in range(self.config.landing_cycles + 2):
            await self.cycle(self.nothing())

    def nothing(self) -> list[Lane]:
        """No pair."""
        return [self.lane(False, int(self.rng.integers(2))) for _ in range(self.config.pe_multipliers)]


async def restart(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> Model:
    """Reset, with nothing offered."""
    model = Model(bench, config, rng)
    idle = [dict.fromkeys(("valid", "slot", "bank"), 0)] * config.pe_multipliers
    await bench.cycle({"i_targets": idle, "i_ends": 0, "i_clear": 0})
    await bench.reset(config.landing_cycles)
    return model


@testbench(PARTS["multiply_add"])
async def random_blocks(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Blocks in both banks, of few psums or many; reads from one while the other grows."""
    lanes, slots, read = range(config.pe_multipliers), config.psum_slots, 0
    for density, ending, popular in ((1, 0.02, 1), (0.5, 0.1, 0.5), (0.9, 0.5, 0.9), (1, 0.02, 0.1), (0.1, 0.3, 0.5)):
        model = await restart(bench, config, rng)
        opened = [True, True]
        few = rng.integers(slots, size=2).tolist()
        for _ in range(200):
            banks = [bank for bank in range(2) if opened[bank]]
            pairs = []
            for _ in lanes:
                bank = int(rng.choice(banks)) if banks else int(rng.integers(2))
                slot = int(rng.choice(few)) if rng.random() < popular else None
                pairs.append(model.lane(bool(banks) and rng.random() < density, bank, slot))
            ends = opened[0] and rng.random() < ending, opened[1] and rng.random() < ending
            clear = model.done[0] and rng.random() < 0.2, model.done[1] and rng.random() < 0.2
            bank = int(rng.integers(2)) if all(model.done) else int(model.done[1])
            slot = int(rng.choice(few)) if rng.random() < 0.5 else int(rng.integers(slots))
            await model.cycle(pairs, ends, clear, (bank, slot))
            opened = [(opened[bank] and not ends[bank]) or clear[bank] for bank in range(2)]
        read += model.read
    assert read > 100


@testbench(PARTS["multiply_add"])
async def every_psum(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Each psum of each bank gets something from each lane, and is read as soon as the block is complete."""
    lanes, slots = config.pe_multipliers, config.psum_slots
    model = await restart(bench, config, rng)
    for bank in (0, 1):
        for turn in range(lanes):
            for slot in range(0, slots):
                pairs = [model.lane(True, bank, (slot + turn * (lane + 1)) % slots) for lane in range(lanes)]
                await model.cycle(pairs)
        await model.cycle(model.nothing(), (bank == 0, bank == 1))
        while not model.done[bank]:
            await model.cycle(model.nothing(), read=(bank, 0))
        for slot in range(slots + 1):
            await model.cycle(model.nothing(), read=(bank, slot % slots))
    for bank in (0, 1):
        clear = bank == 0, bank == 1
        await model.cycle(model.nothing(), clear=clear)
        await model.cycle(model.nothing(), clear)  # a block without anything
        while not model.done[bank]:
            await model.cycle(model.nothing(), read=(1 - bank, slots - 1))
        for slot in range(slots + 1):
            for other in (bank, 1 - bank):
                await model.cycle(model.nothing(), read=(other, slot % slots))


@testbench(PARTS["multiply_add"])
async def extremes(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """The largest products of either sign, alone on each lane and on all of them for one psum, until they overflow.

    Where that takes too long, as far as it gets.
    """
    half, lanes = 1 << config.data_bits - 1, config.pe_multipliers
    for users in [*([lane] for lane in range(lanes)), list(range(lanes))]:
        for weight, activation in ((-half, -half), (-half, half - 1), (half - 1, half - 1)):
            bank, slot = int(rng.integers(2)), int(rng.integers(config.psum_slots))
            model = await restart(bench, config, rng)
            for count in range(300):
                pairs = [model.lane(lane in users, bank, slot) for lane in range(lanes)]
                for lane in users:
                    pairs[lane] = dataclasses.replace(pairs[lane], weight=weight, activation=activation)
                await model.cycle(pairs)
                if model.lost[-1] or count >= 40 and config.psum_bits > 2 * config.data_bits + 6:
                    break
            await model.cycle(model.nothing(), (bank == 0, bank == 1))
            await model.rest()
            await model.cycle(model.nothing(), read=(bank, slot))
            await model.cycle(model.nothing(), read=(bank, slot))
