"""Testbench of the fetching of stored tiles."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ...hw.snap_chip.tile_parser import WORD_BITS
from ..bench import Bench, Source, run
from ..cocotb_bench import testbench
from ..snap.random_values import random_value
from .parts import PARTS


class Requests(Source):
    """Requests, the banks and FIFOs around the component, and what it has to do in each cycle.

    What banks show in any cycle but the one after a read is rubbish, as are entries of banks that weren't looked up.

    Parameters
    ----------
    stall
        Probability that a request isn't offered in a cycle.
    busy
        Probability that no tile leaves the FIFOs in a cycle.
    """

    def __init__(
        self, bench: Bench, config: SnapChipConfig, requests: list[dict[str, Any]], stall: float, busy: float,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        super().__init__("i_requests", requests, stall, random.Random(int(rng.integers(1 << 32))))
        self.bench, self.config, self.busy, self.numbers = bench, config, busy, rng
        self.tiles = 0  # pushed so far
        self._held = 0  # of which so many are in the FIFOs
        self._request: dict[str, Any] | None = None  # the one that is looked up or read
        self._fresh, self._entries = False, []  # it was taken in the cycle before; what is listed for its rows
        self._part = 0
        self._arrives: tuple[dict[str, Any], int, bool] | None = None  # what was read in the cycle before
        self._words = []

    @property
    def idle(self) -> bool:
        """Nothing is on its way."""
        return self._request is None and self._arrives is None

    def drive(self) -> dict[str, Any]:
        """A request, entries, words, room."""
        if self._held and self.numbers.random() >= self.busy:
            self._held -= int(self.numbers.integers(1, self._held + 1))
        banks = range(self.config.banks)
        entries = [random_value(self.numbers, self.bench.inputs[f"i_entry_{bank}"]) for bank in banks]
        for entry in entries:
            entry["words"] %= self.config.tile_words
        self._words = [random_value(self.numbers, self.bench.inputs[f"i_data_{bank}"]) for bank in banks]
        if self._request is not None and self._fresh:
            self._entries = [entries[bank] for bank in self._request["banks"]]
        inputs = {f"i_entry_{bank}": entry for bank, entry in enumerate(entries)}
        inputs |= {f"i_data_{bank}": words for bank, words in enumerate(self._words)}
        return super().drive() | inputs | {"i_room": self.config.tile_slots - self._held}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """What comes out must be the tile that was read, and what is read and looked up that of the next ones."""
        assert bool(outputs["o_idle"]) == self.idle
        arrives, self._arrives = self._arrives, None
        pushed = arrives is not None and self._written(outputs, *arrives)
        assert bool(outputs["o_push"]) == pushed
        assert arrives is not None or not outputs["o_write"]
        over = self._reads(outputs, self.config.tile_slots - self._held - pushed)
        assert bool(outputs["i_requests_ready"]) == (self._request is None or over)
        self._held, self.tiles = self._held + pushed, self.tiles + pushed
        if over:
            self._request = None
        taken = self._offered and bool(outputs["i_requests_ready"])
        self._looks(outputs, self.beats[self.sent] if taken else None)
        return super().observe(outputs) or arrives is not None

    def _rows(self, request: Mapping[str, Any]) -> list[int]:
        """Rows with a tile."""
        return [row for row in range(self.config.banks) if request["tag"]["inside"] >> row & 1]

    def _written(self, outputs: Mapping[str, Any], request: Mapping[str, Any], part: int, last: bool) -> bool:
        """Each row gets what its bank shows; one without a pixel gets an empty bitmap. Whether the tiles are pushed."""
        rows = self._rows(request)
        for row in range(self.config.banks):
            writes = outputs["o_write"] >> row & 1
            words = self._words[request["banks"][row]] if row in rows else [0] * self.config.row_words
            wanted = sum(word << WORD_BITS * number for number, word in enumerate(words))
            assert writes == (row in rows or part == 0), f"row {row}"
            assert outputs["o_data"][row] == wanted or not writes, f"row {row}"
        assert outputs["o_part"] == part
        assert not last or outputs["o_tag"] == request["tag"]
        return last

    def _reads(self, outputs: Mapping[str, Any], room: int) -> bool:
        """A tile is begun as soon as there is room, and a part of it read a cycle; whether this was its last."""
        request, part = self._request, self._part
        if request is None or (part == 0 and room == 0):
            assert not outputs["o_read"]
            return False
        rows, banks = self._rows(request), request["banks"]
        parts = {row: self._entries[row]["words"] // self.config.row_words + 1 for row in rows}
        read = {banks[row]: self._entries[row]["start"] for row in rows if part < parts[row]}
        assert outputs["o_read"] == sum(1 << bank for bank in read)
        for bank, start in read.items():
            wanted = (start + part * self.config.row_words) % self.config.bank_words
            assert outputs[f"o_address_{bank}"] == wanted, f"bank {bank}"
        over = part + 1 == max(parts.values(), default=1)
        self._arrives, self._part = (request, part, over), 0 if over else part + 1
        return over

    def _looks(self, outputs: Mapping[str, Any], request: dict[str, Any] | None) -> None:
        """A request is looked up as it is taken."""
        self._fresh = request is not None
        self._request = request or self._request
        rows = self._rows(request) if request else []
        listed = {request["banks"][row]: request["indices"][row] for row in rows} if request else {}
        assert outputs["o_look"] == sum(1 << bank for bank in listed)
        for bank, index in listed.items():
            assert outputs[f"o_index_{bank}"] == index, f"bank {bank}"


def random_request(bench: Bench, config: SnapChipConfig, rng: np.random.Generator, inside: float) -> dict[str, Any]:
    """Any tiles for any rows; rows without a tile name any bank."""
    request = random_value(rng, bench.inputs["i_requests_payload"])
    rows = (rng.random(config.banks) < inside).tolist()
    banks = rng.permutation(config.banks).tolist()
    request["tag"]["inside"] = sum(1 << row for row, there in enumerate(rows) if there)
    request["banks"] = [
        bank if there else int(rng.integers(config.banks)) for bank, there in zip(banks, rows, strict=True)
    ]
    return request


@testbench(PARTS["tile_fetch"])
async def requests(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Every tile that is asked for, as soon as there is room, a part a cycle; nothing that wasn't asked for."""
    await bench.cycle({"i_requests_valid": 0, "i_room": config.tile_slots})
    for stall, busy, inside in ((0, 0, 0.9), (0, 0.8, 0.9), (0.7, 0, 0.5), (0.3, 0.5, 0.7), (0, 0, 0)):
        wanted = [random_request(bench, config, rng, inside) for _ in range(40)]
        source = Requests(bench, config, wanted, stall, busy, rng)
        await run(bench, [source], lambda source=source: source.done and source.idle)
        assert source.tiles == len(wanted)
        source.observe(await bench.cycle(source.drive()))  # idle it stays
