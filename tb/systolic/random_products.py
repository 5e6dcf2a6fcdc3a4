"""Random products and convolutions for the matrix unit, and what they must give."""

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ...sim.golden.convolution import convolution
from ...sim.golden.geometry import ConvolutionSteps
from ...sim.golden.matmul import matmul
from ...sim.systolic.mapping import MatrixProgram, map_convolution, map_matmul

__all__ = ["random_products"]

KINDS = (np.int8, np.uint8, np.int16, np.uint16)


def random_products(config: SystolicConfig, rng: np.random.Generator) -> tuple[list[MatrixProgram], list[np.ndarray]]:
    """A few independent programs of sizes from 1 up, of all operand kinds, and their results by the golden models."""
    programs, results = [], []
    most = int(rng.choice([2, config.half_rows, 3 * config.half_rows]))  # rows of a product: a list of one kind of size
    for _ in range(int(rng.integers(2, 9))):
        kinds = KINDS[rng.integers(4)], KINDS[rng.integers(4)]
        if rng.random() < 0.7:
            m, k, n = (int(rng.integers(1, size + 1)) for size in (most, 3 * config.rows, 3 * config.columns))
            a, b = (_tensor(config, rng, kind, shape, k) for kind, shape in zip(kinds, ((m, k), (k, n)), strict=True))
            programs.append(map_matmul(config, a, b))
            results.append(matmul(a, b))
        else:
            groups, depth, kernels = (int(size) for size in rng.integers(1, 4, 3))
            kernel, size = rng.integers(1, 4, 2).tolist(), rng.integers(3, 6, 2).tolist()
            steps: ConvolutionSteps = {
                "stride": int(rng.integers(1, 3)),
                "padding": int(rng.integers(0, 2)),
                "groups": groups,
            }
            reduction = kernel[0] * kernel[1] * depth
            x = _tensor(config, rng, kinds[0], (1, *size, groups * depth), reduction)
            w = _tensor(config, rng, kinds[1], (*kernel, depth, groups * kernels), reduction)
            programs.append(map_convolution(config, x, w, **steps))
            results.append(convolution(x, w, **steps))
    return programs, results


def _tensor(
    config: SystolicConfig, rng: np.random.Generator, kind: type, shape: tuple[int, ...], reduction: int
) -> np.ndarray:
    """Values of the whole type, or as large as lets sums of so many products fit the accumulators."""
    limits = np.iinfo(kind)
    largest = int(min(limits.max, (2 ** (config.accumulator_bits - 1) / reduction) ** 0.5 / 2))
    return rng.integers(max(limits.min, -largest), largest, shape, kind, endpoint=True)
