"""Cycle model of the channel-last machine."""

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.geometry import Padding, Steps
from tensorloom.sim.snap.channel_last import ChannelLast, simulate_channel_last

ONE = ChannelLast(pe_rows=1, pe_columns=1, operands=2, banks=4, kernels=2)


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 1), ((1, 3), (2, 0, 1, 3))])
@pytest.mark.parametrize("queue", [0, 3])
def test_every_pair_is_multiplied_once(seed: int, stride: Steps, padding: Padding, queue: int) -> None:
    rng = np.random.default_rng(seed)
    for density in (0, 0.2, 0.7, 1):
        x, w = rng.random((9, 8, 6)) < density, rng.random((3, 3, 6, 11)) < density
        run = simulate_channel_last(ChannelLast(queue=queue), x.astype(int), w.astype(int), stride, padding)
        assert run.products == convolution(x.astype(int)[None], w.astype(int), stride, padding).sum()
        assert run.vectors * 16 >= run.products
        assert run.cycles * 4 >= run.vectors + run.contention
        assert run.utilisation(64) <= 1 if density else run.cycles == run.utilisation(64) == 0


def test_by_hand() -> None:
    # one channel, 1x1 kernels: bank = 2 * pixel + kernel, so that two pixels by two kernels meet four banks
    x, w = np.ones((1, 4, 1), int), np.ones((1, 1, 1, 2), int)
    run = simulate_channel_last(ONE, x, w)
    assert (run.cycles, run.products, run.vectors, run.contention) == (2, 8, 2, 0)
    assert run.utilisation(ONE.multipliers) == 1
    # pixels 0 and 2 share banks: the multipliers stand still for a cycle, unless the banks have a queue
    x[0, [1, 3]] = 0
    run = simulate_channel_last(ONE, x, w)
    assert (run.cycles, run.products, run.vectors, run.contention) == (2, 4, 1, 1)
    x = np.concatenate([x, x], 2)
    x[0, 2, 1], w = 0, np.concatenate([w, w], 2)
    # channel 1 has pixel 0 alone: its products go to banks that still have one waiting
    assert simulate_channel_last(ONE, x, w).cycles == 3
    queued = ChannelLast(pe_rows=1, pe_columns=1, operands=2, banks=4, kernels=2, queue=2)
    run = simulate_channel_last(queued, x, w)
    assert (run.cycles, run.contention) == (3, 1), "the queues must still be emptied"


def test_queues_help_and_the_slowest_pe_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, w = rng.random((8, 8, 16)) < 0.5, rng.random((3, 3, 16, 8)) < 0.5
    x, w = x.astype(int), w.astype(int)
    cycles = [simulate_channel_last(ChannelLast(queue=queue), x, w, padding=1).cycles for queue in (0, 1, 4, 1000)]
    assert cycles == sorted(cycles, reverse=True) and cycles[0] > cycles[1]
    x[4:] = 0
    lonely = simulate_channel_last(ChannelLast(), x, w, padding=1)
    assert lonely.vectors < 2 * lonely.cycles


def test_wrong_values() -> None:
    with pytest.raises(ConfigError, match="banks must be an integer of at least 1, not 0"):
        ChannelLast(banks=0)
    with pytest.raises(ConfigError, match="queue must be an integer of at least 0, not -1"):
        ChannelLast(queue=-1)
