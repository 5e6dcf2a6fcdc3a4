"""Layers in diagonal mode: results, commands, what is refused, and which layers take it."""

import dataclasses
import itertools

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.formats.runs import FormatError
from tensorloom.sim.snap.check import check_program
from tensorloom.sim.snap.golden import core_sums, scatter_sums
from tensorloom.sim.snap_chip.check import check_command
from tensorloom.sim.snap_chip.command import assemble, disassemble, kernel_across
from tensorloom.sim.snap_chip.compiler import compile_layers
from tensorloom.sim.snap_chip.cycles import simulate_chip
from tensorloom.sim.snap_chip.frame import layer_work
from tensorloom.sim.snap_chip.golden import input_layout, layer_sums, run_list
from tensorloom.sim.snap_chip.layers import Tensor
from tensorloom.sim.snap_chip.streams import layer_programs
from tensorloom.sim.snap_chip.tensors import decode_tensor
from tensorloom.sim.workloads.layers import LayerShape

PLAIN, CHIP = PRESETS["snap-chip-tiny"], PRESETS["snap-chip"]
TINY = PLAIN.replace(global_accumulator=True)

LAYERS = [
    # lines, columns, channels; kernel, kernels; padding, stride down, groups
    ((5, 7, 8), (3, 3, 8), 1, 1, 1),
    ((6, 9, 20), (3, 2, 16), (1, 1, 0, 1), 2, 1),
    ((4, 10, 12), (2, 5, 12), (1, 0, 2, 4), 1, 1),
    ((3, 2, 8), (1, 7, 9), (0, 0, 6, 3), 1, 1),
    ((3, 11, 16), (3, 4, 16), 0, 1, 2),
    ((2, 1, 9), (1, 1, 8), 0, 1, 1),
]


def compiled(network, shape, kernel, padding, stride, groups):
    source = Tensor(height=shape[0], width=shape[1], channels=shape[2], zero=4)
    layer = network.convolution(
        (*kernel[:2], shape[2] // groups, kernel[2]), padding=padding, stride=(stride, 1), groups=groups, diagonal=True
    )
    program = compile_layers(TINY, {"x": source}, [layer])
    return source, layer, program


@pytest.mark.parametrize("layer", LAYERS)
def test_results(network, layer):
    source, convolution, program = compiled(network, *layer)
    values = network.values(source)
    after = run_list(TINY, program.memory(x=values), program.list_address).memory
    wanted = network.run({"x": source}, {"x": values}, [convolution])["y"]
    np.testing.assert_array_equal(program.read(after, "y"), wanted)


@pytest.mark.parametrize("layer", LAYERS)
def test_an_output_is_what_at_most_two_ports_have_of_it(network, layer):
    source, _, program = compiled(network, *layer)
    memory, command = program.memory(x=network.values(source)), program.commands[0]
    values = decode_tensor(TINY, input_layout(TINY, command), memory)
    wanted = layer_sums(TINY, command, values, memory)
    found, parts = np.zeros((2, wanted.size), np.int64)
    for core in layer_programs(TINY, command, memory):
        check_program(TINY.core, core)
        found += scatter_sums(core, core_sums(TINY.core, core), wanted.size, 63)
        for targets in core.targets:
            np.add.at(parts, targets[targets >= 0], 1)
    np.testing.assert_array_equal(found.reshape(wanted.shape), wanted)
    assert set(parts.tolist()) <= {1, 2}


def test_columns_cover_all_that_outputs_need(network):
    """Of every size and padding: each input that an output needs is one of a row, in the group of a port that adds."""
    rows, width = TINY.banks, TINY.core.core_columns
    for columns, kernel in itertools.product(range(1, 3 * rows + 2), (1, 2, 3, 4, 5)):
        for left, right in itertools.product(range(kernel), repeat=2):
            if columns + left + right < kernel:
                continue
            source = Tensor(height=1, width=columns, channels=1)
            layer = network.convolution((1, kernel, 1, 1), padding=(0, 0, left, right), diagonal=True)
            command = compile_layers(TINY, {"x": source}, [layer]).commands[0]
            taps, dilation, padding = kernel_across(TINY, command)
            assert (dilation, padding) == (1, left)
            first = command["padding_quotient"] * rows + command["padding_rest"]
            for y, s in itertools.product(range(command["out_columns"]), range(kernel)):
                if 0 <= y + s - left < columns:
                    place = y + s - left - first - s // width * width
                    assert 0 <= place < rows * command["column_groups"]
                    port = width - 1 + place % rows - s % width
                    assert place // rows * rows + port == y + command["first_port"]
            assert taps - kernel < width
            assert command["out_columns"] + command["first_port"] <= rows * (command["column_groups"] + 1)


def command_of(network, **fields):
    source = Tensor(height=9, width=7, channels=20, zero=3)
    layer = network.convolution((3, 5, 20, 16), padding=(1, 1, 2, 2), diagonal=True, **fields)
    return compile_layers(TINY, {"x": source}, [layer]).commands[0]


@pytest.mark.parametrize(
    "changes, match",
    [
        ({"rotate": 1}, "rotate must be 0, as in all diagonal layers, not 1"),
        ({"stride_columns": 2}, "stride_columns must be 1, as in all diagonal layers, not 2"),
        ({"operation": 2}, "operation must be 1, as in all diagonal layers, not 2"),
        ({"dilation_rest": 1}, "dilation_rest must be so that sub-kernels are 2 columns apart, not 1"),
        ({"padding_quotient": -3}, "padding_quotient must be for a padding from 0 to 4, that of sub-kernels, not 8"),
        ({"first_port": 2}, "first_port must be at most 1, the columns of a core less one, not 2"),
        ({"first_port": 0}, "first_port must be 1 where sub-kernels have less padding than 4, not 0"),
        ({"out_columns": 10}, "out_columns must be at most 9, so that each has its first input, not 10"),
        ({"column_groups": 2}, "column_groups must be 3, those of 8 columns, not 2"),
        ({"columns_quotient": 2}, "columns_quotient must be 3, the column groups, of a diagonal layer, not 2"),
        ({"columns_rest": 1}, "columns_rest must be 0, as in all diagonal layers, not 1"),
        ({"rest_steps": 1, "rest_tiles": 1}, "rest_steps must be 0, as in all diagonal layers, not 1"),
        ({"full_steps": 2}, "full_steps must be so that steps have the 3 stored tiles of a group, not 2"),
        ({"diagonal": 0}, r"columns_quotient must be 2, out_columns // rows, not 3"),
        (
            {"diagonal": 0, "columns_quotient": 2, "columns_rest": 1},
            "first_port must be 0, as the layer isn't diagonal",
        ),
    ],
)  # fmt: skip
def test_illegal_fields(network, changes, match):
    command = command_of(network)
    check_command(TINY, command)
    with pytest.raises(ConfigError, match=match):
        check_command(TINY, command | changes)


def test_carried_sums_and_a_group_behind_the_last_need_room(network):
    command, core = command_of(network), TINY.core.replace(psum_slots=4)
    lines = command["region_lines"]
    few = TINY.replace(region_pixels=4 * lines - 1)
    with pytest.raises(ConfigError, match=f"region_lines must be at most {lines - 1}, the .* / 4 column groups"):
        check_command(few, command)
    source = Tensor(height=30, width=3, channels=8)
    tall = compile_layers(TINY, {"x": source}, [network.convolution((1, 1, 8, 8), diagonal=True)]).commands[0]
    check_command(TINY, tall)
    need, room = tall["region_lines"] * 4 + 8, TINY.carried_sums
    assert need > room >= tall["region_lines"] * tall["kernels"] + 8
    rounds = {"kernels": 4, "rounds": 2, "group_rounds": 2, "block_lines": 2}
    match = rf"region_lines must be so few that at most {room} sums are carried, .* \(there are {need}\)"
    with pytest.raises(ConfigError, match=match):
        check_command(TINY, tall | rounds)
    assert TINY.replace(core=core).carried_sums == room - 4


def test_without_the_option_there_is_no_such_command(network):
    command = command_of(network)
    with pytest.raises(ConfigError, match="field must be one of a command, not 'diagonal'"):
        check_command(PLAIN, command)
    with pytest.raises(FormatError, match="word 0 of a command must have no bits but those of its fields, not 0x4000"):
        disassemble(PLAIN, assemble(TINY, command))
    source = Tensor(height=9, width=7, channels=20)
    layer = network.convolution((3, 3, 20, 16), diagonal=True)
    match = "layer y: diagonal must be true only with a global_accumulator in the configuration, not True"
    with pytest.raises(ConfigError, match=match):
        compile_layers(PLAIN, {"x": source}, [layer])


@pytest.mark.parametrize(
    "fields, match",
    [
        ({"stride": 2}, "with a stride and dilation across of 1"),
        ({"dilation": (1, 2)}, "with a stride and dilation across of 1"),
    ],
)
def test_layers_that_cannot_be_diagonal(network, fields, match):
    source = Tensor(height=9, width=9, channels=8)
    layer = network.convolution((3, 3, 8, 8), **fields)
    with pytest.raises(ConfigError, match=f"layer y: diagonal must be true only {match}, not True"):
        compile_layers(TINY, {"x": source}, [dataclasses.replace(layer, diagonal=True)])
    assert compile_layers(TINY, {"x": source}, [layer]).commands[0]["diagonal"] == 0


def test_lines_that_are_too_wide_cannot_be_diagonal(network):
    source = Tensor(height=1, width=TINY.region_pixels * TINY.banks, channels=8)
    layer = network.convolution((1, 3, 8, 8), 0.1, padding=(0, 0, 1, 1))
    with pytest.raises(ConfigError, match="layer y: diagonal must be true only with fewer columns"):
        compile_layers(TINY, {"x": source}, [dataclasses.replace(layer, diagonal=True)])
    assert compile_layers(TINY, {"x": source}, [layer]).commands[0]["diagonal"] == 0


def test_the_compiler_takes_the_faster_way():
    """Where one is much faster: sparse weights or few channels want diagonal mode, a single column row taps."""
    config = CHIP.replace(global_accumulator=True)
    for kernel, channels, density, diagonal in ((3, 64, 0.2, 1), (3, 32, 0.4, 1), (3, 96, 0.8, 0), (1, 96, 0.2, 0)):
        shape = LayerShape(
            name="any/conv", height=14, width=14, channels=channels, rows=3, columns=kernel, kernels=32, padding=(1, 0)
        )
        works = [layer_work(config, shape, (0.4, density), diagonal=way) for way in (None, False, True)]
        assert works[0].command["diagonal"] == diagonal
        cycles = [simulate_chip(config, [work]).cycles for work in works]
        assert cycles[0] == min(cycles)


def test_all_sums_leave_the_cores(network):
    """Sums that leave cores: one an output of row taps, those of all ports in diagonal mode."""
    shape = LayerShape(name="any/3x3", height=6, width=6, channels=16, rows=3, columns=3, kernels=16, padding=1)
    for diagonal, ports in ((False, TINY.banks), (True, TINY.core.ports)):
        work = layer_work(TINY, shape, (0.5, 0.5), diagonal=diagonal)
        sums = simulate_chip(TINY, [work]).layers[0].sums.sum()
        groups = work.command["column_groups"]
        assert sums == 6 * groups * ports * 16
