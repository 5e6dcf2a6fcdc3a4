"""How a network's tensors and products are cut: slices that tensors share, N tiles, K tiles, blocks of positions."""

import dataclasses
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ...hw.config import check
from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from .geometry import geometry
from .graph import Combine, Graph, Join, Lookup, Pool, Product, Tensor, geometry_of
from .tensors import Layout, Slice

__all__ = [
    "Column",
    "Piece",
    "View",
    "blocks",
    "columns_of",
    "is_dense",
    "pieces_of",
    "sources_of",
    "views_of",
    "windows",
]


@dataclasses.dataclass(frozen=True)
class View:
    """Where a tensor lies: in a layout of its own, or in one that it shares.

    Parameters
    ----------
    buffer
        Name of the tensor that has the layout.
    layout
        That one's.
    position
        Rows of the layout before the tensor's first one.
    channel
        Columns of the layout before the tensor's first one.
    """

    buffer: str
    layout: Layout
    position: int = 0
    channel: int = 0


def views_of(config: TpuConfig, graph: Graph) -> dict[str, View]:
    """Where each tensor lies; those that are joined lie in what is made of them.

    Raises
    ------
    ConfigError
        If channels are joined and do not begin at granules, or tensors are combined that lie differently.
    """
    views = {}
    for name, tensor in graph.tensors.items():
        node = graph.nodes.get(name)
        widths: tuple[int, ...] = ()
        if isinstance(node, Join) and not node.images:
            channels = [graph.tensors[source].channels for source in node.sources]
            for source, before in zip(node.sources[1:], channels, strict=False):
                rule = f"a multiple of {GRANULE_BYTES} channels, for {source} behind it in {name}"
                check(f"channels before {source}", before % GRANULE_BYTES == 0, rule, before)
            widths = _widths(channels, config.row_bytes)
        elif isinstance(node, Combine | Lookup):  # which go through buffer rows, whatever lies there
            first, *others = (views[source].layout for source in node.sources)
            for source, layout in zip(node.sources[1:], others, strict=True):
                rule = f"cut into slices like those of {node.sources[0]}, of {_widths_of(first)} channels"
                check(f"channels of {source}, which {name} reads", layout == first, rule, _widths_of(layout))
            widths = first.widths
        views[name] = View(name, Layout(config, tensor.positions, tensor.channels, tensor.dtype, widths))
    for name, node in reversed(list(graph.nodes.items())):
        if isinstance(node, Join):
            whole = views[name]
            position, channel = whole.position, whole.channel
            for source in node.sources:
                tensor = graph.tensors[source]
                views[source] = View(whole.buffer, whole.layout, position, channel)
                if node.images:
                    position += tensor.positions
                else:
                    channel += tensor.channels
    return views


def _widths(channels: Sequence[int], most: int) -> tuple[int, ...]:
    """Slices that begin and end where tensors do, unless one of these is wider than a slice."""
    widths: list[int] = []
    room = 0
    for count in channels:
        if count <= room:
            widths[-1] += count
            room -= count
            continue
        whole, rest = divmod(count, most)
        widths += [most] * whole + [rest] * (rest > 0)
        room = most - widths[-1]
    return tuple(widths)


def _widths_of(layout: Layout) -> str:
    return ", ".join(str(part.columns) for part in layout.slices)


@dataclasses.dataclass(frozen=True)
class Column:
    """Channels of a tensor that lie in one slice: an N tile of what makes it.

    Parameters
    ----------
    start, count
        The first of them in the tensor, and how many.
    part
        The slice.
    granule
        Of the first one in the slice's rows.
    """

    start: int
    count: int
    part: Slice
    granule: int

    @property
    def granules(self) -> int:
        """That they take in a row."""
        return -(-self.count // GRANULE_BYTES)


def columns_of(view: View, channels: int) -> list[Column]:
    """Cut a tensor's channels where slices are cut."""
    columns, start = [], 0
    for part in view.layout.slices:
        first, end = max(start, view.channel), min(start + part.columns, view.channel + channels)
        if first < end:
            columns.append(Column(first - view.channel, end - first, part, (first - start) // GRANULE_BYTES))
        start += part.columns
    return columns


@dataclasses.dataclass(frozen=True)
class Piece:
    """What one instruction reads of a source for a product: a K tile for each row of the kernel.

    Parameters
    ----------
    source
        Which of the product's.
    column
        Its channels.
    tap
        Column of the kernel, if they are dilated and so each a piece of its own; else -1.
    first, width
        Granules of a kernel row's window: all of them, or what a row of the matrix unit takes.
    """

    source: int
    column: Column
    tap: int
    first: int
    width: int

    def weights(self, weights: np.ndarray, row: int, dense: bool) -> np.ndarray:
        """Rows of the weight tile for a row of the kernel, from the source's weights (R x S x C x N)."""
        channels = slice(self.column.start, self.column.start + self.column.count)
        used = weights[row, :, channels]
        if dense:
            return used[0]
        count = self.column.part.pitch * GRANULE_BYTES
        whole = np.zeros((used.shape[0], count, used.shape[2]), weights.dtype)
        at = self.column.granule * GRANULE_BYTES
        whole[:, at : at + self.column.count] = used
        if self.tap >= 0:
            return whole[self.tap]
        start = self.first * GRANULE_BYTES
        return whole.reshape(-1, used.shape[2])[start : start + self.width * GRANULE_BYTES]


def is_dense(node: Product, sources: Sequence[Tensor]) -> bool:
    """Whether the product's rows are rows of its sources."""
    geometry = geometry_of(node, sources)
    return node.kernel == (1, 1) and geometry.stride == (1, 1) and not any(geometry.padding)


def pieces_of(config: TpuConfig, node: Product, views: Sequence[View], sources: Sequence[Tensor]) -> list[Piece]:
    """Cut what a product reads into K tiles. A slice of a source is read whole, whoever else's channels lie there."""
    pieces = []
    dense, spread = is_dense(node, sources), geometry_of(node, sources).dilation[1]
    for number, (view, tensor) in enumerate(zip(views, sources, strict=True)):
        for column in columns_of(view, tensor.channels):
            pitch = column.part.pitch
            if dense:
                pieces.append(Piece(number, column, -1, 0, pitch))
            elif spread > 1:
                taps = range(node.kernel[1])
                pieces += [Piece(number, column, tap, tap * spread * pitch, pitch) for tap in taps]
            else:
                whole, most = node.kernel[1] * pitch, config.row_granules
                starts = range(0, whole, most)
                pieces += [Piece(number, column, -1, first, min(most, whole - first)) for first in starts]
    return pieces


def blocks(config: TpuConfig, name: str, tensor: Tensor, dense: bool) -> list[range]:
    """Positions of a product's result that are worked on at a time: at most half the accumulators.

    If rows are windows, whole images, or whole lines of one.

    Raises
    ------
    ConfigError
        If a line is too long.
    """
    most = config.matrix.accumulator_rows // 2
    if dense:
        return _equal(tensor.positions, most, 1)
    image = tensor.height * tensor.width
    if image <= most:
        return _equal(tensor.images, most // image, image)
    check(f"width of {name}", tensor.width <= most, f"at most half the accumulators' rows, {most}", tensor.width)
    lines = _equal(tensor.height, most // tensor.width, tensor.width)
    return [range(at + one.start, at + one.stop) for at in range(0, tensor.positions, image) for one in lines]


def _equal(count: int, most: int, unit: int) -> list[range]:
    """As few equal blocks as possible of at most so many units."""
    number = -(-count // most)
    return [range(start * unit, end * unit) for start, end in pairwise(count * n // number for n in range(number + 1))]


def windows(
    config: TpuConfig, node: Product | Pool, source: Tensor, result: Tensor, part: Slice, place: int, block: range
) -> tuple[dict[str, int], dict[str, int]]:
    """Where a block's windows lie.

    Parameters
    ----------
    source, result
        The tensors.
    part, place
        Slice of the source, and the granule where it begins.
    block
        Positions of the result: whole images, or lines of one.

    Returns
    -------
    tuple
        Registers, and fields of the instruction (``ub``, ``x`` and ``y``), by name.
    """
    sizes = geometry_of(node, [source])
    image = result.height * result.width
    first, last = block.start // image, (block.stop - 1) // image
    start = block.start % image // result.width
    found = geometry(
        config, sizes, source.height, source.width, pixel=part.pitch, plane=place, pad=source.zero, image=first,
        line=start,
    )  # fmt: skip
    # Only the lines that are needed count as read, so that other work may write the others.
    line, end = source.width * part.pitch, (block.stop - 1) % image // result.width
    lines = (at * sizes.stride[0] - sizes.padding[0] for at in (start, end))
    low, high = (
        min(max(at, 0), source.height - 1)
        for at in (next(lines), next(lines) + (sizes.kernel[0] - 1) * sizes.dilation[0])
    )
    registers = {
        "window_first": (place + (first * source.height + low) * line) // config.row_granules,
        "window_last": (place + (last * source.height + high + 1) * line - 1) // config.row_granules,
    }
    return found.registers | registers, found.start


def sources_of(graph: Graph, node: Product | Pool) -> list[Tensor]:
    """The tensors that a node reads."""
    return [graph.tensors[source] for source in node.sources]
