"""Formal proofs of the roundings."""

import pytest

from tensorloom.tb.common.formal.aligned_adder import AlignedAdderSpec
from tensorloom.tb.common.formal.byte_rounder import ByteRounderSpec
from tensorloom.tb.common.formal.fifo import FifoSpec
from tensorloom.tb.common.formal.normalizer import NormalizerSpec
from tensorloom.tb.common.formal.round_to_byte import RoundToByteSpec
from tensorloom.tb.formal import check_bounded, check_reachable, prove

from ...marks import slow


@pytest.mark.parametrize("config", slow([(6, 1), (12, 5), (32, 24), (38, 24), (48, 24)], lambda config: config[0] > 32))
def test_numbers_are_rounded_half_to_even(config):
    prove(NormalizerSpec(*config))
    check_reachable(NormalizerSpec(*config), depth=1)


def test_both_roundings_to_a_byte_are_seen_at_once():
    prove(ByteRounderSpec())
    check_reachable(ByteRounderSpec(), depth=1)


@pytest.mark.parametrize("integer_bits", [9, pytest.param(19, marks=pytest.mark.slow)])
def test_sums_lose_nothing_that_a_rounding_sees(integer_bits):
    check_bounded(AlignedAdderSpec(integer_bits), depth=1)  # there are no registers: that is all
    check_reachable(AlignedAdderSpec(integer_bits), depth=1)


def test_float32_numbers_become_bytes():
    prove(RoundToByteSpec(), depth=2)
    check_reachable(RoundToByteSpec(), depth=2)


def test_beats_leave_a_fifo_in_order():
    check_bounded(FifoSpec(3, 2), depth=9)
    check_reachable(FifoSpec(3, 2), depth=8)
