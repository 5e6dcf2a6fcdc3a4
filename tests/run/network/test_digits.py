"""The digits networks from ONNX files on the Verilog: onnxruntime's numbers, on every engine that takes networks."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from tensorloom.run.execution import Simulator
from tensorloom.run.network.execution import run_network
from tensorloom.run.registry import engines, find_preset
from tensorloom.sim.network.execute import execute
from tensorloom.sim.network.importer import load
from tensorloom.sim.workloads.digits import accuracy, digits_images
from tensorloom.sim.workloads.digits_onnx import MODELS

from ...designs import smallest

PRESETS = [smallest(engine) for engine in engines().values() if engine.takes_networks]

IMAGES = 2


@pytest.fixture(scope="module", params=PRESETS)
def simulator(request: pytest.FixtureRequest) -> Simulator:
    design = find_preset(request.param)
    assert design is not None
    return Simulator(design)


def images_for(model: onnx.ModelProto, count: int) -> np.ndarray:
    shape = [size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    return digits_images().test_images[:count].astype(np.float32).reshape(-1, *shape)


def reference(model: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": images})[0]


@pytest.mark.parametrize("name", MODELS)
def test_models_read_digits(name: str, tmp_path: Path) -> None:
    model, labels = MODELS[name](), digits_images().test_labels
    onnx.save(model, tmp_path / "model.onnx")
    images = images_for(model, len(labels))
    network = load(tmp_path / "model.onnx", batch=len(images))
    scores = execute(network, {"image": images})["scores"]
    assert np.array_equal(scores, reference(model, images))
    assert accuracy(scores, labels) > 0.95


@pytest.mark.parametrize("name", MODELS)
def test_verilog_gives_what_onnxruntime_gives(simulator: Simulator, name: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    onnx.save(model, tmp_path / "model.onnx")
    images = images_for(model, IMAGES)
    network = load(tmp_path / "model.onnx", batch=IMAGES)
    outcome = run_network(simulator.design, network, {"image": images}, simulator=simulator)
    assert outcome.passed and np.array_equal(outcome.outputs["scores"], reference(model, images))
    (part,) = outcome.parts
    assert part.outcome.source == "rtl" and part.outcome.cycles == part.outcome.predicted_cycles
    assert outcome.plan.reasons == {}
