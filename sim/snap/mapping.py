"""Mapping of convolution, pointwise and fully connected layers onto one SNAP core.

There are several ways to do it (`ways`), and the one that seems fastest is taken (`fastest_way`). Each cuts the layer
into psum blocks (`plan_blocks`), which are then written with the operands (`ConvolutionLayer`).
"""

import numpy as np

from ...hw.config import check
from ...hw.snap.config import SnapConfig
from ..golden.convolution import convolution
from ..golden.geometry import ConvolutionGeometry, Padding, Steps
from ..golden.matmul import matmul
from .estimate import fastest_way
from .folding import arrange
from .layer import ConvolutionLayer
from .mapper import Mapper
from .operands import check_operands, check_sums
from .plan import DiagonalBlocks, RowBlocks, plan_blocks
from .program import CoreProgram, cut
from .ways import LayerSizes, Way, check_way, split

__all__ = ["map_convolution", "map_fully_connected"]


def map_convolution(
    config: SnapConfig,
    x: np.ndarray,
    w: np.ndarray,
    stride: Steps = 1,
    padding: Padding = 0,
    dilation: Steps = 1,
    groups: int = 1,
    *,
    way: Way | None = None,
    wraps: bool = False,
    names: tuple[str, str] = ("x", "w"),
) -> CoreProgram:
    """Program of a convolution of one image on one core.

    Parameters
    ----------
    config
        The core.
    x
        Input activations, H x W x C integers of `data_bits`.
    w
        Weights, R x S x C / groups x K integers of `data_bits`; R and S up to 11.
    stride, padding, dilation, groups
        As in `ConvolutionGeometry.of`; strides up to 4.
    way
        One of `ways`, or one of row taps with other blocks; by default that of `fastest_way`.
    wraps
        Accept sums that wrap modulo 2**psum_bits, on their way or in the end; the core may then say so by
        ``o_errors.overflow``, and results are right modulo 2**psum_bits all the same.
    names
        What to call the two tensors in errors.

    Returns
    -------
    CoreProgram
        Its targets index the flat output, X x Y x K. It may be empty if no kernel meets the image: all results are 0.

    Raises
    ------
    TypeError, ConfigError
        For operands and parameters that make no convolution, or not one that the core supports, and for operands
        whose sums might wrap unless `wraps`; see `check_sums`.
    """
    x, w = check_operands(config, names, (x, w), ("H x W x C", "R x S x C / groups x K"))
    geometry = ConvolutionGeometry.of((1, *x.shape), w.shape, stride, padding, dilation, groups, names=names)
    check("kernel", max(geometry.kernel) <= 11, "at most 11 x 11", geometry.kernel)
    check("stride", max(geometry.stride) <= 4, "at most 4", geometry.stride)
    if not wraps:
        steps = geometry.stride, geometry.padding, geometry.dilation, geometry.groups
        check_sums(config, x, w, geometry.product[1], lambda x, w: convolution(x[None], w, *steps)[0])
    sizes = LayerSizes.of(geometry, x.shape)
    if way is None:
        way = fastest_way(config, sizes, x, w)
    check_way(config, sizes, way)
    return _map_way(config, sizes, x, w, way)


def _map_way(config: SnapConfig, sizes: LayerSizes, x: np.ndarray, w: np.ndarray, way: Way) -> CoreProgram:
    """Program of a convolution in a given way."""
    mapper = Mapper(config)
    shape = sizes.down.outputs, sizes.across.outputs, w.shape[3]
    targets = np.arange(np.prod(shape)).reshape(shape)
    if way.transposed:
        targets = np.swapaxes(targets, 0, 1)
    sizes, x, w = arrange(sizes, x, w, way)
    density = np.count_nonzero(w) / w.size
    plans: dict[LayerSizes, list[DiagonalBlocks | RowBlocks]] = {}
    for groups, part in sizes.packs(way.packed):
        count = groups.stop - groups.start
        if part not in plans:
            plans[part] = list(plan_blocks(config, part, way, density / count))
        channels, kernels = (slice(groups.start * n, groups.stop * n) for n in (sizes.depth, sizes.kernels))
        bank = _packed(w[..., kernels], count)
        layer = ConvolutionLayer(mapper, x[:, :, channels], bank, targets[..., kernels])
        for blocks in plans[part]:
            layer.write(blocks)
    return mapper.program()


def _packed(bank: np.ndarray, groups: int) -> np.ndarray:
    """Kernels of several groups with zeros for the channels of the others."""
    if groups == 1:
        return bank
    rows, columns, depth, kernels = bank.shape
    packed = np.zeros((rows, columns, groups, depth, groups, kernels // groups), bank.dtype)
    for group in range(groups):
        packed[:, :, group, :, group] = bank.reshape(rows, columns, depth, groups, -1)[:, :, :, group]
    return packed.reshape(rows, columns, groups * depth, kernels)


def map_fully_connected(
    config: SnapConfig,
    activations: np.ndarray,
    weights: np.ndarray,
    *,
    wraps: bool = False,
    names: tuple[str, str] = ("activations", "weights"),
) -> CoreProgram:
    """Program of a fully connected layer, batch 1: rows take different kernels, columns different channel tiles.

    Parameters
    ----------
    config
        The core.
    activations
        ``[C]`` integers of `data_bits`.
    weights
        ``[C, K]`` integers of `data_bits`.
    wraps, names
        As of `map_convolution`.

    Returns
    -------
    CoreProgram
        Its targets index the output ``[K]``.

    Raises
    ------
    TypeError, ConfigError
        For operands of a wrong type, range or shape, and such whose sums might wrap unless `wraps`.
    """
    activations, weights = check_operands(config, names, (activations, weights), ("C", "C x K"))
    rule = f"the {len(activations)} elements of {names[0]}"
    check(f"rows of {names[1]}", len(weights) == len(activations), rule, len(weights))
    if not wraps:
        check_sums(config, activations, weights, len(weights), lambda x, w: matmul(x[None], w)[0])
    mapper, tile = Mapper(config), config.channel_tile
    rows, columns, outputs = config.core_rows, config.core_columns, weights.shape[1]
    for block in split(outputs, config.psum_slots * rows):
        owners = np.array_split(block, rows)
        for at in range(0, len(activations), tile * columns):
            parts, pieces = [], []
            for column in range(columns):
                begin = at + column * tile
                chunk = weights[begin : begin + tile]
                mine = []
                for row, own in enumerate(owners):
                    number, index = np.nonzero(chunk[:, own].T)
                    mine.append((1 << row, chunk[:, own].T[number, index], index, number, 0 * number))
                parts.append(mine)
                values = activations[begin : begin + tile]
                index = np.flatnonzero(values)
                pieces.append((1 << column, values[index], index))
            item = cut(config, pieces)
            final = at + tile * columns >= len(activations)
            mapper.group(mapper.windows(parts), [[(item, 0, 1)] * rows], keep=True, block_last=final)
        targets = np.full((config.ports, len(owners[0])), -1)
        for row, own in enumerate(owners):
            targets[row, : len(own)] = own
        mapper.block(True, targets)
    return mapper.program()
