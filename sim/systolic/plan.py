"""The commands of a matrix product, from its sizes alone."""

import dataclasses

import numpy as np

from ...hw.config import check_int
from ...hw.systolic.config import SystolicConfig
from .commands import MATRIX_COMMAND
from .operands import OperandKind

__all__ = ["MatrixPlan", "plan_matmul"]

STEP_FIELDS = ("group", "n_tile", "m_start", "k_tile", "b_plane", "a_plane")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class MatrixPlan:
    """How one or more products of equal sizes are cut into commands.

    Attributes
    ----------
    groups, m, k, n
        Number of products, and the sizes of each.
    n_tiles, k_tiles
        Weight tiles across and down one product.
    commands
        `MATRIX_COMMAND` array.
    steps
        For each command the piece of work that it is: a structured array of `STEP_FIELDS`.
    """

    groups: int
    m: int
    k: int
    n: int
    n_tiles: int
    k_tiles: int
    commands: np.ndarray
    steps: np.ndarray

    @property
    def weight_tiles(self) -> int:
        """Weight tiles that ``i_weights`` carries."""
        return int(np.count_nonzero(self.commands["swap"]))

    @property
    def beats(self) -> int:
        """Activation rows that ``i_activations`` carries; the cycles of an array that never waits."""
        return int(self.commands["rows"].sum(dtype=np.int64))

    @property
    def sums(self) -> int:
        """Rows that ``o_sums`` delivers."""
        return self.groups * self.n_tiles * self.m

    @property
    def macs(self) -> int:
        """Useful multiply-accumulates, zeros included, each once whatever the operand kinds."""
        return self.groups * self.m * self.k * self.n


def plan_matmul(
    config: SystolicConfig,
    m: int,
    k: int,
    n: int,
    a_kind: OperandKind = OperandKind.INT8,
    b_kind: OperandKind = OperandKind.INT8,
    groups: int = 1,
) -> MatrixPlan:
    """Plan the product of M x K by K x N, or `groups` of them one after another.

    For each N tile, for each block of M, for each K tile, for each weight plane (a new weight tile), for
    each activation plane: one command. A block is at most half of the accumulators, so that it drains
    while the next one fills the other half; smaller blocks use as many places as there are, in turn.
    Blocks are of equal size, within one row, because a short one could not hide the loading of the next
    weight tile. Where a whole N tile needs only one weight tile,
    that tile stays for all blocks.

    Raises
    ------
    TypeError
        If a size is not an integer.
    ConfigError
        If a size is less than 1.
    """
    for field, size in (("m", m), ("k", k), ("n", n), ("groups", groups)):
        check_int(field, size, 1)
    n_tiles, blocks, k_tiles = -(-n // config.columns), -(-m // config.half_rows), -(-k // config.rows)
    order = (groups, n_tiles, blocks, k_tiles, b_kind.planes, a_kind.planes)
    group, n_tile, block, k_tile, b_plane, a_plane = np.indices(order).reshape(len(order), -1)
    bounds = np.arange(blocks + 1) * m // blocks
    keeps_tile = k_tiles * b_kind.planes == 1

    pieces = (group, n_tile, bounds[block], k_tile, b_plane, a_plane)
    steps = np.empty(group.size, [(field, np.int64) for field in STEP_FIELDS])
    for field, values in zip(STEP_FIELDS, pieces, strict=True):
        steps[field] = values
    commands = np.empty(group.size, MATRIX_COMMAND)
    sizes = np.diff(bounds)
    places = config.accumulator_rows // sizes.max()
    commands["rows"] = sizes[block]
    commands["address"] = ((group * n_tiles + n_tile) * blocks + block) % places * sizes.max()
    commands["accumulate"] = k_tile + b_plane + a_plane > 0
    commands["drain"] = (k_tile == k_tiles - 1) & (b_plane == b_kind.planes - 1) & (a_plane == a_kind.planes - 1)
    commands["swap"] = (a_plane == 0) & ((block == 0) | (not keeps_tile))
    commands["activations_signed"] = a_kind.signed(a_plane)
    commands["weights_signed"] = b_kind.signed(b_plane)
    commands["shift"] = a_plane + b_plane
    return MatrixPlan(groups=groups, m=m, k=k, n=n, n_tiles=n_tiles, k_tiles=k_tiles, commands=commands, steps=steps)
