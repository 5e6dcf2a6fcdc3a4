import math

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError, WrongTypeError
from tensorloom.hw.tpu.config import PRESETS, TpuConfig
from tensorloom.sim.tpu.assembler import words_of
from tensorloom.sim.tpu.check import check_program
from tensorloom.sim.tpu.compiler import compile_network
from tensorloom.sim.tpu.golden import run
from tensorloom.sim.tpu.layers import Layer, Network, RawLayer, infer
from tensorloom.sim.tpu.rules import Room

TINY = PRESETS["tpu-tiny"]


def small(rows):
    matrix = TINY.matrix.replace(rows=rows, columns=rows, accumulator_rows=16)
    return TINY.replace(matrix=matrix, bus_bytes=4, ub_rows=2048)


CONFIGS = [small(4), small(8), small(8).replace(parameter_sets=1), TINY]


def random_layer(rng, rows, columns, inner=False):
    weights = rng.integers(-128, 128, (rows, columns)).astype(rng.choice([np.int8, np.uint8]))
    kind = rng.choice(["int8", "uint8", "raw"], p=[0.4, 0.4, 0.2])
    if kind == "raw":
        return RawLayer(weights=weights, planes=1 if inner else int(rng.choice([1, 2, 4])), relu=bool(rng.random() < 0.5))
    low, high = (-128, 127) if kind == "int8" else (0, 255)
    lo, hi = sorted(rng.integers(low, high, 2, endpoint=True).tolist()) if rng.random() < 0.5 else (None, None)
    return Layer(
        weights=weights,
        bias=rng.integers(-20000, 20000, columns, np.int32),
        factors=(np.exp(rng.normal(-5, 1, columns)) / math.sqrt(rows)).astype(np.float32),
        kind=kind,
        zero=int(rng.integers(low, high, endpoint=True)),
        lo=lo,
        hi=hi,
    )


def random_network(rng, config, layers, rows):
    sizes = rng.integers(1, 3 * config.row_bytes, layers + 1, endpoint=True)
    made = [random_layer(rng, *pair, inner=n < layers - 1) for n, pair in enumerate(zip(sizes, sizes[1:]))]
    zero = 0
    for number, layer in enumerate(made):
        if isinstance(layer, Layer) and number + 1 < layers and isinstance(made[number + 1], RawLayer):
            made[number] = Layer(**{**vars(layer), "zero": 0})
    signed = bool(rng.random() < 0.5)
    if isinstance(made[0], Layer):
        zero = int(rng.integers(-128, 128)) if signed else int(rng.integers(256))
    return Network(rows=rows, layers=tuple(made), signed=signed, zero=zero)


def random_inputs(rng, network, batches):
    limits = np.iinfo(network.dtype)
    shape = network.rows, network.columns
    return [rng.integers(limits.min, limits.max, shape, network.dtype, endpoint=True) for _ in range(batches)]


def check_on_golden(compiled, inputs):
    """Run a program on the interpreter, and compare with what the network makes of the inputs."""
    config, (size_in, size_out) = compiled.config, compiled.window_bytes()
    assert check_program(config, compiled.program, Room((size_in, size_out), len(compiled.weights))) == []
    window = compiled.pack_inputs(inputs)
    assert len(window) == size_in
    outcome = run(config, compiled.program, host=[window, np.zeros(size_out, np.uint8)], weights=compiled.weights)
    assert outcome.state == "halted"
    assert not outcome.written[compiled.ub_rows * config.row_bytes :].any()
    assert outcome.written[(compiled.ub_rows - 1) * config.row_bytes :].any()
    outputs = compiled.unpack_outputs(outcome.host[1])
    assert len(outputs) == len(inputs)
    for output, values in zip(outputs, inputs):
        expected = infer(compiled.network, values)
        assert output.dtype == expected.dtype
        np.testing.assert_array_equal(output, expected)


@pytest.mark.parametrize("config", CONFIGS, ids=["4", "8", "8 one set", "tiny"])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_random_networks(seed, config, layers):
    rng = np.random.default_rng(seed)
    for _ in range(12):
        rows, batches = int(rng.integers(1, 24)), int(rng.integers(1, 4))
        network = random_network(rng, config, layers, rows)
        check_on_golden(compile_network(config, network, batches), random_inputs(rng, network, batches))
