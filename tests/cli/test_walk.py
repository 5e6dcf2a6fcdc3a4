"""``tensorloom walk``."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest


def test_random_product(run: Callable, tmp_path: Path) -> None:
    options = "walk", "tiny", "--set", "rows=2", "--matmul", "2x3x4", "--seed", "5", "-o", tmp_path / "walk.svg"
    result = run(*options, "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    a, b = np.array(figures["activations"]), np.array(figures["weights"])
    assert (a.shape, b.shape) == ((2, 3), (3, 4)) and max(abs(a).max(), abs(b).max()) <= 9
    assert figures["product"] == (a @ b).tolist()
    picture = (tmp_path / "walk.svg").read_text()
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert picture.count(">step ") == len(figures["steps"])
    said = run(*options)
    assert said.exit_code == 0
    assert f"walk.svg: product 2x3 by 3x4 on tiny rows=2, {len(figures['steps'])} steps, cycles " in said.stdout
    assert (tmp_path / "walk.svg").read_text() == picture


def test_tensors(run: Callable, tmp_path: Path) -> None:
    a, b = np.array([[255, 0, 1]], np.uint8), np.array([[-128], [5], [6]], np.int8)
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", b)
    files = "--a", tmp_path / "a.npy", "--b", tmp_path / "b.npy"
    result = run("walk", "tiny", *files, "-o", tmp_path / "walk.svg", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["product"] == [[-32634]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("tiny", "give sizes (--matmul MxKxN), or both tensors (--a and --b)"),
        ("tiny --a small.npy", "give sizes (--matmul MxKxN), or both tensors (--a and --b)"),
        (
            "tiny --a small.npy --b small.npy --matmul 4x4x4",
            "give sizes (--matmul MxKxN), or both tensors (--a and --b)",
        ),
        ("tiny --matmul 4x4", "--matmul must be of the form MxKxN, not '4x4'"),
        ("tiny --matmul 4x0x4", "K in --matmul must be at least 1, not 0"),
        ("tiny --matmul 4x9x4", "columns of activations must be an integer from 1 to 8, not 9"),
        ("tiny --matmul 4x4x9", "columns of weights must be an integer from 1 to 8, not 9"),
        ("tiny --matmul 1x40000x40000", "weights must have at most 268,435,456 elements, not 1,600,000,000"),
        ("tiny --a small.npy --b deep.npy", "rows of --b must be the 4 columns of --a, not 5"),
        ("tiny --a small.npy --b wide.npy", "columns of --b must be an integer from 1 to 8, not 9"),
        ("tiny --a image.npy --b image.npy", "--a must be of rank 2, not (1, 2, 2, 1)"),
        ("tiny --a long.npy --b small.npy", "--a must be int8 or uint8, not 'int16'"),
        ("systolic-16 --matmul 4x4x4", "rows must be an integer from 1 to 8, not 16"),
        ("tiny --set columns=10 --matmul 4x4x4", "columns must be an integer from 1 to 8, not 10"),
        (
            "tiny --set multiplier_registers=2 --matmul 4x4x4",
            "multiplier_registers must be 0, as a step is a product and its sum, not 2",
        ),
        ("snap --matmul 4x4x4", "engine must be one that can be walked through (systolic), not 'snap'"),
        ("tiny --matmul 4x4x4 -o no/walk.svg", "cannot write no/walk.svg: there is no folder no"),
    ],
)
def test_errors(fails: Callable, tmp_path: Path, options: str, message: str) -> None:
    for name, shape, kind in (
        ("small", (4, 4), np.int8),
        ("deep", (5, 4), np.int8),
        ("wide", (4, 9), np.int8),
        ("image", (1, 2, 2, 1), np.int8),
        ("long", (4, 4), np.int16),
    ):
        np.save(tmp_path / f"{name}.npy", np.ones(shape, kind))
    assert fails("walk", "-o", "walk.svg", *options.split(), code=2) == message
