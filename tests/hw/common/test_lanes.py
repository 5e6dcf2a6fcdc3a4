# amaranth: UnusedElaboratable=no
"""Sizes of lanes that are refused."""

import pytest

from tensorloom.hw.common.aligned_adder import AlignedAdder
from tensorloom.hw.common.normalizer import Normalizer
from tensorloom.hw.common.requantizer import Requantizer
from tensorloom.hw.common.residual_add import ResidualAdd
from tensorloom.hw.config import ConfigError


@pytest.mark.parametrize(
    "component, config, match",
    [
        (Requantizer, (0, 4), "sum_bits must be an integer of at least 1, not 0"),
        (Requantizer, (32, -1), "tag_bits must be an integer of at least 0, not -1"),
        (ResidualAdd, (-1,), "tag_bits must be an integer of at least 0, not -1"),
        (AlignedAdder, (1,), "integer_bits must be an integer of at least 2, not 1"),
        (Normalizer, (25, 24), "bits must be an integer of at least 26, not 25"),
        (Normalizer, (8, 0), "kept_bits must be an integer of at least 1, not 0"),
    ],
)
def test_bad_sizes(component, config, match):
    with pytest.raises(ConfigError, match=match):
        component(*config)
