import dataclasses

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.sim.workloads.compressed import COMPRESSED_LAYERS, CompressedLayer, random_compressed
from tensorloom.sim.workloads.layers import find_layer

SMALL = CompressedLayer(name="small", inputs=900, outputs=700, w_density=0.1, ia_density=0.4)


def test_sizes_are_those_of_the_networks() -> None:
    for layer in COMPRESSED_LAYERS[:6]:
        shape = find_layer(layer.name)
        assert shape is not None and (shape.channels, shape.kernels) == (layer.inputs, layer.outputs)


def test_paper_is_so_far_from_ideal() -> None:
    """Cycles of Table IV by products / 64, worked out by hand."""
    found = [round(layer.actual_over_ideal, 2) for layer in COMPRESSED_LAYERS]
    assert found == [1.30, 1.17, 1.32, 2.34, 1.77, 1.11, 1.67, 1.23, 1.21]
    assert np.exp(np.mean(np.log([layer.actual_over_ideal for layer in COMPRESSED_LAYERS]))) == pytest.approx(
        1.416, abs=1e-3
    )


def test_densities_and_their_spread(seed: int) -> None:
    matrix, activations = random_compressed(SMALL, seed)
    matrix.check()
    assert (matrix.rows, matrix.columns, len(activations)) == (700, 900, 900)
    assert len(matrix.codes) / 630_000 == pytest.approx(0.1, rel=0.05)
    assert np.count_nonzero(activations) / 900 == pytest.approx(0.4, abs=0.08)
    assert activations.min() == 0 and activations.max() < 1 << 15
    for counts, size, spread in (
        (np.bincount(matrix.indices, minlength=700), 900, 0.13),
        (np.diff(matrix.pointers), 700, 0.10),
    ):
        chance = 0.9 / (size * 0.1)  # of independent weights
        assert counts.std() / counts.mean() == pytest.approx(np.sqrt(spread**2 + chance), rel=0.15)


def test_weights_come_from_a_codebook(seed: int) -> None:
    matrix, _ = random_compressed(SMALL, seed, codes=8, bits=6)
    assert len(matrix.codebook) == 8 and matrix.codebook[0] == 0
    assert len(set(matrix.codebook.tolist())) == 8
    assert -32 <= matrix.codebook.min() and matrix.codebook.max() < 32
    assert sorted(set(matrix.codes.tolist())) == list(range(1, 8))


def test_same_seed_same_tensors_and_dense_activations_have_signs() -> None:
    dense = dataclasses.replace(SMALL, ia_density=1.0)
    (first, a), (second, b) = random_compressed(dense, 3, bits=4), random_compressed(dense, 3, bits=4)
    assert np.array_equal(first.decode(), second.decode()) and np.array_equal(a, b)
    assert (a != 0).all() and a.min() == -8 and a.max() == 7
    other, _ = random_compressed(dense, 4, bits=4)
    assert not np.array_equal(first.decode(), other.decode())


def test_wrong_values_are_refused() -> None:
    with pytest.raises(ConfigError, match="w_density must be from 0 to 1, not 2"):
        random_compressed(dataclasses.replace(SMALL, w_density=2), 1)
    with pytest.raises(ConfigError, match="codes must be at most 4, as there are 2 bits, not 16"):
        random_compressed(SMALL, 1, bits=2)
