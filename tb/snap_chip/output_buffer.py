"""Testbench of the output buffer."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.config import OA_SLOTS, SnapChipConfig
from ...hw.snap_chip.output_buffer import OutputBuffer
from ...hw.snap_chip.output_scan import TILE_COUNT_BITS
from ...sim.golden.requantize import requantize
from ...sim.golden.wrap import wrap
from ..bench import Bench, Source, run
from ..cocotb_bench import testbench
from .outputs import OutputShape, random_output_shape
from .parts import PARTS

IDLE = {"i_start": 0, "i_scales_valid": 0, "i_read": 0, "i_tiles": 0}


class Tiles:
    """Reads each stored tile in any order as soon as it is said to be complete, and gives it back at last.

    Parameters
    ----------
    wanted
        By tile: bytes ``[port, entry, channel]``.
    pace
        Probability of reading in a cycle.
    """

    def __init__(self, config: SnapChipConfig, wanted: list[np.ndarray], pace: float, some: random.Random) -> None:
        self.config, self.wanted, self.pace, self.some = config, wanted, pace, some
        self.read = 0
        self._left: list[tuple[int, int]] | None = None
        self._asks: tuple[int, int] | None = None
        self._asked: tuple[int, int] | None = None
        self.overflow = False

    @property
    def done(self) -> bool:
        """All was read and compared."""
        return self.read == len(self.wanted)

    def drive(self) -> dict[str, Any]:
        """Perhaps a read."""
        self._asks = None
        if self._left and self.some.random() < self.pace:
            self._asks = self._left.pop()
        port, entry = self._asks or (self.some.randrange(self.config.banks), 0)
        address = self.read % OA_SLOTS * self.config.region_pixels + entry
        return {
            "i_read": int(self._asks is not None), "i_port": port, "i_address": address, "i_start": 0,
            "i_tiles": self.read % (1 << TILE_COUNT_BITS),
        }  # fmt: skip

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Compare what was read in the cycle before."""
        self.overflow |= bool(outputs["o_overflow"])
        compared = self._asked is not None
        if self._asked is not None:
            wanted = self.wanted[self.read][self._asked].tolist()
            assert outputs["o_data"] == wanted, f"tile {self.read}, port and entry {self._asked}"
        self._asked = self._asks
        if self._left == [] and self._asked is None:
            self.read, self._left = self.read + 1, None
        elif self._left is None and outputs["o_finished"]:
            assert not self.done
            ports, entries, _ = self.wanted[self.read].shape
            self._left = [(port, entry) for port in range(ports) for entry in range(entries)]
            self.some.shuffle(self._left)
        return compared


def random_sums(bits: int, size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Of all magnitudes; few need more than 32 bits."""
    most = 31 if rng.random() < 0.7 else bits
    return rng.integers(-(1 << most - 1), 1 << most - 1, size) >> rng.integers(0, most, size)


def accumulated(config: SnapChipConfig, values: np.ndarray, lines: int) -> tuple[np.ndarray, bool]:
    """Sums of the rows' ports with what the others carry over `lines` entries, and whether any wrapped."""
    ports = config.banks
    padded = np.pad(values, ((0, 0), (0, 0), (0, lines), (0, 0)))
    total = padded[:, :ports].copy()
    carried = values[:, ports:]
    total[:, : carried.shape[1], lines:] += carried
    kept = wrap(total, config.core.psum_bits)
    return kept, bool((kept != total).any())


async def layer(
    bench: Bench, config: SnapChipConfig, shape: OutputShape, pool: bool, stalls: tuple[float, float, float, float],
    rng: np.random.Generator, **others: int,
) -> None:  # fmt: skip
    """Sums or words of every port in the layer's order, and all bytes of each tile; other fields may be given."""
    some = random.Random(int(rng.integers(1 << 32)))
    ports, cores, kernels, rounds = config.banks, config.cores, shape.kernels, shape.rounds(config)
    per_tile = config.core_kernels // kernels
    signed = int(rng.integers(2))
    low, high = sorted(int(end) for end in rng.integers(-128 * signed, 256 - 128 * signed, 2))
    zero = int(rng.integers(-128 * signed, 256 - 128 * signed))
    bias = rng.integers(-(1 << 31), 1 << 31, (rounds, cores, kernels)) >> rng.integers(0, 32, (rounds, cores, kernels))
    large = bool(shape.diagonal) and rng.random() < 0.5  # sums that may wrap only as others are added to them
    if large:
        bias[:] = 0
    factor = np.exp2(rng.uniform(-30, 2, bias.shape)).astype(np.float32)
    scales = np.zeros(bias.shape, [("bias", "<i4"), ("factor", "<f4")])
    scales["bias"], scales["factor"] = bias, factor
    text, size = scales.tobytes() * shape.regions, config.data_bits // 8
    beats = [int.from_bytes(text[at : at + size], "little") for at in range(0, len(text), size)]
    assert len(scales.tobytes()) % size == 0

    wanted, sums, words = [], [[] for _ in range(cores * config.sum_ports)], [[] for _ in range(ports)]
    overflow = False
    for region in range(shape.regions):
        entries = shape.entries(config, region)
        for _ in range(shape.tiles if pool else 0):
            wanted.append(rng.integers(0, 256, (ports, entries, config.tile_channels)))
            for port in range(ports):
                words[port] += wanted[-1][port].tolist()
        for number in range(0 if pool else rounds):
            behind = len(shape.region(region)) * shape.diagonal  # entries that cores have no sums for
            sent = config.sum_ports if shape.diagonal else ports
            size, most = (cores, sent, entries - behind, kernels), 1 << config.core.psum_bits - 1
            values = rng.integers(-most, most, size) if large else random_sums(config.core.psum_bits, size, rng)
            kept, wraps = accumulated(config, values, behind)
            exact = kept + bias[number][:, None, None, :]
            overflow |= wraps or bool((exact != wrap(exact, 32)).any())
            dtype = np.int8 if signed else np.uint8
            made = requantize(wrap(exact, 32), factor[number][:, None, None, :], zero, dtype)
            made = np.clip(made.astype(int), low, high) & 255
            h = number % per_tile
            if h == 0:
                wanted.append(np.zeros((ports, entries, config.tile_channels), int))
            for core in range(cores):
                begin = core * config.core_kernels + kernels * h
                wanted[-1][..., begin : begin + kernels] = made[core]
                for port in range(sent):
                    sums[core * config.sum_ports + port] += values[core, port].ravel().tolist()
    fields = {name: value for name, value in shape.fields(config).items() if name in (*OutputBuffer.fields, "diagonal")}
    fields |= {"sum_zero": zero, "sum_low": low, "sum_high": high} | others
    tiles = Tiles(config, wanted, stalls[2], some)
    sources = [Source("i_scales", [] if pool else beats, stalls[1], some)]
    for number, values in enumerate(sums):
        stream = [{"value": value, "slot": some.randrange(config.core.psum_slots)} for value in values]
        sources.append(Source(f"i_sums_{number}", stream, stalls[0] if number != 1 else stalls[3], some))
    sources += [Source(f"i_words_{port}", stream, stalls[0], some) for port, stream in enumerate(words)]
    await bench.cycle(IDLE)
    await bench.cycle(IDLE | {"i_layer": fields, "i_start": 1})
    await run(bench, [tiles, *sources], lambda: tiles.done and all(source.done for source in sources))
    assert pool or tiles.overflow == overflow
    assert not (await bench.cycle(tiles.drive() | {"i_start": 0}))["o_finished"]


@testbench(PARTS["output_buffer"])
async def layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Every byte of every tile, layer after layer, whoever is slow: ports, one port, scales, the reader."""
    some = random.Random(int(rng.integers(1 << 32)))
    for number, stalls in enumerate(
        [(0, 0, 1, 0), (0.5, 0, 1, 0.5), (0, 0.9, 1, 0), (0, 0, 0.1, 0), (0, 0, 1, 0.8), (0.3, 0.3, 0.5, 0.3)]
    ):
        for pool in (False, True):
            while True:
                shape = random_output_shape(config, some)
                small = shape.lines * -(-shape.columns // config.banks) * shape.tiles <= 24
                if small and not (pool and shape.diagonal):
                    break
            if pool:
                shape = OutputShape(**{**vars(shape), "kernels": config.core_kernels})
            if not pool or number % 2:
                await layer(bench, config, shape, pool, stalls, rng)


@testbench({"output_buffer_tiny": PARTS["output_buffer"]["output_buffer_tiny"]})
async def more_tiles_to_come(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """The first tiles of a layer with many, of which there may be as many as the field says."""
    for bit in range(bench.inputs["i_layer"]["fields"]["out_tiles"]["shape"]["width"]):
        shape = OutputShape(
            lines=1, columns=1, tiles=min(1 << bit, OA_SLOTS + 1), region_lines=1, rotate=0, kernels=config.core_kernels
        )
        await layer(bench, config, shape, True, (0, 0, 1, 0), rng, out_tiles=1 << bit)
        await bench.reset()
