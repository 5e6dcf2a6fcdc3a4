"""Sparse convolution against the dense one."""

import numpy as np
import pytest
from tensorloom.hw.config import ConfigError
from tensorloom.sim.formats.bundles import ActivationBundles, WeightBundles
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.sparse_convolution import sparse_convolution
from tensorloom.sim.golden.wrap import wrap


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("bits", [24, 48])
def test_equals_dense(seed: int, groups: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(8):
        kernel, dilation = rng.integers(1, 5, 2), rng.integers(1, 3, 2)
        size = rng.integers(1, 8, 2) + dilation * (kernel - 1)
        steps = {"stride": rng.integers(1, 4, 2).tolist(), "padding": rng.integers(0, 3, 4).tolist()}
        steps["dilation"] = dilation.tolist()
        x = rng.integers(-(1 << 15), 1 << 15, (*size, 8 * groups)) * (rng.random((*size, 8 * groups)) < 0.4)
        w = rng.integers(-(1 << 15), 1 << 15, (*kernel, 8, 3 * groups)) * (rng.random((*kernel, 8, 3 * groups)) < 0.4)
        sums, pairs = sparse_convolution(
            ActivationBundles.encode(x, 4), WeightBundles.encode(w, 4), bits, **steps, groups=groups
        )
        assert np.array_equal(sums, wrap(convolution(x[None], w, **steps, groups=groups)[0], bits))
        assert pairs == convolution((x != 0).astype(int)[None], (w != 0).astype(int), **steps, groups=groups).sum()


def test_tiles_must_agree() -> None:
    x, w = np.ones((2, 2, 8), int), np.ones((1, 1, 8, 1), int)
    with pytest.raises(ConfigError, match="channel_tile of activations must be 8, as of weights, not 4"):
        sparse_convolution(ActivationBundles.encode(x, 4), WeightBundles.encode(w, 8), 32)
    with pytest.raises(ConfigError, match="channel_tile must be a divisor of C / groups = 8, not 3"):
        sparse_convolution(
            ActivationBundles.encode(np.ones((2, 2, 16), int), 3),
            WeightBundles.encode(np.ones((1, 1, 8, 2), int), 3), 32, groups=2,
        )  # fmt: skip
