"""The whole machine: its testbenches, and random chains of layers in the compiled simulation."""

import numpy as np
import pytest

from tensorloom.hw.eie.eie import Eie
from tensorloom.hw.emit.emitter import emit
from tensorloom.run.eie.engine import ENGINE
from tensorloom.run.eie.program import LayersProgram
from tensorloom.sim.eie.mapping import map_layers
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bulk.model import build
from tensorloom.tb.cases import find_cases
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.compiled_bench import run_compiled
from tensorloom.tb.eie.bundle import component
from tensorloom.tb.eie.machine_parts import WHOLE
from tensorloom.tb.eie.random_layers import random_chain
from tensorloom.tb.lint import lint

CASES = find_cases("eie", "eie")


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, bench_seed):
    check, part, config = CASES[case]
    rng = random_generator(bench_seed, check.__name__, part)
    assert simulate(component(part), lambda bench: check(bench, config, rng)) > 10


@pytest.fixture(scope="module")
def models():
    return {part: build(emit(Eie(config))) for part, config in WHOLE["eie"].items()}


@pytest.mark.parametrize("case", CASES)
def test_on_verilog(case, models, bench_seed):
    check, part, config = CASES[case]
    rng = random_generator(bench_seed, check.__name__, part)
    assert run_compiled(models[part], lambda bench: check(bench, config, rng)) > 10


@pytest.mark.parametrize("part", WHOLE["eie"])
def test_random_chains(part, models, seed):
    config, rng = WHOLE["eie"][part], np.random.default_rng(seed)
    for number in range(30):
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
def test_lint(part):
    assert lint(emit(component(part))) == []
