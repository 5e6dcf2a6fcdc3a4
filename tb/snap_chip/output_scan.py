"""Testbench of the scan of the output buffer."""

import random
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ...hw.snap_chip.config import OA_SLOTS, SnapChipConfig
from ...hw.snap_chip.output_scan import TILE_COUNT_BITS
from ..bench import Bench, run
from ..cocotb_bench import testbench
from .parts import PARTS


class Place(NamedTuple):
    """Where a pixel lies: its tile, port, and row, or None if memories have no such row; whether it ends a segment."""

    tile: int
    port: int
    row: int | None
    last: bool


def places(config: SnapChipConfig, layer: Mapping[str, int]) -> Iterator[Place]:
    """By region, stored tile, line, column."""
    tile, ports = 0, config.banks
    for first in range(0, layer["out_lines"], layer["region_lines"]):
        lines = min(layer["region_lines"], layer["out_lines"] - first)
        for _ in range(layer["out_tiles"]):
            for x in range(lines):
                for y in range(layer["out_columns"]):
                    at = y + layer.get("first_port", 0)
                    entry = at // ports * lines + x
                    row = tile % OA_SLOTS * config.region_pixels + entry if entry < config.region_pixels else None
                    ends = x == lines - 1 and y == layer["out_columns"] - 1
                    yield Place(tile, (at - x * layer["rotate"]) % ports, row, ends)
            tile += 1


class Surroundings:
    """Memories, which show rubbish but for the cycle after a read, and who takes the pixels; all outputs are compared.

    Parameters
    ----------
    layer
        Fields of the command.
    pace
        Probability that a tile is said to be complete.
    stall, after_valid
        As of a `Sink`.
    """

    def __init__(
        self, config: SnapChipConfig, layer: Mapping[str, int], pace: float, stall: float, after_valid: bool,
        some: random.Random,
    ) -> None:  # fmt: skip
        self.config, self.pace, self.stall, self.after_valid, self.some = config, pace, stall, after_valid, some
        self._left = places(config, layer)
        self._next, self._tiles = next(self._left, None), 0
        self._fresh: Place | None = None
        self._offered: dict[str, Any] | None = None
        self._ready, self._finished, self._waited = False, False, False

    @property
    def done(self) -> bool:
        """All was read and taken."""
        return self._next is None and self._offered is None and self._fresh is None

    def drive(self) -> dict[str, Any]:
        """What was read, whether there is more, and whether it is taken."""
        some = self.some
        text = list(some.randbytes(self.config.tile_channels))
        if self._fresh:
            self._offered = {"values": text, "last": int(self._fresh.last)}
        self._ready = some.random() >= self.stall and (self._waited or not self.after_valid)
        self._finished = some.random() < self.pace
        return {
            "i_start": 0, "i_data": text, "i_finished": int(self._finished), "o_pixels_ready": int(self._ready),
        }  # fmt: skip

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Compare everything; a pixel is read as soon as there is one and the one before goes."""
        offered, wanted = self._offered, self._next
        assert outputs["o_pixels_valid"] == (offered is not None)
        assert offered is None or outputs["o_pixels_payload"] == offered
        assert outputs["o_tiles"] == self._tiles % (1 << TILE_COUNT_BITS)
        assert outputs["o_idle"] == (wanted is None and offered is None)
        reads = wanted is not None and self._finished and (offered is None or self._ready)
        assert outputs["o_read"] == reads
        self._fresh = wanted if reads else None
        if wanted is not None and reads:
            assert outputs["o_port"] == wanted.port and wanted.row in (None, outputs["o_address"]), wanted
            self._tiles += wanted.last
            self._next = next(self._left, None)
        taken = offered is not None and self._ready
        self._waited = offered is not None and not taken
        self._offered = None if taken else offered
        return reads or taken


async def scan(
    bench: Bench, config: SnapChipConfig, layer: Mapping[str, int], some: random.Random, *, pace: float = 1,
    stall: float = 0, after_valid: bool = False, stop_after: int | None = None,
) -> None:  # fmt: skip
    """One layer, or its first cycles and a reset."""
    rubbish = {name: some.getrandbits(1) for name in layer}
    outputs = await bench.cycle({"i_layer": rubbish, "i_start": 0, "i_finished": 1, "o_pixels_ready": 0})
    assert outputs["o_idle"] and not outputs["o_read"] and not outputs["o_pixels_valid"]
    await bench.cycle({"i_layer": layer, "i_start": 1, "i_finished": some.randrange(2)})
    around = Surroundings(config, layer, pace, stall, after_valid, some)
    end = bench.cycles + stop_after if stop_after else None
    await run(bench, [around], lambda: around.done or bench.cycles == end)
    if end:
        await bench.reset()
    else:
        for _ in range(some.randrange(3)):
            around.observe(await bench.cycle(around.drive()))


def layer_of(
    config: SnapChipConfig, some: random.Random, *, lines: int, columns: int, tiles: int, region_lines: int
) -> dict[str, int]:
    """Fields of the command, of a layer whose pixels are at any ports."""
    sizes = {"out_lines": lines, "out_columns": columns, "out_tiles": tiles, "region_lines": region_lines}
    first = {"first_port": some.choice([0, some.randrange(config.banks)])} if config.global_accumulator else {}
    return sizes | first | {"rotate": some.randrange(2)}


@testbench(PARTS["output_scan"])
async def layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Layers of any shape, that fit or not, whoever is slow; some are broken off by a reset."""
    some = random.Random(int(rng.integers(1 << 32)))
    for number in range(24):
        pace, stall = some.choice([(1, 0), (0.3, 0), (1, 0.7), (0.5, 0.5)])
        columns = some.choice([1, config.banks, some.randint(1, 2 * config.banks), some.randint(1, 30)])
        lines, tiles = some.randint(1, 9), some.choice([1, some.randint(1, 8)])
        if lines * columns * tiles > 150:
            tiles = 1
        layer = layer_of(config, some, lines=lines, columns=columns, tiles=tiles, region_lines=some.randint(1, lines))
        stop = some.randint(1, 40) if number % 4 == 3 else None
        await scan(bench, config, layer, some, pace=pace, stall=stall, after_valid=number % 3 == 2, stop_after=stop)


@testbench(PARTS["output_scan"])
async def large_sizes(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Each size as large as its field can say; the beginning of layers whose sizes are each a high bit alone."""
    some = random.Random(int(rng.integers(1 << 32)))
    small = {"lines": 1, "columns": 1, "tiles": 1, "region_lines": 1}
    await scan(bench, config, layer_of(config, some, **(small | {"lines": 0})), some)  # over at once
    fields = {name.removeprefix("out_"): field["shape"] for name, field in bench.inputs["i_layer"]["fields"].items()}
    most = {name: (1 << shape["width"]) - 1 for name, shape in fields.items()}
    region = some.randint(most["region_lines"] // 2, most["region_lines"])
    lines = {"lines": most["lines"] // 2 + some.randint(1, region), "region_lines": region}
    for sizes in ({"columns": most["columns"]}, {"tiles": most["tiles"]}, lines):
        await scan(bench, config, layer_of(config, some, **(small | sizes)), some)
    for size in ("columns", "tiles", "lines"):
        for bit in range(fields[size]["width"]):
            for more in (0, 2):
                layer = layer_of(config, some, **(small | {"lines": 2, "columns": 2, size: (1 << bit) + more}))
                await scan(bench, config, layer, some, pace=0.7, stop_after=8)
