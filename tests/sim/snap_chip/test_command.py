import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.snap_chip.command import COMMAND_BYTES, COMMAND_WORDS, RING_FIELDS, RING_WORD
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.formats.runs import FormatError
from tensorloom.sim.snap_chip.check import bank_need, check_banks, check_command, check_rounds, needed_bands
from tensorloom.sim.snap_chip.command import (
    assemble,
    command_fields,
    complete,
    disassemble,
    disassemble_list,
    float_bits,
    float_of,
    steps_over_channels,
)
from tensorloom.sim.snap_chip.compiler import compile_layers
from tensorloom.sim.snap_chip.layers import MaxPool, Tensor

TINY, CHIP = PRESETS["snap-chip-tiny"], PRESETS["snap-chip"]


@pytest.mark.parametrize("config", [TINY, CHIP])
def test_fields_lie_apart_and_within_their_words(config):
    taken = np.zeros((COMMAND_WORDS, 32), int)
    for _, word, field in command_fields(config):
        taken[word, field.low : field.low + field.bits] += 1
        assert field.low + field.bits <= 32
        low, high = (-(1 << field.bits - 1), (1 << field.bits - 1) - 1) if field.signed else (0, (1 << field.bits) - 1)
        assert low <= field.lowest <= field.highest <= high
    assert taken.max() == 1
    assert RING_WORD + config.rings * len(RING_FIELDS) <= COMMAND_WORDS


@pytest.mark.parametrize("config", [TINY, CHIP])
def test_round_trip(config, seed):
    rng = np.random.default_rng(seed)
    command = {}
    for name, _, field in command_fields(config):
        low, high = (-(1 << field.bits - 1), 1 << field.bits - 1) if field.signed else (0, 1 << field.bits)
        command[name] = int(rng.integers(low, high))
    data = assemble(config, command)
    assert len(data) == COMMAND_BYTES
    assert disassemble(config, data) == command


def test_bytes():
    data = assemble(
        CHIP, {"operation": 1, "height": 0x123, "width": 0x456, "in_zero": -2, "weight_beats_3": 0x01020304}
    )
    assert data[:8].tolist() == [1, 0, 0, 0, 0x23, 0x01, 0x56, 0x04]
    assert data[60:62].tolist() == [0xFE, 0x01]
    assert data[4 * (32 + 7) :][:4].tolist() == [4, 3, 2, 1]


def test_floats():
    assert float_bits(1.5) == 0x3FC00000
    assert float_of(float_bits(0.1)) == np.float32(0.1)


def test_malformed():
    with pytest.raises(ConfigError, match="field must be one of a command, not 'hight'"):
        assemble(CHIP, {"hight": 1})
    with pytest.raises(ConfigError, match="width must be an integer from 0 to 4095, not 4096"):
        assemble(CHIP, {"width": 4096})
    with pytest.raises(FormatError, match="command must be of 256 bytes, not 255"):
        disassemble(CHIP, np.zeros(255, np.uint8))
    data = np.zeros(512, np.uint8)
    data[3] = 1
    with pytest.raises(
        FormatError, match="word 0 of a command must have no bits but those of its fields, not 0x1000000"
    ):
        disassemble(CHIP, data[:256])
    with pytest.raises(FormatError, match="command 0: word 0 of a command"):
        disassemble_list(CHIP, data, 0)
    data[3], data[0] = 0, 1
    assert disassemble_list(CHIP, data, 8) == []
    assert disassemble_list(CHIP, data, 0) == [complete(CHIP, {"operation": 1})]
    with pytest.raises(FormatError, match="command 1: command must be of 256 bytes, not 0"):
        disassemble_list(CHIP, data[:256], 0)


def network_command(network, config=TINY, **fields):
    source = Tensor(height=9, width=7, channels=20, zero=3)
    layer = network.convolution((3, 3, 20, 16), padding=1, **fields)
    return compile_layers(config, {"x": source}, [layer]).commands[0]


@pytest.mark.parametrize("height", [4081, 4090, 4093, 4095])
def test_all_bands_of_the_tallest_tensors_become_free(network, height):
    """They would not if the last one ended behind the last line that there can be: 74 bands of 56 lines."""
    source, layer = Tensor(height=height, width=1, channels=8), network.convolution((1, 1, 8, 8))
    (command,) = compile_layers(CHIP, {"x": source}, [layer]).commands
    assert height <= command["bands"] * command["band_lines"] <= 4095
    bands = -(-height // 56)
    wrong = command | {"band_lines": 56, "bands": bands, "directory_band": 56 * command["directory_line"]}
    if bands == 74:
        with pytest.raises(ConfigError, match=r"band_lines must be so that .* \(they have 4,144\), not 56"):
            check_command(CHIP, wrong)


@pytest.mark.parametrize(
    "changes, match",
    [
        ({"operation": 3}, "operation must be from 0 to 2, not 3"),
        ({"height": 0}, "height must be from 1 to 4095, not 0"),
        ({"width_groups": 4}, r"width_groups must be 3, ceil\(width / rows\), not 4"),
        ({"width_quotient": 3}, "width_quotient must be 2, width // rows, not 3"),
        ({"width_rest": 0}, "width_rest must be 1, width % rows, not 0"),
        ({"band_lines": 10}, "band_lines must be at most 9, the height, not 10"),
        ({"bands": 1}, r"bands must be \d, ceil\(height / band_lines\), not 1"),
        ({"directory_line": 8}, r"directory_line must be 9, width_groups \* tiles, not 8"),
        ({"directory_band": 9}, r"directory_band must be [0-9]+, directory_line \* band_lines, not 9"),
        ({"region_lines": 10}, "region_lines must be at most 9, the lines of the output, not 10"),
        ({"regions": 1}, r"regions must be \d, ceil\(out_lines / region_lines\), not 1"),
        ({"column_groups": 2}, r"column_groups must be 3, ceil\(out_columns / rows\), not 2"),
        ({"columns_quotient": 1}, "columns_quotient must be 2, out_columns // rows, not 1"),
        ({"columns_rest": 2}, "columns_rest must be 1, out_columns % rows, not 2"),
        ({"padding_rest": 3}, "padding_rest must be less than 3, the rows of a core, not 3"),
        ({"dilation_rest": 0}, "dilation_rest must be more than 0 where dilation_quotient is 0, not 0"),
        ({"stride_columns": 3}, "stride_columns must be without a common divisor with the 3 rows, not 3"),
        ({"padding_lines": 3}, "padding_lines must be for a padding from 0 to 2, less than the kernel reaches, not 3"),
        ({"padding_quotient": -2}, "padding_quotient must be for a padding from 0 to 2, .* not 4"),
        ({"padding_quotient": 1}, "padding_quotient must be for a padding from 0 to 2, .* not -5"),
        ({"stride_lines": 2}, "out_lines must be at most 5, so that each has its first input before the end, not 9"),
        ({"stride_columns": 2}, "out_columns must be at most 4, so that each has its first input"),
        ({"kernels": 3}, "kernels must be a divisor of 4, not 3"),
        ({"rounds": 3}, r"rounds must be \d, out_tiles \* core_kernels / kernels, not 3"),
        ({"group_rounds": 5}, "group_rounds must be at most 4, the rounds, not 5"),
        ({"group_rounds": 2}, r"group_tiles must be at most 1, the stored tiles / 2 groups of rounds, not 3"),
        ({"block_lines": 5}, "block_lines must be at most 4, the 8 psum slots / 2 kernels, not 5"),
        ({"passes": 9}, "passes must be [0-9], 1 if resident, else the regions, not 9"),
        ({"scale_beats": 1}, "scale_beats must be 16, the beats of all kernels' scales, not 1"),
        ({"rest_tiles": 0}, "rest_tiles must be 0 where there are no rest_steps, and only there, not 0"),
        ({"rest_tiles": 3}, "rest_tiles must be at most 2, the columns of a core, not 3"),
        ({"full_steps": 2}, "rest_steps must be so that steps have the 3 stored tiles of a group, not 1"),
        ({"weight_groups": 9}, r"weight_groups must be 18, steps \* kernel_lines \* kernel_columns, not 9"),
        ({"cut_2": 1}, "cut_2 must be 0, as there is no such column or step, not 1"),
        ({"cut_1": 9}, "cut_1 must be so that all columns have from 0 to 8 channels, not 9"),
        ({"in_zero": -1}, "in_zero must be a value of the input's type, not -1"),
        ({"in_zero": 200, "signed_inputs": 1}, "in_zero must be a value of the input's type, not 200"),
        ({"sum_low": 256}, "sum_low must be from -128 to 255, not 256"),
        ({"sum_high": -1}, "sum_high must be at least 0, as sum_low, not -1"),
        ({"sum_low": -1}, "sum_high must be at most 127, as sum_low is negative, not 255"),
        ({"residual": 1, "residual_low": 9}, "residual_high must be at least 9, as residual_low, not 0"),
        ({"residual": 1, "residual_zero": -1}, "residual_zero must be a value of the residual's type, not -1"),
        ({"residual": 1}, r"sum_factor must be positive, not 0\.0"),
        ({"residual": 1, "sum_factor": 0x7F800000}, "sum_factor must be finite, not inf"),
        ({"out_pitch": 1}, "out_pitch must be at least [0-9]+, the beats of a dense segment, not 1"),
        ({"in_address": (1 << 29) - 1}, "in_address must be such that it ends within the memory of 536870912 beats"),
        ({"weight_address_2": (1 << 29) - 1}, "weight_address_2 must be such that it ends within the memory"),
    ],
)  # fmt: skip
def test_illegal_fields(network, changes, match):
    command = network_command(network)
    check_command(TINY, command)
    with pytest.raises(ConfigError, match=match):
        check_command(TINY, command | changes)


@pytest.mark.parametrize("name", ["in_address", "in_table", "scale_address", "weight_address_0"])
def test_nothing_is_written_over_what_is_read(network, name):
    command = network_command(network)
    match = f"out_(address|table) must be such that nothing is written over what {name} says"
    with pytest.raises(ConfigError, match=match):
        check_command(TINY, command | {"out_address": command[name]})
    match = f"out_table must be such that nothing is written over what {name} says"
    with pytest.raises(ConfigError, match=match):
        check_command(TINY, command | {"out_table": command[name]})


def test_stop_has_no_fields():
    check_command(TINY, {"operation": 0, "interrupt": 1})
    with pytest.raises(ConfigError, match="width must be 0, in a stop, not 4"):
        check_command(TINY, {"operation": 0, "width": 4})


def test_illegal_pooling():
    layer = MaxPool(source="x", target="y", kernel=(2, 2), stride=2)
    command = compile_layers(TINY, {"x": Tensor(height=8, width=8, channels=9)}, [layer]).commands[0]
    for changes, match in (
        ({"residual": 1}, "residual must be 0, as in all pooling, not 1"),
        ({"scale_beats": 1}, "scale_beats must be 0, as in all pooling, not 1"),
        ({"kernels": 2, "rounds": 4}, "kernels must be 4, as in all pooling, not 2"),
        ({"block_lines": 2}, "block_lines must be 1, as in all pooling, not 2"),
        ({"full_steps": 1, "rest_steps": 0, "rest_tiles": 0}, "full_steps must be 0, as in all pooling, not 1"),
        ({"cut_1": 4}, "cut_1 must be 0, as there is no such column or step, not 4"),
    ):
        with pytest.raises(ConfigError, match=match):
            check_command(TINY, command | changes)


def test_buffers(network):
    command = network_command(network)
    lines = command["region_lines"]
    for config, match in (
        (TINY.replace(region_pixels=3 * lines - 1), f"region_lines must be at most {lines - 1}, the "),
        (
            TINY.replace(directory_entries=16),
            r"directory_line must be so few .* at most 16 entries .* \(it needs \d+\)",
        ),
        (TINY.replace(segments=7), r"bands must be so few that there are at most 7 segments \(there are \d+\), not"),
    ):
        with pytest.raises(ConfigError, match=match):
            check_command(config, command)
    narrow = command | {"band_lines": 1, "bands": 9, "directory_band": 9, "in_address": 1 << 20, "in_table": 1 << 21}
    check_command(TINY, narrow)
    with pytest.raises(ConfigError, match="band_lines must be so large that a region needs at most 4 bands, not 1"):
        check_command(TINY.replace(resident_bands=4), narrow)
    resident = command | {"resident": 1, "passes": 1, "weight_beats_3": 65}
    with pytest.raises(ConfigError, match="weight_beats_[0-3] must be at most 64, as they are resident"):
        check_command(TINY, resident)


def test_dense_tiles_must_fit_a_pe(network):
    config = TINY.replace(core=TINY.core.replace(psum_slots=16))
    source = Tensor(height=8, width=6, channels=8)
    layer = network.convolution((1, 1, 8, 8), 1.0)
    command = compile_layers(config, {"x": source}, [layer]).commands[0]
    with pytest.raises(
        ConfigError, match="block_lines must be so few that dense tiles fit the activations of a PE, not 5"
    ):
        check_command(config, command | {"block_lines": 5})


def test_rounds_that_are_used_again_fit_their_buffer(network):
    command = network_command(network)
    fits = [np.array([64, 3])] * 4
    check_rounds(TINY, command, fits)
    match = r"weights of a round must be of at most 64 beats .* several blocks use them, not 65 \(buffer 3\)"
    with pytest.raises(ConfigError, match=match):
        check_rounds(TINY, command, [*fits[:3], np.array([1, 65])])
    check_rounds(TINY, command | {"block_lines": 100}, [np.array([65])] * 4)


def test_banks():
    command = {
        "height": 6, "width": 7, "tiles": 2, "band_lines": 2, "regions": 2, "region_lines": 3, "out_lines": 6,
        "kernel_lines": 3, "dilation_lines": 1, "stride_lines": 1, "padding_lines": 1,
    }  # fmt: skip
    assert needed_bands(command).tolist() == [[0, 1], [1, 2]]
    assert bank_need(TINY, command) == 4 * 3 * 2 * 2  # lines, columns of bank 0, tiles, words
    words = np.ones((6, 7, 2), int)
    words[5, 4] = 9, 12
    assert bank_need(TINY, command, words) == 4 * 2 * 2 + 19
    check_banks(TINY.replace(bank_rows=32), command, words)
    with pytest.raises(ConfigError, match="activations of a region must be of at most 32 words a bank, not 35"):
        check_banks(TINY.replace(bank_rows=16), command, words)


def test_channels_of_steps():
    command = {"full_steps": 1, "rest_steps": 2, "rest_tiles": 2, "cut_1": 20, "cut_2": 40}
    assert steps_over_channels(CHIP, command).tolist() == [
        [[0, 32], [32, 64], [64, 96]], [[96, 116], [116, 136], [136, 160]], [[160, 180], [180, 200], [200, 224]],
    ]  # fmt: skip
