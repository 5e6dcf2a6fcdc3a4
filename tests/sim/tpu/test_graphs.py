import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.tpu.config import PRESETS
from tensorloom.sim.tpu.check import check_program
from tensorloom.sim.tpu.compiler import compile_graph
from tensorloom.sim.tpu.golden import run
from tensorloom.sim.tpu.reference import execute
from tensorloom.sim.tpu.rules import Room

from .random_graphs import random_batch, random_graph

TINY = PRESETS["tpu-tiny"].replace(ub_rows=1 << 14)


def check_on_golden(compiled, inputs):
    """Run a program on the interpreter, and compare with what the network makes of the inputs."""
    config, (size_in, size_out) = compiled.config, compiled.window_bytes
    problems = check_program(config, compiled.program, Room((size_in, size_out), len(compiled.weights)))
    assert problems == []
    window = compiled.pack(inputs)
    outcome = run(config, compiled.program, host=[window, np.zeros(size_out, np.uint8)], weights=compiled.weights)
    assert outcome.state == "halted"
    outputs, carried = compiled.unpack(outcome.host[1]), {}
    for output, values in zip(outputs, inputs, strict=True):
        tensors = execute(compiled.graph, {**values, **carried})
        carried = {name: tensors[source] for name, source in compiled.graph.recurrent.items()}
        for name in compiled.graph.outputs:
            assert output[name].dtype == tensors[name].dtype
            np.testing.assert_array_equal(output[name], tensors[name], name)


@pytest.mark.parametrize("nodes", [1, 3, 8])
def test_random_graphs(seed, nodes):
    rng = np.random.default_rng(seed)
    for _ in range(10):
        graph, batches = random_graph(rng, TINY, nodes), int(rng.integers(1, 3))
        try:
            compiled = compile_graph(TINY, graph, batches)
        except ConfigError as error:
            assert error.field == "ub_rows"
            continue
        check_on_golden(compiled, [random_batch(rng, graph) for _ in range(batches)])
