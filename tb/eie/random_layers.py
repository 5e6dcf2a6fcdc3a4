"""Random chains of layers."""

import numpy as np

from ...hw.eie.config import EieConfig
from ...sim.eie.golden import Layer
from ...sim.formats.coded import CodedMatrix

__all__ = ["random_chain"]


def random_chain(
    rng: np.random.Generator, config: EieConfig, count: int | None = None, most: int = 60
) -> tuple[list[Layer], np.ndarray]:
    """Layers that follow each other on a machine, by default one to three of less than `most` inputs, and inputs."""
    limit = 1 << config.data_bits - 1
    sizes = rng.integers(1, most, 1 + (count or int(rng.integers(1, 4))))
    layers = []
    for inputs, outputs in zip(sizes.tolist(), sizes[1:].tolist(), strict=False):
        constants = rng.integers(-limit, limit, rng.integers(0, 3))
        shape = outputs, inputs + len(constants)
        codebook = np.append(0, rng.integers(-limit // 8, limit // 8, config.codes - 1))
        share = rng.random(shape[1]) ** rng.integers(1, 6)  # by column
        if rng.integers(2):
            share = np.sort(share)[::-1]  # first queues fill up, then columns are short
        codes = rng.integers(1, config.codes, shape) * (rng.random(shape) < share)
        layers.append(
            Layer(
                matrix=CodedMatrix.encode(codes, codebook), shift=int(rng.integers(0, config.data_bits)),
                relu=bool(rng.integers(2)), constants=tuple(constants.tolist()),
            )
        )  # fmt: skip
    values = rng.integers(-limit, limit, sizes[0])
    return layers, values * (rng.random(sizes[0]) < 1.5 * rng.random())
