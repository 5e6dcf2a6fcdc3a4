"""The whole machine: its testbenches, and random chains of layers in the compiled simulation."""

import numpy as np
import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.run.eie.engine import ENGINE
from tensorloom.run.eie.program import LayersProgram
from tensorloom.sim.eie.mapping import map_layers
from tensorloom.tb.bulk.model import build
from tensorloom.tb.cases import find_cases
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.compiled_bench import run_compiled
from tensorloom.tb.eie.bundle import component
from tensorloom.tb.eie.machine_parts import WHOLE
from tensorloom.tb.eie.random_layers import random_chain
from tensorloom.tb.lint import lint

CASES = find_cases("eie", "eie")

SHORT = "eie-words_wait-"
"""The testbench that Amaranth's simulator, in which a whole machine is slow, runs by default."""


@pytest.fixture(scope="module")
def emissions():
    return {part: emit(component(part)) for part in WHOLE["eie"]}


@pytest.fixture(scope="module")
def models(emissions):
    return {part: build(emission) for part, emission in emissions.items()}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[] if case.startswith(SHORT) else pytest.mark.slow) for case in CASES]
)
def test_on_amaranth(case, on_amaranth):
    assert on_amaranth(case) > 10


@pytest.mark.parametrize("case", CASES)
def test_on_verilog(case, models, bench_seed):
    check, part, config = CASES[case]
    rng = random_generator(bench_seed, check.__name__, part)
    assert run_compiled(models[part], lambda bench: check(bench, config, rng)) > 10


@pytest.mark.parametrize("count", [8, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.parametrize("part", WHOLE["eie"])
def test_random_chains(part, count, models, seed):
    config, rng = WHOLE["eie"][part], np.random.default_rng(seed)
    for number in range(count):
        layers, inputs = random_chain(rng, config, count=1 + number % 2, most=30)
        program = LayersProgram(
            config=config, layers=map_layers(config, layers, reload=True), vectors=np.array([inputs, -inputs // 2])
        )
        stalls = 0.4 * (number % 2)
        result = models[part].run(program.inputs(), program.outputs(), stalls=stalls, seed=number)
        assert np.array_equal(program.assemble(result.outputs), program.golden())
        assert ENGINE.read_counters(result.counters).differences(program.predict()) == []
        assert ENGINE.complaint(result.counters, wraps=False) == ""


@pytest.mark.parametrize("part", WHOLE["eie"])
def test_lint(part, emissions):
    assert lint(emissions[part]) == []
