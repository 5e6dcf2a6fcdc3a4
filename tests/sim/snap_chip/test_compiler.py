import dataclasses
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError, WrongTypeError
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.snap_chip.compiler import compile_layers
from tensorloom.sim.snap_chip.golden import read_rings, run_list
from tensorloom.sim.snap_chip.layers import MaxPool, Residual, Tensor, fully_connected
from tensorloom.sim.snap_chip.mapping import Channels, block_lines
from tensorloom.sim.snap_chip.orders import deal
from tensorloom.sim.snap_chip.scales import kernel_order
from tensorloom.sim.snap_chip.work import list_work

TINY, CHIP, LARGE = (PRESETS[f"snap-chip{name}"] for name in ("-tiny", "", "-large"))


def compiled(network, config, shape, kernel, density=0.5, densities=None, **fields):
    layer = network.convolution((*kernel[:2], shape[2], kernel[2]), density, **fields)
    source = Tensor(height=shape[0], width=shape[1], channels=shape[2])
    return compile_layers(config, {"x": source}, [layer], densities).commands[0]


@pytest.mark.parametrize(
    "config, density, kernels, lines", [(CHIP, 0.5, 4, 4), (CHIP, 0.2, 8, 2), (LARGE, 0.5, 4, 8), (LARGE, 0.2, 8, 4)]
)
def test_shape_of_a_block(network, config, density, kernels, lines):
    command = compiled(network, config, (14, 14, 64), (3, 3, 64), density, padding=1)
    assert (command["kernels"], command["block_lines"]) == (kernels, lines)


def test_rounds_shrink_until_they_fit_their_buffers(network):
    assert compiled(network, CHIP, (14, 14, 512), (3, 3, 32), 1.0, padding=1)["kernels"] == 4
    small = CHIP.replace(weight_rows=140)
    assert compiled(network, small, (14, 14, 512), (3, 3, 32), 1.0, padding=1)["kernels"] == 2
    assert compiled(network, small, (1, 1, 512), (3, 3, 32), 1.0, padding=1)["kernels"] == 4  # read once, as one block
    with pytest.raises(
        ConfigError, match="layer y: weights of a round must be of at most 50 beats for each weight buffer"
    ):
        compiled(network, CHIP.replace(weight_rows=50), (14, 14, 512), (3, 3, 32), 1.0, padding=1)


def test_weights_stay_where_they_fit(network):
    large, small = (compiled(network, CHIP, (56, 56, 64), (3, 3, count), padding=1) for count in (256, 64))
    assert (large["resident"], large["passes"]) == (0, large["regions"])
    assert (small["resident"], small["passes"]) == (1, 1)
    assert compiled(network, CHIP, (7, 7, 64), (3, 3, 64), padding=1)["resident"] == 0  # a single region


def test_regions_fit_the_buffers(network):
    command = compiled(network, CHIP, (56, 56, 64), (3, 3, 64), padding=1)
    assert (command["region_lines"], command["band_lines"]) == (7, 7)
    dense, sparse = (
        compiled(network, CHIP, (56, 56, 256), (1, 1, 64), densities={"x": density})["region_lines"]
        for density in (1.0, 0.2)
    )
    assert dense < sparse == 7


def test_regions_are_so_small_that_the_next_band_is_loaded_meanwhile(network):
    """8 x 4 x 16 tiles are half of a directory; 28 lines in bands of up to 8 make four of 7."""
    command = compiled(network, CHIP, (28, 28, 512), (1, 1, 128), densities={"x": 0.3})
    assert (command["band_lines"], command["region_lines"], command["directory_band"]) == (7, 7, 448)
    strided = compiled(network, CHIP, (28, 28, 512), (1, 1, 256), stride=2, densities={"x": 0.4})
    assert (strided["band_lines"], strided["region_lines"]) == (6, 3)


def test_regions_stay_large_where_weights_would_take_too_long(network):
    """Weights of 1024 x 2048 are read once a region, which takes about as long as the work of two regions does."""
    command = compiled(network, CHIP, (14, 14, 1024), (1, 1, 2048), stride=2, densities={"x": 0.4})
    assert (command["resident"], command["region_lines"]) == (0, 4)


def test_layers_that_share_no_tensor_leave_each_other_alone(network):
    """The weights of the second one are too many for a region more; the first one still gets smaller regions."""
    layers = [
        network.convolution((1, 1, 512, 128), source="x", target="a"),
        network.convolution((1, 1, 1024, 2048), source="z", target="b", stride=2),
    ]
    inputs = {"x": Tensor(height=28, width=28, channels=512), "z": Tensor(height=14, width=14, channels=1024)}
    first, second = compile_layers(CHIP, inputs, layers, {"x": 0.3, "z": 0.4}).commands
    assert (first["region_lines"], second["region_lines"]) == (7, 4)


def test_no_layer_shrinks_what_another_needs(network):
    """The first one would like smaller regions; the second adds its output, and has few values for many weights."""
    added = Residual(tensor="a", sum_factor=1.0, factor=1.0, offset=0.0, zero=0, low=0, high=255)
    layers = [
        network.convolution((1, 1, 1024, 256), source="x", target="a"),
        network.convolution((1, 1, 1024, 256), source="z", target="b", residual=added),
    ]
    inputs = {name: Tensor(height=14, width=14, channels=1024) for name in "xz"}
    alone, both = (
        compile_layers(CHIP, inputs, some, {"x": 0.4, "z": 0.1}).commands[0] for some in (layers[:1], layers)
    )
    assert alone["band_lines"] < both["band_lines"] == 7


def test_regions_of_few_bands(network):
    """With two lines a region seven taps reach into five bands, with one into four."""
    config = TINY.replace(bank_rows=256, resident_bands=4)
    command = compiled(network, config, (20, 36, 8), (7, 1, 8), padding=(3, 3, 0, 0))
    assert (command["band_lines"], command["region_lines"]) == (2, 1)
    assert compiled(network, TINY.replace(bank_rows=256), (20, 36, 8), (7, 1, 8), padding=(3, 0))["region_lines"] == 2


def test_densities_that_are_too_low_are_found_when_it_runs(network):
    source = Tensor(height=28, width=56, channels=256)
    layer = network.convolution((1, 1, 256, 32))
    program = compile_layers(CHIP, {"x": source}, [layer], {"x": 0.2})
    run_list(CHIP, program.memory(x=network.values(source, 0.2)), program.list_address)
    dense = program.memory(x=network.values(source, 1))
    with pytest.raises(ConfigError, match=r"command 0: activations of a region must be of at most 2048 words a bank"):
        run_list(CHIP, dense, program.list_address)


@pytest.mark.parametrize(
    "channels, kernels, groups, expected",
    [
        (64, 64, 1, (1, 2, 2, 0, 1, 2, (21, 42))),
        (96, 32, 1, (1, 3, 1, 1, 0, 0, (0, 0))),
        (128, 32, 1, (1, 4, 1, 0, 2, 2, (21, 42))),
        (21, 32, 1, (1, 1, 1, 0, 1, 1, (7, 14))),
        (33, 32, 1, (1, 2, 1, 0, 1, 2, (16, 32))),
        (64, 64, 2, (2, 1, 1, 0, 1, 1, (10, 21))),
        (64, 64, 64, (2, 1, 1, 0, 1, 1, (10, 21))),
        (48, 96, 3, (2, 1, 2, 0, 1, 1, (10, 21))),
        (80, 40, 5, (1, 3, 2, 1, 0, 0, (0, 0))),
    ],
)
def test_channels(channels, kernels, groups, expected):
    assert dataclasses.astuple(Channels.of(CHIP, channels, kernels, groups)) == expected


def test_block_lines():
    assert block_lines(CHIP, 4, 100) == 4
    assert block_lines(CHIP, 1, 100) == 4  # as many dense tiles as a PE keeps
    assert block_lines(CHIP, 4, 3) == 3
    assert block_lines(CHIP, 8, 100) == 2


def test_kernels_are_dealt(seed):
    rng = np.random.default_rng(seed)
    work = np.maximum(rng.normal(100, 35, 250), 0).astype(int)
    order = deal(CHIP, work, 4)
    assert sorted(order[order >= 0].tolist()) == list(range(250))
    assert (order < 0).sum() == 6
    loads = np.append(work, 0)[order[kernel_order(CHIP, 4, 8)]].sum(2)
    plain = np.append(work, [0] * 6)[kernel_order(CHIP, 4, 8)].sum(2)
    assert loads.max(1).sum() <= 1.03 * loads.mean(1).sum()
    assert loads.max(1).sum() < plain.max(1).sum()


def test_cores_have_equal_windows_in_all_columns(network):
    source = Tensor(height=3, width=3, channels=70)
    program = compile_layers(CHIP, {"x": source}, [network.convolution((3, 3, 70, 64), 0.7)])
    rings = read_rings(CHIP, program.commands[0], program.memory(x=network.values(source)))
    for core in range(4):
        counts = [ring.counts.tolist() for ring in rings[3 * core : 3 * core + 3]]
        assert counts[0] == counts[1] == counts[2]


def test_everything_has_its_own_place(network):
    source = Tensor(height=6, width=6, channels=12)
    layers = [
        network.convolution((1, 1, 12, 12), target="a"),
        MaxPool(source="a", target="b", kernel=(2, 2), stride=2),
        network.convolution((3, 3, 12, 20), source="b", target="c"),
    ]
    program = compile_layers(TINY, {"x": source}, layers)
    places = [(program.list_address, -(-4 * 256 // TINY.bus.bytes))]
    for placed in program.tensors.values():
        layout = placed.layout
        places += [(layout.address, layout.segments(TINY) * layout.pitch), (layout.table, layout.table_beats(TINY))]
    for command in program.commands:
        places.append((command["scale_address"], command["scale_beats"]))
        places += [(command[f"weight_address_{n}"], command[f"weight_beats_{n}"]) for n in range(TINY.rings)]
    places = sorted(place for place in places if place[1])
    for (address, beats), (following, _) in zip(places, places[1:], strict=False):
        assert address + beats <= following
        assert address % 8 == 0
    assert [command["interrupt"] for command in program.commands] == [0, 0, 1]
    assert len(program.image) >= sum(places[-1]) * TINY.bus.bytes


def fails(match, inputs, layers, config: Any = TINY, **options):
    with pytest.raises(ConfigError, match=match):
        compile_layers(config, inputs, layers, **options)


def test_what_does_not_fit(network):
    wide = {"x": Tensor(height=1, width=99, channels=8)}
    fails(
        "columns of y must be at most 72, the pixels of a region in the output buffer, not 99",
        wide, [network.convolution((1, 1, 8, 8))],
    )  # fmt: skip
    deep = {"x": Tensor(height=4, width=3, channels=800)}
    fails(
        "layer y: words of a region in a bank must be at most 128, not 200",
        deep, [network.convolution((1, 1, 800, 8))], TINY.replace(directory_entries=1024, segments=4096),
    )  # fmt: skip
    fails(
        "layer y: entries of a region in a bank's directory must be at most 64, not 100",
        deep, [network.convolution((1, 1, 800, 8))], TINY.replace(directory_entries=64),
    )  # fmt: skip
    many = {"x": Tensor(height=40, width=40, channels=24)}
    fails("layer y: segments of x must be at most 32, not 120", many, [network.convolution((1, 1, 24, 8))])
    fails(
        "layer y: stride across must be without a common divisor with the 3 rows of a core, not 3",
        {"x": Tensor(height=9, width=9, channels=8)}, [network.convolution((1, 1, 8, 8), stride=3)],
    )  # fmt: skip
    fails(
        "layer y: padding at the top must be at most 0, less than the kernel reaches, not 1",
        {"x": Tensor(height=9, width=9, channels=8)}, [network.convolution((1, 1, 8, 8), padding=1)],
    )  # fmt: skip


def test_what_does_not_go_together(network):
    inputs = {"x": Tensor(height=4, width=4, channels=8)}
    layer = network.convolution((1, 1, 8, 8))
    residual = Residual(tensor="x", sum_factor=1, factor=1, offset=0, zero=0, low=0, high=255)
    fails("layers must be at least one, not 0", inputs, [])
    fails(
        "source must be an input or the target of an earlier layer, not 'z'",
        inputs,
        [dataclasses.replace(layer, source="z")],
    )
    fails("target must be a name that no other tensor has, not 'x'", inputs, [dataclasses.replace(layer, target="x")])
    fails("channels of weights must be 8", inputs, [network.convolution((1, 1, 7, 8))])
    other = dataclasses.replace(residual, tensor="z")
    fails("residual must be an input or the target", inputs, [dataclasses.replace(layer, residual=other)])
    narrow = network.convolution((1, 1, 8, 7), residual=residual)
    fails(r"residual must be of shape \(4, 4, 7\), as y, not \(4, 4, 8\)", inputs, [narrow])
    kinds = dataclasses.replace(layer, residual=dataclasses.replace(residual, high=127), signed=True)
    fails("residual must be of the type of y, not 'x'", inputs, [kinds])
    fails(r"densities must be of tensors \(x, y\), not 'z'", inputs, [layer], densities={"z": 1})
    fails("density of x must be from 0 to 1, not 2", inputs, [layer], densities={"x": 2})
    fails("density of x must be a number, not 'a'", inputs, [layer], densities={"x": "a"})
    fails("densities must be numbers by name of tensor, not 0.5", inputs, [layer], densities=0.5)
    fails("layers must be Convolution or MaxPool, not None", inputs, [None])
    fails("layers must be a list of Convolution and MaxPool, not Convolution", inputs, layer)
    fails("inputs must be tensors by name, not {'x': 8}", {"x": 8}, [layer])
    fails("config must be a SnapChipConfig.*, not 'snap-chip'", inputs, [layer], config="snap-chip")
    fails("factors must be positive and finite", inputs, [dataclasses.replace(layer, factors=0 * layer.factors)])
    fails(r"bias must be of shape \(8,\), not \(7,\)", inputs, [dataclasses.replace(layer, bias=layer.bias[1:])])
    with pytest.raises(TypeError, match="weights must be of dtype int8, not int64"):
        compile_layers(TINY, inputs, [dataclasses.replace(layer, weights=layer.weights.astype(np.int64))])
    with pytest.raises(ConfigError, match="weights must be of 128 rows, not 127"):
        fully_connected(inputs["x"], np.zeros((127, 3), np.int8))
    with pytest.raises(ConfigError, match="zero must be an integer from 0 to 255, not -1"):
        Tensor(height=1, width=1, channels=1, zero=-1)


def test_what_is_no_memory_and_no_tensor(network):
    program = compile_layers(TINY, {"x": Tensor(height=4, width=4, channels=8)}, [network.convolution((1, 1, 8, 8))])
    good = np.ones((4, 4, 8), int)
    cases: list[tuple[str, Any, str]] = [
        ("x", np.zeros((4, 4, 9), int), r"values of x must be of shape \(4, 4, 8\), not \(4, 4, 9\)"),
        ("x", good * 1.0, "values of x must be of an integer dtype, not float64"),
        ("x", good * np.nan, "values of x must be of an integer dtype, not float64"),
        ("x", None, "values of x must be a numpy array, not None"),
        ("x", good.tolist(), "values of x must be a numpy array, not .*"),
        ("x", 256 * good, "values of x must be from 0 to 255, not 256"),
        ("x", -good, "values of x must be from 0 to 255, not -1"),
        ("yy", good, "tensor must be one of x, y, not 'yy'"),
    ]
    for name, values, message in cases:
        with pytest.raises(ConfigError, match=message):
            program.memory(**{name: values})
    memory = run_list(TINY, program.memory(x=good), program.list_address).memory
    with pytest.raises(ConfigError, match="tensor must be one of x, y, not 'z'"):
        program.read(memory, "z")
    memories: list[Any] = [memory.astype(int), memory.tolist(), None, memory[None]]
    for wrong in memories:
        for use in (
            lambda wrong=wrong: program.read(wrong, "y"),
            lambda wrong=wrong: list_work(TINY, wrong, program.list_address),
            lambda wrong=wrong: run_list(TINY, wrong, program.list_address),
        ):
            with pytest.raises(WrongTypeError, match="memory must be an array of bytes"):
                use()
    with pytest.raises(WrongTypeError, match="address must be an integer, not 0.5"):
        run_list(TINY, memory, 0.5)  # pyrefly: ignore[bad-argument-type]
