"""EIE as an engine: jobs, and with ``-m slow`` the paper's nine layers on the Verilog of both machines."""

import re

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.hw.eie.config import PRESETS
from tensorloom.run.eie.benchmark import GOALS, QUICK, layer_program
from tensorloom.run.eie.demo import compressed_mlp
from tensorloom.run.eie.mapping import output_shift
from tensorloom.run.eie.program import LayersProgram
from tensorloom.run.execution import Simulator, predict
from tensorloom.run.jobs import Job
from tensorloom.run.registry import find_preset
from tensorloom.sim.eie.golden import infer
from tensorloom.sim.eie.mapping import map_layers
from tensorloom.sim.golden.fixed_point import round_shift
from tensorloom.sim.workloads.compressed import COMPRESSED_LAYERS
from tensorloom.sim.workloads.digits import accuracy, digits_images, load_digits_mlp


@pytest.mark.parametrize("preset", ["eie-16x4", "eie-64"])
@pytest.mark.slow
def test_layers_of_the_paper(preset: str) -> None:
    """Every activation and every counter, all nine layers."""
    design = find_preset(preset)
    assert design is not None
    simulator = Simulator(design)
    goals = {layer: limit for figure, layer, limit in GOALS if figure == "over_ideal"}
    for layer in COMPRESSED_LAYERS:
        program = layer_program(design.config, layer, 0)
        outcome, _ = simulator.run_program(program, layer.name)
        assert outcome.complaint == "" and outcome.passed, layer.name
        assert len(np.unique(outcome.output)) > 100, "results that say something"
        if preset == "eie-16x4":
            assert outcome.counters.over_ideal <= goals[layer.name]


def test_the_network_of_the_demonstration() -> None:
    """It fits, reads digits, and what little its biases lose is not what it is for."""
    config, data = PRESETS["eie-4x4"], digits_images()
    layers = compressed_mlp(config.codes, load_digits_mlp())
    assert [len(layer.matrix.codebook) for layer in layers] == [config.codes] * 3
    images = data.test_images.astype(np.int64)
    scores = np.array([infer(layers, image)[-1] for image in images])
    assert accuracy(scores, data.test_labels) >= 0.95
    assert np.abs(scores).max() < (1 << config.data_bits - 1) - 1
    program = LayersProgram(config=config, layers=map_layers(config, layers), vectors=images[:2])
    assert np.array_equal(program.golden(), scores[:2])


@pytest.mark.parametrize("layer", QUICK, ids=lambda layer: layer.name)
def test_figures_of_parts_of_layers(layer) -> None:
    """The benchmark's quick rows: most results are within their range, some are cut off by the ReLU."""
    program = layer_program(PRESETS["eie-16x4"], layer, 0)
    results = program.golden()
    assert 0.2 < np.mean(results == 0) < 0.8 and np.mean(results == results.max()) < 0.05
    assert 1 < program.predict().over_ideal < 2


@pytest.mark.parametrize(
    ("sums", "shift"), [([127, -128], 0), ([128], 1), ([255], 2), ([-129], 1), ([-257], 1), ([-258], 2), ([0], 0)]
)
def test_no_result_saturates(sums: list[int], shift: int) -> None:
    values = np.array(sums)
    assert output_shift(values, 8) == shift
    assert np.array_equal(round_shift(values, shift, 8), round_shift(values, shift, 60))


def test_a_job_in_words() -> None:
    """Rows of activations share the memories; larger weights are loaded again for each."""
    design = find_preset("eie-tiny")
    assert design is not None
    rng = np.random.default_rng(1)
    small, large = (
        Job(name="job", a=rng.integers(-9, 9, (3, size)), b=rng.integers(-1, 2, (size, size))) for size in (8, 40)
    )
    outcome = predict(design, small)
    assert outcome.details["loads"] == 1 and outcome.details["jobs"] == 3
    assert np.array_equal(outcome.output, round_shift(small.a @ small.b, outcome.details["shift"], 8))
    outcome = predict(design, large)
    assert outcome.details["loads"] > 3 and outcome.details["jobs"] > 6


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        (
            np.ones((1, 9), int),
            np.arange(9)[:, None],
            "b must be of at most 3 different values besides 0, as a codebook",
        ),
        (np.full((1, 2), 128), np.ones((2, 2), int), "a must be from -128 to 127, not 128"),
        (np.ones((1, 2), int), np.full((2, 2), -129), "b must be from -128 to 127, not -129"),
        (np.ones((1, 200), int), np.ones((200, 1), int), "activation_lines must be at least"),
    ],
)
def test_jobs_that_do_not_fit_are_refused(a: np.ndarray, b: np.ndarray, text: str) -> None:
    design = find_preset("eie-tiny")
    assert design is not None
    with pytest.raises(ConfigError, match=re.escape(text)):
        predict(design, Job(name="job", a=a, b=b))
