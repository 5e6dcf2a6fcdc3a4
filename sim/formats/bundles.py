"""Channel-first bundles of activations and weights (SNAP paper, section III-A, Fig. 5) with tile-local c-idx."""

import dataclasses

import numpy as np

from ...hw.config import check_int
from ..golden.tensors import check_tensor
from .runs import CompressionReport, Runs, tiled

__all__ = ["ActivationBundles", "WeightBundles"]


@dataclasses.dataclass(frozen=True)
class ActivationBundles:
    """Input activations: a bundle holds one pixel's non-zeros of one channel tile, in channel order.

    Parameters
    ----------
    shape
        H, W, C.
    channel_tile
        Channels of a tile; the last may have fewer.
    runs
        Bundles ordered by tile, then pixel.
    """

    shape: tuple[int, int, int]
    channel_tile: int
    runs: Runs

    @classmethod
    def encode(cls, tensor: np.ndarray, channel_tile: int = 32) -> "ActivationBundles":
        """Compress ``[H, W, C]`` integers."""
        tensor = check_tensor("tensor", tensor, "H x W x C")
        check_int("channel_tile", channel_tile, 1, 256)
        height, width, channels = tensor.shape
        return cls(
            (height, width, channels), channel_tile, Runs.encode(tiled(tensor.reshape(-1, channels), channel_tile))
        )

    @property
    def tiles(self) -> int:
        """Channel tiles."""
        return -(-self.shape[2] // self.channel_tile)

    def bundle(self, h: int, w: int, tile: int) -> tuple[np.ndarray, np.ndarray]:
        """Values and c-idx of a bundle."""
        at = (tile * self.shape[0] + h) * self.shape[1] + w
        span = slice(self.runs.pointers[at], self.runs.pointers[at + 1])
        return self.runs.values[span], self.runs.indices[span]

    def decode(self) -> np.ndarray:
        """Expand to the dense tensor; `FormatError` with the position if malformed."""
        vectors = self.runs.decode()
        pixels = self.shape[0] * self.shape[1]
        tiles = [np.stack(vectors[at : at + pixels]) for at in range(0, len(vectors), pixels)]
        return np.concatenate(tiles, 1).reshape(self.shape)

    def report(self, data_bits: int) -> CompressionReport:
        """Size; a bundle has a count that can say a full tile."""
        return self.runs.report(data_bits, len(self.runs.lengths), self.channel_tile.bit_length())


@dataclasses.dataclass(frozen=True)
class WeightBundles:
    """Weights: a bundle holds one kernel column, one channel tile and `block` kernels, ordered by k, r, c.

    Parameters
    ----------
    shape
        R, S, C, K.
    channel_tile
        Channels of a tile; the last may have fewer.
    block
        Kernels of a bundle; the last may have fewer.
    runs
        (r, k) groups ordered by tile, s, k, r: a bundle's groups follow each other.
    """

    shape: tuple[int, int, int, int]
    channel_tile: int
    block: int
    runs: Runs

    @classmethod
    def encode(cls, tensor: np.ndarray, channel_tile: int = 32, block: int = 4) -> "WeightBundles":
        """Compress ``[R, S, C, K]`` integers."""
        tensor = check_tensor("tensor", tensor, "R x S x C x K")
        check_int("channel_tile", channel_tile, 1, 256)
        check_int("block", block, 1)
        rows, columns, channels, kernels = tensor.shape
        groups = tensor.transpose(1, 3, 0, 2).reshape(-1, channels)
        return cls((rows, columns, channels, kernels), channel_tile, block, Runs.encode(tiled(groups, channel_tile)))

    @property
    def tiles(self) -> int:
        """Channel tiles."""
        return -(-self.shape[2] // self.channel_tile)

    @property
    def blocks(self) -> int:
        """Bundles of a kernel column and channel tile."""
        return -(-self.shape[3] // self.block)

    def bundle(self, s: int, tile: int, block: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values, c-idx and position pointers (start of each (r, k) group, and the end) of a bundle."""
        rows, columns, _, kernels = self.shape
        first = ((tile * columns + s) * kernels + block * self.block) * rows
        groups = min(self.block, kernels - block * self.block) * rows
        pointers = self.runs.pointers[first : first + groups + 1]
        span = slice(pointers[0], pointers[-1])
        return self.runs.values[span], self.runs.indices[span], pointers - pointers[0]

    def decode(self) -> np.ndarray:
        """Expand to the dense tensor; `FormatError` with the position if malformed."""
        rows, columns, _, kernels = self.shape
        vectors = self.runs.decode()
        groups = columns * kernels * rows
        tiles = [np.stack(vectors[at : at + groups]) for at in range(0, len(vectors), groups)]
        return np.concatenate(tiles, 1).reshape(columns, kernels, rows, -1).transpose(2, 0, 3, 1)

    def report(self, data_bits: int) -> CompressionReport:
        """Size; a position pointer can say the length of a full bundle."""
        bundles = self.shape[1] * self.tiles * self.blocks
        full = self.channel_tile * self.block * self.shape[0]
        return self.runs.report(data_bits, len(self.runs.lengths) + bundles, full.bit_length())
