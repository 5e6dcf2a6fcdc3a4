"""Bottleneck blocks on the Verilog: small ones on the smallest chip, whole ones as they were recorded.

The whole ones run with: scripts/test -m slow -k bottlenecks.
"""

import dataclasses
from collections.abc import Callable

import pytest

from tensorloom.hw.errors import FailureError
from tensorloom.run.execution import Simulator
from tensorloom.run.mutation.records import read_records
from tensorloom.run.registry import find_preset
from tensorloom.run.snap_chip import bottlenecks
from tensorloom.run.snap_chip.bottlenecks import BLOCKS, PRESET, RECORDS, block_layers, measure_bottlenecks
from tensorloom.run.snap_chip.engine import SnapChipEngine
from tensorloom.sim.snap_chip.bottleneck import Bottleneck
from tensorloom.sim.snap_chip.cycles import WENT

PARTS = [(9, 8, 32, 8), (6, 7, 48, 16), (3, 4, 64, 24)]
"""What is left of each block on the smallest chip."""


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    design = find_preset("snap-chip-tiny")
    assert design
    return Simulator(design)


def test_small_blocks(simulator: Simulator) -> None:
    found = measure_bottlenecks(simulator, [block_layers(*part) for part in zip(BLOCKS, PARTS, strict=True)])
    assert found["design"] == "snap-chip-tiny"
    assert [block["name"] for block in found["blocks"]] == list(BLOCKS)
    assert found["blocks"][1]["layers"] == ["6x7x48,1x1,16", "6x7x16,3x3,16, padding 1", "6x7x16,1x1,48"]
    for block in found["blocks"]:
        assert block["source"] == "rtl" and block["bit_exact"] and block["equals_cycle_model"]
        assert block["residual_bytes"] > 0 and tuple(block["where_cycles_went"]) == WENT
        assert 0 < block["utilisation"] < block["where_cycles_went"]["compute"] < 1


@pytest.mark.parametrize("tensor", ["a", "b", "y"])
def test_wrong_outputs_are_failures(simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tensor: str) -> None:
    """Of any layer, if the maths says something else than the chip and its golden model."""

    def wrong(real: Callable[..., Bottleneck]) -> Callable[..., Bottleneck]:
        def make(*args) -> Bottleneck:
            block = real(*args)
            values = block.values[tensor].copy()
            values[-1, -1, -1] ^= 1
            return dataclasses.replace(block, values=block.values | {tensor: values})

        return make

    monkeypatch.setattr(bottlenecks, "random_bottleneck", wrong(bottlenecks.random_bottleneck))
    with pytest.raises(FailureError, match=f"^resnet50/res5b: 1 values of {tensor} differ from the maths$"):
        measure_bottlenecks(simulator, [block_layers(BLOCKS[2], PARTS[2])])


def test_wrong_counts_are_failures(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    real = SnapChipEngine.read_counters

    def wrong(engine, ports):
        return real(engine, dict(ports) | {"count_residual_beats": ports["count_residual_beats"] + 1})

    monkeypatch.setattr(SnapChipEngine, "read_counters", wrong)
    with pytest.raises(FailureError, match="^resnet50/res5b: counters that differ from the models: residual_beats$"):
        measure_bottlenecks(simulator, [block_layers(BLOCKS[2], PARTS[2])])


def test_record() -> None:
    """Three whole blocks, everything as the models say."""
    (record,) = read_records(RECORDS)
    assert record["design"] == PRESET
    for block, name in zip(record["blocks"], BLOCKS, strict=True):
        assert (block["name"], block["layers"]) == (name, [layer.text for layer in block_layers(name)])
        assert block["source"] == "rtl" and block["bit_exact"] and block["equals_cycle_model"]
        assert block["cycles"] == block["predicted_cycles"] > block["macs"] / 252


@pytest.mark.slow
def test_whole_blocks() -> None:
    """As they were recorded, but for the time."""
    (record,) = read_records(RECORDS)
    design = find_preset(PRESET)
    assert design
    found = measure_bottlenecks(Simulator(design), [*map(block_layers, BLOCKS)])
    for blocks in (found["blocks"], record["blocks"]):
        for block in blocks:
            del block["seconds"], block["cycles_per_second"]
    assert found == record, "run scripts/run_bottlenecks.py"
