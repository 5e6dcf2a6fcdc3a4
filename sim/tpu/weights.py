"""What lies in weight memory: tiles in the order in which they are read, then parameter sets."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from ...hw.config import check
from ...hw.tpu.config import SET_ENTRY_BYTES, TpuConfig
from .layers import Layer, Network

__all__ = ["Tile", "WeightMemory", "runs"]

SET_ENTRY = np.dtype([("bias", "<i4"), ("factor", "<f4")])
"""A column's part of a parameter set."""

assert SET_ENTRY.itemsize == SET_ENTRY_BYTES

MOST_TILES = (1 << 16) - 1
"""That one instruction reads."""


@dataclasses.dataclass(frozen=True)
class Tile:
    """A weight tile in memory.

    Parameters
    ----------
    rows, chunks
        Rows, and bus beats of each, that lie in memory.
    address
        Its first beat.
    """

    rows: int
    chunks: int
    address: int

    @property
    def beats(self) -> int:
        """All of it."""
        return self.rows * self.chunks


@dataclasses.dataclass(frozen=True, eq=False)
class WeightMemory:
    """Contents of weight memory.

    Parameters
    ----------
    image
        Its bytes, uint8.
    tiles
        By layer, then by slice of its output, then by slice of its input.
    sets
        First beat of the parameter sets, which lie one behind the other: one for each slice of a layer's output.
    """

    image: np.ndarray
    tiles: list[list[list[Tile]]]
    sets: int

    @classmethod
    def of(cls, config: TpuConfig, network: Network) -> "WeightMemory":
        """Pack the used rows and columns of all tiles, and bias and factors.

        Raises
        ------
        ConfigError
            If they are more than the memory port has addresses for.
        """
        tiles, pieces, address, zero = [], [], 0, network.zero
        sets: list[np.ndarray] = []
        for layer in network.layers:
            tiles.append([])
            for left in range(0, layer.weights.shape[1], config.row_bytes):
                columns = slice(left, left + config.row_bytes)
                strip = layer.weights[:, columns].view(np.uint8)
                chunks = -(-strip.shape[1] // config.bus_bytes)
                packed = np.pad(strip, ((0, 0), (0, chunks * config.bus_bytes - strip.shape[1])))
                tiles[-1].append([])
                for top in range(0, len(packed), config.row_bytes):
                    tile = Tile(min(len(packed) - top, config.row_bytes), chunks, address)
                    tiles[-1][-1].append(tile)
                    address += tile.beats
                pieces.append(packed.reshape(-1))
                if isinstance(layer, Layer):
                    sets.append(_parameter_set(config, layer.folded_bias(zero)[columns], layer.factors[columns]))
            zero = layer.zero
        image = np.concatenate([*pieces, *sets])
        most = 1 << config.address_bits
        check("weights and parameter sets", len(image) <= most, f"of at most {most:,} bytes", len(image))
        return cls(image, tiles, address)


def _parameter_set(config: TpuConfig, bias: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Columns without weights have bias 0 and factor 1, which gives the zero point."""
    entries = np.zeros(config.matrix.columns, SET_ENTRY)
    entries["factor"] = 1
    entries["bias"][: len(bias)], entries["factor"][: len(bias)] = bias, factors
    return entries.view(np.uint8)


def runs(tiles: Iterable[Tile]) -> list[list[Tile]]:
    """Tiles of a sequence that one instruction reads: equal ones that lie one behind the other."""
    found: list[list[Tile]] = []
    for tile in tiles:
        last = found[-1][-1] if found else None
        follows = last and (tile.rows, tile.chunks, tile.address) == (last.rows, last.chunks, last.address + last.beats)
        if follows and len(found[-1]) < MOST_TILES:
            found[-1].append(tile)
        else:
            found.append([tile])
    return found
