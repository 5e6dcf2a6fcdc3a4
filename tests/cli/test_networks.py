"""``tensorloom run MODEL.onnx``: the digits networks by models, one of them on the Verilog, and all that is refused."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from tensorloom.run.network.views import View
from tensorloom.run.registry import engines
from tensorloom.sim.network.execute import execute
from tensorloom.sim.network.importer import load
from tensorloom.sim.workloads.digits_onnx import MODELS

from ..designs import smallest

ENGINES = [engine.name for engine in engines().values() if engine.takes_networks]

LAYERS = {
    "name", "operator", "cycles", "macs", "utilisation", "read_bytes", "written_bytes", "bound"
}  # fmt: skip


@pytest.fixture
def mlp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The perceptron in a folder with two images."""
    monkeypatch.chdir(tmp_path)
    onnx.save(MODELS["digits_mlp"](), "mlp.onnx")
    np.save("x.npy", np.random.default_rng(1).integers(0, 17, (2, 64)).astype(np.float32))
    return "mlp.onnx"


def expected() -> np.ndarray:
    return execute(load("mlp.onnx", batch=2), {"image": np.load("x.npy")})["scores"]


def two_outputs() -> None:
    """A network whose result is there twice, once as floats."""
    nodes = [
        onnx.helper.make_node("QuantizeLinear", ["x", "s", "o"], ["q"]),
        onnx.helper.make_node("QLinearMatMul", ["q", "s", "o", "w", "s", "o", "s", "o"], ["y"]),
        onnx.helper.make_node("DequantizeLinear", ["y", "s", "o"], ["z"]),
    ]
    weights = np.random.default_rng(1).integers(-9, 9, (4, 3), np.int8)
    constants = {"s": np.float32(0.5), "o": np.int8(0), "w": weights}
    graph = onnx.helper.make_graph(
        nodes,
        "two",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2, 4])],
        [
            onnx.helper.make_tensor_value_info("y", onnx.TensorProto.INT8, [2, 3]),
            onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, [2, 3]),
        ],
        [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)]), "two.onnx")


@pytest.mark.parametrize("engine", ENGINES)
def test_several_outputs(run: Callable, mlp: str, engine: str) -> None:
    two_outputs()
    result = run("run", "two.onnx", "--engine", engine, "--model-only", "-o", "all.npz")
    assert result.exit_code == 0, result.output
    with np.load("all.npz") as found:
        assert set(found) == {"y", "z"} and np.array_equal(found["y"] * np.float32(0.5), found["z"])
        assert found["y"].any()


@pytest.mark.parametrize("engine", ENGINES)
def test_models_alone(run: Callable, mlp: str, engine: str) -> None:
    files = ["-o", "y.npy", "--csv", "layers.csv", "--plot", "layers.svg"]
    result = run("run", mlp, "--engine", engine, "--input", "x.npy", "--model-only", "--json", *files)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["source"] == "model" and found["passed"] and found["bit_exact"] is None
    assert found["outputs"] == {"scores": {"shape": [2, 10], "type": "float32"}}
    assert [layer["name"] for layer in found["layers"]] == ["fc1", "fc2", "fc3"]
    assert set(found["layers"][0]) == LAYERS
    assert [node["operator"] for node in found["host"]] == ["QuantizeLinear", "DequantizeLinear"]
    assert np.array_equal(np.load("y.npy"), expected())
    rows = list(csv.DictReader(Path("layers.csv").read_text().splitlines()))
    assert [int(row["cycles"]) for row in rows] == [layer["cycles"] for layer in found["layers"]]
    assert "fc2 (Gemm)" in Path("layers.svg").read_text()


def test_verilog(run: Callable, mlp: str) -> None:
    preset = smallest(engines()[ENGINES[-1]])
    result = run("run", mlp, "--design", preset, "--input", "image=x.npy", "-o", "y.npy", "--latency", "20")
    assert result.exit_code == 0 and result.stdout.endswith("passed\n"), result.output
    assert "fc3   Gemm" in result.stdout and "on the host: scores (DequantizeLinear)" in result.stdout
    assert np.array_equal(np.load("y.npy"), expected())


def test_a_design_by_name_or_file(run: Callable, mlp: str) -> None:
    engine = engines()[ENGINES[-1]]
    name = engine.demo_presets[0]
    Path("my.toml").write_text(f'preset = "{name}"\n')
    named = [mlp, "--design", name], [name, mlp], [mlp, "--config", "my.toml"], [mlp, "--engine", engine.name]
    found = [
        json.loads(run("run", *chosen, "--model-only", "--seed", "3", "--json").stdout)["cycles"] for chosen in named
    ]
    assert len(set(found)) == 1 and found[0] > 0


def test_a_wrong_result_is_a_failure(run: Callable, mlp: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = View.unpack
    monkeypatch.setattr(View, "unpack", lambda view, tensor, value: real(view, tensor + 1, value))
    result = run("run", mlp, "--engine", ENGINES[-1], "--model-only")
    assert result.exit_code == 1 and "results differ from the network's golden execution" in result.stdout


MACHINE = ["--engine", ENGINES[-1]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mlp.onnx"], "name the machine: --engine ENGINE, --design PRESET or --config FILE, one of them"),
        (
            ["mlp.onnx", *MACHINE, "--design", "x"],
            "name the machine: --engine ENGINE, --design PRESET or --config FILE",
        ),
        (["mlp.onnx", "--engine", "tpv"], "engine must be one of"),
        (["mlp.onnx", "--engine", "systolic"], "systolic takes no networks; engines that do:"),
        (["no.onnx", *MACHINE], "file 'no.onnx' does not exist"),
        (["bad.onnx", *MACHINE], "bad.onnx"),
        (["mlp.onnx", *MACHINE, "--input", "no.npy"], "--input: file 'no.npy' does not exist"),
        (["mlp.onnx", *MACHINE, "--input", "mlp.onnx"], "mlp.onnx: not a readable .npy file"),
        (["mlp.onnx", *MACHINE, "--input", "x.npy", "--input", "image=x.npy"], "--input for image is given twice"),
        (["mlp.onnx", *MACHINE, "--input", "square.npy"], "input image must be of shape N x 64, not 2 x 8 x 8"),
        (["mlp.onnx", *MACHINE, "--input", "bytes.npy"], "input image must be an array of float32, not 'uint8'"),
        (["mlp.onnx", *MACHINE, "--input", "nan.npy"], "input image has 128 values that are not numbers (NaN)"),
        (
            ["mlp.onnx", *MACHINE, "--input", "imge=x.npy"],
            "--input must be NAME=FILE for one of image, not 'imge=x.npy'",
        ),
        (["mlp.onnx", *MACHINE, "-o", "mlp.onnx"], "cannot write mlp.onnx: it is read too, and would be lost"),
        (["mlp.onnx", *MACHINE, "--input", "x.npy", "--csv", "./x.npy"], "cannot write x.npy: it is read too"),
        (["mlp.onnx", *MACHINE, "--input", "image=x.npy", "-o", "x.npy"], "cannot write x.npy: it is read too"),
        (["mlp.onnx", *MACHINE, "--csv", "a.svg", "--plot", "a.svg"], "cannot write a.svg: it would be written twice"),
        (["mlp.onnx", *MACHINE, "--plot", "a.png"], "pictures are SVG: the file must end in .svg, not 'a.png'"),
        (["two.onnx", *MACHINE, "-o", "y.npy"], "several outputs, y, z: --output must be a file .npz, which holds all"),
        (["mlp.onnx", *MACHINE, "-o", "no/y.npy"], "cannot write no/y.npy: there is no folder no"),
        (["mlp.onnx", *MACHINE, "--memory", "a=1"], "--memory goes with a program, not with a network"),
        (["mlp.onnx", *MACHINE, "--model-only", "--stall", "0.1"], "--stall needs the Verilog"),
        (["mlp.onnx", *MACHINE, "--set", "no=1"], "field must be one of"),
        (["tpu-tiny", "x.tpu", "--model-only"], "--engine, --design, --input, --model-only, --csv and --plot go with"),
    ],
)
def test_what_is_refused(run: Callable, mlp: str, arguments: list[str], message: str) -> None:
    np.save("square.npy", np.zeros((2, 8, 8), np.float32))
    np.save("bytes.npy", np.zeros((2, 64), np.uint8))
    np.save("nan.npy", np.full((2, 64), np.nan, np.float32))
    Path("bad.onnx").write_bytes(b"\x08\x09 nothing")
    two_outputs()
    Path("x.tpu").write_text("halt")
    before = sorted(Path().iterdir())
    result = run("run", *arguments)
    assert result.exit_code == 2 and result.stdout == "", result.output
    (error,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert message in error and "Traceback" not in result.output
    assert sorted(Path().iterdir()) == before


def test_a_network_that_is_too_large(run: Callable, mlp: str) -> None:
    """Which field would have to be larger, and which designs are."""
    small = ["--set", "ub_rows=16"]
    result = run("run", mlp, "--design", "tpu-tiny", *small, "--model-only")
    assert result.exit_code == 2 and "error: mlp.onnx: ub_rows must be at least" in result.stderr
    assert "a larger design may do: --design tpu-v1 or tpu-64 or tpu-16" in result.stderr


def test_comparing(run: Callable, mlp: str) -> None:
    few = ["--no-area", "--densities", "0.2,1", "-o", "map.svg"]
    result = run("compare", mlp, "--input", "x.npy", *few, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["passed"] and [row["engine"] for row in found["designs"]] == ENGINES
    names = [row["design"] for row in found["designs"]]
    assert all(cell in names for row in found["cheapest"] for cell in row) and len(found["cheapest"]) == 2
    assert found["unit"] == "multipliers" and "cycles x multipliers" in Path("map.svg").read_text()
    shown = run("compare", mlp, "--input", "x.npy", *few)
    assert shown.exit_code == 0 and "the cheapest" in shown.stdout and names[0] in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--design", "tpu-16"], "--design must name two different machines at least"),
        (["--design", "tpu-16", "--design", "tiny"], "systolic takes no networks"),
        (["--densities", "0.5"], "--densities must be two or more numbers from 0.01 to 1, rising, not '0.5'"),
        (["--densities", "1,0.5"], "--densities must be"),
        (["--densities", "0.5,x"], "--densities must be"),
        (["--no-area", "--bit", "1"], "--bit must be at least 0, and goes with --area, not 1"),
        (["-o", "no/map.svg"], "there is no folder no"),
        (["--latency", "0"], "latency must be"),
    ],
)
def test_comparisons_that_are_refused(run: Callable, mlp: str, arguments: list[str], message: str) -> None:
    result = run("compare", mlp, *arguments)
    assert result.exit_code == 2 and result.stdout == "", result.output
    assert message in result.stderr and "Traceback" not in result.output
