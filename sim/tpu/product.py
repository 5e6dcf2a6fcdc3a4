"""A product of two tensors as a program: one raw layer, in as many batches as the unified buffer wants."""

import dataclasses

import numpy as np

from ...hw.config import check
from ...hw.errors import ConfigError
from ...hw.tpu.config import TpuConfig
from ..golden.matmul import matmul
from ..golden.tensors import check_tensors, magnitude
from .chain import Network
from .compiler import CompiledNetwork, compile_network
from .layers import BYTES, RawLayer

__all__ = ["CompiledProduct", "compile_product"]

SUM_BITS = 32


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class CompiledProduct:
    """A product's program.

    Parameters
    ----------
    compiled
        Program and weights.
    rows
        Of the result.
    inputs
        Contents of the host's window 0, uint8.
    """

    compiled: CompiledNetwork
    rows: int
    inputs: np.ndarray

    def assemble(self, window: np.ndarray) -> np.ndarray:
        """The result, M x N int32, from the contents of the host's window 1 (uint8)."""
        return np.concatenate(self.compiled.unpack_outputs(window))[: self.rows]


def compile_product(
    config: TpuConfig, a: np.ndarray, b: np.ndarray, *, wraps: bool = False, names: tuple[str, str] = ("a", "b")
) -> CompiledProduct:
    """Compile the product of `a` (M x K, activations) and `b` (K x N, weights), each int8 or uint8.

    Rows that the unified buffer has no room for at once are worked on in batches. Errors call the operands by `names`;
    `wraps` accepts sums that wrap in the accumulators.

    Raises
    ------
    WrongTypeError
        If an operand is not an array of one of these types.
    ConfigError
        If a rank is not 2, the inner sizes differ, a result doesn't fit the accumulators, unless `wraps`, or the
        unified buffer has no room for a single row.
    """
    a, b = check_tensors(names, (a, b), ("M x K", "K x N"), BYTES)
    check(f"rows of {names[1]}", len(b) == a.shape[1], f"the {a.shape[1]} columns of {names[0]}", len(b))
    if not wraps:
        _check_fits(a, b)
    batches, layers = 1, (RawLayer(weights=b),)
    while True:
        rows = -(-len(a) // batches)
        network = Network(rows=rows, layers=layers, signed=a.dtype == np.int8)
        try:
            compiled = compile_network(config, network, batches := -(-len(a) // rows))
            break
        except ConfigError as error:
            if error.field != "ub_rows" or rows == 1:
                raise
        batches *= 2
    padded = np.pad(a, ((0, rows * batches - len(a)), (0, 0)))
    inputs = compiled.pack_inputs(np.split(padded, batches))
    return CompiledProduct(compiled=compiled, rows=len(a), inputs=inputs)


def _check_fits(a: np.ndarray, b: np.ndarray) -> None:
    """Refuse a product with a result that the accumulators don't hold."""
    limit = 1 << SUM_BITS - 1
    if a.shape[1] * magnitude(a) * magnitude(b) < limit:
        return
    results = matmul(a, b)
    wrong = np.argwhere((results < -limit) | (results >= limit))
    if wrong.size:
        position = tuple(wrong[0].tolist())
        rule = f"from {-limit} to {limit - 1} to fit {SUM_BITS}-bit accumulators"
        check(f"result at {list(position)}", False, rule, int(results[position]))
