"""``tensorloom sim`` and the others on the smallest chip."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tensorloom.run.snap_chip.program import SnapChipProgram
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.requantize import requantize
from tensorloom.sim.snap_chip.counters import KINDS
from tensorloom.sim.snap_chip.cycles import WENT

FIGURES = {
    "design", "job", "shape", "seed", "stall", "source", "bit_exact", "mismatches", "cycles", "predicted_cycles",
    "equals_cycle_model", "where_cycles_went", "macs", "utilisation", "output_factor",
    "command_bytes", "input_bytes", "residual_bytes", "scale_bytes", "weight_bytes", "output_bytes",
    "seconds", "cycles_per_second", "build_seconds", "passed",
}  # fmt: skip


def report(result) -> dict:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    "options",
    [
        ["--shape", "8x8x24,3x3,16", "--padding", "1", "--density", "0.4/0.5"],
        ["--matmul", "10x60x20", "--kinds", "uint8,int8"],
        ["--conv", "2x7x6x9,3x2,11", "--kinds", "uint8,int8", "--stride", "2,1", "--padding", "1"],
        ["--conv", "1x6x7x8,3x3,8", "--groups", "8", "--dilation", "2", "--padding", "2"],
        ["--layer", "resnet50/res5a_branch2b", "--part", "7x7x24,16", "--density", "0.38/0.52"],
    ],
)
def test_jobs(run: Callable, options: list[str]) -> None:
    found = report(run("sim", "snap-chip-tiny", *options, "--json"))
    assert set(found) == FIGURES
    assert found["passed"] and found["bit_exact"] and found["mismatches"] == 0 and found["cycles"] > 0
    assert found["equals_cycle_model"] is True and found["predicted_cycles"] == found["cycles"]
    assert tuple(found["where_cycles_went"]) == WENT
    assert sum(found["where_cycles_went"].values()) == pytest.approx(1, abs=1e-3)
    assert found["where_cycles_went"]["compute"] >= found["utilisation"]
    assert found["weight_bytes"] > 0 and found["input_bytes"] > 0 and found["output_bytes"] > 0


def test_stalls_change_cycles_but_no_result(run: Callable) -> None:
    args = ["sim", "snap-chip-tiny", "--matmul", "10x20x8", "--json"]
    smooth, stalled = report(run(*args)), report(run(*args, "--stall", "0.5"))
    assert stalled["passed"] and stalled["cycles"] > smooth["cycles"]
    assert set(stalled["where_cycles_went"]) == {"nothing_read"} | {f"{kind}_read" for kind in set(KINDS) - {"output"}}
    assert sum(stalled["where_cycles_went"].values()) == pytest.approx(1, abs=1e-3)
    assert stalled["equals_cycle_model"] is None and stalled["weight_bytes"] == smooth["weight_bytes"]


def test_models_alone_know_all(run: Callable) -> None:
    args = ["sim", "snap-chip-tiny", "--matmul", "10x20x8", "--json"]
    models, verilog = report(run(*args, "--model-only")), report(run(*args))
    kinds = ["cycles", "utilisation", "where_cycles_went", *(name for name in FIGURES if name.endswith("_bytes"))]
    assert [models[kind] for kind in kinds] == [verilog[kind] for kind in kinds]


def test_table(run: Callable) -> None:
    result = run("sim", "snap-chip-tiny", "--matmul", "4x4x4")
    assert result.exit_code == 0 and result.stdout.endswith("passed\n")
    assert "predicted cycles" in result.stdout and "equals cycle model" in result.stdout


def test_images_of_the_user(run: Callable, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, w = rng.integers(0, 256, (2, 5, 5, 3), np.uint8), rng.integers(-128, 128, (3, 3, 3, 5), np.int8)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "w.npy", w)
    files = ["--a", tmp_path / "x.npy", "--b", tmp_path / "w.npy", "-o", tmp_path / "out.npy"]
    found = report(run("sim", "snap-chip-tiny", *files, "--padding", "1", "--json"))
    expected = requantize(convolution(x, w, padding=1), found["output_factor"], dtype=np.int8)
    assert np.array_equal(np.load(tmp_path / "out.npy"), expected)


def test_a_wrong_byte_of_memory_is_a_failure(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    real = SnapChipProgram.after.func  # pyrefly: ignore[missing-attribute]  # a cached property

    def wrong(program):
        after = real(program).copy()
        after[-1] ^= 1  # behind the last table of lengths, where nobody may write
        return after

    monkeypatch.setattr(SnapChipProgram.after, "func", wrong)
    result = run("sim", "snap-chip-tiny", "--matmul", "4x4x4")
    assert result.exit_code == 1 and "1 bytes of memory are not what they must be after the run" in result.stdout


def test_a_wrong_count_is_a_failure(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorloom.run.snap_chip.engine import SnapChipEngine

    real = SnapChipEngine.read_counters

    def wrong(engine, ports):
        return real(engine, dict(ports) | {"count_weight_beats": ports["count_weight_beats"] + 1})

    monkeypatch.setattr(SnapChipEngine, "read_counters", wrong)
    result = run("sim", "snap-chip-tiny", "--matmul", "4x4x4")
    assert result.exit_code == 1 and "counters that differ from the models: weight_beats" in result.stdout


def test_verilog_lint_and_list(run: Callable, tmp_path: Path) -> None:
    assert run("verilog", "snap-chip-tiny", "-o", tmp_path).exit_code == 0
    assert (tmp_path / "snap_chip.v").exists()
    assert "no warnings" in run("lint", tmp_path).stdout
    assert "snap-chip-tiny" in run("list").stdout
