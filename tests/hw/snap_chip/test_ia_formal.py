"""Formal proofs of the way of activations from memory to the rows."""

import pytest
from amaranth.hdl import Mux

from tensorloom.hw.snap_chip.ia_loader import IaLoader
from tensorloom.tb.formal import ProofError, check_bounded, check_reachable, prove
from tensorloom.tb.snap_chip.formal.ia_loader import IaLoaderSpec
from tensorloom.tb.snap_chip.formal.tile_fetch import TileFetchSpec
from tensorloom.tb.snap_chip.parts import CONFIGS, WIDE

SMALL = CONFIGS["tiny"].replace(bank_rows=4, directory_entries=4, resident_bands=2)

PARTS = WIDE.replace(bank_rows=4, row_words=2, directory_entries=4)
"""Tiles of three parts."""


class Forgetful(IaLoader):
    """The words with which a band ends are not counted."""

    def _free(self, m, bank, words, band_ends, begins, ready):
        return super()._free(m, bank, Mux(band_ends, 0, words), band_ends, begins, ready)


def test_no_word_is_written_that_a_band_needs():
    prove(IaLoaderSpec(SMALL))


def test_a_loader_that_does_not_count_all_words_is_noticed():
    with pytest.raises(ProofError, match="Assert failed"):
        check_bounded(IaLoaderSpec(SMALL.replace(data_bits=128), Forgetful), depth=7)


def test_assumptions_leave_a_full_bank():
    check_reachable(IaLoaderSpec(SMALL.replace(data_bits=128)), depth=11)


@pytest.mark.parametrize("config", [SMALL, PARTS])
def test_every_tile_that_is_fetched_has_room(config):
    prove(TileFetchSpec(config))


def test_fetching_that_believes_in_more_room_is_noticed():
    with pytest.raises(ProofError, match="Assert failed"):
        check_bounded(TileFetchSpec(SMALL, spare=1), depth=9)


def test_assumptions_leave_full_rows():
    check_reachable(TileFetchSpec(SMALL), depth=10)
