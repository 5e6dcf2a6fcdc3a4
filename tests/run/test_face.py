"""``import tensorloom``: what a user of the library needs, and nothing deeper."""

import doctest
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tensorloom as tl
from tensorloom.run import accelerator
from tensorloom.run.registry import engines
from tensorloom.sim.golden.convolution import convolution

PRESETS = ("tiny", "snap-tiny")


def tensor(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-99, 100, shape, np.int8)


def test_every_name_is_there_and_documented() -> None:
    for name in tl.__all__:
        found = getattr(tl, name)
        assert inspect.getdoc(found), name
    assert set(tl.__all__) <= set(dir(tl))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        tl.nothing  # noqa: B018


def test_import_is_light() -> None:
    code = "import sys, tensorloom; print(*{'numpy', 'amaranth', 'typer', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(accelerator).attempted > 0
    assert doctest.testmod(accelerator).failed == 0


@pytest.mark.parametrize("preset", PRESETS)
def test_convolution(preset: str, seed: int) -> None:
    x, w = tensor(seed, 5, 6, 8), tensor(seed + 1, 3, 3, 8, 4)
    core = tl.engine(preset)
    outcome = core.convolution(x, w, padding=1)
    assert np.array_equal(outcome.output, convolution(x[None], w, padding=1)[0])
    assert outcome.source == "rtl" and outcome.cycles > 0 and 0 < outcome.utilisation <= 1
    assert sum(outcome.where_cycles_went().values()) == pytest.approx(1)
    batch = core.convolution(np.stack([x, x]), w, padding=1, model_only=True)
    assert batch.source == "model" and np.array_equal(batch.output, np.stack([outcome.output] * 2))


@pytest.mark.parametrize("preset", PRESETS)
def test_product(preset: str, seed: int) -> None:
    a, b = tensor(seed, 7, 9), tensor(seed + 1, 9, 5)
    outcome = tl.engine(preset).matmul(a, b, stall=0.3, seed=1)
    assert np.array_equal(outcome.output, a.astype(int) @ b)


def test_model_only_needs_no_verilog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "emit_design", None)
    monkeypatch.setattr(accelerator, "Simulator", None)
    assert tl.engine("tiny").matmul(tensor(1, 3, 3), tensor(2, 3, 3), model_only=True).cycles > 0


def test_verilog_of_a_configuration(tmp_path: Path) -> None:
    unit = tl.engine("tiny").configure(columns=8)
    assert unit.name == "tiny columns=8" and unit.config.multipliers == 32
    assert "4 x 8 PEs" in repr(unit)
    paths = unit.verilog(tmp_path, prefix="my_")
    assert [path.suffix for path in paths] == [".v", ".vlt", ".json"] and all(path.exists() for path in paths)


def test_progress() -> None:
    lines: list[str] = []
    tl.engine("tiny", progress=lines.append).matmul(tensor(1, 3, 3), tensor(2, 3, 3))
    assert lines[0] == "Emitting tiny" and "Simulating product 3x3 by 3x3" in lines


def test_presets_and_engines() -> None:
    assert set(tl.presets()) == {name for engine in engines().values() for name in engine.presets}
    for name, engine in engines().items():
        assert tl.engine(name).name == next(iter(engine.presets))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tl.engine("tinny"), "preset must be one of .*, not 'tinny'"),
        (lambda: tl.engine("tiny", rowz=3), "field must be one of .*, not 'rowz'"),
        (lambda: tl.engine("tiny", rows=3), r"rows must be a multiple of tile_rows \(2\), not 3"),
        (lambda: tl.engine("tiny").convolution(tensor(1, 3, 3), tensor(1, 1, 1, 3, 1)), "x must be of shape N x"),
        (lambda: tl.engine("tiny").matmul(tensor(1, 3, 3), tensor(1, 3, 3), model_only=True, stall=0.5), "stall must"),
    ],
)  # fmt: skip
def test_errors(call: Callable, message: str) -> None:
    with pytest.raises(tl.ConfigError, match=message) as caught:
        call()
    assert isinstance(caught.value, tl.Error) and caught.value.exit_code == 2


def test_a_wrong_result_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorloom.run import execution

    real = execution.golden
    monkeypatch.setattr(execution, "golden", lambda job: real(job) + 1)
    with pytest.raises(tl.FailureError, match="9 of 9 results differ from the golden model"):
        tl.engine("tiny").matmul(tensor(1, 3, 3), tensor(2, 3, 3))
