"""Ways of mapping a convolution onto a SNAP core, of which one or another is the fastest."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

from ...hw.config import check
from ...hw.snap.config import SnapConfig
from ..golden.geometry import ConvolutionGeometry
from .phases import Axis
from .tiles import pixels_kept

__all__ = ["LayerSizes", "RowTaps", "Way", "check_way", "split", "ways"]


def split(count: int, most: int) -> list[np.ndarray]:
    """Split ``range(count)`` into as few runs of at most `most` as there must be, of nearly equal length."""
    return np.array_split(np.arange(count), -(-count // most)) if count else []


@dataclasses.dataclass(frozen=True)
class RowTaps:
    """Row mode with all taps of a kernel, one after the other, into the same psums: a block's sums are complete.

    A block is some lines by `core_rows` columns of output pixels, by some kernels.

    Parameters
    ----------
    lines, kernels
        Of a block at most. A PE keeps a tile of each line, and has a psum for each line and kernel.
    folded
        Axes of the kernel whose taps become channels first: none (0), the lines (1), or both (2). For first layers,
        whose few channels leave an AIM little to find.
    """

    lines: int
    kernels: int
    folded: int = 0


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
    row_taps
        All taps into the same psums; `down` and `across` say nothing then, and are 1.
    """

    transposed: bool = False
    down: int = 1
    across: int = 1
    packed: int = 1
    row_taps: RowTaps | None = None


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

    def packs(self, most: int) -> "list[tuple[slice, LayerSizes]]":
        """Groups that are mapped as one, `most` at most, and their sizes: a group of more channels and kernels."""
        return [
            (
                slice(int(part[0]), int(part[-1]) + 1),
                LayerSizes(self.down, self.across, self.depth * len(part), self.kernels * len(part), 1),
            )
            for part in split(self.groups, most)
        ]


def ways(config: SnapConfig, sizes: LayerSizes) -> list[Way]:
    """All ways of mapping a convolution that may be worth it; the first is the plain one."""
    found = []
    for packed in _packs(config, sizes, sizes.depth):
        for transposed in (False, True) if sizes.down != sizes.across else (False,):
            down, across = (sizes.across, sizes.down) if transposed else (sizes.down, sizes.across)
            together = [1, across.period] if 1 < across.period and 1 < across.kernel else [1]
            for every in together:
                by_rows = every == 1 and across.kernel <= across.period
                downs = [1, down.period] if 1 < down.period and 1 < down.kernel and not by_rows else [1]
                found += [Way(transposed, rows, every, packed) for rows in downs]
            if across.kernel > across.period:
                found.append(Way(transposed, 1, 0, packed))
    for transposed in (False, True) if sizes.down != sizes.across else (False,):
        folds = _folds(config, sizes, transposed)
        for folded, depth in folds[1:] or folds:  # what can be folded is slower without
            for packed in _packs(config, sizes, depth):
                found += [
                    Way(transposed, packed=packed, row_taps=RowTaps(lines, kernels, folded))
                    for lines, kernels in _shapes(config, sizes, transposed, depth * packed, packed)
                ]
    return found


def check_way(config: SnapConfig, sizes: LayerSizes, way: Way) -> None:
    """Refuse what is no way of mapping a convolution: not one of `ways`, but for lines and kernels of row taps.

    Raises
    ------
    ConfigError
        With the limit of the core, if a block is too large for it.
    """
    taps = way.row_taps
    if taps is None:
        check("way", way in ways(config, sizes), "one of `ways`", way)
        return
    depth = dict(_folds(config, sizes, way.transposed)).get(taps.folded)
    packs = _packs(config, sizes, depth) if depth else []
    plain = way == Way(way.transposed, packed=way.packed, row_taps=taps)
    check("way", plain and way.packed in packs, "one of `ways`", way)
    most = min(config.psum_slots, pixels_kept(config, (depth or 1) * way.packed))
    check("lines of a block", 1 <= taps.lines <= most, f"from 1 to {most}", taps.lines)
    most = config.psum_slots // taps.lines
    check("kernels of a block", 1 <= taps.kernels <= most, f"from 1 to {most} with {taps.lines} lines", taps.kernels)


def _packs(config: SnapConfig, sizes: LayerSizes, depth: int) -> list[int]:
    """Groups of `depth` channels that may be mapped as one."""
    packs = {1, 2, config.core_columns, 2 * config.core_columns}
    return sorted(n for n in packs if n == 1 or n <= sizes.groups and n * depth <= config.channel_tile)


def _folds(config: SnapConfig, sizes: LayerSizes, transposed: bool) -> list[tuple[int, int]]:
    """Which axes may be folded, and the channels of a group that come of it: a tile for each core column at most."""
    rows, columns = sizes.down.kernel, sizes.across.kernel
    lines = columns if transposed else rows
    found = [(0, 1)]
    if rows > 1 and columns > 1:
        found.append((1, lines))
    if rows * columns > 1:
        found.append((2, rows * columns))
    most = config.channel_tile * config.core_columns
    return [(folded, sizes.depth * taps) for folded, taps in found if not folded or sizes.depth * taps <= most]


def _shapes(
    config: SnapConfig, sizes: LayerSizes, transposed: bool, channels: int, packed: int
) -> list[tuple[int, int]]:
    """Lines and kernels of blocks: as many lines as PEs keep, or a lower power of two; kernels for the other psums.

    Fewer lines make windows larger, which sparse weights need. Less than half of the dense tiles that fit are too few.
    """
    down, across = (sizes.across, sizes.down) if transposed else (sizes.down, sizes.across)
    places = -(-across.outputs // config.core_rows) * down.outputs
    most = min(config.psum_slots, pixels_kept(config, channels))
    dense = config.activation_beats // config.tile_beats
    powers = [1 << power for power in reversed(range((most - 1).bit_length()))]
    shapes: dict[tuple[int, int], None] = {}
    for limit in [most] + [power for power in powers if 2 * power >= dense]:
        lines = -(-places // -(-places // limit))  # blocks are of nearly equal size
        shapes[lines, min(config.psum_slots // lines, sizes.kernels * packed)] = None
    return list(shapes)
