"""Testbench of the scan of blocks."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.config import NO_LINE, SnapChipConfig
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .parts import PARTS

Fields = dict[str, int]


def random_layer(config: SnapChipConfig, some: random.Random, kind: str) -> tuple[Fields, list[Fields]]:
    """A layer with many steps, taps or pixels, or few of all, and some blocks; edges of the image are near.

    Fields are as large as they can be, whether or not a chip has room for such a layer.
    """
    most = {"steps": 1, "lines": 3, "columns": 3, "pixels": 4} | {
        "steps": {"steps": 1023, "lines": 1, "columns": 1, "pixels": 1},
        "taps": {"lines": 31, "columns": 31, "pixels": 2},
        "pixels": {"lines": 2, "columns": 2, "pixels": 127},
    }.get(kind, {"steps": 3})
    banks, columns = config.banks, config.core.core_columns
    full, rest_steps = some.choice([most["steps"], some.randrange(most["steps"] + 1)]), some.randrange(3)
    layer = {
        "height": 0, "band_lines": some.randint(1, 255), "kernels": some.randint(1, 8),
        "kernel_lines": some.choice([most["lines"], some.randint(1, most["lines"])]),
        "kernel_columns": some.choice([most["columns"], some.randint(1, most["columns"])]),
        "stride_lines": some.randint(1, 7), "stride_columns": some.randint(1, 7),
        "dilation_lines": some.choice([1, 31, some.randint(1, 31)]), "dilation_quotient": some.randrange(16),
        "dilation_rest": some.randrange(banks), "padding_quotient": some.randrange(-16, 16),
        "padding_rest": some.randrange(banks), "full_steps": full, "rest_steps": rest_steps if full else 1,
        "rest_tiles": some.randint(1, columns),
    }  # fmt: skip
    layer |= {"diagonal": some.getrandbits(1)} if config.global_accumulator else {}
    line = some.choice([some.randint(-31, 31), some.randint(-31, 4157)])
    reach = some.randrange(31 * 31 + 255)
    layer["height"] = min(max(line + some.choice([0, 1, some.randint(0, 31), reach]), 1), 4095)
    blocks = []
    for _ in range(1 if kind else 3):
        lines, group = some.choice([some.randint(1, 9), some.randint(1, 255)]), some.randrange(1024 - 64)
        x = some.choice([some.randrange(lines), max(0, lines - some.randint(1, 3))])
        blocks.append(
            {
                "line": line,
                "lines": lines,
                "x": x,
                "x_rows": x % banks,
                "x_lines": x * layer["stride_lines"],
                "group": group,
                "group_columns": group * layer["stride_columns"],
                "pixels": some.choice([most["pixels"], some.randint(1, most["pixels"])]),
                "tile": some.choice([some.randrange(100), some.randrange(4096)]),
                "need": some.choice([some.randrange(4096), some.randrange(8192)]),
                "free": some.randrange(NO_LINE),
            }  # fmt: skip
        )
    return layer, blocks


def steps(config: SnapChipConfig, layer: Fields) -> list[tuple[int, int]]:
    """Tiles of each step over channels, and whether they are fewer."""
    whole = 1 if layer.get("diagonal") else config.core.core_columns
    return [(whole, 0)] * layer["full_steps"] + [(layer["rest_tiles"], 1)] * layer["rest_steps"]


def places(config: SnapChipConfig, layer: Fields, block: Fields) -> list[tuple[int, Fields]]:
    """By pixel of a block: lines below the tap's, and its fields."""
    found = []
    for number in range(block["pixels"]):
        groups, x = divmod(block["x"] + number, block["lines"])
        group = block["group"] + groups
        # x is modulo the banks from the block's first pixel on, and from 0 in each group behind
        fields = {"x_rows": x % config.banks, "group": group, "group_columns": group * layer["stride_columns"]}
        fields["slot"] = number * layer["kernels"] % (1 << config.core.slot_bits)
        found.append((x * layer["stride_lines"], fields))
    return found


def pixels_of(config: SnapChipConfig, layer: Fields, block: Fields) -> Iterator[tuple[int, Fields]]:
    """What a block gives, each with the tiles that its step needs; of a blank only what counts."""
    banks, pixels, tile = config.banks, places(config, layer, block), block["tile"]
    dilation, padding = (banks * layer[f"{name}_quotient"] + layer[f"{name}_rest"] for name in ("dilation", "padding"))
    todo = steps(config, layer)
    for step, (tiles, rest) in enumerate(todo):
        for r in range(layer["kernel_lines"]):
            for s in range(layer["kernel_columns"]):
                ends = (step + 1, r + 1, s + 1) == (len(todo), layer["kernel_lines"], layer["kernel_columns"])
                found = []
                for down, fields in pixels:
                    line, tap = block["line"] + r * layer["dilation_lines"] + down, padding + s * dilation
                    if 0 <= line < layer["height"]:
                        tap_column = {"tap_quotient": tap // banks, "tap_rest": tap % banks}
                        found.append({"line": line, "tile": tile % 4096, "tiles": tiles, **tap_column, **fields})
                found = found or [{"slot": 0}]
                for number, fields in enumerate(found):
                    last = number + 1 == len(found)
                    flags = {"blank": int(len(fields) == 1), "group_last": int(last), "block_last": int(last and ends)}
                    yield tile % 4096 + tiles, {"rest": rest, **flags, **fields}
        tile += tiles


class Loader:
    """Loads lines, and tiles of the band behind them; counts the cycles in which the scan waits for them.

    It also sees which lines were free whenever there was a pixel.

    Parameters
    ----------
    chance
        Probability that something is loaded in a cycle.
    layer, blocks, needs
        What is scanned; by pixel, its block, and tiles without which it must not come.
    sink
        Where pixels go.
    """

    def __init__(
        self, chance: float, layer: Fields, blocks: list[Fields], needs: list[tuple[int, int]], sink: Sink,
        some: random.Random,
    ) -> None:  # fmt: skip
        self.chance, self.layer, self.blocks, self.needs, self.sink, self.some = (
            chance,
            layer,
            blocks,
            needs,
            sink,
            some,
        )
        self.lines = self.tiles = self.waited = 0
        self.free: set[int] = set()
        self._before = 0, 0

    def loaded(self, number: int, lines: int, tiles: int) -> bool:
        """Whether a pixel's step has all of its channels."""
        block, behind = self.needs[number]
        need, band = self.blocks[block]["need"], self.layer["band_lines"]
        return need <= lines or (need <= lines + band and behind <= tiles)

    def drive(self) -> dict[str, Any]:
        """Some more."""
        self._before = self.lines, self.tiles
        if self.some.random() < self.chance:
            # What is missing, or one less, or anything; a band is whole before the next one begins.
            block, behind = self.needs[min(len(self.sink.beats), len(self.needs) - 1)]
            need, band = self.blocks[block]["need"], self.layer["band_lines"]
            tiles = min(4095, self.some.choice([behind, max(behind - 1, 0), self.some.getrandbits(12)]))
            lines = min(8191, max(need - self.some.choice([0, 1, band, band + 1]), self.lines + band))
            if self.some.getrandbits(1):
                self.tiles = max(self.tiles, tiles)
            elif lines > self.lines:
                self.lines, self.tiles = lines, 0
        return {"i_lines": self.lines, "i_tiles": self.tiles}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """A pixel is not offered before its step may begin, and the scan doesn't wait if all may."""
        number = len(self.sink.beats)
        if outputs["o_pixels_valid"] and number < len(self.needs):
            self.free.add(outputs["o_free_line"])
            assert self.loaded(number, *self._before), "its channels have not been loaded"
        waits = bool(outputs["o_waits"])
        rest = range(max(number - 1, 0), len(self.needs))
        assert not waits or not all(self.loaded(one, self.lines, self.tiles) for one in rest)
        self.waited += waits
        return waits


@testbench(PARTS["block_scan"])
async def any_blocks(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Pixels of each step and tap, with fields as large as they can be; a cycle for each, and one for a group."""
    some = random.Random(int(rng.integers(1 << 32)))
    for number, kind in enumerate([""] * 16 + ["steps", "taps", "pixels"]):
        layer, blocks = random_layer(config, some, kind)
        wanted = [
            (place, behind, pixel)
            for place, block in enumerate(blocks)
            for behind, pixel in pixels_of(config, layer, block)
        ]
        stalls = some.choice([(0, 0), (0.5, 0), (0, 0.5)])
        source = Source("i_blocks", blocks, stalls[0], some)
        sink = Sink("o_pixels", len(wanted), stalls[1], some, after_valid=number % 4 == 3)
        loader = Loader(
            1 if kind else some.choice([0.1, 1]), layer, blocks, [(at, behind) for at, behind, _ in wanted], sink, some
        )
        assert (await bench.cycle({"i_start": 0, "i_blocks_valid": 0}))["o_free_line"] == NO_LINE
        await bench.cycle({"i_layer": layer, "i_start": 1, "i_end": 0})
        assert (await bench.peek({"i_start": 0}))["o_free_line"] == 0
        start = bench.cycles
        await run(bench, [loader, source, sink], lambda sink=sink, source=source: sink.done and source.done)
        for got, (place, _, want) in zip(sink.beats, wanted, strict=True):
            assert {name: got[name] for name in want} == want, (layer, blocks[place])
        assert loader.free == {block["free"] for block in blocks}
        if stalls == (0, 0) and number % 4 != 3:
            taps = len(steps(config, layer)) * layer["kernel_lines"] * layer["kernel_columns"]
            pace = sum(1 + taps * (block["pixels"] + 1) for block in blocks)
            assert bench.cycles - start == pace + loader.waited + 1
        await bench.cycle({"i_blocks_valid": 0, "i_end": 1})
        await bench.peek({"i_end": 0})
