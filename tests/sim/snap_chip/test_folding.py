import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.snap_chip.compiler import compile_layers
from tensorloom.sim.snap_chip.folding import fold_layer, fold_values
from tensorloom.sim.snap_chip.golden import run_list
from tensorloom.sim.snap_chip.layers import Tensor

CHIP = PRESETS["snap-chip"]


@pytest.mark.parametrize(
    "shape, kernel, stride, padding, dilation",
    [((28, 28, 3), (7, 7), 2, 3, 1), ((9, 11, 2), (3, 2), (2, 1), (1, 0, 1, 0), (2, 3)), ((5, 5, 1), (5, 5), 1, 0, 1)],
)
def test_folded_layer_has_the_same_outputs(network, shape, kernel, stride, padding, dilation):
    source = Tensor(height=shape[0], width=shape[1], channels=shape[2], zero=9)
    layer = network.convolution((*kernel, shape[2], 40), stride=stride, padding=padding, dilation=dilation)
    values = network.values(source, 1)
    folded, image = fold_layer(layer, source)
    program = compile_layers(CHIP, {"x": image}, [folded])
    assert program.commands[0]["kernel_lines"] == program.commands[0]["kernel_columns"] == 1
    memory = program.memory(x=fold_values(layer, source, values))
    found = program.read(run_list(CHIP, memory, program.list_address).memory, "y")
    np.testing.assert_array_equal(found, network.run({"x": source}, {"x": values}, [layer])["y"])


def test_groups_are_not_folded(network):
    layer = network.convolution((3, 3, 1, 4), groups=4)
    with pytest.raises(ConfigError, match="groups must be 1 where kernels are folded, not 4"):
        fold_layer(layer, Tensor(height=5, width=5, channels=4))
