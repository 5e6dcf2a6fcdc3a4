"""Testbench of the table of biases and factors."""

import math
import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ...hw.snap_chip.scale_table import ROUND_COUNT_BITS, SCALE_BITS
from ..bench import Bench, Source, run
from ..cocotb_bench import testbench
from ..snap.random_values import random_bits
from .parts import PARTS


class Table(Source):
    """Loads a layer's scales, and reads at all ports, each of which goes from round to round at its own pace.

    Parameters
    ----------
    scales
        By round, core and kernel.
    stall
        Probability that a beat isn't offered in a cycle.
    pace
        By port: probability of going on to the next round in a cycle.
    """

    def __init__(
        self, config: SnapChipConfig, scales: list[list[list[int]]], stall: float, pace: list[float],
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        words = [scale for cores in scales for kernels in cores for scale in kernels]
        self.words = config.data_bits // SCALE_BITS
        assert len(words) % self.words == 0
        beats = [
            sum(word << SCALE_BITS * lane for lane, word in enumerate(words[at : at + self.words]))
            for at in range(0, len(words), self.words)
        ]
        super().__init__("i_beats", beats, stall, random.Random(int(rng.integers(1 << 32))))
        self.config, self.scales, self.pace, self.numbers = config, scales, pace, rng
        self.rounds = [0] * len(pace)  # that ports are in
        self.loaded = 0  # scales
        self._kernels: list[int] = []

    @property
    def complete(self) -> int:
        """Rounds that are there."""
        return self.loaded // (self.config.cores * len(self.scales[0][0]))

    @property
    def left(self) -> bool:
        """All ports are through."""
        return min(self.rounds) == len(self.scales)

    def drive(self) -> dict[str, Any]:
        """Perhaps a beat; the rounds of the ports and any of their kernels."""
        for port, pace in enumerate(self.pace):
            self.rounds[port] += self.rounds[port] < self.complete and self.numbers.random() < pace
        self._kernels = self.numbers.integers(0, len(self.scales[0][0]), len(self.pace)).tolist()
        rounds = [number % (1 << ROUND_COUNT_BITS) for number in self.rounds]
        return super().drive() | {"i_rounds": rounds, "i_kernels": self._kernels, "i_start": 0}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """A scale a cycle is loaded while there is room; all ports read theirs."""
        assert outputs["o_rounds"] == self.complete % (1 << ROUND_COUNT_BITS)
        for port, (number, kernel) in enumerate(zip(self.rounds, self._kernels, strict=True)):
            scale = outputs["o_scales"][port]
            if number < self.complete:
                wanted = self.scales[number][port // self.config.banks][kernel]
                assert scale["bias"] | scale["factor"] << SCALE_BITS // 2 == wanted, f"port {port}, round {number}"
        room = self.complete - min(self.rounds) < 2
        assert bool(outputs["i_beats_ready"]) == (room and self.loaded % self.words == self.words - 1)
        loads = self._offered and room
        self.loaded += loads
        return super().observe(outputs) or loads


def _whole_beats(config: SnapChipConfig, kernels: int) -> int:
    """The fewest rounds whose scales fill beats."""
    words = config.data_bits // SCALE_BITS
    return words // math.gcd(words, config.cores * kernels)


@testbench(PARTS["scale_table"])
async def layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Layers one after the other, whoever is slow: the scales, all ports, one port."""
    ports = config.cores * config.banks
    for number in range(9):
        kernels = min(config.core_kernels, 1 << number % 4)
        scales = [
            [[random_bits(rng, SCALE_BITS) for _ in range(kernels)] for _ in range(config.cores)]
            for _ in range(_whole_beats(config, kernels) * [1, 2, 3, 5, 6][number % 5])
        ]
        pace = [[1.0] * ports, [0.1] * ports, rng.choice([0.05, 1], ports).tolist()][number % 3]
        table = Table(config, scales, [0, 0, 0.5][number // 2 % 3], pace, rng)
        table.pace[int(rng.integers(ports))] = float(rng.choice([0.05, 1]))
        await bench.cycle({"i_start": 1, "i_beats_valid": 0, "i_layer": {"kernels": kernels}})
        await run(bench, [table], lambda table=table: table.left)
        assert table.done
