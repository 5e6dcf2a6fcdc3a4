"""Testbench of the locator of pixels."""

import random
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .parts import PARTS

NEAR = (0, 1, 2, 3)


def random_pixel(config: SnapChipConfig, stride: int, some: random.Random) -> dict[str, int]:
    """Any bits; columns and taps are often near the left edge."""
    banks, directory = config.banks, config.directory_entries
    group = some.choice([some.choice(NEAR), some.getrandbits(10)])
    tap = some.choice([-some.randrange(3 * banks), some.randrange(3 * banks), some.randrange(-512, 512) * banks])
    return {
        "line": some.choice([some.randrange(directory), some.getrandbits(12)]), "x_rows": some.randrange(banks),
        "group": group, "group_columns": group * stride, "tap_quotient": tap // banks, "tap_rest": tap % banks,
        "tile": some.getrandbits(12), "tiles": some.randint(1, config.core.core_columns), "rest": some.getrandbits(1),
        "blank": int(some.random() < 0.1), "slot": some.randrange(1 << config.core.slot_bits),
        "group_last": some.getrandbits(1), "block_last": some.getrandbits(1),
    }  # fmt: skip


def columns(config: SnapChipConfig, layer: dict[str, int], pixel: dict[str, int], row: int) -> tuple[int, int]:
    """Columns of the output and of the input that a row is at."""
    banks = config.banks
    output = banks * pixel["group"] + (row + layer["rotate"] * pixel["x_rows"]) % banks
    return output, output * layer["stride_columns"] + banks * pixel["tap_quotient"] + pixel["tap_rest"]


def requests_of(config: SnapChipConfig, layer: dict[str, int], pixel: dict[str, int]) -> list[dict[str, Any]]:
    """What must be asked for: by row inside, its bank and place in the directory; then the tag."""
    banks, entries = config.banks, config.directory_entries
    width, most = (
        banks * layer[f"{name}_quotient"] + layer[f"{name}_rest"] for name in ("width", "columns")
    )  # of input, output
    where = [columns(config, layer, pixel, row) for row in range(banks)]
    inside = [not pixel["blank"] and 0 <= w < width and y < most for y, w in where]
    count = 1 if pixel["blank"] else pixel["tiles"]
    found = []
    for number in range(count):
        base = pixel["line"] * layer["directory_line"] + pixel["tile"] + number
        rows = {
            row: (w % banks, (base + w // banks * layer["tiles"]) % entries)
            for row, (_, w) in enumerate(where)
            if inside[row]
        }
        tag = {name: pixel[name] for name in ("rest", "slot", "group_last", "block_last")}
        tag |= {"number": number, "last": int(number + 1 == count)}
        found.append({"rows": rows, "tag": tag | {"inside": sum(one << row for row, one in enumerate(inside))}})
    return found


def random_layer(config: SnapChipConfig, some: random.Random) -> tuple[dict[str, int], list[dict[str, int]]]:
    """A layer and its pixels; edges are where some of these are."""
    banks, stride = config.banks, some.randint(1, 7)
    layer = {"rotate": some.getrandbits(1), "stride_columns": stride}
    pixels = [random_pixel(config, stride, some) for _ in range(12)]
    for name, at in (("columns", 0), ("width", 1)):
        edges = [columns(config, layer, pixel, row)[at] for pixel in pixels for row in range(banks)]
        edge = min(max(some.choice(edges) + some.randint(-1, 1), 0), 1024 * banks - 1)
        layer |= {f"{name}_quotient": edge // banks, f"{name}_rest": edge % banks}
    return layer | {"tiles": some.getrandbits(12), "directory_line": some.getrandbits(16)}, pixels


@testbench(PARTS["locator"])
async def any_pixels(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Each row's bank and entry, whatever the fields are; a tile a cycle if nobody stalls."""
    some = random.Random(int(rng.integers(1 << 32)))
    for number in range(40):
        layer, pixels = random_layer(config, some)
        wanted = [request for pixel in pixels for request in requests_of(config, layer, pixel)]
        stalls = ((0, 0), (0.6, 0), (0, 0.6), (0.3, 0.3))[number % 4]
        source = Source("i_pixels", pixels, stalls[0], some)
        sink = Sink("o_requests", len(wanted), stalls[1], some, after_valid=number % 8 == 2)
        await bench.peek({"i_layer": layer})
        start = bench.cycles
        await run(bench, [source, sink], lambda source=source, sink=sink: source.done and sink.done)
        assert stalls != (0, 0) or bench.cycles - start == len(wanted) + 2
        for got, want in zip(sink.beats, wanted, strict=True):
            places = {row: (got["banks"][row], got["indices"][row]) for row in want["rows"]}
            assert (got["tag"], places) == (want["tag"], want["rows"]), layer
        assert not (await bench.cycle({"i_pixels_valid": 0, "o_requests_ready": 1}))["o_requests_valid"]
