"""What docs/eie.md says is so: its tables."""

from tensorloom.hw.eie.config import PRESETS
from tensorloom.sim.eie.exploration import published
from tensorloom.sim.workloads.compressed import COMPRESSED_LAYERS

from ..pages import table


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
