"""What lies in weight memory: tiles in the order in which they are read, then parameter sets."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ...hw.config import check
from ...hw.tpu.config import SET_ENTRY_BYTES, TpuConfig
from ..golden.wrap import wrap
from .graph import Graph, Product, Tensor
from .layers import Layer
from .tiling import View, columns_of, is_dense, pieces_of

__all__ = ["LayerTiles", "Tile", "WeightMemory", "runs"]

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
class LayerTiles:
    """What a product reads from weight memory.

    Parameters
    ----------
    tiles
        By slice of its output, then by piece of its input, then by row of the kernel.
    sets
        First beat of its parameter sets, which lie one behind the other, one for each slice of its output; None if it
        has none.
    """

    tiles: list[list[list[Tile]]]
    sets: int | None


@dataclasses.dataclass(frozen=True, eq=False)
class WeightMemory:
    """Contents of weight memory.

    Parameters
    ----------
    image
        Its bytes, uint8.
    layers
        What products read, by name. Products of the same layer read the same.
    """

    image: np.ndarray
    layers: dict[str, LayerTiles]

    @classmethod
    def of(cls, config: TpuConfig, graph: Graph, views: Mapping[str, View]) -> "WeightMemory":
        """Pack the used rows and columns of all tiles, and bias and factors behind them.

        Raises
        ------
        ConfigError
            If they are more than the memory port has addresses for.
        """
        pieces: list[np.ndarray] = []
        sets: list[np.ndarray] = []
        found: dict[tuple, tuple[list[list[list[Tile]]], int | None]] = {}
        keys, address = {}, 0
        for name, node in graph.nodes.items():
            if not isinstance(node, Product):
                continue
            sources = [graph.tensors[source] for source in node.sources]
            cut = pieces_of(config, node, [views[source] for source in node.sources], sources)
            columns = columns_of(views[name], graph.tensors[name].channels)
            zeros = [source.zero for source in sources]
            keys[name] = key = (id(node.layer), node.kernel, tuple(cut), tuple(columns), tuple(zeros))
            if key in found:
                continue
            dense, parts = is_dense(node, sources), _by_source(node, sources)
            bias = _folded_bias(node.layer, zeros, parts) if isinstance(node.layer, Layer) else None
            found[key] = [], None if bias is None else len(sets)
            for column in columns:
                across = slice(column.start, column.start + column.count)
                chunks = -(-column.count // config.bus_bytes)
                tiles = []
                for piece in cut:
                    tiles.append([])
                    for row in range(node.kernel[0]):
                        tile = piece.weights(parts[piece.source][..., across], row, dense).view(np.uint8)
                        pieces.append(np.pad(tile, ((0, 0), (0, chunks * config.bus_bytes - column.count))).reshape(-1))
                        tiles[-1].append(Tile(len(tile), chunks, address))
                        address += tiles[-1][-1].beats
                found[key][0].append(tiles)
                if bias is not None:
                    assert isinstance(node.layer, Layer)
                    sets.append(_parameter_set(config, bias[across], node.layer.factors[across]))
        image = np.concatenate([np.zeros(0, np.uint8), *pieces, *sets])
        most = 1 << config.address_bits
        check("weights and parameter sets", len(image) <= most, f"of at most {most:,} bytes", len(image))
        layers = {}
        for name, key in keys.items():
            tiles, first = found[key]
            layers[name] = LayerTiles(tiles, None if first is None else address + first * config.set_beats)
        return cls(image, layers)


def _by_source(node: Product, sources: Sequence[Tensor]) -> list[np.ndarray]:
    """Weights of each source, R x S x C x N."""
    parts, row = [], 0
    for source in sources:
        rows = node.kernel[0] * node.kernel[1] * source.channels
        parts.append(node.layer.weights[row : row + rows].reshape(*node.kernel, source.channels, -1))
        row += rows
    return parts


def _folded_bias(layer: Layer, zeros: Sequence[int], parts: Sequence[np.ndarray]) -> np.ndarray:
    """Bias for inputs whose zero points are not subtracted: int32, wraps around as the sums do."""
    folded = sum(zero * part.sum((0, 1, 2), np.int64) for zero, part in zip(zeros, parts, strict=True))
    return wrap(layer.bias - folded, 32).astype(np.int32)


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
