"""Sparse convolution against the dense one."""

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.sim.formats.bundles import ActivationBundles, WeightBundles
from tensorloom.sim.formats.runs import FormatError
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


@pytest.mark.parametrize("seed", range(8))
def test_equals_onnxruntime(onnx_run, onnx_integers, seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups, depth = int(rng.integers(1, 4)), 4 * int(rng.integers(1, 4))
    kernel, stride, dilation = (rng.integers(1, high, 2).tolist() for high in (5, 4, 3))
    top, bottom, left, right = padding = rng.integers(0, 4, 4).tolist()
    size = [d * (k - 1) + 1 + int(rng.integers(0, 8)) for d, k in zip(dilation, kernel, strict=True)]
    x = onnx_integers(rng, np.int8, (*size, groups * depth))
    w = onnx_integers(rng, np.int8, (*kernel, depth, groups * int(rng.integers(1, 5))), weights=True)
    x *= rng.random(x.shape) < rng.random()
    w *= rng.random(w.shape) < rng.random()
    expected = onnx_run(
        "ConvInteger", x.transpose(2, 0, 1)[None], w.transpose(3, 2, 0, 1), output=np.int32,
        strides=stride, pads=[top, left, bottom, right], dilations=dilation, group=groups,
    )  # fmt: skip
    bundles = ActivationBundles.encode(x, 4), WeightBundles.encode(w, 4)
    sums, _ = sparse_convolution(*bundles, 32, stride, padding, dilation, groups)
    np.testing.assert_array_equal(sums, expected[0].transpose(1, 2, 0))


def test_kernels_that_never_meet_the_image() -> None:
    bundles = ActivationBundles.encode(np.ones((1, 1, 8), int), 8), WeightBundles.encode(np.ones((3, 3, 8, 2), int), 8)
    sums, pairs = sparse_convolution(*bundles, 24, stride=2, padding=(3, 3), dilation=[2, 2])
    assert sums.shape == (2, 2, 2) and not sums.any() and pairs == 0


@pytest.mark.parametrize("which", ["activations", "weights"])
@pytest.mark.parametrize(
    ("field", "at", "value", "text"),
    [
        ("values", 3, 0, r"values\[3\] must be non-zero, not 0"),
        ("indices", 1, 0, r"indices\[1\] must be increasing in a vector, not 0"),
        ("indices", 2, 4, r"indices\[2\] must be within the channel tile, not 4"),
        ("pointers", 1, 99, r"pointers\[1\] must be from 0 to 16, not 99"),
    ],
)
def test_malformed_bundles_are_refused(which: str, field: str, at: int, value: int, text: str) -> None:
    tensors = np.ones((2, 2, 4), int), np.ones((2, 2, 4, 1), int)
    bundles = {"activations": ActivationBundles.encode(tensors[0], 4), "weights": WeightBundles.encode(tensors[1], 4)}
    getattr(bundles[which].runs, field)[at] = value
    with pytest.raises(FormatError, match=text):
        sparse_convolution(**bundles, psum_bits=32)


def test_tiles_must_agree() -> None:
    x, w = np.ones((2, 2, 8), int), np.ones((1, 1, 8, 1), int)
    with pytest.raises(ConfigError, match="channel_tile of activations must be 8, as of weights, not 4"):
        sparse_convolution(ActivationBundles.encode(x, 4), WeightBundles.encode(w, 8), 32)
    with pytest.raises(ConfigError, match="channel_tile must be a divisor of C / groups = 8, not 3"):
        sparse_convolution(
            ActivationBundles.encode(np.ones((2, 2, 16), int), 3),
            WeightBundles.encode(np.ones((1, 1, 8, 2), int), 3), 32, groups=2,
        )  # fmt: skip
