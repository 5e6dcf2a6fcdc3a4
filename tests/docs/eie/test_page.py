"""What docs/eie.md says is so: its tables."""

import re

import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.hw.eie.config import PRESETS
from tensorloom.run.eie.area import PAPER_UM2, pe_table
from tensorloom.sim.eie.exploration import published
from tensorloom.sim.workloads.compressed import COMPRESSED_LAYERS

from ..pages import table

AREA = table("eie area")


def test_presets() -> None:
    expected = []
    for name, config in PRESETS.items():
        bits = config.memory_bits
        expected.append(
            [
                name, f"{config.clusters} x {config.lanes}", str(config.rows), config.index, str(config.queue_depth),
                f"{bits['matrix'] / 1e6:.1f}", f"{bits['pointers'] / 1e6:.1f}", f"{bits['sums'] / 1e3:.0f}",
            ]
        )  # fmt: skip
    assert table("eie presets") == expected


def test_fields() -> None:
    config, rows = PRESETS["eie-16x4"], table("eie fields")
    assert [(row[0], row[1]) for row in rows] == [
        (name, str(value).lower()) for name, value in config.to_dict().items()
    ]
    for name, _, _, rule in rows:
        for low, high in re.findall(r"(?:^|two, |even, )([0-9]+) to ([0-9]+)", rule):
            for value in (int(low) - 1, int(high) * 2):
                with pytest.raises(ConfigError, match=rf"^{name} must be .* from {low} to {high}, not "):
                    config.replace(**{name: value})


def test_layers() -> None:
    """The paper's figures of all layers, ours of those that are quick."""
    rows = table("eie layers")
    assert [row[0] for row in rows[:-1]] == [layer.name for layer in COMPRESSED_LAYERS]
    assert [row[1] for row in rows[:-1]] == [f"{layer.actual_over_ideal:.2f}" for layer in COMPRESSED_LAYERS]
    quick = [layer for layer in COMPRESSED_LAYERS if layer.products < 3.2e5]
    found = published(quick)
    assert len(quick) == 3
    for layer, paper, ours in zip(quick, found["eie-64"], found["eie-16x4"], strict=True):
        cells = next(row for row in rows if row[0] == layer.name)
        assert cells[2:] == [f"{paper['over_ideal']:.2f}", f"{ours['over_ideal']:.3f}", f"{ours['cycles']:,}"]


def test_area_of_the_papers_pe() -> None:
    paper = {row[0].replace(" ", "_"): row[1:3] for row in AREA if row[1]}
    total = sum(PAPER_UM2.values())
    assert paper == {part: [f"{area:,}", f"{area / total:.1%}"] for part, area in PAPER_UM2.items()}


@pytest.mark.slow
def test_area_of_a_pe() -> None:
    for row, found in zip(AREA, pe_table(PRESETS["eie-64"]), strict=True):
        assert row[0].replace(" ", "_") == found["part"]
        assert row[3:] == (["", ""] if found["nand2"] is None else [f"{found['nand2']:,}", f"{found['share']:.1%}"])
