"""Networks of all kinds of nodes on the Verilog: results, all of memory, and all counters."""

import pytest

from tensorloom.run.execution import Simulator
from tensorloom.run.registry import find_preset
from tensorloom.run.tpu.networks import app_program, scaled_timing
from tensorloom.run.tpu.program import map_graph
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.sim.tpu.networks import NETWORKS
from tensorloom.sim.tpu.random_graphs import random_batch, random_graph
from tensorloom.sim.tpu.reference import execute


def simulator(name: str) -> Simulator:
    design = find_preset(name)
    assert design
    return Simulator(design)


TINY = [("tpu-tiny", 1), ("tpu-tiny", 2)]
TWIN = [pytest.param("tpu-16", nodes, marks=pytest.mark.slow) for nodes in (1, 2, 4, 8)]


@pytest.mark.parametrize(("preset", "nodes"), TINY + TWIN)
def test_random_graphs(preset, seed, nodes):
    tpu = simulator(preset)
    for number in range(seed, seed + 6):
        graph, batches = random_graph(tpu.design.config, number, nodes), 1 + number % 2
        inputs = [random_batch(graph, number + batch) for batch in range(batches)]
        program = map_graph(tpu.design.config, graph, inputs)
        expected = [execute(graph, values) for values in inputs]
        outputs = [outcome[name].reshape(-1) for outcome in expected for name in graph.outputs]
        for stall in (0.0, 0.3):
            timing = MemoryTiming(latency=1 + number % 40)
            outcome, _ = tpu.run_program(program, f"{number}", stall=stall, seed=number, timing=timing)
            assert outcome.passed, (number, stall, outcome.complaint)
            assert outcome.output.tolist() == [value for values in outputs for value in values.tolist()]


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_twins_of_a_sixteenth(name):
    """A batch of each network of the published sizes, with memory of a sixteenth of the speed."""
    twin = simulator("tpu-16")
    config = twin.design.config
    outcome, _ = twin.run_program(app_program(config, name, 1), name, timing=scaled_timing(config))
    assert outcome.passed, outcome.complaint
