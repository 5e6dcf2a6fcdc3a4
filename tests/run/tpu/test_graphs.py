"""Networks of all kinds of nodes on the Verilog: results, all of memory, and all counters."""

from collections.abc import Iterator
from functools import cache
from itertools import count, islice
from typing import Any

import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.tpu.config import TpuConfig
from tensorloom.run.execution import Simulator
from tensorloom.run.registry import find_preset
from tensorloom.run.tpu.networks import app_program, scaled_timing
from tensorloom.run.tpu.program import map_graph
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.sim.tpu.networks import NETWORKS
from tensorloom.sim.tpu.random_graphs import random_batch, random_graph
from tensorloom.sim.tpu.reference import execute


@cache
def simulator(name: str) -> Simulator:
    design = find_preset(name)
    assert design
    return Simulator(design)


def programs(config: TpuConfig, seed: int, nodes: int) -> Iterator[tuple[Any, ...]]:
    """Random graphs that fit the unified buffer, with inputs: number, graph, inputs and program."""
    for number in count(seed):
        graph = random_graph(config, number, nodes)
        inputs = [random_batch(graph, number + batch) for batch in range(1 + number % 2)]
        try:
            yield number, graph, inputs, map_graph(config, graph, inputs)
        except ConfigError as error:
            assert error.field == "ub_rows"


@pytest.mark.parametrize("nodes", [1, 2, 4, 8])
@pytest.mark.parametrize("preset", ["tpu-tiny", pytest.param("tpu-16", marks=pytest.mark.slow)])
def test_random_graphs(preset, seed, nodes):
    tpu = simulator(preset)
    for number, graph, inputs, program in islice(programs(tpu.design.config, seed, nodes), 6):
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
