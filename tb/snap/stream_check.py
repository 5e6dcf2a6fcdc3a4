"""Testbench of the checks of streams: each cause of an error alone, and what is none."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...hw.snap.config import SnapConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS
from .random_values import random_bits, random_value

Beat = dict[str, Any]


class _Stream:
    """What a check is shown, and what it must say: `Bench` with a model of one kind of stream.

    Attributes
    ----------
    receivers
        Bits of a beat's mask.
    span
        Beats of an item for one of them.
    """

    def __init__(self, bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
        self.bench, self.config, self.rng = bench, config, rng
        self.shape = bench.inputs["i_beat"]
        self.activations = "i_stuck" in bench.inputs
        self.receivers = self.shape["fields"]["mask"]["shape"]["width"]
        self.span = config.tile_beats if self.activations else config.window_beats
        self.most = (1 << self.shape["fields"]["count"]["shape"]["width"]) - 1
        self.stored: list[list[list[int]]] = [[] for _ in range(self.receivers)]  # indices, by receiver and beat
        self.error = False

    async def restart(self) -> None:
        """Forget everything; the flag must be down."""
        await self.bench.cycle({"i_valid": 0, "i_taken": 0} | ({"i_stuck": 0} if self.activations else {}))
        await self.bench.reset()
        self.stored, self.error = [[] for _ in range(self.receivers)], False

    def beat(self, **fields: Any) -> Beat:
        """A beat of nothing that would be an error, whatever else it has: a mask, a count, indices that increase."""
        width = self.config.beat_entries
        beat = random_value(self.rng, self.shape) | {"count": width, "mask": 0, "last": 0, "group_last": 1}
        indices = sorted(self.rng.permutation(self.config.channel_tile)[:width].tolist())
        for entry, index in zip(beat["entries"], indices, strict=True):
            entry["value"] = entry["value"] or 1 - 2 * int(self.rng.integers(2))
            entry["index"] = index
        return beat | fields

    def spread(self, part: int, parts: int, **fields: Any) -> Beat:
        """A beat that may be number `part` of `parts` of an item: its indices are greater than those before."""
        beat, channels, width = self.beat(**fields), self.config.channel_tile, self.config.beat_entries
        for lane, entry in enumerate(beat["entries"]):
            entry["index"] = (part * width + lane) * channels // (parts * width) % channels
        return beat

    def wrong(self, beat: Beat, stuck: bool = False) -> bool:
        """Whether the beat that is offered is an error, by what the description says."""
        width, count = self.config.beat_entries, beat["count"]
        entries = beat["entries"][:count]
        indices = [entry["index"] for entry in entries]
        wrong = count > width or (beat["mask"] != 0 and any(entry["value"] == 0 for entry in entries))
        for receiver, beats in enumerate(self.stored):
            if beat["mask"] >> receiver & 1:
                wrong |= len(beats) >= self.span
                if self.activations:
                    before = [index for part in beats for index in part]
                    wrong |= bool(indices and before) and indices[0] <= before[-1]
        if self.activations:
            falls = any(b <= a for a, b in zip(indices, indices[1:], strict=False))
            return bool(wrong or stuck or (falls and beat["mask"] != 0))
        return wrong or bool(beat["last"] and beat["block_last"] and not beat["group_last"])

    async def offer(self, beat: Beat, taken: bool = True, valid: bool = True, stuck: bool = False) -> None:
        """Show a beat for a cycle, and compare the flag, which shows the cycles before."""
        inputs: dict[str, Any] = {"i_beat": beat, "i_valid": int(valid), "i_taken": int(taken and valid)}
        outputs = await self.bench.cycle(inputs | ({"i_stuck": int(stuck)} if self.activations else {}))
        assert outputs["o_error"] == self.error, f"the flag must be {int(self.error)} before {beat}"
        self.error |= valid and self.wrong(beat, stuck)
        if valid and taken:
            indices = [entry["index"] for entry in beat["entries"][: beat["count"]]]
            for receiver in range(self.receivers):
                if beat["last"]:
                    self.stored[receiver] = []
                elif beat["mask"] >> receiver & 1:
                    self.stored[receiver].append(indices)

    async def verdict(self, expected: bool, about: str) -> None:
        """The flag now, and that it stays; start anew."""
        assert self.error == expected, f"the bench is wrong about {about}"
        for _ in range(2):
            outputs = await self.bench.cycle({"i_valid": 0, "i_taken": 0})
            assert outputs["o_error"] == expected, f"{about} must {'' if expected else 'not '}raise the flag"
        await self.restart()

    def masks(self) -> Iterator[int]:
        """Each receiver alone, all of them, and some."""
        yield from (1 << receiver for receiver in range(self.receivers))
        yield (1 << self.receivers) - 1
        yield random_bits(self.rng, self.receivers) or 1


CHECKS = PARTS["weight_check"] | PARTS["activation_check"]


@testbench(CHECKS)
async def counts_too_high(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Counts of more entries than there are, without a zero anywhere; none that is right is an error."""
    stream = _Stream(bench, config, rng)
    for count in range(stream.most + 1):
        for mask in (0, *stream.masks()):
            for taken in (True, False):
                await stream.offer(stream.beat(count=count, mask=mask, last=1), taken)
                await stream.verdict(count > config.beat_entries, f"a count of {count}")
        await stream.offer(stream.beat(count=count), valid=False)
        await stream.verdict(False, "a count while nothing is offered")


@testbench(CHECKS)
async def zeros(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """A zero in each lane, for each receiver; beside what counts, and for nobody, it may be."""
    stream = _Stream(bench, config, rng)
    for lane in range(config.beat_entries):
        for count in {lane, lane + 1, config.beat_entries}:
            for mask in (0, *stream.masks()):
                for valid in (True, False):
                    beat = stream.beat(count=count, mask=mask, last=1)
                    beat["entries"][lane]["value"] = 0
                    await stream.offer(beat, bool(rng.integers(2)), valid)
                    await stream.verdict(valid and mask > 0 and lane < count, f"a zero in lane {lane} of {count}")


@testbench(CHECKS)
async def too_many_beats(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """As many beats as there may be for a receiver, and one more, which is never taken."""
    stream = _Stream(bench, config, rng)
    span = stream.span

    async def fill(mask: int) -> None:
        for part in range(span):
            await stream.offer(stream.spread(part, span, mask=mask))
            if rng.random() < 0.3:
                await stream.offer(stream.spread(part, span, mask=0))  # nobody's
            if rng.random() < 0.3:
                await stream.offer(stream.beat(mask=mask, count=0), False, part < span - 1)  # not taken yet

    for mask in stream.masks():
        rest = (1 << stream.receivers) - 1 & ~mask
        await fill(mask)
        await stream.offer(stream.beat(mask=rest, count=0))  # has room
        await stream.offer(stream.beat(mask=mask, count=0), valid=False)
        await stream.offer(stream.beat(mask=0, count=0, last=1))
        await fill(mask)
        await stream.offer(stream.beat(mask=mask, count=0), False)
        await stream.verdict(True, f"a beat too many for {mask:b}")
        for part in range(2 * span):
            await stream.offer(stream.spread(part % span, span, mask=mask, last=int(part % span == span - 1)))
        await stream.offer(stream.beat(mask=rest or mask))
        await stream.verdict(False, "two full items")


@testbench(PARTS["weight_check"])
async def ends(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """The end of a block, which must be that of a group, but only where a window ends."""
    stream = _Stream(bench, config, rng)
    for mask in (0, *stream.masks()):
        for flags in range(8):
            last, group, block = (flags >> bit & 1 for bit in range(3))
            for valid in (True, False):
                beat = stream.beat(mask=mask, last=last, group_last=group, block_last=block)
                await stream.offer(beat, bool(rng.integers(2)), valid)
                await stream.verdict(valid and bool(last and block and not group), f"{last=} {group=} {block=}")


@testbench(PARTS["activation_check"])
async def stuck(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """A PE without room that waits for more, of which only an offered beat is a sign."""
    stream = _Stream(bench, config, rng)
    for mask in (0, *stream.masks()):
        for valid in (True, False):
            await stream.offer(stream.beat(mask=mask), False, valid, True)
            await stream.verdict(valid, "a PE without room")


@testbench({name: config for name, config in PARTS["activation_check"].items() if config.beat_entries > 1})
async def order_in_a_beat(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """An index that isn't greater than that of the lane before, if both count."""
    stream = _Stream(bench, config, rng)
    for lane in range(1, config.beat_entries):
        for count in range(config.beat_entries + 1):
            for below in (False, True):
                beat = stream.spread(1, 4, mask=int(rng.choice(list(stream.masks()))), count=count)
                beat["entries"][lane]["index"] = beat["entries"][lane - 1]["index"] - below
                for later in range(lane + 1, config.beat_entries):
                    beat["entries"][later]["index"] = config.channel_tile - config.beat_entries + later
                await stream.offer(beat)
                await stream.verdict(lane < count, f"lane {lane} of {count}, {beat['entries']}")


@testbench(PARTS["activation_check"])
async def order_of_beats(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """An index that isn't greater than the last one of a receiver's tile; beats in between that aren't stored there."""
    stream = _Stream(bench, config, rng)
    width, channels = config.beat_entries, config.channel_tile
    pairs = [(low, low + step) for low in range(channels) for step in (-1, 0, 1)]
    pairs += [(low, high) for low in (0, channels - 1) for high in (0, channels - 1)]
    for mask in stream.masks():
        others = (1 << stream.receivers) - 1 & ~mask
        for before, index in pairs:
            count = int(rng.integers(1, min(width, before + 1) + 1))
            first = stream.beat(mask=mask, count=count)
            for lane, entry in enumerate(first["entries"]):
                entry["index"] = before - count + 1 + lane if lane < count else int(rng.integers(channels))
            await stream.offer(first, False)
            await stream.offer(first)
            if rng.random() < 0.5:
                await stream.offer(stream.beat(mask=mask, count=0))  # holds nothing
            if rng.random() < 0.5:
                await stream.offer(stream.beat(mask=others, count=1))
            if 0 <= index < channels:
                second = stream.beat(mask=mask, count=1)
                second["entries"][0]["index"] = index
                await stream.offer(second, bool(rng.integers(2)))
                await stream.verdict(index <= before, f"index {index} after {before} for {mask:b}")
            else:
                await stream.offer(stream.beat(mask=int(rng.choice([mask, others])), count=0, last=1))
                await stream.offer(stream.beat(mask=mask))
                await stream.verdict(False, "a new tile")


@testbench(CHECKS)
async def one_change(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Items as they should be, in which one field of one beat changes, or none."""
    stream = _Stream(bench, config, rng)
    for _ in range(80):
        length = int(rng.integers(1, 2 * min(stream.span, 8)))
        change = int(rng.integers(2 * length))
        for part in range(length):
            count = int(rng.integers(config.beat_entries + 1))
            if length * config.beat_entries > config.channel_tile:  # indices that increase need room
                count = min(count, 1)
            beat = stream.spread(part, length, mask=random_bits(rng, stream.receivers), count=count)
            beat["last"] = int(part == length - 1)
            if part == change:
                name = str(rng.choice(list(beat)))
                beat[name] = random_value(rng, stream.shape)[name]
            for _ in range(int(rng.integers(3))):
                await stream.offer(beat, False)
            if rng.random() < 0.3:
                await stream.offer(random_value(rng, stream.shape), valid=False)
            await stream.offer(beat)
        await stream.verdict(stream.error, "a random item")
