import dataclasses

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.formats.runs import FormatError
from tensorloom.sim.golden.requantize import multiplier, requantize
from tensorloom.sim.golden.residual_add import residual_terms
from tensorloom.sim.golden.wrap import wrap
from tensorloom.sim.snap_chip.command import assemble
from tensorloom.sim.snap_chip.compiler import compile_layers
from tensorloom.sim.snap_chip.golden import run_list
from tensorloom.sim.snap_chip.layers import Convolution, MaxPool, Residual, Tensor, fully_connected, global_average
from tensorloom.sim.workloads.digits_cnn import infer, load_digits_cnn

TINY, CHIP = PRESETS["snap-chip-tiny"], PRESETS["snap-chip"]
ROOMY = TINY.replace(bank_rows=256, directory_entries=512, segments=128)
CONFIGS = [pytest.param(ROOMY, id="tiny"), pytest.param(CHIP, id="chip")]


def compare(network, config, inputs, layers, density=0.6, variety=1, **options):
    """Compile, run from memory, and compare all tensors with those of plain numpy."""
    values = {name: network.values(tensor, density) for name, tensor in inputs.items()}
    program = compile_layers(config, inputs, layers, **options)
    result = run_list(config, program.memory(**values), program.list_address)
    assert result.overflows == [False] * len(layers)
    for name, expected in network.run(inputs, values, layers).items():
        found = program.read(result.memory, name)
        np.testing.assert_array_equal(found, expected, err_msg=name)
        assert len(np.unique(found)) > variety
    return program


SHAPES = [
    # height, width, channels; kernel, kernels; stride, padding, dilation, groups
    ((7, 7, 32), (3, 3, 32), 1, 1, 1, 1),
    ((5, 9, 40), (3, 3, 50), 1, (0, 1, 2, 1), 1, 1),
    ((9, 8, 3), (5, 4, 7), 2, (2, 1, 0, 3), 1, 1),
    ((9, 11, 16), (3, 3, 8), (2, 1), 2, (1, 3), 1),
    ((8, 8, 12), (1, 1, 70), 1, 0, 1, 1),
    ((1, 1, 100), (1, 1, 33), 1, 0, 1, 1),
    ((6, 7, 64), (3, 3, 64), 1, 1, 1, 2),
    ((6, 7, 24), (3, 3, 40), 1, 1, 1, 8),
    ((7, 5, 20), (3, 3, 20), 2, 1, 1, 20),
    ((4, 4, 40), (3, 3, 80), 1, 1, 2, 40),
    ((4, 5, 80), (2, 2, 40), 1, (0, 0, 1, 0), 1, 5),
    ((3, 22, 33), (1, 3, 96), (1, 2), (0, 0, 1, 1), 1, 1),
]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("shape, kernel, stride, padding, dilation, groups", SHAPES)
@pytest.mark.parametrize("signed", [False, True])
def test_convolution(network, config, shape, kernel, stride, padding, dilation, groups, signed):
    rng = network.rng
    height, width, channels = shape
    source = Tensor(height=height, width=width, channels=channels, signed=signed, zero=int(rng.integers(0, 100)))
    sizes = (*kernel[:2], channels // groups, kernel[2])
    zero = int(rng.integers(-20, 20)) if signed else int(rng.integers(0, 40))
    low, high = (zero, 127) if signed else (0, 240)
    layer = network.convolution(
        sizes, float(rng.choice([0.15, 0.6, 1])), stride=stride, padding=padding, dilation=dilation, groups=groups,
        zero=zero, low=low, high=high, signed=signed,
    )  # fmt: skip
    compare(network, config, {"x": source}, [layer])


@pytest.mark.parametrize("case", range(60))
def test_random_convolution(network, case):
    """On a small chip, whose tiles of 8 channels make for many tiles, groups and rests."""
    rng = network.rng
    groups = int(rng.choice([1, 1, 1, 2, 3, 4, 8]))
    channels, kernels = (groups * int(rng.integers(1, 1 + 24 // groups)) for _ in range(2))
    r, s = (int(n) for n in rng.integers(1, 5, 2))
    dilation = tuple(int(n) for n in rng.integers(1, 3, 2))
    reach = (r - 1) * dilation[0], (s - 1) * dilation[1]
    padding = tuple(int(rng.integers(0, 1 + min(3, reach[side // 2]))) for side in range(4))
    height, width = (int(rng.integers(1 + most, 8 + most)) for most in reach)
    signed = bool(rng.integers(2))
    source = Tensor(height=height, width=width, channels=channels, signed=signed, zero=int(rng.integers(0, 30)))
    layer = network.convolution(
        (r, s, channels // groups, kernels), float(rng.choice([0.2, 0.6, 1])), stride=(int(rng.integers(1, 4)), 2),
        padding=padding, dilation=dilation, groups=groups, zero=3, low=0, high=100, signed=signed,
    )  # fmt: skip
    compare(network, ROOMY, {"x": source}, [layer], variety=0)


def residual(network, name, signed, zero):
    scales = np.exp(network.rng.normal(0, 0.3, 3))
    a, b, c = residual_terms(scales[0], zero, scales[1], zero, scales[2], zero)
    low, high = (-128, 127) if signed else (zero, 255)
    return Residual(tensor=name, sum_factor=float(a), factor=float(b), offset=float(c), zero=zero, low=low, high=high)


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("signed", [False, True])
def test_residual_block(network, config, signed):
    """The block of a residual network: 1x1, 3x3, 1x1 and a residual; then one whose input is wider."""
    zero, kind = (-5 if signed else 0), {"signed": signed}
    ends = {"low": -128, "high": 127} if signed else {}
    source = Tensor(height=7, width=8, channels=40, zero=zero, signed=signed)
    inner = {"zero": zero, **kind, **ends}
    layers = [
        network.convolution((1, 1, 40, 20), target="a", **inner),
        network.convolution((3, 3, 20, 20), source="a", target="b", padding=1, **inner),
        network.convolution(
            (1, 1, 20, 40), source="b", target="c", residual=residual(network, "x", signed, zero), **inner
        ),
        network.convolution((1, 1, 40, 64), source="c", target="short", **inner),
        network.convolution((1, 1, 40, 24), 0.1, source="c", target="d", **inner),
        network.convolution(
            (1, 1, 24, 64), source="d", target="e", residual=residual(network, "short", signed, zero), **inner
        ),
        network.convolution((2, 3, 64, 33), source="e", target="f", **inner),
    ]
    program = compare(network, config, {"x": source}, layers)
    assert program.tensors["c"].order.tolist()[:40] == list(range(40))
    assert program.tensors["e"].order.tolist() != sorted(program.tensors["e"].order.tolist())
    assert program.tensors["e"].order.tolist() == program.tensors["short"].order.tolist()


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("kernel, stride, padding", [((2, 2), 2, 0), ((3, 3), 2, 1), ((3, 2), (1, 2), (1, 0, 0, 1))])
def test_pool(network, config, kernel, stride, padding, signed):
    source = Tensor(height=9, width=11, channels=23, zero=-3 if signed else 4, signed=signed)
    layers = [
        MaxPool(source="x", target="p", kernel=kernel, stride=stride, padding=padding),
        network.convolution((1, 1, 23, 20), source="p", target="q"),
        MaxPool(source="q", target="r", kernel=(2, 2), stride=1),
    ]
    compare(network, config, {"x": source}, layers, density=0.4)


@pytest.mark.parametrize("signed", [False, True])
def test_pool_of_least_values(signed):
    """Windows with nothing but the least value, at the edge too."""
    source = Tensor(height=3, width=3, channels=2, zero=5, signed=signed)
    layer = MaxPool(source="x", target="y", kernel=(2, 2), padding=1)
    program = compile_layers(TINY, {"x": source}, [layer])
    values = np.full(source.shape, source.limits[0])
    values[0, 0, 1] = 5
    found = program.read(run_list(TINY, program.memory(x=values), program.list_address).memory, "y")
    expected = np.full((4, 4, 2), source.limits[0])
    expected[:2, :2, 1] = 5
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("signed", [False, True])
def test_global_average(network, config, signed):
    source = Tensor(height=7, width=5, channels=20, zero=-7 if signed else 3, signed=signed)
    kind = {"zero": 2, "low": -128 if signed else 0, "high": 127 if signed else 255}
    layer = global_average(source, 0.5, 0.25, source="x", target="y", **kind)
    values = network.values(source)
    program = compile_layers(config, {"x": source}, [layer])
    found = program.read(run_list(config, program.memory(x=values), program.list_address).memory, "y")
    sums = values.sum((0, 1)) - 35 * source.zero
    factor = np.float32(0.5) / (np.float32(0.25) * np.float32(35))
    expected = requantize(sums, factor, 2, np.int8 if signed else np.uint8)
    np.testing.assert_array_equal(found[0, 0], expected)


@pytest.mark.parametrize("config", CONFIGS)
def test_fully_connected(network, config):
    source = Tensor(height=3, width=3, channels=5)
    weights = network.rng.integers(-100, 100, (45, 10), np.int8)
    layer = fully_connected(
        source, weights, source="x", target="y", bias=np.zeros(10, np.int32), factors=np.full(10, 0.01, np.float32)
    )
    compare(network, config, {"x": source}, [layer])


@pytest.mark.parametrize("shape, kernel", [((14, 14, 256), (3, 3, 256)), ((56, 56, 64), (3, 3, 64))])
def test_large_layer(network, shape, kernel):
    source = Tensor(height=shape[0], width=shape[1], channels=shape[2])
    layer = network.convolution((*kernel[:2], shape[2], kernel[2]), 0.4, padding=1)
    program = compare(network, CHIP, {"x": source}, [layer])
    assert program.commands[0]["kernels"] == 4


def test_overflow_is_flagged_and_wraps(network):
    source = Tensor(height=1, width=1, channels=8)
    plain = network.convolution((1, 1, 8, 8), 1.0)
    layer = dataclasses.replace(plain, bias=np.full(8, 2**31 - 1, np.int32), factors=np.full(8, 1e-8, np.float32))
    program = compile_layers(TINY, {"x": source}, [layer])
    for value, overflow in ((0, False), (255, True)):
        result = run_list(TINY, program.memory(x=np.full(source.shape, value)), program.list_address)
        sums = value * layer.weights[0, 0].astype(np.int64).sum(0) + layer.bias
        wrapped = wrap(sums, 32)
        assert result.overflows == [overflow] and (wrapped != sums).any() == overflow
        expected = requantize(wrapped, np.float32(1e-8))
        np.testing.assert_array_equal(program.read(result.memory, "y")[0, 0], expected)


def test_narrow_psums_are_flagged_before_the_bias(network):
    """A sum that leaves the psums and that the bias would bring back."""
    source = Tensor(height=30, width=30, channels=80)
    plain = network.convolution((30, 30, 80, 8), 1.0)
    layer = dataclasses.replace(
        plain, weights=np.full_like(plain.weights, 127), bias=np.full(8, -(2**31), np.int32),
        factors=np.full(8, 1e-7, np.float32),
    )  # fmt: skip
    config = TINY.replace(bank_rows=8192, directory_entries=4096, segments=512, resident_bands=32)
    assert config.core.psum_bits == 32
    program = compile_layers(config, {"x": source}, [layer])
    result = run_list(config, program.memory(x=np.full(source.shape, 255)), program.list_address)
    total = 30 * 30 * 80 * 127 * 255
    assert 0 <= total - 2**31 < 2**31
    assert result.overflows == [True]
    expected = requantize(np.array([total - 2**31]), np.float32(1e-7))
    assert program.read(result.memory, "y").ravel().tolist() == expected.tolist() * 8


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("case", range(8))
def test_equals_qlinearconv(network, onnx_run, onnx_integers, signed, case):
    """Compiled, run from memory, and compared with onnxruntime."""
    rng = network.rng
    dtype = np.int8 if signed else np.uint8
    groups = int(rng.choice([1, 1, 2, 6]))
    channels, kernels = (groups * int(rng.integers(1, 1 + 40 // groups)) for _ in range(2))
    r, s, stride = (int(n) for n in rng.integers(1, 4, 3))
    pads = [int(rng.integers(0, size)) for size in (r, s, r, s)]
    height, width = (int(n) for n in rng.integers(4, 12, 2))
    x = onnx_integers(rng, dtype, (height, width, channels))
    w = onnx_integers(rng, np.int8, (r, s, channels // groups, kernels), weights=True)
    x_zero, y_zero = (onnx_integers(rng, dtype, (), weights=True) for _ in range(2))
    bias = rng.integers(-3000, 3000, kernels, np.int32)
    x_scale, w_scale = np.float32(0.02), (0.01 * np.exp(rng.normal(0, 0.3, kernels))).astype(np.float32)
    y_scale = np.float32(0.02 * 0.01 * 4000 * np.sqrt(r * s * channels / groups) / 60)
    expected = onnx_run(
        "QLinearConv",
        *(x.transpose(2, 0, 1)[None], x_scale, x_zero),
        *(w.transpose(3, 2, 0, 1), w_scale, np.zeros(kernels, np.int8)),
        *(y_scale, y_zero, bias),
        output=dtype, strides=[stride, stride], pads=pads, group=groups,
    )[0].transpose(1, 2, 0)  # fmt: skip
    limits = np.iinfo(dtype)
    layer = Convolution(
        source="x", target="y", weights=w, bias=bias, factors=multiplier(x_scale, w_scale, y_scale), stride=stride,
        padding=(pads[0], pads[2], pads[1], pads[3]), groups=groups, zero=int(y_zero), low=limits.min,
        high=limits.max, signed=signed,
    )  # fmt: skip
    source = Tensor(height=height, width=width, channels=channels, zero=int(x_zero), signed=signed)
    program = compile_layers(CHIP, {"x": source}, [layer])
    result = run_list(CHIP, program.memory(x=x), program.list_address)
    np.testing.assert_array_equal(program.read(result.memory, "y"), expected)


def test_only_outputs_are_written(network):
    source = Tensor(height=6, width=5, channels=9)
    program = compile_layers(TINY, {"x": source}, [network.convolution((3, 3, 9, 12))])
    memory = program.memory(x=network.values(source))
    written = np.zeros(len(memory), bool)
    layout, size = program.tensors["y"].layout, TINY.bus.bytes
    written[layout.address * size : layout.end(TINY) * size] = True
    written[layout.table * size : (layout.table + layout.table_beats(TINY)) * size] = True
    memory[written] = 0xA5
    before = memory.copy()
    result = run_list(TINY, memory, program.list_address)
    np.testing.assert_array_equal(memory, before)
    np.testing.assert_array_equal(result.memory[~written], before[~written])
    assert (result.memory[written] == 0xA5).any()  # segments are shorter than their pitch


def broken(network, change):
    """Run a compiled layer after a change of its memory, given that, the program and its command."""
    source = Tensor(height=6, width=5, channels=20)
    program = compile_layers(TINY, {"x": source}, [network.convolution((3, 3, 20, 12), 1.0)])
    memory = program.memory(x=network.values(source))
    command = dict(program.commands[0])
    change(memory, command)
    begin = program.list_address * TINY.bus.bytes
    memory[begin : begin + 256] = assemble(TINY, command)
    return run_list(TINY, memory, program.list_address)


def test_refuses_what_is_malformed(network):
    def field(**values):
        return lambda memory, command: command.update(values)

    def byte(name, offset, value):
        def change(memory, command):
            memory[command[name] * TINY.bus.bytes + offset] = value

        return change

    def other_windows(memory, command):
        begin = command["weight_address_1"] * TINY.bus.bytes
        entries = memory[begin] & 127
        assert memory[begin] & 128 == 0
        memory[begin : begin + 2] = entries | 128, 0

    assert broken(network, field()).overflows == [False]
    for change, error, match in (
        (field(width=6), ConfigError, "command 0: width_quotient must be 2, width // rows, not 1"),
        (field(kernel_columns=2, weight_groups=12, out_columns=4), ConfigError, "command 0: column_groups must be 2"),
        (byte("weight_address_3", 3, 1), FormatError, "command 0: weights of buffer 3: byte 3 must be 0, not 1"),
        (byte("in_table", 0, 255), FormatError, r"command 0: lengths\[0\] must be at most"),
        (byte("scale_address", 7, 255), FormatError, "command 0: scales: factor of kernel 0 must be positive and"),
        (other_windows, FormatError, "weights of buffer 1: group 0 must have 1 windows, as in the core's first, not 2"),
        (field(cut_1=1), FormatError, "those of step 1 must be of the 1 channels of the buffer's part"),
    ):  # fmt: skip
        with pytest.raises(error, match=match):
            broken(network, change)


@pytest.mark.parametrize("config", [pytest.param(TINY, id="tiny"), pytest.param(CHIP, id="chip")])
def test_digits_network(config):
    """All layers of the demo's network in one list, but for its last sums, of which the chip gives 8 bits."""
    layers, images = load_digits_cnn(), np.asarray(load_digits(return_X_y=True)[0])[:3].astype(np.uint8) * 7
    inputs = {"t0": Tensor(height=8, width=8, channels=1, signed=True)}
    tensor, compiled = inputs["t0"], []
    for number, layer in enumerate(layers):
        fields = {
            "source": f"t{number}", "target": f"t{number + 1}", "bias": layer.bias, "signed": True, "high": 127,
            "low": 0 if layer.factor else -128,
            "factors": np.full(len(layer.bias), layer.factor or 1 / 256, np.float32),
        }  # fmt: skip
        if layer.weights.ndim == 4:
            compiled.append(Convolution(weights=layer.weights, stride=layer.stride, padding=layer.padding, **fields))
        else:
            compiled.append(fully_connected(tensor, layer.weights, **fields))
        tensor = compiled[-1].output(tensor)
    program = compile_layers(config, inputs, compiled)
    expected = requantize(infer(layers, images), np.float32(1 / 256), 0, np.int8)
    for image, outputs in zip(images, expected, strict=True):
        memory = program.memory(t0=image.reshape(8, 8, 1))
        found = program.read(run_list(config, memory, program.list_address).memory, "t4")
        assert found.ravel().tolist() == outputs.tolist()
