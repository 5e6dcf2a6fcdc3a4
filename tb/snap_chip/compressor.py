"""Testbench of the compressor."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.compressor import Compressor
from ...hw.snap_chip.config import OA_SLOTS, SnapChipConfig
from ...hw.snap_chip.output_scan import TILE_COUNT_BITS
from ...sim.golden.residual_add import residual_add
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .outputs import OutputShape, output_segments, place_of, random_output_shape, random_outputs
from .parts import PARTS

IDLE = {"i_start": 0, "i_residual_valid": 0, "o_beats_ready": 0, "i_finished": 0}


class Memories:
    """The memories of all ports: stored tiles are complete some time after there was a slot for them.

    What is in a slot that was given back, and in rows that have no pixel, is rubbish. Nothing is idle before the sink
    has all.
    """

    def __init__(
        self, config: SnapChipConfig, shape: OutputShape, values: np.ndarray, pace: float, some: random.Random,
        sink: Sink,
    ) -> None:  # fmt: skip
        self.config, self.shape, self.pace, self.some, self.sink = config, shape, pace, some, sink
        self.tiles = []
        for region in range(shape.regions):
            for tile in range(shape.tiles):
                part = values[:, :, tile * config.tile_channels : (tile + 1) * config.tile_channels]
                places = {
                    place_of(config, shape, line, column): part[line, column].tolist()
                    for line in shape.region(region)
                    for column in range(shape.columns)
                }
                self.tiles.append(places)
        self.given, self.read, self.reads, self._data = 0, 0, 0, None

    @property
    def done(self) -> bool:
        """All was read."""
        return self.read == len(self.tiles)

    def drive(self) -> dict[str, Any]:
        """What was read, or rubbish; whether the next tile is complete."""
        room = self.given < min(len(self.tiles), self.read + OA_SLOTS)
        self.given += room and self.some.random() < self.pace
        data = self._data or [self.some.randrange(256) for _ in range(self.config.tile_channels)]
        return {"i_data": data, "i_finished": int(self.given > self.read), "i_start": 0}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Read."""
        assert outputs["o_tiles"] == self.read % (1 << TILE_COUNT_BITS)
        assert not outputs["o_idle"] or self.sink.done
        self._data = None
        if outputs["o_read"]:
            assert self.given > self.read
            slot, entry = divmod(outputs["o_address"], self.config.region_pixels)
            assert slot == self.read % OA_SLOTS
            self._data = self.tiles[self.read][outputs["o_port"], entry]
            self.reads += 1
            if self.reads == len(self.tiles[self.read]):
                self.read, self.reads = self.read + 1, 0
        return bool(outputs["o_read"])


def field_values(config: SnapChipConfig, shape: OutputShape) -> dict[str, int]:
    """All fields that the compressor gets; those that say no shape are 0."""
    values = shape.fields(config)
    names = [*Compressor.fields, *(["first_port"] if config.global_accumulator else [])]
    return {name: values.get(name, 0) for name in names}


def _random_factors(rng: np.random.Generator) -> tuple[np.float32, np.float32, np.float32]:
    first, second = (np.float32(value) for value in np.exp(rng.uniform(-4, 1, 2)))
    return first, second, np.float32(rng.normal(0, 50))


@testbench(PARTS["compressor"])
async def layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Every pixel's tile, with a residual or without, layer after layer, whoever stalls; nothing is left at the end."""
    some = random.Random(int(rng.integers(1 << 32)))
    stalls = [(0, 0, 1), (0, 0.6, 1), (0.6, 0, 1), (0.2, 0.2, 0.02), (0.5, 0.5, 0.5)]
    for number in range(10):
        shape = random_output_shape(config, some)
        while shape.lines * shape.columns * shape.tiles < 20:
            shape = random_output_shape(config, some)
        if number < 2:
            columns = 2 * config.banks + 1
            shape = OutputShape(lines=3, columns=columns, tiles=2, region_lines=2, rotate=number, kernels=1)
        if number in (2, 3):  # the last segment is a pixel, before which everything else is over
            shape = OutputShape(lines=21, columns=1, tiles=1, region_lines=4, rotate=0, kernels=1)
        signed, zero = (int(value) for value in rng.integers(0, 2, 2))
        zero = (int(rng.integers(-128, 128)) if signed else int(rng.integers(256))) if zero else 0
        residual = number % 2
        low, high = (-128, 127) if signed else (0, 255)
        fields: dict[str, int] = field_values(config, shape)
        fields |= {"out_zero": zero, "residual": residual, "residual_low": low, "residual_high": high}
        values, beats = random_outputs(config, shape, rng, zero), []
        wanted = values
        if residual:
            other_signed = int(rng.integers(2))
            other_zero = int(rng.integers(-128, 128)) if other_signed else int(rng.integers(256))
            other = random_outputs(config, shape, rng, other_zero)
            beats = [beat for segment in output_segments(config, shape, other, other_zero) for beat in segment]
            terms = _random_factors(rng)
            sum_signed = number // 2 % 2
            a, b = (
                raw.astype(np.uint8).view(np.int8 if negative else np.uint8)
                for raw, negative in ((values, sum_signed), (other, other_signed))
            )
            wanted = residual_add(a, b, terms, low, high) & 255
            names = ("sum_factor", "residual_factor", "residual_offset")
            fields |= {name: int(term.view(np.uint32)) for name, term in zip(names, terms, strict=True)}
            fields |= {"sum_low": -128 if sum_signed else 0}
            fields |= {"signed_residual": other_signed, "residual_zero": other_zero}
        segments = output_segments(config, shape, wanted, zero)
        input_stall, output_stall, pace = stalls[number // 2]
        source = Source("i_residual", beats, input_stall, some)
        sink = Sink("o_beats", sum(map(len, segments)), output_stall, some, after_valid=number % 4 > 1)
        memories = Memories(config, shape, values, pace, some, sink)
        await bench.cycle(IDLE)
        assert (await bench.cycle(IDLE))["o_idle"]
        await bench.cycle(IDLE | {"i_layer": fields, "i_start": 1})
        await run(bench, [memories, source, sink], lambda memories=memories, sink=sink: memories.done and sink.done)
        assert source.done
        place = 0
        for index, segment in enumerate(segments):
            for at, data in enumerate(segment):
                what = f"beat {at} of segment {index} of layer {number}, {shape}"
                assert sink.beats[place] == {"data": data, "last": int(at == len(segment) - 1)}, what
                place += 1


@testbench(PARTS["compressor"])
async def pace(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """A pixel a cycle where one has no more words than a beat; with a residual, as many as its channels take."""
    some = random.Random(int(rng.integers(1 << 32)))
    columns = 3 * config.banks
    shape = OutputShape(lines=1, columns=columns, tiles=3, region_lines=1, rotate=0, kernels=1)
    for residual in (0, 1):
        values = np.zeros((1, columns, 3 * config.tile_channels), int)
        fields = field_values(config, shape) | {"residual": residual, "residual_high": 255}
        beats = [beat for segment in output_segments(config, shape, values, 0) for beat in segment]
        source = Source("i_residual", beats * residual, 0, some)
        sink = Sink("o_beats", len(beats), 0, some)
        memories = Memories(config, shape, values, 1, some, sink)
        await bench.cycle(IDLE)
        await bench.cycle(IDLE | {"i_layer": fields, "i_start": 1})
        start = bench.cycles
        await run(bench, [memories, source, sink], lambda sink=sink: sink.done)
        most = 3 * columns * (config.tile_channels // config.residual_lanes if residual else 1)
        assert most <= bench.cycles - start <= most + 16
