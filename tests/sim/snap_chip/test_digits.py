"""The digits network on the golden model of the chip: all layers by one list."""

import numpy as np
import pytest

from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.snap_chip.compiler import compile_layers
from tensorloom.sim.snap_chip.counters import count_beats
from tensorloom.sim.snap_chip.digits import SCORE_FACTOR, digits_layers, digits_scores, image_tensor
from tensorloom.sim.snap_chip.golden import run_list
from tensorloom.sim.workloads.digits import accuracy, digits_images
from tensorloom.sim.workloads.digits_cnn import SIDE, infer, load_digits_cnn

IMAGES = 3


@pytest.mark.parametrize("preset", ["snap-chip-tiny", "snap-chip-8b", "snap-chip"])
def test_a_batch_is_one_list(preset):
    config, network, images = PRESETS[preset], load_digits_cnn(), digits_images().test_images[:IMAGES]
    names = [f"i{number}" for number in range(IMAGES)]
    lists = [digits_layers(network, name, f"{name}_") for name in names]
    program = compile_layers(config, dict.fromkeys(names, image_tensor()), sum(lists, []))
    values = dict(zip(names, images.reshape(-1, SIDE, SIDE, 1), strict=True))
    result = run_list(config, program.memory(**values), program.list_address)
    scores = np.stack([program.read(result.memory, f"{name}_scores").ravel() for name in names])
    assert np.array_equal(scores, digits_scores(infer(network, images)))
    assert not any(result.overflows) and len(result.commands) == 4 * IMAGES
    one = compile_layers(config, {"i0": image_tensor()}, lists[0])
    weights = [command["weight_address_0"] for command in program.commands]
    assert weights[: len(one.commands)] * IMAGES == weights, "images share the weights"
    beats = count_beats(config, program.commands, result.memory).beats
    assert beats["command_beats"] == (4 * IMAGES + 1) * 256 // config.bus.bytes and beats["residual_beats"] == 0


def test_scores_of_8_bits_read_as_well():
    data, network = digits_images(), load_digits_cnn()
    sums = infer(network, data.train_images)
    assert float(SCORE_FACTOR) * sums.max() < 127
    assert accuracy(digits_scores(sums), data.train_labels) >= accuracy(sums, data.train_labels) - 0.003
    sums = infer(network, data.test_images)
    assert accuracy(digits_scores(sums), data.test_labels) >= 0.98
