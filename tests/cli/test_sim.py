"""``tensorloom sim``: jobs on the emitted Verilog of the smallest preset."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from tensorloom.run import contract, execution
from tensorloom.run.jobs import Job, golden
from tensorloom.run.systolic.engine import SystolicEngine
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.matmul import matmul
from tensorloom.tb.bulk import model
from tensorloom.tb.bulk.build import Options, Progress
from tensorloom.tb.bulk.cache import Cache
from tensorloom.tb.bulk.model import Model, WatchdogError

FIGURES = {
    "design", "job", "shape", "seed", "stall", "source", "bit_exact", "mismatches", "cycles", "predicted_cycles",
    "equals_cycle_model", "where_cycles_went", "scale_sim_cycles", "macs", "utilisation",
    "utilisation_limit", "seconds", "cycles_per_second", "build_seconds",
    "passed",
}  # fmt: skip


def report(result: Result) -> dict:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("kinds", ["int8,int8", "uint8,int8", "int16,uint8", "uint16,int16"])
def test_product(run: Callable, kinds: str) -> None:
    found = report(run("sim", "tiny", "--matmul", "13x9x7", "--kinds", kinds, "--set", "accumulator_bits=40", "--json"))
    assert set(found) == FIGURES
    assert found["passed"] and found["bit_exact"] and found["mismatches"] == 0
    assert found["cycles"] == found["predicted_cycles"] > 0
    assert found["macs"] == 13 * 9 * 7 and found["shape"] == [13, 7]
    assert found["utilisation"] == pytest.approx(13 * 9 * 7 / (16 * found["cycles"]), abs=1e-6)
    assert found["utilisation"] <= found["utilisation_limit"] <= 1


@pytest.mark.parametrize("options", [[], ["--stride", "2", "--padding", "1"], ["--dilation", "2"], ["--groups", "2"]])
def test_convolution(run: Callable, options: list[str]) -> None:
    found = report(run("sim", "tiny", "--conv", "1x7x6x4,3x2,6", *options, "--json"))
    assert found["passed"] and found["bit_exact"]


def test_stalls_change_cycles_but_no_result(run: Callable) -> None:
    args = ["sim", "tiny", "--matmul", "40x8x8", "--json"]
    smooth, stalled = report(run(*args)), report(run(*args, "--stall", "0.3"))
    assert stalled["bit_exact"] and stalled["cycles"] > smooth["cycles"]
    assert stalled["predicted_cycles"] is None and stalled["passed"]


def test_same_seed_same_cycles(run: Callable) -> None:
    args = ["sim", "tiny", "--matmul", "20x8x8", "--stall", "0.5", "--json"]
    cycles = [report(run(*args, "--seed", seed))["cycles"] for seed in (1, 1, 3)]
    assert cycles[0] == cycles[1] != cycles[2]


def test_table(run: Callable) -> None:
    result = run("sim", "tiny", "--matmul", "4x4x4")
    assert result.exit_code == 0
    assert "bit exact" in result.stdout and result.stdout.endswith("passed\n")
    assert "Simulating" in result.stderr


def test_tensors_of_the_user(run: Callable, tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.integers(0, 255, (5, 9), np.uint8), generator.integers(-128, 127, (9, 6), np.int8)
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", b)
    files = ["--a", tmp_path / "a.npy", "--b", tmp_path / "b.npy", "-o", tmp_path / "out.npy"]
    assert report(run("sim", "tiny", *files, "--json"))["passed"]
    assert np.array_equal(np.load(tmp_path / "out.npy"), matmul(a, b))


def test_images_of_the_user(run: Callable, tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    x, w = generator.integers(0, 255, (2, 5, 5, 3), np.uint8), generator.integers(-128, 127, (3, 3, 3, 5), np.int8)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "w.npy", w)
    files = ["--a", tmp_path / "x.npy", "--b", tmp_path / "w.npy", "-o", tmp_path / "out.npy"]
    assert report(run("sim", "tiny", *files, "--padding", "1", "--json"))["passed"]
    assert np.array_equal(np.load(tmp_path / "out.npy"), convolution(x, w, padding=1))


def test_waveforms(run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, real = [], model.compile_library

    def compile_library(sources: Path, options: Options, *, cache: Cache, progress: Progress | None = None) -> tuple:
        compiled.append(options.trace)
        return real(sources, options, cache=cache, progress=progress)

    monkeypatch.setattr(model, "compile_library", compile_library)
    vcd = tmp_path / "waves.vcd"
    assert run("sim", "tiny", "--matmul", "4x4x4", "--vcd", vcd, "--window", "0:20").exit_code == 0
    assert "$enddefinitions" in vcd.read_text()
    assert compiled == [True]  # and not once more without waveforms


def test_a_window_behind_the_end(fails: Callable, tmp_path: Path) -> None:
    """There is nothing to write; what is there stays."""
    (tmp_path / "waves.vcd").write_text("earlier")
    error = fails("sim", "tiny", "--matmul", "4x4x4", "--vcd", "waves.vcd", "--window", "5000:6000", code=2)
    assert re.fullmatch(r"--window must begin before cycle \d\d, where the run ended, not at 5,000", error)
    assert (tmp_path / "waves.vcd").read_text() == "earlier"


def test_a_failed_run_keeps_its_waveforms(run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are what shows the fault."""
    (tmp_path / "waves.vcd").write_text("earlier")
    real = Model._advance

    def stuck(self: Model, *args: Any) -> None:
        real(self, *args)
        raise WatchdogError("stuck")

    monkeypatch.setattr(Model, "_advance", stuck)
    done = run("sim", "tiny", "--matmul", "4x4x4", "--vcd", tmp_path / "waves.vcd")
    assert done.exit_code == 1 and "error: stuck" in done.stderr
    assert "$enddefinitions" in (tmp_path / "waves.vcd").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["waves.vcd"]


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.zeros((4, 4), np.int32), np.zeros((4, 4), np.int8), "--a must be of dtype int8, uint8, int16, uint16, not"),
        (np.zeros((4, 4), np.int8), np.zeros((4, 4)), "--b must be of dtype int8, uint8, int16, uint16, not float64"),
        (np.zeros((4, 4), np.int8), np.zeros((5, 4), np.int8), "rows of --b must be the 4 columns of --a, not 5"),
        (np.zeros((4, 4), np.int8), np.zeros(4, np.int8), "--b must be of rank 2 (K x N), not (4,)"),
        (
            np.zeros((4, 4, 4), np.int8),
            np.zeros((4, 4), np.int8),
            "--a must be of rank 2 (M x K) or 4 (N x H x W x C), not (4, 4, 4)",
        ),
        (np.zeros((0, 4), np.int8), np.zeros((4, 4), np.int8), "--a must be non-empty (M x K), not (0, 4)"),
        (np.zeros((1, 4, 4, 3), np.int8), np.zeros((3, 3, 2, 4), np.int8), ""),
        (
            np.zeros((1, 4, 4, 3), np.int8),
            np.zeros((3, 3), np.int8),
            "--b must be of rank 4 (R x S x C / groups x K), not (3, 3)",
        ),
        (
            np.array([object()]),
            np.zeros((4, 4), np.int8),
            "a.npy: not a readable .npy file (it holds Python objects, not numbers)",
        ),
    ],
)
def test_wrong_tensors(fails: Callable, tmp_path: Path, a: np.ndarray, b: np.ndarray, message: str) -> None:
    np.save(tmp_path / "a.npy", a, allow_pickle=True)
    np.save(tmp_path / "b.npy", b)
    assert fails("sim", "tiny", "--a", "a.npy", "--b", "b.npy", "-o", "out.npy", code=2).startswith(message)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it doesn't begin like one; numpy.save writes them"),
        (b"1 2 3\n4 5 6\n", "it doesn't begin like one; numpy.save writes them"),
        (b"\x93NUMPY\x01\x00", "it is cut off or damaged"),
        (b"\x93NUMPY\x01\x00\x10\x00{'descr': <f8}}}\n", "it is cut off or damaged"),
    ],
)
def test_files_without_a_tensor(fails: Callable, tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    np.save(tmp_path / "b.npy", np.zeros((4, 4), np.int8))
    error = fails("sim", "tiny", "--a", "a.npy", "--b", "b.npy", code=2)
    assert error == f"a.npy: not a readable .npy file ({reason})"


def test_archive_instead_of_a_tensor(fails: Callable, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.zeros((4, 4), np.int8))
    error = fails("sim", "tiny", "--a", "a.npz", "--b", "a.npz", code=2)
    assert error.startswith("a.npz: holds several arrays")


def test_one_tensor_is_not_enough(fails: Callable, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 4), np.int8))
    assert fails("sim", "tiny", "--a", "a.npy", code=2) == "--a and --b must be given together"
    error = fails("sim", "tiny", "--a", "a.npy", "--b", "a.npy", "--matmul", "4x4x4", code=2)
    assert error == "give sizes (--matmul, --conv) or tensors (--a, --b), not both"


def test_mismatch_is_a_failure(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(job: Job) -> np.ndarray:
        return golden(job) + np.eye(len(job.a), job.b.shape[1], dtype=int)

    monkeypatch.setattr(contract, "golden", wrong)
    result = run("sim", "tiny", "--matmul", "4x4x4", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["mismatches"], found["bit_exact"], found["passed"]) == (4, False, False)
    result = run("sim", "tiny", "--matmul", "4x4x4")
    assert "failed: 4 of 16 results differ from the golden model" in result.stdout


def test_unexpected_cycles_are_a_failure(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    real = SystolicEngine.predict
    changes = {"cycles": 1}
    monkeypatch.setattr(
        SystolicEngine,
        "predict",
        lambda *args: dataclasses.replace(
            found := real(*args), **{name: getattr(found, name) + value for name, value in changes.items()}
        ),
    )
    result = run("sim", "tiny", "--matmul", "4x4x4")
    assert result.exit_code == 1
    assert "but the cycle model says" in result.stdout
    changes = {"issued": 1, "wait_weights": -1}
    result = run("sim", "tiny", "--matmul", "4x4x4")
    assert result.exit_code == 1
    assert result.stdout.endswith("failed: counters that differ from the models: issued, wait_weights\n")


def test_answers_without_a_compiler(run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args = ["sim", "tiny", "--conv", "1x7x6x4,3x2,6", "--json"]
    expected = report(run(*args, "-o", tmp_path / "rtl.npy"))
    monkeypatch.setattr(execution, "build", None)
    found = report(run(*args, "--model-only", "-o", tmp_path / "model.npy"))
    assert found["source"] == "model" and found["passed"]
    assert found["bit_exact"] is None and found["equals_cycle_model"] is None  # nothing was compared
    same = ("cycles", "macs", "utilisation", "where_cycles_went")
    assert [found[name] for name in same] == [expected[name] for name in same]
    assert np.array_equal(np.load(tmp_path / "rtl.npy"), np.load(tmp_path / "model.npy"))
    assert "by the models alone" in run("sim", "tiny", "--matmul", "4x4x4", "--model-only").stdout
