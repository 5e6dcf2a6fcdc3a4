"""How a layer runs in diagonal mode: each column of a core has another column of the kernel (SNAP, section V-B)."""

import dataclasses
from collections.abc import Mapping, Sequence

from ...hw.snap_chip.config import SnapChipConfig
from ..golden.geometry import ConvolutionGeometry
from .command import Command
from .layers import Convolution, Layer, Tensor

__all__ = ["DiagonalColumns", "diagonal_columns", "line_entries"]


@dataclasses.dataclass(frozen=True)
class DiagonalColumns:
    """How the columns of a layer lie on the rows of a core.

    Row i has column ``rows * g + i - left + core_columns * n`` of the input in column group g, for sub-kernel n. What
    it comes to with column j of the sub-kernel belongs to column ``rows * g + p - first_port`` of the output, and is
    part of the sum of port ``p = core_columns - 1 + i - j``.

    Parameters
    ----------
    sub_kernels
        Parts of the kernel, each as wide as a core. They run one after the other into the same psums.
    left
        Columns of padding at the left that rows get.
    first_port
        Port of the first column of the output.
    groups
        Column groups.
    """

    sub_kernels: int
    left: int
    first_port: int
    groups: int

    def fields(self, config: SnapChipConfig) -> Command:
        """Those of a command."""
        rows, width = config.banks, config.core.core_columns
        return {
            "diagonal": 1, "first_port": self.first_port, "kernel_columns": self.sub_kernels,
            "dilation_quotient": width // rows, "dilation_rest": width % rows, "padding_quotient": -self.left // rows,
            "padding_rest": -self.left % rows, "column_groups": self.groups, "columns_quotient": self.groups,
            "columns_rest": 0,
        }  # fmt: skip


def diagonal_columns(config: SnapChipConfig, geometry: ConvolutionGeometry) -> DiagonalColumns:
    """Lay columns so that rows get as little padding as possible: none, if the kernel is no wider than a core."""
    width, padding = config.core.core_columns, geometry.padding[2]
    sub_kernels = -(-geometry.kernel[1] // width)
    left = min(padding, (sub_kernels - 1) * width)
    first_port = width - 1 + left - padding
    inputs = geometry.output[1] + geometry.kernel[1] - 1 - sum(geometry.padding[2:])
    positions = min(geometry.output[1] + first_port, inputs + left)
    return DiagonalColumns(sub_kernels, left, first_port, -(-positions // config.banks))


def line_entries(config: SnapChipConfig, tensors: Mapping[str, Tensor], layers: Sequence[Layer]) -> dict[str, int]:
    """By tensor that a layer writes: entries that a port has of a line. In diagonal mode one is for what is carried."""
    entries = {}
    for layer in layers:
        entries[layer.target] = -(-tensors[layer.target].width // config.banks)
        if isinstance(layer, Convolution) and layer.diagonal:
            entries[layer.target] = diagonal_columns(config, layer.geometry(tensors[layer.source])).groups + 1
    return entries
