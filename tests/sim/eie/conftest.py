import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tensorloom.sim.eie.golden import Layer
from tensorloom.sim.formats.coded import CodedMatrix


@pytest.fixture(scope="session")
def literal():
    """The machine with everything that moves in it: `literal.py` beside this file."""
    spec = importlib.util.spec_from_file_location("eie_literal", Path(__file__).with_name("literal.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def random_chain(rng, config, count=None, most=60):
    """Layers that follow each other on a machine, and inputs of the first."""
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


@pytest.fixture
def chain():
    return random_chain
