import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError, WrongTypeError
from tensorloom.hw.tpu.config import PRESETS
from tensorloom.hw.tpu.isa import decode
from tensorloom.sim.tpu.assembler import words_of
from tensorloom.sim.tpu.chain import Network, infer
from tensorloom.sim.tpu.check import check_program
from tensorloom.sim.tpu.compiler import compile_network
from tensorloom.sim.tpu.golden import run
from tensorloom.sim.tpu.layers import Layer, RawLayer
from tensorloom.sim.tpu.networks import digits_mlp, mlp0, mlp1, perceptron, random_inputs
from tensorloom.sim.tpu.product import compile_product
from tensorloom.sim.tpu.rules import Room, swaps_of
from tensorloom.sim.tpu.tensors import Buffer, Layout, allocate
from tensorloom.sim.workloads import digits

TINY = PRESETS["tpu-tiny"]


def small(rows):
    matrix = TINY.matrix.replace(rows=rows, columns=rows, accumulator_rows=16)
    return TINY.replace(matrix=matrix, bus_bytes=4, ub_rows=2048)


CONFIGS = [small(4), small(8), small(8).replace(parameter_sets=1), TINY]


def random_layer(rng, rows, columns, inner=False):
    weights = rng.integers(-128, 128, (rows, columns)).astype(rng.choice([np.int8, np.uint8]))
    kind = rng.choice(["int8", "uint8", "raw"], p=[0.4, 0.4, 0.2])
    if kind == "raw":
        return RawLayer(
            weights=weights, planes=1 if inner else int(rng.choice([1, 2, 4])), relu=bool(rng.random() < 0.5)
        )
    low, high = (-128, 127) if kind == "int8" else (0, 255)
    lo, hi = sorted(rng.integers(low, high, 2, endpoint=True).tolist()) if rng.random() < 0.5 else (None, None)
    return Layer(
        weights=weights,
        bias=rng.integers(-20000, 20000, columns, np.int32),
        factors=(np.exp(rng.normal(-5, 1, columns)) / math.sqrt(rows)).astype(np.float32),
        kind=kind,
        zero=int(rng.integers(low, high, endpoint=True)),
        lo=lo,
        hi=hi,
    )


def random_network(rng, config, layers, rows):
    """Up to three tiles each way; zero points but where a raw layer reads."""
    sizes = rng.integers(1, 3 * config.row_bytes, layers + 1, endpoint=True)
    pairs = enumerate(zip(sizes, sizes[1:], strict=False))
    made: list[Any] = [random_layer(rng, *pair, inner=number < layers - 1) for number, pair in pairs]
    for number, follower in enumerate(made[1:]):
        if isinstance(follower, RawLayer) and isinstance(made[number], Layer):
            made[number] = dataclasses.replace(made[number], zero=0)
    signed = bool(rng.random() < 0.5)
    zero = 0 if isinstance(made[0], RawLayer) else int(rng.integers(256)) - 128 * signed
    return Network(rows=rows, layers=tuple(made), signed=signed, zero=zero)


def check_on_golden(compiled, inputs):
    """Run a program on the interpreter, and compare with what the network makes of the inputs."""
    config, (size_in, size_out) = compiled.config, compiled.window_bytes
    assert check_program(config, compiled.program, Room((size_in, size_out), len(compiled.weights))) == []
    window = compiled.pack_inputs(inputs)
    assert len(window) == size_in
    outcome = run(config, compiled.program, host=[window, np.zeros(size_out, np.uint8)], weights=compiled.weights)
    assert outcome.state == "halted"
    assert not outcome.written[compiled.ub_rows * config.row_bytes :].any()
    assert outcome.written[(compiled.ub_rows - 1) * config.row_bytes :].any()
    outputs = compiled.unpack_outputs(outcome.host[1])
    assert len(outputs) == len(inputs)
    for output, values in zip(outputs, inputs, strict=True):
        expected = infer(compiled.network, values)
        assert output.dtype == expected.dtype
        np.testing.assert_array_equal(output, expected)


@pytest.mark.parametrize("config", CONFIGS, ids=["4", "8", "8 one set", "tiny"])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_random_networks(seed, config, layers):
    rng = np.random.default_rng(seed)
    for _ in range(12):
        rows, batches = int(rng.integers(1, 24)), int(rng.integers(1, 4))
        network = random_network(rng, config, layers, rows)
        check_on_golden(compile_network(config, network, batches), random_inputs(network, batches, seed))


def instructions(compiled, *names):
    """Name and fields of those with certain names, or of all."""
    decoded = [decode(word) for word in words_of(compiled.program)]
    return [(one.name, values) for one, values, _ in decoded if one and (not names or one.name in names)]


def names_of(compiled, *names):
    return [name for name, _ in instructions(compiled, *names)]


def test_a_layer_by_hand():
    layer = Layer(
        weights=np.array([[1, -1], [2, 100]], np.int8), bias=np.array([-4, 1], np.int32),
        factors=np.array([0.5, 0.25], np.float32), kind="int8", zero=3, hi=100,
    )  # fmt: skip
    network = Network(rows=2, layers=(layer,), zero=10)
    # less the zero point: 5, 5 and -8, 0; sums with bias: 11, 496 and -12, 9; scaled 5.5 to even, 124 and -6, 2.25
    expected = [[6 + 3, 100], [-6 + 3, 2 + 3]]
    assert infer(network, np.array([[15, 15], [2, 10]], np.uint8)).tolist() == expected


def test_raw_layers_by_hand():
    x = np.array([[255, 2]], np.uint8)
    weights = np.array([[-128, 127], [0, 0]], np.int8)  # sums -32640, 32385
    for planes, relu, expected in ((4, False, [-32640, 32385]), (2, True, [0, 32385]), (1, False, [0x80, 0x81])):
        assert infer(Network(rows=1, layers=(RawLayer(weights=weights, planes=planes, relu=relu),)), x).tolist() == [
            expected
        ]


def test_layout():
    layout = Layout(TINY, 3, 10, np.dtype(np.int16))
    image = layout.pack(np.arange(30, dtype=np.int16).reshape(3, 10) - 5)
    first, second = layout.slices
    assert (first.columns, first.offset, first.pitch, first.plane, first.granules) == (8, 0, 2, 6, 12)
    assert (second.columns, second.offset, second.pitch, second.plane, second.granules) == (2, 12, 1, 3, 6)
    assert image[:8].view(np.int8).tolist() == list(range(-5, 3))  # low bytes of the first row
    assert image[24:32].view(np.int8).tolist() == [-1] * 5 + [0] * 3  # high ones
    assert image[48:56].tolist() == [3, 4, 0, 0, 13, 14, 0, 0]  # two rows of the other slice
    assert len(image) == layout.size == 72
    assert layout.unpack(image).tolist() == (np.arange(30).reshape(3, 10) - 5).tolist()


def test_buffers_share_what_is_free():
    buffers = [Buffer("a", 400, 0, 0), Buffer("b", 300, 0, 2), Buffer("c", 300, 1, 3), Buffer("d", 200, 2, 2)]
    buffers += [Buffer("e", 100, 2, 2), Buffer("f", 300, 3, 3)]
    assert allocate(TINY, buffers) == [0, 400, 0, 700, 300, 300]


def test_buffers_that_fill_all():
    assert allocate(TINY, [Buffer("a", 24, 0, 1), Buffer("b", 1000, 1, 1)]) == [0, 24]
    with pytest.raises(ConfigError, match="ub_rows must be at least 1,025 for b, which takes 1,001 rows"):
        allocate(TINY, [Buffer("a", 24, 0, 1), Buffer("b", 1001, 1, 1)])


LARGE_FIFO = small(8).replace(matrix={"weight_fifo_tiles": 16})


@pytest.mark.parametrize("config, ahead", [(small(8), 6), (LARGE_FIFO, 7)])
def test_weights_are_read_early_and_never_stop_the_queue(config, ahead):
    """As many tiles ahead as there is room for, and one more, or as the queue has instructions; or all there are."""
    many_tiles_then_many_reads = [8, 160, 8, *[1, 2] * 20]
    for sizes in ([24] * 3, [23] * 3, [1, 2, 1, 2, 1], many_tiles_then_many_reads):
        compiled = compile_network(config, perceptron(5, sizes), 2)
        assert check_program(config, compiled.program) == []
        total = sum(values["tiles"] for _, values in instructions(compiled, "read_weights"))
        read = used = 0
        for name, values in instructions(compiled, "read_weights", "matmul"):
            if name == "read_weights":
                read += values["tiles"]
            else:
                used += swaps_of(values)
                assert read >= min(total, used + ahead)
        assert used == total


def test_only_the_last_slice_waits_for_the_layer_before():
    config = small(8)
    repeats = [
        values["repeat"] for _, values in instructions(compile_network(config, perceptron(5, [24] * 4)), "matmul")
    ]
    first = [1, 1, 1, 3, 3]  # slice after slice of the input; then all of them
    assert repeats == first + [2, 1, 3, 3] * 2


def test_transfers_overlap_with_work():
    compiled = compile_network(small(8), perceptron(5, [24, 8, 8]), 3)
    names = names_of(compiled, "read_host", "write_host", "activate")
    assert names[:3] == ["read_host"] * 3  # slices of the first input
    batch = ["activate", "read_host", "activate", "write_host"]
    assert names[3:] == batch * 2 + ["activate", "activate", "write_host"]
    places = {name: [v["ub"] for _, v in instructions(compiled, name)] for name in ("read_host", "write_host")}
    assert len(set(places["write_host"][:2])) == len(set(places["read_host"][-2:])) == 2


def test_blocks_of_rows_alternate():
    config = small(8)
    compiled = compile_network(config, perceptron(20, [8, 16]))
    matmuls = [values for _, values in instructions(compiled, "matmul")]
    assert [(v["rows"], v["acc"]) for v in matmuls] == [(6, 0), (7, 7), (7, 0), (6, 7), (7, 0), (7, 7)]
    assert [v["swap"] for v in matmuls] == [1, 0, 0] * 2  # a single K tile stays
    assert [v["next"] for _, v in instructions(compiled, "activate")] == [1, 0, 0] * 2
    again = compile_network(config, perceptron(20, [16, 8]))
    assert sum(v["tiles"] for _, v in instructions(again, "read_weights")) == 6  # two are read for each block


def test_weight_memory_has_no_padding_but_to_beats():
    config = PRESETS["tpu-16"].replace(bus_bytes=8)
    compiled = compile_network(config, perceptron(3, [21, 17]))
    assert len(compiled.weights) == 21 * (16 + 8) + 2 * 16 * 8
    reads = [(v["tiles"], v["rows"], v["chunks"]) for _, v in instructions(compiled, "read_weights")]
    assert reads == [(1, 16, 2), (1, 5, 2), (1, 16, 1), (1, 5, 1)]


@pytest.mark.parametrize(
    "name, batches, count, peak",
    [("MLP0", 1, 243, 3164), ("MLP0", 10, 2304, 6328), ("MLP1", 1, 105, 1576), ("MLP1", 10, 978, 3152)],
)
def test_networks_of_published_sizes(name, batches, count, peak):
    config, network = PRESETS["tpu-v1"], {"MLP0": mlp0, "MLP1": mlp1}[name]
    compiled = compile_network(config, network(), batches)
    print(name, batches, compiled.instructions, f"{compiled.ub_rows * config.row_bytes:,} bytes of the unified buffer")
    assert sum(compiled.instructions.values()) == len(compiled.program) // 16 == count
    assert compiled.ub_rows == peak
    assert check_program(config, compiled.program, Room(compiled.window_bytes, len(compiled.weights))) == []
    twin = compile_network(PRESETS["tpu-16"], network(16), batches)
    assert twin.instructions == compiled.instructions


def test_a_layer_of_full_size():
    network = perceptron(168, [1200, 500])
    check_on_golden(compile_network(PRESETS["tpu-v1"], network), random_inputs(network, 1))


def test_digits():
    images, labels = digits.digits_images()[2:]
    network = digits_mlp(120)
    compiled = compile_network(PRESETS["tpu-16"], network, 3)
    inputs = list(images.reshape(3, 120, 64))
    check_on_golden(compiled, inputs)
    scores = np.concatenate([infer(network, values) for values in inputs])
    sums = digits.infer(digits.load_digits_mlp(), images)
    assert (scores.argmax(1) == sums.argmax(1)).all()
    assert scores.min() > -128 and scores.max() < 127
    assert digits.accuracy(scores, labels) >= 0.97


@pytest.mark.parametrize("shape, batches", [((1, 1, 1), 1), ((7, 90, 50), 1), ((333, 20, 30), 16)])
def test_products(seed, shape, batches):
    rng, (m, k, n) = np.random.default_rng(seed), shape
    for a_type, b_type in ((np.int8, np.uint8), (np.uint8, np.int8)):
        a, b = rng.integers(0, 256, (m, k)).astype(a_type), rng.integers(0, 256, (k, n)).astype(b_type)
        product = compile_product(TINY, a, b)
        compiled = product.compiled
        assert compiled.batches == batches
        host = [product.inputs, np.zeros(compiled.window_bytes[1], np.uint8)]
        outcome = run(TINY, compiled.program, host=host, weights=compiled.weights)
        result = product.assemble(outcome.host[1])
        assert result.dtype == np.int32
        np.testing.assert_array_equal(result, a.astype(np.int64) @ b.astype(np.int64))


def test_products_that_are_refused():
    with pytest.raises(WrongTypeError, match="x must be of dtype .*int8.*, not int16"):
        compile_product(TINY, np.zeros((2, 2), np.int16), np.zeros((2, 2), np.int8), names=("x", "w"))
    with pytest.raises(ConfigError, match="rows of w must be the 2 columns of x, not 3"):
        compile_product(TINY, np.zeros((2, 2), np.int8), np.zeros((3, 2), np.int8), names=("x", "w"))
    large = np.full((1, 40000), 255, np.uint8)
    config = TINY.replace(ub_rows=1 << 14)
    with pytest.raises(
        ConfigError, match=r"result at \[0, 0\] must be from -2147483648 to 2147483647 .* not 2601000000"
    ):
        compile_product(config, large, large.T)
    assert compile_product(config, large, large.T, wraps=True).rows == 1
    with pytest.raises(ConfigError, match="ub_rows must be at least 5,000 for the input of batch 0"):
        compile_product(TINY, large, large.T, wraps=True)


def layer(**fields):
    values: dict[str, Any] = {
        "weights": np.ones((3, 2), np.int8),
        "bias": np.ones(2, np.int32),
        "factors": np.ones(2, np.float32),
    }
    return Layer(**{**values, **fields})


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"weights": np.ones((3, 2))}, "weights must be of dtype .*int8.*, not float64"),
        ({"bias": np.ones(3, np.int32)}, "bias must be of 2 values, one a column of weights, not 3"),
        ({"factors": np.ones(2)}, "factors must be of dtype float32, not float64"),
        ({"factors": np.array([1, 1e-39], np.float32)}, "factors must be positive, finite and not denormal"),
        ({"factors": np.array([1, np.inf], np.float32)}, "factors must be positive, finite and not denormal"),
        ({"kind": "int16"}, "kind must be int8 or uint8, not 'int16'"),
        ({"zero": -1}, "zero must be an integer from 0 to 255, not -1"),
        ({"kind": "int8", "zero": 128}, "zero must be an integer from -128 to 127, not 128"),
        ({"lo": 5, "hi": 4}, "hi must be an integer from 5 to 255, not 4"),
    ],
)
def test_layers_that_are_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        layer(**fields)


def test_networks_that_are_refused():
    raw = RawLayer(weights=np.ones((2, 2), np.int8))
    with pytest.raises(ConfigError, match="planes must be 1, 2 or 4, not 3"):
        RawLayer(weights=np.ones((2, 2), np.int8), planes=3)
    with pytest.raises(ConfigError, match="layers must be at least one"):
        Network(rows=1, layers=())
    with pytest.raises(ConfigError, match="layer 1: rows of weights must be the 2 columns of its input, not 3"):
        Network(rows=1, layers=(layer(), layer()))
    with pytest.raises(ConfigError, match="layer 0: planes must be 1 but in the last layer, not 4"):
        Network(rows=1, layers=(raw, raw))
    with pytest.raises(ConfigError, match="layer 1: zero point of a raw layer's input must be 0, not 3"):
        Network(rows=1, layers=(layer(zero=3), raw))
    with pytest.raises(ConfigError, match="zero must be an integer from 0 to 255, not -3"):
        Network(rows=1, layers=(layer(),), zero=-3)


def test_inputs_that_are_refused():
    compiled = compile_network(TINY, Network(rows=2, layers=(layer(),)), 2)
    right = np.zeros((2, 3), np.uint8)
    with pytest.raises(ConfigError, match="inputs must be 2, one a batch, not 1"):
        compiled.pack_inputs([right])
    with pytest.raises(ConfigError, match=r"inputs\[1\] must be 2 x 3, not \(3, 2\)"):
        compiled.pack_inputs([right, right.reshape(3, 2)])
    with pytest.raises(WrongTypeError, match=r"inputs\[0\] must be of dtype uint8, not int8"):
        compiled.pack_inputs([right.view(np.int8), right])
    with pytest.raises(ConfigError, match="window must be of 16 bytes, not 31"):
        compiled.unpack_outputs(np.zeros(31, np.uint8))


def test_what_does_not_fit_is_refused():
    network = perceptron(100, [24, 64, 8])
    with pytest.raises(ConfigError, match=r"ub_rows must be at least 1,100 for the output of layer 0 of batch 0, .*800 "
                       r"rows \(6,400 bytes\)") as raised:  # fmt: skip
        compile_network(TINY, network)
    assert "lacks 76 rows (608 bytes)" in raised.value.hint
    compile_network(TINY.replace(ub_rows=1104), network)
    small_memory = TINY.replace(address_bits=16)
    with pytest.raises(ConfigError, match="weights and parameter sets must be of at most 65,536 bytes, not 67584"):
        compile_network(small_memory, perceptron(1, [256, 256]))
    with pytest.raises(ConfigError, match="inputs must be of at most 65,536 bytes in all, not 65760"):
        compile_network(small_memory, perceptron(10, [24, 8]), 274)
