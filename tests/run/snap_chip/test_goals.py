"""Goals of the chip and the paper's figures beside those measured."""

import pytest

from tensorloom.run.contract import Table
from tensorloom.run.snap_chip.area import measure_areas
from tensorloom.run.snap_chip.frames import DENSE, FALLING, MEAN
from tensorloom.run.snap_chip.goals import compare_paper, list_goals, speedup_over_dense
from tensorloom.run.snap_chip.tables import figure_tables, went_text
from tensorloom.sim.snap_chip.counters import KINDS

CYCLES = {
    ("snap-chip", MEAN): 3_500_001, ("snap-chip", DENSE): 16_000_000, ("snap-chip", FALLING): 3_700_000,
    ("snap-chip-large", MEAN): 3_300_000, ("snap-chip-large", DENSE): 14_000_000,
    ("snap-chip-large", FALLING): 3_600_000,
}  # fmt: skip

FRAMES = [
    {
        "preset": preset, "densities": densities, "cycles": cycles, "network": "resnet50", "layers_run": 54,
        "ideal_cycles": 2_900_000, "utilisation": 0.8, "products_per_cycle": 200.0, "sums_per_output": 1.0,
        "where_cycles_went": {"compute": 0.81, "memory": 0.19, "end": 0.001},
        **dict.fromkeys([f"{kind}_bytes" for kind in KINDS], 1e6),
    }
    for (preset, densities), cycles in CYCLES.items()
]  # fmt: skip

CORES = [
    {
        "preset": preset, "kind": kind, "core_utilisation": found, "sharing_loss": loss, "imbalance_loss": 0.001,
        "worst_sharing_loss": 0.02,
        "block_lines": 4, "block_kernels": 4, "cycles": 100_000,
    }
    for preset in ("snap-chip", "snap-chip-large")
    for kind, found, loss in (
        ("3x3, 56 wide", 0.95, 0.015), ("3x3, 14 wide", 0.95, 0.002), ("3x3, 7 wide", 0.85, 0.01),
        ("1x1, 14 wide", 0.1, 0.016 * (preset == "snap-chip-large")),
    )
]  # fmt: skip

AREA = [
    {"preset": "snap-chip", "sram_kb": 280.1, "products_per_cycle_per_m_nand2": 12.99},
    {"preset": "snap-chip-8b", "sram_kb": 280, "products_per_cycle_per_m_nand2": 18},
    {"preset": "snap-chip-large", "sram_kb": 1, "products_per_cycle_per_m_nand2": 1},
]

FIGURES = {
    "preset": "snap-chip", "frames": FRAMES, "cores": CORES, "area": AREA, "layers": [], "emit_seconds": 20.1,
    "emitted_bytes": 1, "build_seconds": 180, "cycles_per_second": 4000,
}  # fmt: skip


def test_goals():
    goals = {one["name"]: one for one in list_goals(FIGURES)}
    missed = {name for name, one in goals.items() if not one["met"]}
    assert missed == {
        f"cycles a frame, snap-chip, {MEAN}", f"cycles a frame, snap-chip-large, {FALLING}",
        "speed-up over dense, snap-chip-large", "utilisation of one core, 3x3, 7 wide, snap-chip",
        "utilisation of one core, 3x3, 7 wide, snap-chip-large",
        "utilisation of one core, 3x3, 14 wide, snap-chip-large",
        "loss by sharing activations, the worst layer, snap-chip-large", "SRAM, kB, snap-chip",
        "products a cycle per M NAND2, snap-chip", "emit_seconds",
    }  # fmt: skip
    assert len(goals) == 4 + 2 * 2 + 2 * 4 + 3 + 2 + 3
    assert goals["speed-up over dense, snap-chip"]["value"] == 4.571
    assert goals["speed-up over dense, snap-chip"]["goal"] == ">= 4.3"
    assert goals[f"cycles a frame, snap-chip-large, {MEAN}"]["ratio"] == 0.985
    assert goals["products a cycle per M NAND2, snap-chip"]["ratio"] == 0.999
    assert goals["loss by sharing activations, the worst layer, snap-chip"]["value"] == 0.015


def test_paper():
    rows = {(one["preset"], one["name"]): one for one in compare_paper(FRAMES)}
    assert rows["snap-chip", "cycles_per_frame"]["better_by"] == round(5.28 / 3.500001, 3)
    assert rows["snap-chip-large", "speedup_over_dense"]["value"] == 4.242
    assert rows["snap-chip-large", "speedup_over_dense"]["better_by"] == round(14 / 3.3 / 2.87, 3)
    assert speedup_over_dense(FRAMES, "snap-chip") == pytest.approx(16 / 3.500001)


def test_area(monkeypatch):
    """Of the presets that ran, by what the area tool says."""

    class Chip:
        instances, total, gates, memory_bits = 1, 12_000_000, 8_000_000, 8_000 * 13

    class Core:
        instances, total, gates, memory_bits = 4, 2_250_000, 1_750_000, 8_000 * 2

    class Report:
        top, modules = "chip", {"chip": Chip, "snap_core": Core}

    monkeypatch.setattr("tensorloom.run.snap_chip.area.emit_design", lambda design: design.name)
    monkeypatch.setattr("tensorloom.run.snap_chip.area.measure_area", lambda emission, progress: Report())
    from tensorloom.run.progress import silent

    small, large = measure_areas(silent, FRAMES)
    assert (small["preset"], large["preset"]) == ("snap-chip", "snap-chip-large")
    assert small["products_per_cycle_per_m_nand2"] == 200 / 10 and small["cores_m_nand2"] == 9
    assert small["sram_kb"] == 5 and small["buffers_kb"] == 270.8


def test_tables():
    tables = {table.title: table for table in figure_tables(FIGURES | {"goals": list_goals(FIGURES)})}
    frames = tables["resnet50, 54 layers, by the cycle model"]
    assert isinstance(frames, Table)
    assert frames.rows[0] == [
        "snap-chip", MEAN, 3_500_001, 2_900_000, 0.8, 6.0, "compute 81.0%, memory 19.0%"
    ]  # fmt: skip
    assert tables["Area"].rows[0] == ["snap-chip", 280.1, 12.99]
    assert tables["Goals"].columns == ["name", "value", "goal", "met", "ratio"]
    assert all(len(row) == len(table.columns) for table in tables.values() for row in table.rows)
    assert went_text({"a_b": 0.2, "c": 0.004, "d": 0.5}) == "d 50.0%, a b 20.0%"
