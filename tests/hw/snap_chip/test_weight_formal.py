"""Formal proofs of the weight buffer."""

import pytest

from tensorloom.tb.formal import check_reachable, prove
from tensorloom.tb.snap_chip.formal.weight_ring import WeightRingSpec
from tensorloom.tb.snap_chip.parts import CONFIGS

SMALL = CONFIGS["tiny"].replace(weight_rows=17, address_bits=12)


@pytest.mark.parametrize("data_bits", [64, 128, 256])
def test_every_row_is_counted_once(data_bits):
    prove(WeightRingSpec(SMALL.replace(data_bits=data_bits)))


def test_assumptions_leave_a_full_buffer():
    check_reachable(WeightRingSpec(SMALL.replace(data_bits=128)), depth=16)
