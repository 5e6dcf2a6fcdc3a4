"""Matrix products and convolutions as streams of the matrix unit."""

import dataclasses

import numpy as np

from ...hw.config import check
from ...hw.systolic.config import SystolicConfig
from ..golden.geometry import ConvolutionGeometry, Padding, Steps
from ..golden.im2col import im2col, kernel_matrix
from ..golden.matmul import matmul
from ..golden.tensors import check_tensor, check_tensors, magnitude
from .operands import OperandKind
from .plan import MatrixPlan, plan_matmul

__all__ = ["MatrixProgram", "map_convolution", "map_matmul"]

KINDS = [kind.value for kind in OperandKind]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class MatrixProgram:
    """What the matrix unit's streams carry for one product or convolution.

    Attributes
    ----------
    weights
        uint8, weight tiles * rows x columns: the transfers of ``i_weights``.
    activations
        uint8, beats x rows: the transfers of ``i_activations``.
    plan
        The commands and the sizes behind them.
    shape
        The result's.
    """

    weights: np.ndarray
    activations: np.ndarray
    plan: MatrixPlan
    shape: tuple[int, ...]

    @property
    def commands(self) -> np.ndarray:
        """The transfers of ``i_commands``: `MATRIX_COMMAND` array."""
        return self.plan.commands

    @property
    def beats(self) -> int:
        """Activation rows: the cycles of an array that never waits."""
        return self.plan.beats

    @property
    def sums(self) -> int:
        """Rows that ``o_sums`` delivers."""
        return self.plan.sums

    @property
    def macs(self) -> int:
        """Useful multiply-accumulates, zeros included."""
        return self.plan.macs

    def assemble(self, sums: np.ndarray) -> np.ndarray:
        """Put the rows of ``o_sums`` together.

        Parameters
        ----------
        sums
            Integers, `sums` x columns.

        Returns
        -------
        numpy.ndarray
            The result, int64, in the caller's shape.

        Raises
        ------
        TypeError
            If `sums` is not an integer array.
        ConfigError
            If its shape is another one.
        """
        sums = check_tensor("sums", sums, "rows x columns")
        plan, columns = self.plan, self.weights.shape[1]
        check("sums", sums.shape == (plan.sums, columns), f"of shape {(plan.sums, columns)}", sums.shape)
        tiles = sums.astype(np.int64).reshape(plan.groups, plan.n_tiles, plan.m, columns)
        wide = tiles.transpose(2, 0, 1, 3).reshape(plan.m, plan.groups, plan.n_tiles * columns)
        return wide[:, :, : plan.n].reshape(self.shape)


def map_matmul(
    config: SystolicConfig,
    a: np.ndarray,
    b: np.ndarray,
    *,
    wraps: bool = False,
    names: tuple[str, str] = ("a", "b"),
) -> MatrixProgram:
    """Map the product of `a` (M x K, activations) and `b` (K x N, weights).

    The dtype of each, int8, uint8, int16 or uint16, is its operand kind. Any sizes will do; 16-bit operands
    take two passes a side. Errors call the operands by `names`; `wraps` accepts results that wrap in the accumulators.

    Raises
    ------
    TypeError
        If an operand is not an array of one of these types.
    ConfigError
        If a rank is not 2, the inner sizes differ, or a result doesn't fit the accumulators, unless `wraps`.
    """
    a, b = check_tensors(names, (a, b), ("M x K", "K x N"), KINDS)
    check(f"rows of {names[1]}", len(b) == a.shape[1], f"the {a.shape[1]} columns of {names[0]}", len(b))
    return _map(config, a[np.newaxis], b[np.newaxis], (len(a), b.shape[1]), wraps)


def map_convolution(
    config: SystolicConfig,
    x: np.ndarray,
    w: np.ndarray,
    stride: Steps = 1,
    padding: Padding = 0,
    dilation: Steps = 1,
    groups: int = 1,
    *,
    wraps: bool = False,
    names: tuple[str, str] = ("x", "w"),
) -> MatrixProgram:
    """Map the convolution of `x` (N x H x W x C) with `w` (R x S x C / groups x K).

    Each group is a matrix product of its own: a row for each output position, a column for each kernel.
    Parameters are those of `ConvolutionGeometry.of`, operand kinds and errors those of `map_matmul`.
    """
    x, w = check_tensors(names, (x, w), ("N x H x W x C", "R x S x C / groups x K"), KINDS)
    geometry = ConvolutionGeometry.of(x.shape, w.shape, stride, padding, dilation, groups, names=names)
    return _map(config, im2col(x, geometry), kernel_matrix(w, geometry), geometry.output_shape, wraps)


def _map(
    config: SystolicConfig,
    a: np.ndarray,
    b: np.ndarray,
    shape: tuple[int, ...],
    wraps: bool,
) -> MatrixProgram:
    """Map groups x M x K by groups x K x N."""
    if not wraps:
        _check_fits(config, a, b, shape)
    groups, m, k = a.shape
    kinds = OperandKind(a.dtype), OperandKind(b.dtype)
    plan = plan_matmul(config, m, k, b.shape[2], *kinds, groups)
    deep, wide = plan.k_tiles * config.rows, plan.n_tiles * config.columns
    a_planes = kinds[0].split(np.pad(a, ((0, 0), (0, 0), (0, deep - k))))
    b_planes = kinds[1].split(np.pad(b, ((0, 0), (0, deep - k), (0, wide - plan.n))))

    swaps = plan.steps[plan.commands["swap"] == 1]
    tiles = b_planes.reshape(-1, groups, plan.k_tiles, config.rows, plan.n_tiles, config.columns)
    weights = tiles[swaps["b_plane"], swaps["group"], swaps["k_tile"], :, swaps["n_tile"]]

    activations = np.empty((plan.beats, config.rows), np.uint8)
    end = 0
    for step, rows in zip(plan.steps, plan.commands["rows"].tolist(), strict=True):
        start, end = end, end + rows
        block = slice(step["m_start"], step["m_start"] + rows)
        reduction = slice(step["k_tile"] * config.rows, (step["k_tile"] + 1) * config.rows)
        activations[start:end] = a_planes[step["a_plane"], step["group"], block, reduction]
    return MatrixProgram(weights=weights.reshape(-1, config.columns), activations=activations, plan=plan, shape=shape)


def _check_fits(config: SystolicConfig, a: np.ndarray, b: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise `ConfigError` at the first result that the accumulators cannot hold."""
    limit = 1 << (config.accumulator_bits - 1)
    if a.shape[2] * magnitude(a) * magnitude(b) < limit:
        return
    results = np.stack([matmul(*group) for group in zip(a, b, strict=True)], axis=1).reshape(shape)
    wrong = np.argwhere((results < -limit) | (results >= limit))
    if wrong.size:
        position = tuple(wrong[0].tolist())
        rule = f"from {-limit} to {limit - 1} to fit {config.accumulator_bits}-bit accumulators (accumulator_bits)"
        check(f"result at {list(position)}", False, rule, int(results[position]))
