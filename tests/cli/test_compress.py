"""``tensorloom compress``."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from ..sim.network.float_models import flat_digits, perceptron

pytest.importorskip("onnxruntime")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a model, its inputs and labels."""
    perceptron(tmp_path / "m.onnx")
    for name, values in zip(("x", "e", "y"), flat_digits(), strict=True):
        np.save(tmp_path / f"{name}.npy", values)
    return tmp_path


ALL = ("--calibrate", "x.npy", "-o", "q.onnx")
JUDGED = ("--evaluate", "e.npy", "--labels", "y.npy")


def test_table(run: Callable, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    result = run("compress", "m.onnx", "--density", "0.5", *ALL)
    assert result.exit_code == 0, result.output
    assert "hidden" in result.stdout and "scores" in result.stdout and "0.500" in result.stdout
    assert "zero point 0 in 2 places, another in 1" in result.stdout and "accuracy" not in result.stdout
    onnx.checker.check_model(str(files / "q.onnx"))


def test_json(run: Callable, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    name = "hidden/MatMulAddFusion"
    args = ("--density", "0.5", "--density", f"{name}=0.25", "--share", "16", "--symmetric", *JUDGED, "--json")
    result = run("compress", "m.onnx", *ALL, *args)
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    first, second = report["layers"]
    assert (first["name"], first["operator"], first["shape"]) == (name, "Gemm", [64, 48])
    assert 0.24 < first["density"] <= 0.25 and 0.47 < second["density"] <= 0.5
    # A code of 4 bits and an index of 4 bits for each entry, one scale, and what the 16 codes stand for.
    entries = round(first["density"] * first["weights"]) + first["fillers"]
    assert first["bits"] == entries * 8 + 32 + 16 * 8
    assert report["size_against_float"] == pytest.approx(
        sum(one["bits"] for one in report["layers"]) / (32 * report["weights"]), abs=1e-4
    )
    assert report["activations_with_other_zero_point"] == 0
    assert report["accuracy_before"] > 0.9 and report["accuracy_after"] > 0.5


def test_equal_runs_write_equal_models(run: Callable, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    written = []
    for _ in range(2):
        assert run("compress", "m.onnx", "--density", "0.3", "--share", "8", *ALL).exit_code == 0
        written.append((files / "q.onnx").read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--density", "0"), "--density must be more than 0, not 0.0"),
        (("--density", "1.5"), "--density must be from 0 to 1, not 1.5"),
        (("--density", "nan"), "--density must be from 0 to 1, not nan"),
        (("--density", "scores=2"), "--density scores must be from 0 to 1, not 2.0"),
        (("--density", "half"), "--density must be D or NAME=D, not 'half' ('half' is not a number)"),
        (("--density", "0.5", "--density", "0.4"), "--density of all layers is given twice"),
        (("--density", "scores=0.5", "--density", "scores=0.4"), "--density scores is given twice"),
        (
            ("--density", "score=0.5"),
            "--density must be of a layer of m.onnx (hidden/MatMulAddFusion, scores), not 'score'",
        ),
        (("--share", "1"), "--share must be from 2 to 256, not 1"),
        (("--labels", "y.npy"), "--evaluate and --labels must be given together"),
    ],
)
def test_wrong_options(fails: Callable, files: Path, args: tuple[str, ...], message: str) -> None:
    assert fails("compress", "m.onnx", *ALL, *args, code=2) == message


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("x", np.ones((5, 63), np.float32), "--calibrate must be of shape any x 64, not (5, 63)"),
        ("x", np.ones(64, np.float32), "--calibrate must be of shape any x 64, not (64,)"),
        ("x", np.ones((0, 64), np.float32), "--calibrate must be of shape any x 64, not (0, 64)"),
        ("x", np.ones((5, 64)), "--calibrate must be of type float32, not float64"),
        ("x", np.full((2, 64), np.nan, np.float32), "--calibrate must have no NaN and no infinity, not 128 such"),
        ("e", np.ones((5, 63), np.float32), "--evaluate must be of shape any x 64, not (5, 63)"),
        ("y", np.ones(7, int), "--labels must be one for each of the 360 examples of --evaluate, not (7,)"),
        ("y", np.ones(360), "--labels must be integers, not float64"),
        ("y", np.full(360, 10), "--labels must be from 0 to 9, not 10"),
        ("y", np.full(360, -1), "--labels must be from 0 to 9, not -1"),
    ],
    ids=str,
)
def test_wrong_arrays(fails: Callable, files: Path, name: str, values: np.ndarray, message: str) -> None:
    np.save(files / f"{name}.npy", values)
    assert fails("compress", "m.onnx", *ALL, *JUDGED, code=2) == message


@pytest.mark.parametrize("content", [b"", b"no model\n" * 9, b"\x93NUMPY", bytes(100)])
def test_no_model(fails: Callable, files: Path, content: bytes) -> None:
    (files / "m.onnx").write_bytes(content)
    assert fails("compress", "m.onnx", *ALL, code=2).startswith("m.onnx: not a")


def test_quantized_already(run: Callable, fails: Callable, files: Path) -> None:
    assert run("compress", "m.onnx", *ALL).exit_code == 0
    (files / "q.onnx").rename(files / "q")
    assert fails("compress", "q", *ALL, code=2) == "q: model is quantized already (it has DequantizeLinear)"


@pytest.mark.parametrize("output", ["m.onnx", "./x.npy", "e.npy", "y.npy"])
def test_nothing_that_is_read_is_lost(fails: Callable, files: Path, output: str) -> None:
    before = {path.name: path.read_bytes() for path in files.iterdir()}
    arguments = ("--calibrate", "x.npy", *JUDGED, "-o", output)
    message = f"cannot write {Path(output)}: it is read too, and would be lost"
    assert fails("compress", "m.onnx", *arguments, code=2) == message
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before


def test_weights_that_are_no_numbers(fails: Callable, files: Path) -> None:
    model = onnx.load(str(files / "m.onnx"))
    for tensor in model.graph.initializer:
        if len(tensor.dims) == 2:
            array = onnx.numpy_helper.to_array(tensor).copy()
            array[1, 2] = np.nan
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    onnx.save(model, str(files / "m.onnx"))
    text = "m.onnx: layer hidden/MatMulAddFusion has weights that are not finite numbers"
    assert fails("compress", "m.onnx", *ALL, code=2) == text


def test_a_model_that_cannot_run(fails: Callable, files: Path) -> None:
    model = onnx.load(str(files / "m.onnx"))
    model.graph.node[2].op_type = "Nonsense"
    onnx.save(model, str(files / "m.onnx"))
    assert fails("compress", "m.onnx", *ALL, code=2).startswith("m.onnx: onnxruntime can't run the model (")


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "sklearn"])
def test_missing_package(fails: Callable, files: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert fails("compress", "m.onnx", *ALL, code=1) == f"the Python package {package} is missing"


def test_nowhere_to_write(fails: Callable, files: Path) -> None:
    error = fails("compress", "m.onnx", "--calibrate", "x.npy", "-o", "no/q.onnx", code=2)
    assert error == "cannot write no/q.onnx: there is no folder no"
