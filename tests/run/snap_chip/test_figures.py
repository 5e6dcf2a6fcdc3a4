"""Figures of the SNAP paper on the chip, with parts of layers."""

import pytest

from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.run.progress import silent
from tensorloom.run.snap_chip import figures
from tensorloom.run.snap_chip.papers import FIGURES
from tensorloom.sim.snap_chip.frame import frame
from tensorloom.sim.workloads.layers import find_layer, sample

PARTS = {
    "resnet50/res2a_branch2a": (7, 14, 32, 32),
    "resnet50/res2a_branch2b": (7, 14, 32, 32),
    "resnet50/res5c_branch2b": (7, 7, 32, 32),
}


def part(name: str):
    found = find_layer(name)
    assert found is not None
    return sample(found, *PARTS[name])


def test_speedups_of_blocks() -> None:
    layers = tuple(part(name) for name in PARTS)
    found = figures.speedups(silent, layers)
    assert set(FIGURES["snap-fig15"].published) <= set(found)
    blocks = {name: found[name] for name in ("blk-2a", "blk-5c")}
    assert found["mean"] == pytest.approx(sum(blocks.values()) / 2, abs=0.01)
    # No more than the products that are left out, at densities of 0.57/0.59 at most and 0.25/0.41.
    assert 1 < blocks["blk-2a"] < 1 / (0.4 * 0.59) and 1 < blocks["blk-5c"] < 1 / (0.25 * 0.41)
    for name, ours in blocks.items():
        better = 1 + found[f"{name}, better than channel-last, %"] / 100
        assert better == pytest.approx(ours / found[f"{name}, channel-last"], rel=0.02)


def test_chip() -> None:
    layers = tuple(part(name) for name in PARTS)
    found = figures.chip(silent, layers)
    assert set(FIGURES["snap-table2"].published) <= set(found)
    assert found["multipliers"] == 252
    assert 0 < found["the same with DRAM"] < found["the same at 45 nm and 0.9 V"] < found["ResNet-50, TOPS/W"]
    cycles = frame(PRESETS["snap-chip"], layers, [(0.38, 0.52)] * 3, figures.TIMING, seed=0).counters.cycles
    assert found["ResNet-50, frames/s at 480 MHz"] == pytest.approx(480e6 / cycles, rel=1e-4)
