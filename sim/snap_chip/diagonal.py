"""How a layer runs in diagonal mode: each column of a core has another column of the kernel (SNAP, section V-B)."""

import dataclasses

from ...hw.config import check
from ...hw.snap_chip.config import SnapChipConfig
from ..golden.geometry import ConvolutionGeometry
from .command import Command
from .layers import Convolution, Tensor

__all__ = ["DiagonalColumns", "choose_diagonal", "diagonal_columns"]


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


def choose_diagonal(config: SnapChipConfig, layer: Convolution, source: Tensor) -> Convolution:
    """Decide whether a layer is diagonal, unless it says so itself.

    Raises
    ------
    ConfigError
        If it says so and can't be: there is no global accumulator, neighbours of an output's inputs are no neighbours,
        or a line has no room in the output buffer.
    """
    if layer.diagonal is False:
        return layer
    geometry = layer.geometry(source)
    reasons = {
        "with a global_accumulator in the configuration": config.global_accumulator,
        "with a stride and dilation across of 1": geometry.stride[1] == geometry.dilation[1] == 1,
        "with fewer columns": diagonal_columns(config, geometry).groups < config.region_pixels,
    }
    if layer.diagonal:
        for rule, fits in reasons.items():
            check("diagonal", fits, f"true only {rule}", True)
    return dataclasses.replace(layer, diagonal=bool(layer.diagonal))
