"""Formal proofs of stored tiles: what is packed comes out again."""

import pytest

from tensorloom.hw.common.ranks import count_ones
from tensorloom.hw.snap_chip import tile_expander, tile_packer, tile_parser
from tensorloom.tb.formal import ProofError, check_bounded, check_reachable
from tensorloom.tb.snap_chip.formal.byte_unpacker import ByteUnpackerSpec
from tensorloom.tb.snap_chip.formal.tiles import TilesSpec
from tensorloom.tb.snap_chip.parts import CONFIGS

SMALL = CONFIGS["tiny"].replace(data_bits=128)
"""Segments may end within beats."""


def test_each_value_comes_out_once_and_in_order():
    check_bounded(TilesSpec(SMALL), depth=8)


def test_assumptions_leave_several_pixels():
    check_reachable(TilesSpec(SMALL), depth=8)


@pytest.mark.parametrize(
    "part, name, wrong",
    [
        (tile_packer, "WORD_BYTES", 4),
        (tile_parser, "_words_after_first", lambda config, word: (count_ones(word[:8]) + 4)[:4] >> 3),
        (tile_expander, "count_ones", lambda bits: count_ones(bits[:-1])),
    ],
    ids=["packer", "parser", "expander"],
)
def test_a_wrong_part_is_noticed(part, name, wrong, monkeypatch):
    monkeypatch.setattr(part, name, wrong)
    with pytest.raises(ProofError, match="Assert failed"):
        check_bounded(TilesSpec(SMALL), depth=8)


def test_bytes_are_shown_in_order():
    check_bounded(ByteUnpackerSpec(4), depth=9)
    check_reachable(ByteUnpackerSpec(4), depth=9)
