"""Testbench of the writer of segments."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.command import FIELDS
from ...hw.snap_chip.config import SnapChipConfig
from ...hw.snap_chip.segment_writer import LENGTH_BITS, SegmentWriter
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


class Layer:
    """A layer's segments, anywhere in memory, and what memory must hold then.

    Parameters
    ----------
    sizes
        Beats of each segment, by region and tile.

    Attributes
    ----------
    fields
        Of the command.
    segments
        First beats and numbers of beats.
    beats
        Payloads, in order.
    rows, table_rows
        What lies where: by segment, in order; of the table.
    """

    def __init__(self, config: SnapChipConfig, sizes: list[list[int]], some: random.Random) -> None:
        lengths, last = [length for region in sizes for length in region], 1 << config.bus.beat_address_bits
        table_beats = -(-len(lengths) * LENGTH_BITS // config.data_bits)
        packed = int.from_bytes(np.array(lengths, "<u4").tobytes(), "little")
        row_mask = (1 << config.data_bits) - 1
        while True:
            pitch = max(lengths) + some.choice([0, some.randrange(3), some.randrange(1 << 15)])
            table, address = (some.choice([some.randrange(last), last - some.randrange(40)]) % last for _ in range(2))
            starts = [(address + number * pitch) % last for number in range(len(lengths))]
            self.segments = list(zip(starts, lengths, strict=True))
            places = [(first + place) % last for first, length in self.segments for place in range(length)]
            tables = [(table + number) % last for number in range(table_beats)]
            if len({*places, *tables}) == len(places) + len(tables):
                break
        self.beats = [
            {"data": some.getrandbits(config.data_bits), "last": int(place == length - 1)}
            for length in lengths
            for place in range(length)
        ]
        self.rows = {place: beat["data"] for place, beat in zip(places, self.beats, strict=True)}
        self.table_rows = {row: packed >> n * config.data_bits & row_mask for n, row in enumerate(tables)}
        self.fields = {
            "out_address": address, "out_pitch": pitch, "out_table": table,
            "out_tiles": len(sizes[0]), "regions": len(sizes),
        }  # fmt: skip
        assert set(self.fields) == set(SegmentWriter.fields) <= {field.name for field in FIELDS}


def written_rows(config: SnapChipConfig, memory: WriteMemory) -> dict[int, int]:
    """All beats that were written, of which all bytes must have been."""
    found: dict[int, int] = {}
    for place, byte in memory.written.items():
        found[place // config.bus.bytes] = found.get(place // config.bus.bytes, 0) | byte << 8 * (
            place % config.bus.bytes
        )
    assert len(memory.written) == config.bus.bytes * len(found)
    return found


async def layer(
    bench: Bench,
    config: SnapChipConfig,
    sizes: list[list[int]],
    stalls: Stalls,
    some: random.Random,
    failing: bool = False,
) -> None:
    """Write segments of so many beats, by region and tile, and compare all of memory."""
    bus, made = config.bus, Layer(config, sizes, some)
    wanted = made.rows | made.table_rows
    errors = {row: some.choice([2, 3]) for row in some.sample(sorted(wanted), 2)} if failing else {}
    await bench.cycle(IDLE)
    memory, source = (
        WriteMemory(bus, stalls, some, errors),
        Source("i_beats", made.beats, some.choice([0, stalls.data, 0.7]), some),
    )
    done = Done(memory, source)
    await bench.cycle(IDLE | {"i_layer": made.fields, "i_start": 1})
    await run(bench, [done, source, memory], lambda: done.seen)
    assert written_rows(config, memory) == wanted
    bursts = all_bursts(bus, [{"address": first, "beats": length} for first, length in made.segments])
    assert len(memory.asked) == len(bursts) + len(made.table_rows), "more bursts than there have to be"
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
    lengths = config.data_bits // LENGTH_BITS
    for number, stalls in enumerate((*STALLS, *STALLS)):
        tiles, regions = some.choice([(1, 1), (lengths, 1), (1, lengths), (1, 2 * lengths), (3, 3), (2, lengths + 1)])
        sizes = [[some.choice([1, 2, 8, some.randint(1, 20)]) for _ in range(tiles)] for _ in range(regions)]
        await layer(bench, config, sizes, stalls, some, failing=number % 3 == 2)


@testbench(PARTS["segment_writer"])
async def many_short_segments(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Memory answers so late that no bursts are taken for long; many tiles, many regions; a long segment."""
    some = random.Random(int(rng.integers(1 << 32)))
    await layer(bench, config, [[1] * 33], Stalls(latency=120), some)
    await layer(bench, config, [[some.randint(1, 2)] for _ in range(35)], Stalls(), some)
    await layer(bench, config, [[1] * 33], Stalls(address=0.5), some)
    await layer(bench, config, [[some.randint(257, 300)]], Stalls(), some)


@testbench(PARTS["segment_writer"])
async def many_more(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Numbers of tiles and regions of a high bit and one: a layer is not over after as many as the rest says."""
    some = random.Random(int(rng.integers(1 << 32)))
    widths = {name: field["shape"]["width"] for name, field in bench.inputs["i_layer"]["fields"].items()}
    for field, other in (("out_tiles", "regions"), ("regions", "out_tiles")):
        for bit in range(4, widths[field]):
            made = Layer(config, [[some.randint(1, 3) for _ in range(5)]], some)
            fields = made.fields | {field: (1 << bit) + 1, other: 1}
            memory, source = WriteMemory(config.bus, Stalls(), some), Source("i_beats", made.beats, 0, some)
            await bench.cycle(IDLE)
            await bench.cycle(IDLE | {"i_layer": fields, "i_start": 1})
            for _ in range(45):
                outputs = await bench.cycle({"i_start": 0} | source.drive() | memory.drive())
                source.observe(outputs)
                memory.observe(outputs)
                assert not outputs["o_done"]
            assert source.done and made.rows.items() <= written_rows(config, memory).items()
            await bench.cycle(IDLE)
            await bench.reset()
