import numpy as np

from tensorloom.hw.systolic.config import PRESETS
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.systolic.golden import matrix_unit
from tensorloom.sim.systolic.mapping import map_convolution
from tensorloom.sim.workloads.photo import filter_bank, photo


def test_photo():
    image = photo()
    assert image.shape == (1, 107, 160, 3)
    assert image.dtype == np.uint8
    assert len(np.unique(image)) > 200


def test_filters():
    bank = filter_bank()
    assert bank.shape == (3, 3, 3, 64)
    assert bank.dtype == np.int8
    assert (np.abs(bank.astype(int)).max(axis=(0, 1, 2)) == 127).all()
    assert np.unique(bank.reshape(27, 64), axis=1).shape == (27, 64)
    # blur by brightness; red edge from the dark top to the bright bottom
    assert bank[:, :, 0, 0].tolist() == [[32, 64, 32], [64, 127, 64], [32, 64, 32]]
    assert bank[:, :, 0, 17].tolist() == [[-64, -127, -64], [0, 0, 0], [64, 127, 64]]
    assert not bank[:, :, 1:, 17].any()


def test_on_the_matrix_unit():
    config, image, bank = PRESETS["systolic-64"], photo(), filter_bank()
    program = map_convolution(config, image, bank, padding=1)
    result = program.assemble(matrix_unit(config, program.weights, program.activations, program.commands))
    assert result.shape == (1, 107, 160, 64)
    np.testing.assert_array_equal(result, convolution(image, bank, padding=1))
