"""The page of networks says what the importer reads, and what machines do."""

import re
import shlex
from pathlib import Path

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

from tensorloom.cli.main import app
from tensorloom.run.network.execution import run_network
from tensorloom.run.registry import find_preset
from tensorloom.sim.network.importer import HANDLERS, load
from tensorloom.sim.workloads.digits import digits_images
from tensorloom.sim.workloads.digits_onnx import MODELS

from .pages import PAGES, blocks, number, table


def test_operators() -> None:
    rows = table("network-operators")
    integers, floats = ([name for row in rows for name in row[at].split(", ") if name] for at in (1, 2))
    assert sorted(integers + floats) == sorted(HANDLERS)
    assert all(name.startswith("Q") or name.endswith("Integer") for name in integers)


@pytest.fixture
def digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """What ``scripts/digits_onnx.py`` writes."""
    monkeypatch.chdir(tmp_path)
    onnx.save(MODELS["digits_cnn"](), "digits_cnn.onnx")
    images = digits_images().test_images[:8].astype(np.float32).reshape(-1, 1, 8, 8)
    np.save("digits_cnn_images.npy", images)
    return images


def test_layers(digits: np.ndarray) -> None:
    rows = table("network-layers")
    network, found = load("digits_cnn.onnx", batch=len(digits)), []
    for name in dict.fromkeys(row[0] for row in rows):
        design = find_preset(name)
        assert design is not None
        outcome = run_network(design, network, {"image": digits})
        found += [[name, one.name, one.cycles, f"{one.utilisation:.1%}", one.bound] for one in outcome.layers]
    assert [[*row[:2], int(number(row[2])), *row[3:]] for row in rows] == found


@pytest.mark.parametrize("source", ["model", pytest.param("verilog", marks=pytest.mark.slow)])
def test_commands(digits: np.ndarray, source: str) -> None:
    """All of the section, with few densities and one image."""
    np.save("digits_cnn_images.npy", digits[:1])
    text = PAGES["docs/networks.md"].partition("## On the machines")[2]
    lines = [line for line in blocks("", text)[0].splitlines() if line.startswith("tensorloom ")]
    for line in lines:
        words = shlex.split(line)[1:]
        words += ["--densities", "0.1,1"] if "compare" in words else ["--model-only"] if source == "model" else []
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, (line, result.output)
    assert {*re.findall(r"[\w-]+\.(?:csv|svg|npy)", " ".join(lines))} <= {path.name for path in Path().iterdir()}
