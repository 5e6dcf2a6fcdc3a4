"""Mapping of convolution, pointwise and fully connected layers onto one SNAP core.

A convolution of any stride and dilation is a sum of stride-1 convolutions on sub-grids of the input (polyphase
components). Each is cut into psum blocks: in diagonal mode `core_rows` neighbouring columns of some input rows, up to
`core_columns` kernel columns and a few kernels; in row mode (one kernel column) any pixels, the core's columns taking
different channel tiles.
"""

import numpy as np

from ...hw.config import check
from ...hw.snap.config import SnapConfig
from ..golden.convolution import convolution
from ..golden.geometry import ConvolutionGeometry, Padding, Steps, integer
from ..golden.matmul import matmul
from .layer import ConvolutionLayer
from .mapper import Mapper, split
from .operands import check_operands, check_sums
from .phases import axis_phases
from .program import CoreProgram, cut

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
    kernels: int | None = None,
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
    kernels
        Kernels of a psum block in diagonal mode; default: at least an eighth of the psum slots, more where an image's
        edge or few lines leave slots free.
    wraps
        Accept sums that wrap modulo 2**psum_bits, on their way or in the end; the core may then say so by
        ``o_errors.overflow``, and results are right modulo 2**psum_bits all the same.
    names
        What to call the two tensors in errors.

    Returns
    -------
    CoreProgram
        Its targets index the flat output, X x Y x K. It is empty if no kernel meets the image: all results are 0.

    Raises
    ------
    TypeError, ConfigError
        For operands and parameters that make no convolution, or not one that the core supports, and for operands
        whose sums might wrap unless `wraps`; see `check_sums`.
    """
    x, w = check_operands(config, names, (x, w), ("H x W x C", "R x S x C / groups x K"))
    geometry = ConvolutionGeometry.of((1, *x.shape), w.shape, stride, padding, dilation, groups, names=names)
    groups, kernels = geometry.groups, None if kernels is None else integer("kernels", kernels, 1)
    check("kernel", max(geometry.kernel) <= 11, "at most 11 x 11", geometry.kernel)
    check("stride", max(geometry.stride) <= 4, "at most 4", geometry.stride)
    if not wraps:
        steps = geometry.stride, geometry.padding, geometry.dilation, groups
        check_sums(config, x, w, geometry.product[1], lambda x, w: convolution(x[None], w, *steps)[0])
    mapper = Mapper(config)
    depth, each = x.shape[2] // groups, w.shape[3] // groups
    size = (*geometry.output, geometry.kernels)
    rows, columns = (
        axis_phases(
            x.shape[axis],
            *(steps[axis] for steps in (geometry.kernel, geometry.stride, geometry.before, geometry.dilation)),
        )
        for axis in (0, 1)
    )
    for group in range(groups):
        image = x[:, :, group * depth : (group + 1) * depth]
        bank = w[..., group * each : (group + 1) * each]
        layer = ConvolutionLayer(mapper, image, bank, size, group * each, kernels)
        for down in rows:
            for across in columns:
                layer.split_channels(1 if len(across.taps) > 1 else config.core_columns)
                if len(across.taps) > 1:
                    layer.diagonal(down, across)
                else:
                    layer.by_rows(down, across)
    return mapper.program()


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
