"""Testbench of the weight buffer."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ...hw.snap_chip.weight_layouts import PASSES_BITS
from ..bench import Actor, Bench, Source, run
from ..bus.beat_loader import beats_asked, jobs_of_bits
from ..bus.beat_memory import BeatMemory
from ..cocotb_bench import testbench
from .parts import PARTS
from .weight_images import Layer, encode, random_layers

__all__ = ["jobs_and_rows", "long_jobs_begin"]

QUIET = {"used": 0, "final": 0, "again": 0, "restart": 0, "region": 0}


def jobs_and_rows(layers: list[Layer], rng: random.Random) -> tuple[list[dict[str, int]], dict[int, int]]:
    """What to load for some layers, and what lies in memory."""
    jobs: list[dict[str, int]] = []
    rows: dict[int, int] = {}
    for layer in layers:
        size, image = layer.config.data_bits // 8, b"".join(layer.images)
        address = rng.randrange((1 << layer.config.bus.beat_address_bits) - layer.rows)  # images that meet are unlikely
        jobs.append({"address": address, "beats": layer.rows, "passes": layer.passes})
        for row in range(layer.rows):
            rows[address + row] = int.from_bytes(image[size * row : size * (row + 1)], "little")
    return jobs, rows


class BlockReader:
    """Reads the blocks of some layers word by word, and compares the words.

    Parameters
    ----------
    stall, idle
        Probability that no word is taken in a cycle; that none is used up, and no block is begun.
    after_valid
        Take a word only after a cycle in which it waited.
    """

    def __init__(
        self, layers: list[Layer], stall: float, idle: float, rng: random.Random, *, after_valid: bool = False
    ) -> None:
        self.stall, self.idle, self.rng, self.after_valid = stall, idle, rng, after_valid
        self._blocks = self._all(layers)
        self._block: tuple[list[int], dict[str, int]] | None = next(self._blocks)
        self.taken = self.used = 0
        self.begun = self._ready = self._uses = self._ends = False
        self._waiting: int | None = None

    @staticmethod
    def _all(layers: list[Layer]) -> Iterator[tuple[list[int], dict[str, int]]]:
        for layer in layers:
            images = [encode(layer.config, groups) for groups in layer.rounds]
            for number, block in layer.blocks():
                image = images[number]
                words = [int.from_bytes(image[at : at + 8], "little") for at in range(0, len(image), 8)]
                yield (
                    words,
                    {**QUIET, "final": int(block["end"] != 0), "again": block["again"]}
                    | {"region": int(block["end"] == 2)},
                )

    @property
    def done(self) -> bool:
        """All blocks were read."""
        return self._block is None

    def drive(self) -> dict[str, Any]:
        """Ready, and what the ring is told; rubbish while no block is begun."""
        self._ready = self.rng.random() >= self.stall and not (self.after_valid and self._waiting is None)
        self._uses = self._ends = False
        self.begun = self._block is not None and (self.begun or self.rng.random() >= self.idle)
        if not self.begun or self._block is None:
            rubbish = {name: self.rng.randrange(2) for name in ("final", "again", "region")}
            return {"o_words_ready": int(self._ready), "i_control": QUIET | rubbish}
        words, control = self._block
        self._uses = self.used < min(self.taken, len(words)) and self.rng.random() >= self.idle
        self._ends = self.used + self._uses == len(words) and self.rng.random() >= self.idle
        control = control | {"used": int(self._uses), "restart": int(self._ends)}
        return {"o_words_ready": int(self._ready), "i_control": control}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Compare a word of the round, and go on to the next block at the end of one."""
        valid, word = outputs["o_words_valid"], outputs["o_words_payload"]
        if self._waiting is not None:
            assert valid and word == self._waiting, "a word that waited was withdrawn or changed"
        self._waiting = word if valid and not self._ready and not self._ends else None
        took = bool(valid and self._ready)
        if took and self._block is not None:
            words = self._block[0]
            assert self.taken >= len(words) or word == words[self.taken]
        self.taken += took
        self.used += self._uses
        if self._ends:
            self._block, self.begun = next(self._blocks, None), False
            self.taken = self.used = 0
        return took or self._uses or self._ends


@testbench(PARTS["weight_ring"])
async def random_blocks(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Layers of all kinds, loaded ahead; rounds as long as the ring and longer, with stalls on each side."""
    some = random.Random(int(rng.integers(1 << 32)))
    kinds = (0, 0, 0, 0), (0.5, 0.7, 0, 0), (0, 0, 0.5, 0.2), (0.2, 0.2, 0.2, 0.5)
    for after_valid, (stall, silence, taken, idle) in (*((False, kind) for kind in kinds), (True, kinds[0])):
        layers = random_layers(config, some, 6)
        jobs, rows = jobs_and_rows(layers, some)
        memory = BeatMemory(config.bus, rows, stall, silence, some)
        reader = BlockReader(layers, taken, idle, some, after_valid=after_valid)
        actors: list[Actor] = [Source("i_jobs", jobs, stall, some), memory, reader]
        await run(bench, actors, lambda reader=reader: reader.done)
        wanted = [job["address"] + beat for job in jobs for _ in range(job["passes"]) for beat in range(job["beats"])]
        assert memory.asked == wanted


@testbench(PARTS["weight_ring"])
async def latency(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """A word two cycles after its beat, then one a cycle; the first two cycles after a restart."""
    words = config.beat_words
    job = {"address": 0, "beats": 8, "passes": 1}
    await bench.cycle({"i_jobs_valid": 1, "i_jobs_payload": job, "o_words_ready": 1, "o_requests_ready": 1})
    times = []
    for cycle in range(6 + 8 * words):
        control = {**QUIET, "restart": int(cycle == 4 + words), "final": 0}
        beat = {"i_valid": int(cycle < 8), "i_data": cycle}
        outputs = await bench.cycle({"i_jobs_valid": 0, "i_control": control, **beat})
        times.append(outputs["o_words_valid"])
    restart = 4 + words
    assert times == [0] * 2 + [1] * (restart - 1) + [0] + [1] * (len(times) - restart - 2)


async def long_jobs_begin(bench: Bench, config: SnapChipConfig, some: random.Random, number: str = "") -> None:
    """Begin jobs of which beats and passes are a bit alone, one for each bit of beats: all are asked for, or go on.

    Nothing else happens at the inputs.

    Parameters
    ----------
    number
        As of `jobs_of_bits`.
    """
    found = jobs_of_bits(bench, (config.bus, config.weight_rows, PASSES_BITS), number)
    some.shuffle(found)
    for job, total in {job["beats"]: (job, total) for job, total in found}.values():
        await bench.reset()
        assert await beats_asked(bench, job, total, 12, number) >= min(total, 2)
    await bench.reset()


@testbench(PARTS["weight_ring"])
async def long_jobs(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Of each number of beats, however large."""
    await bench.cycle({"i_jobs_valid": 0, "i_valid": 0, "i_control": QUIET, "o_words_ready": 0})
    for _ in range(3):
        await long_jobs_begin(bench, config, random.Random(int(rng.integers(1 << 32))))
