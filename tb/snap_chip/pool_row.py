"""Testbench of maximum pooling."""

import random
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .activations import random_tensor, row_tiles
from .nest import Shape, blocks, random_shape
from .parts import PARTS


class Tiles(Source):
    """Offers tiles, and says which of them are inside."""

    def __init__(self, tiles: list[dict[str, Any]], stall: float, rng: random.Random) -> None:
        super().__init__("i_tiles", [tile for tile, _ in tiles], stall, rng)
        self.inside = [inside for _, inside in tiles]

    def drive(self) -> dict[str, Any]:
        """The stream, and the bit beside it."""
        inputs = super().drive()
        return inputs | {"i_inside": self.inside[self.sent] if inputs["i_tiles_valid"] else self.rng.randrange(2)}


def pooled(config: SnapChipConfig, shape: Shape, dense: np.ndarray, row: int, least: int) -> list[list[int]]:
    """By block: the maximum over the window of the row's pixel, from the definition."""
    found = []
    for block in blocks(config, shape):
        assert block["pixels"] == 1
        group, x = divmod(block["start"], block["lines"])
        y = config.banks * group + (row + shape.rotate * x) % config.banks
        top = (block["x0"] + x) * shape.stride[0] - shape.padding[0]
        left = y * shape.stride[1] - shape.padding[1]
        lines = [top + r * shape.dilation[0] for r in range(shape.kernel[0])]
        columns = [left + s * shape.dilation[1] for s in range(shape.kernel[1])]
        lines = [line for line in lines if 0 <= line < shape.height]
        columns = [column for column in columns if 0 <= column < shape.width and y < shape.out_columns]
        part = dense[:, :, block["tile"] * config.tile_channels :][..., : config.tile_channels]
        window = part[np.ix_(lines, columns)].reshape(-1, config.tile_channels)
        found.append((np.concatenate([window, np.full((1, config.tile_channels), least)]).max(0) & 255).tolist())
    return found


@testbench(PARTS["pool_row"])
async def layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """The maximum of each pixel's window, signed or not, any zero point, whoever stalls."""
    some = random.Random(int(rng.integers(1 << 32)))
    for number in range(12):
        while True:
            shape = random_shape(config, some, pool=True)
            row = some.randrange(config.banks)
            if len(list(blocks(config, shape))) * shape.kernel[0] * shape.kernel[1] <= 150:
                break
        signed = some.randrange(2)
        zero = some.choice([0, some.randrange(256) - 128 * signed, 127, -128 if signed else 255])
        tensor = random_tensor(config, shape, rng)
        raw = np.where(tensor[1] > 0, tensor[0], zero & 255).astype(np.uint8)
        dense = raw.view(np.int8).astype(int) if signed else raw.astype(int)
        tiles = []
        for tile in row_tiles(config, shape, tensor, row):
            tag = {name: value for name, value in tile.items() if name not in ("values", "bitmap")}
            values = tile["values"] + [some.randrange(256) for _ in range(config.tile_channels - len(tile["values"]))]
            bitmap = tile["bitmap"] if tile["inside"] else some.getrandbits(config.tile_channels)
            tag["inside"] = some.getrandbits(config.banks)
            tiles.append(({"bitmap": bitmap, "values": values, "tag": tag}, int(tile["inside"])))
        wanted = pooled(config, shape, dense, row, -128 if signed else 0)
        stalls = some.choice([(0, 0), (0.5, 0), (0, 0.5), (0.4, 0.4)])
        source = Tiles(tiles, stalls[0], some)
        sink = Sink("o_words", len(wanted), stalls[1], some, after_valid=number % 3 == 2)
        outputs = await bench.cycle({"i_layer": {"in_zero": zero, "signed_inputs": signed}, "i_tiles_valid": 0})
        assert outputs["o_idle"]
        await run(bench, [source, sink], lambda source=source, sink=sink: source.done and sink.done)
        assert sink.beats == wanted, f"{shape}"
        await bench.cycle({"i_tiles_valid": 0})
