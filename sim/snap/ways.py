"""Ways of mapping a convolution onto a SNAP core, of which one or another is the fastest."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

from ...hw.snap.config import SnapConfig
from ..golden.geometry import ConvolutionGeometry
from .phases import Axis

__all__ = ["LayerSizes", "Way", "split", "ways"]


def split(count: int, most: int) -> list[np.ndarray]:
    """Split ``range(count)`` into as few runs of at most `most` as there must be, of nearly equal length."""
    return np.array_split(np.arange(count), -(-count // most)) if count else []


@dataclasses.dataclass(frozen=True)
class Way:
    """A way of mapping a convolution.

    Parameters
    ----------
    transposed
        Lines and columns change places, in the image and in the kernel.
    down, across
        Which taps go together in diagonal mode: every `period` th one (1, polyphase), or all of them (`period`), see
        `Axis.phases`. `across` 0 stands for row mode with one tap after the other.
    packed
        Groups that are mapped as one at most, with zeros for weights that aren't there.
    """

    transposed: bool = False
    down: int = 1
    across: int = 1
    packed: int = 1


@dataclasses.dataclass(frozen=True)
class LayerSizes:
    """Sizes of one image's convolution.

    Parameters
    ----------
    down, across
        The two axes.
    depth, kernels, groups
        C / groups, K / groups and groups.
    """

    down: Axis
    across: Axis
    depth: int
    kernels: int
    groups: int

    @classmethod
    def of(cls, geometry: ConvolutionGeometry, x_shape: Sequence[int]) -> Self:
        """Sizes of a convolution of an image, H x W x C."""
        down, across = (
            Axis(
                size=x_shape[axis], kernel=geometry.kernel[axis], outputs=geometry.output[axis],
                stride=geometry.stride[axis], padding=geometry.before[axis], dilation=geometry.dilation[axis],
            )
            for axis in (0, 1)
        )  # fmt: skip
        groups = geometry.groups
        return cls(down, across, geometry.channels // groups, geometry.kernels // groups, groups)

    def by(self, way: Way) -> "list[tuple[slice, LayerSizes]]":
        """Groups that are mapped as one, and their sizes as the way has them: a group of more channels and kernels."""
        down, across = (self.across, self.down) if way.transposed else (self.down, self.across)
        return [
            (
                slice(int(part[0]), int(part[-1]) + 1),
                LayerSizes(down, across, self.depth * len(part), self.kernels * len(part), 1),
            )
            for part in split(self.groups, way.packed)
        ]


def ways(config: SnapConfig, sizes: LayerSizes) -> list[Way]:
    """All ways of mapping a convolution that may be worth it; the first is the plain one."""
    found = []
    packs = {1, 2, config.core_columns, 2 * config.core_columns}
    for packed in sorted(n for n in packs if n == 1 or n <= sizes.groups and n * sizes.depth <= config.channel_tile):
        for transposed in (False, True) if sizes.down != sizes.across else (False,):
            down, across = (sizes.across, sizes.down) if transposed else (sizes.down, sizes.across)
            together = [1, across.period] if 1 < across.period and 1 < across.kernel else [1]
            for every in together:
                by_rows = every == 1 and across.kernel <= across.period
                downs = [1, down.period] if 1 < down.period and 1 < down.kernel and not by_rows else [1]
                found += [Way(transposed, rows, every, packed) for rows in downs]
            if across.kernel > across.period:
                found.append(Way(transposed, 1, 0, packed))
    return found
