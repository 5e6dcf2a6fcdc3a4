"""Networks on every engine that takes them, by no name: golden execution, models and the Verilog agree."""

from typing import Any

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.run.contract import Engine
from tensorloom.run.execution import Simulator
from tensorloom.run.network.execution import run_network
from tensorloom.run.network.views import View
from tensorloom.run.registry import Design, engines, find_preset
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.sim.network.errors import ModelError
from tensorloom.sim.network.execute import execute
from tensorloom.sim.network.graph import Value

from ...designs import smallest
from .makers import Maker, random_network

ENGINES = [engine for engine in engines().values() if engine.takes_networks]


@pytest.fixture(scope="module", params=ENGINES, ids=lambda engine: engine.name)
def design(request: pytest.FixtureRequest) -> Design:
    found = find_preset(smallest(request.param))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def simulator(design: Design) -> Simulator:
    return Simulator(design)


def test_there_are_some() -> None:
    assert len(ENGINES) >= 2


@pytest.mark.parametrize("case", range(8))
def test_models_agree(design: Design, case: int, seed: int) -> None:
    network, inputs = random_network(seed + case)
    outcome, expected = run_network(design, network, inputs), execute(network, inputs)
    assert outcome.complaint == "" and set(outcome.outputs) == set(expected)
    for name, values in expected.items():
        assert outcome.outputs[name].dtype == values.dtype and np.array_equal(outcome.outputs[name], values), name
    for part in outcome.parts:
        layers = sum(layer.cycles for layer in part.layers)
        assert part.outcome.source == "model" and 0 < layers <= (part.outcome.cycles or 0)
        assert sum(layer.macs for layer in part.layers) == part.outcome.macs
        assert all(0 <= layer.utilisation <= 1 and layer.bound for layer in part.layers)


def residual_network() -> tuple[Any, dict[str, np.ndarray]]:
    """Floats in and out; a residual, a pool, and a product with a whole image."""
    maker = Maker(3, "uint8", zeros=False)
    first = maker.convolution(maker.floats(2, 4, 6, 6), 8, pads=(1, 1, 1, 1))
    second = maker.convolution(first, 8, pads=(1, 1, 1, 1))
    pooled = maker.max_pool(maker.add(second, first), 2, 2)
    network = maker.network(maker.host(maker.product(maker.reshape(pooled, 2, 72), 5)))
    return network, maker.values(network)


def test_verilog_agrees(simulator: Simulator) -> None:
    network, inputs = residual_network()
    outcome = run_network(simulator.design, network, inputs, simulator=simulator)
    (part,), figures, expected = outcome.parts, outcome.figures(), execute(network, inputs)
    assert outcome.passed and part.outcome.source == "rtl"
    assert part.outcome.counters.differences(part.outcome.predicted) == [] and figures["equals_cycle_model"] is True
    assert all(np.array_equal(outcome.outputs[name], values) for name, values in expected.items())
    assert [node.operator for node in outcome.host_nodes] == ["QuantizeLinear", "DequantizeLinear"]
    named = " + ".join(layer.name for layer in outcome.layers).split(" + ")
    assert sorted(named) == sorted(node.name for node in network.nodes if node.operator.startswith(("Q", "M")))[:-1]


def test_parts_with_the_host_between_them(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no engine does alone: a table whose type changes."""
    maker = Maker(5, "uint8")
    value = maker.convolution(maker.input(1, 4, 5, 5), 4)
    maker.dtype = np.dtype(np.int8)
    table = np.random.default_rng(1).integers(-128, 128, 256).astype(np.int8)
    network = maker.network(maker.convolution(maker.table(value, table), 4))
    inputs = maker.values(network)
    outcome = run_network(simulator.design, network, inputs, simulator=simulator, stall=0.2, seed=4)
    assert outcome.passed and len(outcome.parts) == 2 and list(outcome.plan.reasons) == ["qlinearsigmoid 1"]
    assert np.array_equal(outcome.outputs[network.outputs[0].name], execute(network, inputs)[network.outputs[0].name])


def test_slow_memory_takes_longer(design: Design) -> None:
    network, inputs = residual_network()
    fast, slow = (
        run_network(design, network, inputs, timing=MemoryTiming(latency=latency)).cycles for latency in (1, 80)
    )
    assert slow > fast


def test_wrong_results_are_noticed(design: Design, monkeypatch: pytest.MonkeyPatch) -> None:
    network, inputs = residual_network()
    real = View.unpack
    monkeypatch.setattr(View, "unpack", lambda view, tensor, value: real(view, tensor, value)[..., ::-1])
    outcome = run_network(design, network, inputs)
    assert not outcome.passed and "differ from the network's golden execution" in outcome.complaint


def test_inputs_that_are_refused(design: Design) -> None:
    network, inputs = residual_network()
    with pytest.raises(ConfigError, match="shape of input x must be"):
        run_network(design, network, {"x": inputs["x"][:1]})
    with pytest.raises(TypeError, match="input x must be an array of float32"):
        run_network(design, network, {"x": inputs["x"].astype(np.float64)})
    with pytest.raises(ModelError, match="input x is missing"):
        run_network(design, network, {})


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_a_network_without_work_is_refused(engine: Engine) -> None:
    maker = Maker(1)
    network = maker.network(maker.host(maker.floats(1, 4)))
    with pytest.raises(ModelError, match="the network has nothing that"):
        engine.plan_network(next(iter(engine.presets.values())), network)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 7), (2, 3, 4), (2,)])
def test_views(shape: tuple[int, ...]) -> None:
    value = Value(name="v", shape=shape, dtype=np.dtype(np.uint8), scale=np.float32(1))
    values = np.arange(np.prod(shape)).astype(np.uint8).reshape(shape)
    view = View.of(value)
    assert np.array_equal(view.unpack(view.pack(values), value), values)
    if len(shape) == 4:
        assert np.array_equal(view.pack(values), values.transpose(0, 2, 3, 1)) and view.is_image(shape)
        turned = view.reshaped(value, (0, 2, 3, 1))
        other = Value(name="w", shape=(2, 4, 5, 3), dtype=np.dtype(np.uint8), scale=np.float32(1))
        assert turned.order is None and not turned.is_image(other.shape) and turned.has_rows(other.shape)
        assert np.array_equal(turned.unpack(view.pack(values), other), values.transpose(0, 2, 3, 1))
        assert view.alike(view.renamed("x")) and not view.alike(turned)
