import numpy as np
import pytest

from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.snap.check import check_program
from tensorloom.sim.snap.golden import core_sums, scatter_sums
from tensorloom.sim.snap.program import Item, StreamBuilder, cut
from tensorloom.sim.snap_chip.command import steps_over_channels
from tensorloom.sim.snap_chip.compiler import compile_layers
from tensorloom.sim.snap_chip.golden import read_rings
from tensorloom.sim.snap_chip.layers import Tensor
from tensorloom.sim.snap_chip.nest import blocks
from tensorloom.sim.snap_chip.streams import layer_programs

TINY, CHIP = PRESETS["snap-chip-tiny"], PRESETS["snap-chip"]

LAYERS = [
    # height, width, channels; kernel, kernels; stride, padding, dilation, groups
    ((5, 7, 8), (3, 3, 8), 1, 1, 1, 1),
    ((7, 5, 20), (3, 2, 16), (1, 2), (2, 0, 1, 0), 1, 1),
    ((3, 3, 9), (3, 3, 12), 1, 2, 2, 1),
    ((4, 4, 24), (1, 1, 9), 1, 0, 1, 1),
    ((4, 7, 16), (2, 3, 16), (2, 1), 1, 1, 2),
    ((5, 4, 12), (3, 3, 12), 2, 1, 1, 12),
    ((1, 1, 30), (1, 1, 17), 1, 0, 1, 1),
]


def compiled(network, config, shape, kernel, stride, padding, dilation, groups, rotate=1, filled=None):
    source = Tensor(height=shape[0], width=shape[1], channels=shape[2], zero=4)
    density = float(network.rng.choice([0.1, 0.5, 1]))
    layer = network.convolution(
        (*kernel[:2], shape[2] // groups, kernel[2]), density, stride=stride, padding=padding, dilation=dilation,
        groups=groups,
    )  # fmt: skip
    program = compile_layers(config, {"x": source}, [layer])
    values = network.values(source, filled or float(network.rng.choice([0.2, 0.7, 1])))
    steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    sums = convolution(values[None].astype(np.int64) - source.zero, layer.weights, **steps)[0]
    order = program.tensors["y"].order
    stored = np.where(order >= 0, sums[..., order], 0)
    return program, program.commands[0] | {"rotate": rotate}, program.memory(x=values), stored


def compare(config, command, memory, expected):
    found = np.zeros(expected.size, np.int64)
    written = np.zeros(expected.size, np.int64)
    for program in layer_programs(config, command, memory):
        check_program(config.core, program)
        found += scatter_sums(program, core_sums(config.core, program), expected.size, 63)
        for targets in program.targets:
            np.add.at(written, targets[targets >= 0], 1)
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)
    assert (written == 1).all()


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("rotate", [0, 1])
def test_sums_of_the_cores(network, layer, rotate):
    _, command, memory, expected = compiled(network, TINY, *layer, rotate=rotate)
    compare(TINY, command, memory, expected)


@pytest.mark.parametrize("layer", [((7, 8, 40), (3, 3, 32), 1, 1, 1, 1), ((7, 7, 128), (1, 1, 64), 1, 0, 1, 1)])
def test_sums_of_the_cores_of_the_large_preset(network, layer):
    _, command, memory, expected = compiled(network, CHIP, *layer)
    compare(CHIP, command, memory, expected)


def walked_item(config, parts, pixel):
    """Beats of a pixel in a step, stored tile by stored tile; None is a blank."""
    width, pieces, beats = config.tile_channels, [], []
    if pixel is not None:
        first, last = parts[0][0], parts[-1][1]
        for tile in range(first, last, width):
            for p, (begin, end) in enumerate(parts):
                channels = np.arange(max(tile, begin), min(tile + width, end))
                kept = channels[pixel[channels] != 0]
                pieces.append((1 << p, pixel[kept], kept - begin))
        beats = [cut(config.core, pieces)] if pixel[first:last].any() else []
        if beats and not pixel[last - width : last].any():
            beats.append(cut(config.core, []))
    beats = beats or [cut(config.core, [])]
    return Item(*(np.concatenate(arrays) for arrays in zip(*(vars(beat).values() for beat in beats), strict=True)))


def walked_activations(config, command, values, row):
    """A row's stream item by item, as the format says it."""
    rows, width = config.banks, config.tile_channels
    taps = [(r, s) for r in range(command["kernel_lines"]) for s in range(command["kernel_columns"])]
    dilation = command["dilation_quotient"] * rows + command["dilation_rest"]
    left = -(command["padding_quotient"] * rows + command["padding_rest"])
    builder = StreamBuilder(config.core)
    for block in blocks(command):
        base = block.round // command["group_rounds"] * command["group_tiles"] * width
        for parts in steps_over_channels(config, command).tolist():
            for r, s in taps:
                sent = []
                for d, (g, x) in enumerate(block.entries.tolist()):
                    h = (block.first + x) * command["stride_lines"] + r * command["dilation_lines"]
                    h -= command["padding_lines"]
                    y = rows * g + (row + command["rotate"] * x) % rows
                    w = y * command["stride_columns"] + s * dilation - left
                    if 0 <= h < command["height"]:
                        inside = 0 <= w < command["width"] and y < command["out_columns"]
                        sent.append((d, values[h, w, base:] if inside else None))
                for d, pixel in sent or [(0, None)]:
                    ends = d == (sent or [(0, None)])[-1][0]
                    item = walked_item(config, parts, pixel)
                    builder.add(item, slot=command["kernels"] * d, classes=1, group_last=ends)
    return builder.build()


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("filled", [0.1, 0.5, 1])
def test_activations_are_cut_as_the_format_says(network, layer, filled):
    program, command, memory, _ = compiled(network, TINY, *layer, filled=filled)
    values = np.zeros((*layer[0][:2], program.tensors["x"].layout.channels), np.int64)
    values[..., : layer[0][2]] = program.read(memory, "x").astype(np.int64) - 4
    streams = layer_programs(TINY, command, memory)[0].activations
    for row, stream in enumerate(streams):
        expected = walked_activations(TINY, command, values, row)
        for name, array in vars(expected).items():
            np.testing.assert_array_equal(getattr(stream, name), array, err_msg=f"{name} of row {row}")


@pytest.mark.parametrize("layer", LAYERS)
def test_weights_are_those_of_the_windows(network, layer):
    _, command, memory, _ = compiled(network, TINY, *layer)
    rings = read_rings(TINY, command, memory)
    programs = layer_programs(TINY, command, memory)
    listed = list(blocks(command))
    for number, ring in enumerate(rings):
        core, column = divmod(number, TINY.core.core_columns)
        stream = programs[core].weights[column]
        ends = np.flatnonzero(stream.last)
        window = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
        sizes = np.bincount(window, stream.counts)
        groups = command["weight_groups"]
        expected, entries = [], []
        for block in listed:
            for group in range(block.round * groups, (block.round + 1) * groups):
                expected += ring.windows[group, : ring.counts[group]].tolist()
                kernel, channel = np.nonzero(ring.weights[group])
                entries += list(zip(kernel, channel, ring.weights[group][kernel, channel], strict=True))
        assert sizes.tolist() == expected
        there = np.arange(TINY.core.beat_entries) < stream.counts[:, None]
        found = zip(stream.slots[there], stream.indices[there], stream.values[there], strict=True)
        assert [tuple(map(int, e)) for e in found] == [tuple(map(int, e)) for e in entries]
        assert stream.group_last.sum() == len(listed) * groups
        assert stream.block_last.sum() == len(listed)
