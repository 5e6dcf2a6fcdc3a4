from typing import Any

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError, WrongTypeError
from tensorloom.hw.tpu.config import PRESETS
from tensorloom.sim.tpu.check import check_program
from tensorloom.sim.tpu.compiler import compile_graph
from tensorloom.sim.tpu.golden import run
from tensorloom.sim.tpu.graph import Combine, Graph, Join, Lookup, Pool, Product, Tensor
from tensorloom.sim.tpu.layers import Layer, RawLayer
from tensorloom.sim.tpu.networks import NETWORKS, random_batches
from tensorloom.sim.tpu.random_graphs import random_batch, random_graph
from tensorloom.sim.tpu.recurrent import lstm
from tensorloom.sim.tpu.reference import execute
from tensorloom.sim.tpu.rules import Room
from tensorloom.sim.tpu.tiling import views_of

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
    for number in range(12):
        graph, batches = random_graph(TINY, seed + number, nodes), 1 + number % 2
        check_on_golden(compile_graph(TINY, graph, batches), [random_batch(graph, seed + n) for n in range(batches)])


def graph_of(nodes, outputs=("y",), **fields):
    first = Tensor(images=2, height=4, width=5, channels=6, zero=3)
    return Graph(inputs={"x": first}, nodes=nodes, outputs=outputs, **fields)


def layer(rows, columns, **fields):
    values: dict[str, Any] = {
        "weights": np.ones((rows, columns), np.int8), "bias": np.zeros(columns, np.int32),
        "factors": np.ones(columns, np.float32),
    }  # fmt: skip
    return Layer(**values | fields)


def test_pool_by_hand():
    x = np.arange(12, dtype=np.int8).reshape(1, 3, 4, 1) - 6
    first = Tensor(images=1, height=3, width=4, channels=1, dtype=np.dtype(np.int8), zero=-1)
    greatest = Pool(sources=("x",), kernel=(2, 2), stride=(1, 2), padding=(0, 0, 1, 0))
    average = Pool(sources=("x",), kernel=(3, 1), stride=1, padding=(1, 0, 0, 0), average=True, factor=0.5, addend=0.25)
    graph = Graph(inputs={"x": first}, nodes={"max": greatest, "mean": average}, outputs=("max", "mean"))
    values = execute(graph, {"x": x})
    # rows -6 -5 -4 -3, -2 -1 0 1, 2 3 4 5; columns -1 and 0, 1 and 2
    assert values["max"][0, :, :, 0].tolist() == [[-2, 0], [2, 4]]
    # sums of three lines, the first one with a line of -1: -9, -7, -5, -3 and -6, -3, 0, 3
    assert values["mean"][0, :, :, 0].tolist() == [[-4, -3, -2, -1], [-3, -1, 0, 2]]


def test_combine_and_lookup_by_hand():
    a, b = (np.array(values, np.uint8).reshape(1, 1, 1, 3) for values in ([10, 200, 7], [20, 100, 9]))
    tensors = {name: Tensor(images=1, channels=3, zero=zero) for name, zero in (("a", 5), ("b", 10))}
    nodes = {
        "add": Combine(operation="add", sources=("a", "b"), factor_a=0.5, factor_b=0.25, addend=1.0),
        "multiply": Combine(operation="multiply", sources=("a", "b"), factor_a=0.5, addend=1.0, hi=100),
        "max": Combine(operation="max", sources=("a", "b"), lo=15),
        "table": Lookup(sources=("a",), table=np.arange(256, dtype=np.uint8)[::-1].copy()),
    }
    values = execute(Graph(inputs=tensors, nodes=nodes, outputs=("add",)), {"a": a, "b": b})
    # 5 + 5 + 1; 100 + 25 + 1; 3.5 + 2.25 + 1 | 5 * 10 / 2 + 1; 195 * 90 / 2 clipped; 2 * -1 / 2 + 1
    found = {name: values[name].reshape(-1).tolist() for name in nodes}
    assert found["add"] == [11, 126, 7]
    assert found["multiply"] == [26, 100, 0]
    assert found["max"] == [20, 200, 15]
    assert found["table"] == [245, 55, 248]


def test_cells_are_those_of_an_lstm():
    """Against floating point, as far as eight bits go."""
    graph = lstm(5, 1, 24, 20, [8], seed=3)
    (batch,) = random_batches(graph, 1)
    values = execute(graph, batch)
    real = {name: values[name][:, 0, 0].astype(float) for name in graph.tensors}
    inputs = np.concatenate([real["h0.0 before"], real["x.0"]], axis=1)

    def gate(name):
        node = graph.nodes[f"{name}0.0 sums"]
        assert isinstance(node, Product) and isinstance(node.layer, Layer)
        return np.clip(inputs @ node.layer.weights * node.layer.factors, -128, 127) / 16

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    c = sigmoid(gate("f")) * real["c0.0 before"] / 32 + sigmoid(gate("i")) * np.tanh(gate("g"))
    c = np.clip(c, -4, 127 / 32)
    np.testing.assert_allclose(real["c0.0"] / 32, c, atol=0.06)
    np.testing.assert_allclose(real["h0.0"] / 127, sigmoid(gate("o")) * np.tanh(c), atol=0.06)


@pytest.mark.parametrize("name", NETWORKS)
def test_twins_of_a_sixteenth(name):
    config, graph = PRESETS["tpu-16"], NETWORKS[name](16)
    batches = random_batches(graph, 1 if name == "CNN1" else 2)
    check_on_golden(compile_graph(config, graph, len(batches)), batches)
    outputs = execute(graph, batches[0])[graph.outputs[-1]]
    assert outputs.std() > 4
    assert 0.3 < (outputs > 0).mean() < 0.7


@pytest.mark.parametrize(
    "name, weights, operations, products",
    [("MLP0", 20.5, 200, 5), ("MLP1", 4.9, 168, 4), ("LSTM0", 52.4, 64, 24), ("LSTM1", 34.0, 96, 37),
     ("CNN0", 8.1, 2888, 16), ("CNN1", 99.6, 1782, 76)],
)  # fmt: skip
def test_sizes_as_published(name, weights, operations, products):
    """Millions of weights; operations a byte of weights; layers, of which cells are cut into four each."""
    graph = NETWORKS[name](1)
    assert round(graph.weights / 1e6, 1) == weights
    assert round(graph.macs / graph.weights) == operations
    layers = {id(node.layer): node for node in graph.nodes.values() if isinstance(node, Product)}
    columns = -(-1024 // 256) if name == "LSTM0" else -(-600 // 256)
    gates = sum("sums" in key for key in graph.nodes)
    assert len(layers) - gates + gates // columns == products
    compiled = compile_graph(PRESETS["tpu-v1"], graph, 2)
    assert compiled.ub_rows <= compiled.config.ub_rows


def test_states_stay_in_the_unified_buffer():
    graph = NETWORKS["LSTM1"](16)
    compiled = compile_graph(PRESETS["tpu-16"], graph, 3)
    check_on_golden(compiled, random_batches(graph, 3))
    reads = compiled.instructions["read_host"]
    more = compile_graph(PRESETS["tpu-16"], graph, 4).instructions["read_host"]
    assert more - reads == sum(name not in graph.recurrent for name in graph.inputs)


def test_joined_channels_lie_in_common_slices():
    parts = {
        name: Product(sources=("x",), layer=layer(6, count))
        for name, count in (("a", 4), ("b", 8), ("c", 4), ("d", 12), ("e", 4))
    }
    graph = graph_of({**parts, "y": Join(sources=tuple(parts))})
    views = views_of(PRESETS["tpu-16"].replace(bus_bytes=8), graph)
    assert [part.columns for part in views["y"].layout.slices] == [16, 16]
    assert [(views[name].buffer, views[name].channel) for name in parts] == [
        ("y", 0), ("y", 4), ("y", 12), ("y", 16), ("y", 28),
    ]  # fmt: skip
    wide = {"a": Product(sources=("x",), layer=layer(6, 40)), "b": Product(sources=("x",), layer=layer(6, 8))}
    views = views_of(PRESETS["tpu-16"], graph_of({**wide, "y": Join(sources=("a", "b"))}))
    assert [part.columns for part in views["y"].layout.slices] == [16, 16, 16]


@pytest.mark.parametrize(
    "nodes, message",
    [
        ({"y": Product(sources=("z",), layer=layer(6, 1))}, "sources of y must be one of x, not 'z'"),
        ({"y": Product(sources=("x",), layer=layer(5, 1))}, "y: rows of weights must be the 6 columns of its input"),
        ({"y": Product(sources=("x",), layer=layer(6 * 49, 1), kernel=(7, 7))}, "kernel must be at most the input"),
        ({"y": Product(sources=("x",), layer=RawLayer(weights=np.ones((6, 1), np.int8)))},
         "y: zero point of a raw layer's input must be 0, not 3"),
        ({"y": Lookup(sources=("x",), table=np.zeros(255, np.uint8))}, "table of y must be of 256 values, not 255"),
        ({"y": Lookup(sources=("x",), table=np.zeros(256, np.int8))}, "table of y must be of dtype uint8, not int8"),
        ({"p": Pool(sources=("x",), kernel=(2, 2)), "y": Combine(operation="add", sources=("x", "p"))},
         "sources of y must be alike"),
        ({"y": Combine(operation="max", sources=("x", "x"), zero=-1)}, "zero of y must be an integer from 0 to 255"),
        ({"a": Lookup(sources=("x",), table=np.zeros(256, np.uint8)), "y": Join(sources=("a", "a"))},
         "sources of y must be made by a product or pool, read by nothing else, not 'a'"),
        ({"y": Join(sources=("x",))}, "sources of y must be made by a product or pool, read by nothing else, not 'x'"),
        ({"x": Pool(sources=("x",), kernel=(1, 1))}, "nodes must be of names that differ, not 'x'"),
    ],
)  # fmt: skip
def test_graphs_that_are_refused(nodes, message):
    with pytest.raises(ConfigError, match=message):
        graph_of(nodes, outputs=(list(nodes)[-1],))


def test_outputs_and_states_that_are_refused():
    nodes = {"y": Product(sources=("x",), layer=layer(6, 6))}
    with pytest.raises(ConfigError, match="outputs must be of y, not 'z'"):
        graph_of(nodes, outputs=("z",))
    with pytest.raises(ConfigError, match="recurrent x must be like y"):
        graph_of(nodes, recurrent={"x": "y"})
    with pytest.raises(ConfigError, match="read_behind must be an input and a node"):
        graph_of(nodes, read_behind={"y": "x"})


def test_what_does_not_fit_is_refused():
    first = Tensor(images=1, height=1, width=80, channels=4)
    nodes = {"y": Product(sources=("x",), layer=layer(12, 4), kernel=(1, 3), padding=(0, 0, 1, 1))}
    with pytest.raises(ConfigError, match="width of y must be at most half the accumulators' rows, 64, not 80"):
        compile_graph(TINY, Graph(inputs={"x": first}, nodes=nodes, outputs=("y",)))
    parts = {name: Product(sources=("x",), layer=layer(6, 6)) for name in "ab"}
    with pytest.raises(ConfigError, match="channels before b must be a multiple of 4 channels, for b behind it in y"):
        compile_graph(TINY, graph_of({**parts, "y": Join(sources=("a", "b"))}))
    wide = {name: Product(sources=("x",), layer=layer(6, 12)) for name in "ab"}
    whole = {**wide, "y": Join(sources=("a", "b")), "c": Product(sources=("x",), layer=layer(6, 24))}
    with pytest.raises(ConfigError, match="channels of c, which z reads must be cut into slices like those of y"):
        compile_graph(TINY, graph_of({**whole, "z": Combine(operation="max", sources=("y", "c"))}, outputs=("z",)))
    with pytest.raises(ConfigError, match=r"ub_rows must be at least .* for the x of batch 0"):
        compile_graph(TINY.replace(ub_rows=16), graph_of({"y": Pool(sources=("x",), kernel=(1, 1))}))


def test_inputs_that_are_refused():
    compiled = compile_graph(TINY, graph_of({"y": Pool(sources=("x",), kernel=(1, 1))}))
    with pytest.raises(ConfigError, match=r"inputs\[0\] must be with x, not 'z'"):
        compiled.pack([{"z": np.zeros(1)}])
    with pytest.raises(ConfigError, match=r"inputs\[0\] must be 2 x 4 x 5 x 6"):
        compiled.pack([{"x": np.zeros((2, 4, 5, 5), np.uint8)}])
    with pytest.raises(WrongTypeError, match=r"inputs\[0\] must be of dtype uint8"):
        compiled.pack([{"x": np.zeros((2, 4, 5, 6), np.int8)}])
    with pytest.raises(ConfigError, match="the input x is missing"):
        execute(compiled.graph, {})
