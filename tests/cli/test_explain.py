"""``tensorloom explain``: layers, networks from files, and refusals."""

import json
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from tensorloom.run.registry import engines
from tensorloom.sim.workloads.digits_onnx import MODELS

SHAPE = "6x6x8,3x3,8"


def test_layer(run: Callable, tmp_path: Path) -> None:
    args = "explain", SHAPE, "--design", "tiny", "--keep", tmp_path
    result = run(*args)
    assert result.exit_code == 0, result.output
    assert "595 cycles, utilisation 96.8%; the largest wait: drain 2.0%" in result.stdout
    assert "(no row waited to enter: start and end)" in result.stdout
    found = json.loads(run(*args, "--json").stdout)
    columns = next(field for field in found["fields"] if field["field"] == "columns")
    assert f"{columns['cycles']:,}" in next(line for line in result.stdout.splitlines() if line.startswith("columns"))


def test_fields_that_have_no_double(run: Callable, tmp_path: Path) -> None:
    result = run("explain", "4x4x4,1x1,4", "--design", "tiny", "--set", "accumulator_bits=48", "--keep", tmp_path)
    assert result.exit_code == 0, result.output
    assert "not accumulator_bits: accumulator_bits must be " in result.stdout


def test_network_from_a_file(run: Callable, tmp_path: Path) -> None:
    onnx.save(MODELS["digits_mlp"](), tmp_path / "digits.onnx")
    args = "explain", tmp_path / "digits.onnx", "--design", "tpu-tiny", "--keep", tmp_path / "kept", "--json"
    result = run(*args)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["cycles"] > 0 and len(found["layers"]) >= 3
    causes = engines()["tpu"].causes
    assert found["wait"] in list(causes)[1:] and found["meaning"] == causes[found["wait"]]


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("resnet50/conv9", "--design", "tiny"), "LAYER must be one of"),
        ((SHAPE,), "--design PRESET or --config FILE is needed"),
        (("0x6x8,3x3,8", "--design", "tiny"), "H in LAYER must be at least 1, not 0"),
        (("6x6,3x3,8", "--design", "tiny"), "LAYER must be of the form HxWxC,RxS,K"),
        ((SHAPE, "--design", "tiny", "--input", "x.npy"), "--input goes with an ONNX file"),
        (("no.onnx", "--design", "tpu-tiny"), "'no.onnx' does not exist"),
        (("no.onnx", "--design", "tpu-tiny", "--area"), "go with layers, not with an ONNX file"),
        ((SHAPE, "--design", "tiny", "--set", "row=3"), "field must be one of rows"),
    ],
)
def test_refusals(fails: Callable, args: tuple[str, ...], text: str) -> None:
    assert text in fails("explain", *args, code=2)
