"""Formal proofs of memory ports and registers."""

import pytest

from tensorloom.hw.bus.config import PortConfig
from tensorloom.tb.bus.formal.read_arbiter import ReadArbiterSpec
from tensorloom.tb.bus.formal.reader import ReaderSpec
from tensorloom.tb.bus.formal.registers import RegistersSpec
from tensorloom.tb.bus.formal.splitter import SplitterSpec
from tensorloom.tb.bus.formal.writer import WriterSpec
from tensorloom.tb.bus.maps import MAPS
from tensorloom.tb.formal import check_bounded, check_reachable, prove

SMALL = PortConfig(data_bits=8, address_bits=13, beats_bits=5, max_burst=4, outstanding=2, fifo_depth=6)
BEATS = SMALL.replace(max_burst=1, fifo_depth=1)
PAGES = SMALL.replace(data_bits=1024, max_burst=32, fifo_depth=33)
TWO = SMALL.replace(beats_bits=3, max_burst=2, fifo_depth=3)


@pytest.mark.parametrize("config", [(6, 5, 4), (5, 4, 1), (4, 6, 16), (25, 32, 256)])
def test_bursts_cover_what_was_asked_for(config):
    prove(SplitterSpec(*config))


@pytest.mark.parametrize("config", [SMALL, BEATS, pytest.param(PAGES, marks=pytest.mark.slow)])
def test_every_beat_that_is_read_has_room(config):
    prove(ReaderSpec(config))


@pytest.mark.parametrize("clients", [1, pytest.param(2, marks=pytest.mark.slow), 3])
def test_beats_go_to_whom_they_are_for(clients):
    check_bounded(ReadArbiterSpec(BEATS.replace(outstanding=1), clients), depth=12)


def test_data_that_are_written_are_cut_where_addresses_say():
    check_bounded(WriterSpec(TWO), depth=10)


def test_assumptions_leave_interesting_cases():
    check_reachable(SplitterSpec(6, 5, 4), depth=9)
    check_reachable(ReaderSpec(SMALL), depth=14)
    check_reachable(WriterSpec(TWO), depth=14)
    check_reachable(ReadArbiterSpec(BEATS.replace(outstanding=1), 2), depth=12)


@pytest.mark.parametrize("registers", MAPS.values(), ids=list(MAPS))
def test_registers_answer_each_access_once(registers):
    prove(RegistersSpec(registers))
    check_reachable(RegistersSpec(registers), depth=8)
