"""Testbench of the loader of input activations."""

import itertools
import random
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from ...hw.snap_chip.config import NO_LINE, SnapChipConfig
from ..bench import Bench, Source, run
from ..cocotb_bench import testbench
from .parts import PARTS
from .tile_parser import beats_of, random_tile, runs_of

Fields = dict[str, int]
MOST_TILES = 600
"""Of most layers."""

SETTLED = 16
"""Cycles after which nothing moves any more if nobody does anything."""


class Work:
    """Tiles of a layer and what the loader has to write of them.

    Parameters
    ----------
    layer
        ``height``, ``width``, ``band_lines``, ``tiles``, and of the directory ``line`` and ``band``.
    puts
        By bank, where its next word goes; moved on.
    most
        Tiles of a layer: one that has more breaks off, in the middle of a segment.
    words
        Of a tile, at most.

    Attributes
    ----------
    beats
        Of the tensor.
    writes
        Each with its place: band, tile, whether the segment is over, and whether it is the first of a band.
    """

    def __init__(
        self, config: SnapChipConfig, layer: Fields, puts: list[int], some: random.Random, rng: np.random.Generator,
        most: int = MOST_TILES, words: int | None = None,
    ) -> None:  # fmt: skip
        self.config, self.layer = config, layer
        self.beats: list[int] = []
        self.writes: list[tuple[dict[str, Any], int, int, bool, bool]] = []
        made = 0
        for band, tile in itertools.product(range(-(-layer["height"] // layer["band_lines"])), range(layer["tiles"])):
            lines = min(layer["band_lines"], layer["height"] - band * layer["band_lines"])
            pixels = list(itertools.islice(self._pixels(band, tile, lines), most - made))
            made += len(pixels)
            tiles = [self._tile(some, rng, words or config.tile_words) for _ in pixels]
            whole = len(pixels) == lines * layer["width"]
            self._add(band, tile, tiles, pixels, puts, whole)
            beats = beats_of(config, tiles, some)
            # The last words of a segment that breaks off may wait in a beat that isn't full.
            self.beats += beats if whole else beats[: sum(map(len, tiles)) // config.beat_words]
            if made == most:
                break
        self.whole = made == layer["height"] * layer["width"] * layer["tiles"]

    def _tile(self, some: random.Random, rng: np.random.Generator, words: int) -> list[int]:
        while len(tile := random_tile(self.config, some, rng)) > words:
            pass
        return tile

    def _pixels(self, band: int, tile: int, lines: int) -> Iterator[tuple[int, int]]:
        """By pixel of a segment: bank and place in its directory."""
        layer, banks = self.layer, self.config.banks
        for line, column in itertools.product(range(lines), range(layer["width"])):
            place = band * layer["band"] + line * layer["line"] + column // banks * layer["tiles"] + tile
            yield column % banks, place % self.config.directory_entries

    def _add(self, band, tile, tiles, pixels, puts: list[int], whole: bool) -> None:
        runs = iter(runs_of(self.config, tiles))
        for number, (words, (bank, index)) in enumerate(zip(tiles, pixels, strict=True)):
            start = puts[bank]
            for first in range(0, len(words), self.config.run_words):
                one = next(runs)
                write = {"bank": bank, "more": len(one.words) - 1, "address": puts[bank], "data": one.words}
                if first == 0:
                    write |= {"index": index, "entry": {"start": start, "words": len(words) - 1}}
                over = whole and number + 1 == len(tiles) and one.last
                begins = tile == number == first == 0
                self.writes.append((write | {"list": int(first == 0)}, band, tile, over, begins))
                puts[bank] = (puts[bank] + len(one.words)) % self.config.bank_words


class Banks:
    """Takes what is written, knows how full the banks are, and frees lines now and then.

    Parameters
    ----------
    chance
        Probability that lines are freed in a cycle; 0 for only when all has come to rest.
    """

    def __init__(self, work: Work, chance: float, some: random.Random) -> None:
        self.work, self.chance, self.some = work, chance, some
        self.done, self.free, self.full = 0, 0, False
        self.lines = self.tiles = 0
        self._quiet, self._freed = 0, 0
        self._words: list[list[int]] = []
        """By band that was begun: words in each bank."""

    @property
    def rests(self) -> bool:
        """Nothing has moved for some time."""
        return self._quiet > SETTLED

    def drive(self) -> dict[str, Any]:
        """Perhaps some lines are free."""
        if self.some.random() < self.chance or (not self.chance and self.rests):
            free = min(self.free + self.some.choice([1, 1, self.some.randint(1, 300)]), self.lines)
            self._quiet = self._quiet if free == self.free else 0
            self.free = free
        return {"i_free_line": self.free}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Compare what is written and what is told."""
        config, layer, writes = self.work.config, self.work.layer, self.work.writes
        assert (outputs["o_lines"], outputs["o_tiles"]) == (self.lines, self.tiles)
        freed = min(self._freed, len(self._words))  # seen in the cycle before, at the earliest
        self._freed = self.free // layer["band_lines"]
        assert not outputs["o_idle"] or (self.done == len(writes) and freed == len(self._words))
        resident = [sum(bank) for bank in zip(*self._words[freed:], strict=True)] or [0] * config.banks
        if self._quiet >= SETTLED and self.done < len(writes):
            self._see_what_is_missing(outputs, freed, resident)
        self._quiet += 1
        if not outputs["o_write_valid"]:
            return False
        self._quiet = 0
        got = outputs["o_write_payload"]
        write, band, tile, over, begins = writes[self.done]
        seen = {name: got[name] for name in write} | {"data": got["data"][: got["more"] + 1]}
        assert seen == write, f"write {self.done} of {layer}"
        self.done += 1
        if begins:
            self._words.append([0] * config.banks)
        self._words[-1][write["bank"]] += len(write["data"])
        assert resident[write["bank"]] + len(write["data"]) <= config.bank_words
        assert len(self._words) - freed <= config.resident_bands
        assert (len(self._words) - freed) * layer["band"] <= config.directory_entries
        if over:
            self.tiles = (tile + 1) % layer["tiles"]
            self.lines += 0 if self.tiles else layer["band_lines"]
        return True

    def _see_what_is_missing(self, outputs: Mapping[str, Any], freed: int, resident: list[int]) -> None:
        """There is no room, or there are no beats."""
        config, (write, *_, begins) = self.work.config, self.work.writes[self.done]
        bands = len(self._words) - freed
        short = resident[write["bank"]] + len(write["data"]) > config.bank_words
        if begins:
            short = bands == config.resident_bands or (bands + 1) * self.work.layer["band"] > config.directory_entries
        assert outputs["o_waits"] == short
        assert short or not self.work.whole, "nothing is written, though there is room"
        self.full |= short


def finished(source: Source, banks: Banks) -> bool:
    """Everything came and is in the banks."""
    return source.done and banks.done == len(banks.work.writes)


def fields_of(config: SnapChipConfig, layer: Fields) -> Fields:
    """Fields of the command."""
    quotient, rest = divmod(layer["width"], config.banks)
    found = {f"directory_{name}": layer[name] for name in ("line", "band")}
    found |= {name: layer[name] for name in ("height", "band_lines", "tiles")}
    return found | {"width_quotient": quotient, "width_rest": rest}


def random_layer(config: SnapChipConfig, some: random.Random) -> Fields:
    """A whole one, a band of which has room in the banks for sure."""
    while True:
        layer = {
            "height": some.choice([some.randint(1, 9), some.randint(1, 60)]), "band_lines": some.randint(1, 6),
            "width": some.choice([1, some.randint(1, 4 * config.banks)]), "tiles": some.randint(1, 4),
        }  # fmt: skip
        groups = -(-layer["width"] // config.banks)
        layer["line"] = groups * layer["tiles"]
        layer["band"] = layer["line"] * layer["band_lines"]
        words, tiles = layer["band"] * config.tile_words, layer["height"] * layer["width"] * layer["tiles"]
        if tiles <= MOST_TILES and layer["band"] <= config.directory_entries and words <= config.bank_words:
            return layer


async def load(
    bench: Bench, config: SnapChipConfig, work: Work, chance: float, stall: float, some: random.Random
) -> Banks:
    """A whole layer; nothing is left of it in the end."""
    banks, source = Banks(work, chance, some), Source("i_beats", work.beats, stall, some)
    assert (await bench.cycle({"i_start": 0, "i_free_line": NO_LINE, "i_beats_valid": 0}))["o_idle"]
    await bench.cycle({"i_layer": fields_of(config, work.layer), "i_start": 1, "i_free_line": 0})
    await bench.peek({"i_start": 0})
    await run(bench, [source, banks], partial(finished, source, banks))
    await bench.cycle({"i_free_line": NO_LINE, "i_beats_valid": 0})
    for _ in range(config.resident_bands + 3):
        await bench.cycle()
    return banks


@testbench(PARTS["ia_loader"])
async def layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """All tiles where they belong, layer after layer; banks, directory and list of bands are used up, and no more."""
    some = random.Random(int(rng.integers(1 << 32)))
    puts, full = [0] * config.banks, 0
    for number in range(24):
        layer = random_layer(config, some)
        work = Work(config, layer, puts, some, rng)
        banks = await load(bench, config, work, (0, 0.05, 0, 1)[number % 4], (0, 0.3)[number % 2], some)
        full += banks.full
    assert full


@testbench({"ia_loader_tiny": PARTS["ia_loader"]["ia_loader_tiny"]})
async def tall(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """About as many lines as the fields hold; and bands of as many as the directory and the bank hold."""
    some = random.Random(int(rng.integers(1 << 32)))
    most = min(config.directory_entries, config.bank_words)
    for height, band_lines, words in ((4095 - some.randint(0, 15), some.randint(5, 10), None), (2 * most + 1, most, 1)):
        layer = {"height": height, "width": 1, "band_lines": band_lines, "tiles": 1, "line": 1, "band": band_lines}
        await bench.reset()
        work = Work(config, layer, [0] * config.banks, some, rng, most=height, words=words)
        await load(bench, config, work, 0, 0, some)
        assert (await bench.cycle())["o_idle"]


@testbench(PARTS["ia_loader"])
async def more_than_fits(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """The beginning of tensors of any size: a band may have as much as there is room for, and waits for more."""
    some = random.Random(int(rng.integers(1 << 32)))
    bits = {name: shape["shape"]["width"] for name, shape in bench.inputs["i_layer"]["fields"].items()}
    usual = {"height": 3, "width": 2, "band_lines": 2, "tiles": 2, "line": 5, "band": 9}
    sizes = {name: bits.get(name, bits.get(f"directory_{name}")) for name in usual}
    sizes["width"] = bits["width_quotient"] + config.banks.bit_length() - 1
    for name, width in sizes.items():
        for bit in range(width or 0):
            await bench.cycle({"i_beats_valid": 0})
            await bench.reset()
            layer = usual | {name: 1 << bit}
            if name in ("height", "width", "tiles"):
                layer |= {"band": 1}
            work = Work(config, layer, [0] * config.banks, some, rng)
            banks, source = Banks(work, 1, some), Source("i_beats", work.beats, 0, some)
            await bench.cycle({"i_layer": fields_of(config, layer), "i_start": 1, "i_free_line": 0})
            await bench.peek({"i_start": 0})
            await run(bench, [source, banks], lambda banks=banks: banks.rests)
            assert banks.full or banks.done == len(work.writes) or not work.whole
