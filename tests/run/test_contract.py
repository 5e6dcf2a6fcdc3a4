"""The contract, for every engine by no name: models agree with one another and with the Verilog."""

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.run.contract import Engine
from tensorloom.run.emission import emit_design
from tensorloom.run.execution import Outcome, Simulator, execute, predict
from tensorloom.run.jobs import Job
from tensorloom.run.random_jobs import random_job
from tensorloom.run.registry import Design, engines
from tensorloom.run.speed import compare_speeds
from tensorloom.tb.bulk.memory import memory_ports

ENGINES = list(engines().values())


def smallest(engine: Engine) -> Design:
    """The preset with the fewest multipliers that holds 8-bit operands."""
    wide = [name for name, config in engine.presets.items() if engine.data_bits(config) >= 8]
    name = min(wide, key=lambda name: engine.presets[name].multipliers)
    return Design(engine=engine, name=name, config=engine.presets[name])


@pytest.fixture(scope="module", params=ENGINES, ids=lambda engine: engine.name)
def simulator(request: pytest.FixtureRequest) -> Simulator:
    return Simulator(smallest(request.param))


def machine(simulator: Simulator) -> tuple[Engine, object]:
    return simulator.design.engine, simulator.design.config


@pytest.mark.parametrize("case", range(6))
def test_models_and_verilog_agree(simulator: Simulator, case: int, seed: int) -> None:
    """Mapping against golden, streams' meaning against golden, results and every counter against the Verilog."""
    job, design = random_job(np.random.default_rng([seed, case]), *machine(simulator)), simulator.design
    program, expected = design.engine.map(design.config, job), design.engine.expected(design.config, job)
    assert np.array_equal(program.golden(), expected)
    outcome = simulator.run(job, program)
    assert outcome.complaint == "" and outcome.passed
    assert np.array_equal(outcome.output, expected)
    assert outcome.predicted is not None and outcome.counters.differences(outcome.predicted) == []
    assert outcome.predicted.cycles is not None
    assert outcome.utilisation is not None and 0 <= outcome.utilisation <= 1
    if outcome.cycles:
        assert sum(outcome.counters.where_cycles_went().values()) == pytest.approx(1)
    if causes := design.engine.causes:
        assert list(outcome.where_cycles_went()) == list(causes)


def test_stalls_change_no_result(simulator: Simulator, seed: int) -> None:
    job = random_job(np.random.default_rng(seed), *machine(simulator))
    outcome = simulator.run(job, stall=0.4, seed=seed)
    expected = simulator.design.engine.expected(simulator.design.config, job)
    assert outcome.passed and outcome.predicted is None and np.array_equal(outcome.output, expected)


def test_ports_are_those_of_the_manifest(simulator: Simulator, seed: int) -> None:
    engine, config = simulator.design.engine, simulator.design.config
    program = engine.map(config, random_job(np.random.default_rng(seed), *machine(simulator)))
    manifest = emit_design(simulator.design).manifest
    streams = {stream["name"]: stream["direction"] for stream in manifest["streams"]}
    assert {name for name, direction in streams.items() if direction == "in"} == set(program.inputs())
    assert {name for name, direction in streams.items() if direction == "out"} == set(program.outputs())
    assert set(program.memories()) == set(memory_ports(manifest))
    registers = any(port["name"].endswith("_wstrb") and port["direction"] == "in" for port in manifest["ports"])
    assert bool(program.software()) == registers


def test_model_alone_gives_the_same(simulator: Simulator, seed: int) -> None:
    job = random_job(np.random.default_rng(seed), *machine(simulator))
    ours, theirs = predict(simulator.design, job), simulator.run(job)
    assert ours.source == "model" and theirs.source == "rtl"
    assert np.array_equal(ours.output, theirs.output) and theirs.counters.differences(ours.counters) == []
    assert ours.mismatches is None and ours.figures()["bit_exact"] is None and ours.macs == theirs.macs
    assert ours.utilisation == theirs.utilisation and (ours.macs > 0) == bool(ours.utilisation)


@pytest.mark.parametrize(
    "job",
    [
        Job(name="ranks", a=np.ones((2, 2, 2), np.int8), b=np.ones((2, 2), np.int8)),
        Job(name="sizes", a=np.ones((2, 3), np.int8), b=np.ones((2, 2), np.int8)),
        Job(name="types", a=np.ones((2, 2)), b=np.ones((2, 2), np.int8)),
        Job(name="channels", a=np.ones((1, 4, 4, 3), np.int8), b=np.ones((3, 3, 2, 4), np.int8), convolution={}),
        Job(name="empty", a=np.ones((0, 2), np.int8), b=np.ones((2, 2), np.int8)),
        Job(name="too wide", a=np.full((1, 2), 2**31), b=np.ones((2, 2), np.int8)),
    ],
    ids=lambda job: job.name,
)
@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_what_does_not_fit_is_refused(engine: Engine, job: Job) -> None:
    with pytest.raises((TypeError, ConfigError), match=" must be "):
        execute(smallest(engine), job)


def test_wrong_counters_and_results_are_noticed(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    job, (engine, config) = Job(name="ones", a=np.ones((2, 5), np.int8), b=np.ones((5, 3), np.int8)), machine(simulator)
    right = engine.expected(config, job)
    monkeypatch.setattr(type(engine), "expected", lambda engine, config, job: right + [0, 0, 1])
    outcome: Outcome = simulator.run(job)
    assert (outcome.mismatches, outcome.passed) == (2, False)
    assert outcome.complaint == "2 of 6 results differ from the golden model"


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_descriptors_are_complete(engine: Engine) -> None:
    assert engine.title and engine.presets and engine.demo_presets and set(engine.demo_presets) <= set(engine.presets)
    for config in engine.presets.values():
        assert isinstance(config, engine.config_class)
        assert engine.summary(config)
        figures = engine.figures(config)
        assert next(iter(figures)) == "multipliers" and figures["multipliers"] == config.multipliers > 0
    for lines in engine.examples.values():
        assert all(line.startswith("tensorloom ") for line in lines)


def test_places_and_presets_are_unique() -> None:
    assert len({engine.position for engine in ENGINES}) == len(ENGINES)
    names = [name for engine in ENGINES for name in engine.presets]
    assert len(set(names)) == len(names)


def test_speeds_are_of_the_same_program(simulator: Simulator) -> None:
    job = Job(name="ones", a=np.ones((4, 9), np.int8), b=np.ones((9, 9), np.int8))
    speeds = compare_speeds(simulator, simulator.design.engine.map(simulator.design.config, job), rounds=1)
    assert speeds.ratio == speeds.model / speeds.verilog > 0
    assert speeds.figures()["ratio"] == round(speeds.ratio, 1)
