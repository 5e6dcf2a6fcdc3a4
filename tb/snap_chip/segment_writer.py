"""Testbench of the writer of segments."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.command import FIELDS
from ...hw.snap_chip.config import SnapChipConfig
from ...hw.snap_chip.segment_writer import SegmentWriter
from ..bench import Bench, Source, run
from ..bus.memory import STALLS, Stalls, WriteMemory, all_bursts, first_error
from ..cocotb_bench import testbench
from .parts import PARTS

IDLE = {"i_beats_valid": 0, "m_axi_bvalid": 0, "i_start": 0, "i_clear": 0}


class Done:
    """Sees when the layer is said to be done; nothing may be open then, and it must be said once."""

    def __init__(self, memory: WriteMemory, beats: Source) -> None:
        self.memory, self.beats, self.seen = memory, beats, False

    def drive(self) -> dict[str, Any]:
        """Nothing but the pulse of the start's end."""
        return {"i_start": 0}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Whether it was said."""
        if outputs["o_done"]:
            assert not self.seen and self.beats.done and self.memory.done
            self.seen = True
        return bool(outputs["o_done"])


async def layer(
    bench: Bench,
    config: SnapChipConfig,
    sizes: list[list[int]],
    stalls: Stalls,
    some: random.Random,
    failing: bool = False,
) -> None:
    """Write segments of so many beats, by region and tile, and compare all of memory."""
    lengths = [length for region in sizes for length in region]
    bus, pitch = config.bus, max(lengths) + some.randrange(3)
    last, table_beats = 1 << bus.beat_address_bits, -(-len(lengths) * 32 // config.data_bits)
    table, address = 17 + some.randrange(16), 100 + some.randrange(16)
    if some.random() < 0.2:
        address = last - len(lengths) * pitch
    fields = {
        "out_address": address, "out_pitch": pitch, "out_table": table,
        "out_tiles": len(sizes[0]), "regions": len(sizes),
    }  # fmt: skip
    assert set(fields) == set(SegmentWriter.fields) <= {field.name for field in FIELDS}
    beats = [
        {"data": some.getrandbits(config.data_bits), "last": int(place == length - 1)}
        for length in lengths
        for place in range(length)
    ]
    starts = [address + number * pitch for number in range(len(lengths))]
    places = [first + place for first, length in zip(starts, lengths, strict=True) for place in range(length)]
    wanted = {place: beat["data"] for place, beat in zip(places, beats, strict=True)}
    packed = int.from_bytes(np.array(lengths, "<u4").tobytes(), "little")
    for number in range(table_beats):
        wanted[table + number] = packed >> number * config.data_bits & (1 << config.data_bits) - 1
    errors = {row: some.choice([2, 3]) for row in some.sample(sorted(wanted), 2)} if failing else {}

    await bench.cycle(IDLE)
    memory, source = (
        WriteMemory(bus, stalls, some, errors),
        Source("i_beats", beats, some.choice([0, stalls.data, 0.7]), some),
    )
    done = Done(memory, source)
    await bench.cycle(IDLE | {"i_layer": fields, "i_start": 1})
    await run(bench, [done, source, memory], lambda: done.seen)
    found: dict[int, int] = {}
    for place, byte in memory.written.items():
        found[place // bus.bytes] = found.get(place // bus.bytes, 0) | byte << 8 * (place % bus.bytes)
    assert found == wanted and len(memory.written) == bus.bytes * len(wanted)
    bursts = all_bursts(
        bus, [{"address": first, "beats": length} for first, length in zip(starts, lengths, strict=True)]
    )
    assert len(memory.asked) == len(bursts) + table_beats, "more bursts than there have to be"
    outputs = await bench.cycle(IDLE)
    assert outputs["o_idle"] and not outputs["o_done"]
    asked = all_bursts(bus, [{"address": first, "beats": count} for first, count in memory.asked])
    assert first_error(bus, asked, errors).items() <= outputs["o_error"].items()
    if failing:
        await bench.cycle(IDLE | {"i_clear": 1})
        assert not (await bench.cycle(IDLE))["o_error"]["valid"]


@testbench(PARTS["segment_writer"])
async def layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Segments of any lengths at their places, lengths in the table, layer after layer; errors are passed on."""
    some = random.Random(int(rng.integers(1 << 32)))
    lengths = config.data_bits // 32
    for shape in ((1, 300), (300, 1)):  # more than the buffers of a chip let it write
        await layer(bench, config, [[1] * shape[0]] * shape[1], STALLS[0], some)
    for number, stalls in enumerate((*STALLS, *STALLS)):
        tiles, regions = some.choice([(1, 1), (lengths, 1), (1, lengths), (1, 2 * lengths), (3, 3), (2, lengths + 1)])
        sizes = [[some.choice([1, 2, 8, some.randint(1, 20)]) for _ in range(tiles)] for _ in range(regions)]
        await layer(bench, config, sizes, stalls, some, failing=number % 3 == 2)
