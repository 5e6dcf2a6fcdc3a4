"""``tensorloom sim`` on SNAP cores: layers on the emitted Verilog of the smallest presets."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from tensorloom.hw.snap.config import PRESETS, SnapConfig
from tensorloom.run import contract
from tensorloom.run.jobs import golden
from tensorloom.run.snap.engine import SnapEngine
from tensorloom.run.snap.program import SnapProgram
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.snap.cycles import WAITS, CoreCounters

FIGURES = {
    "design", "job", "shape", "seed", "stall", "source", "bit_exact", "mismatches", "cycles", "predicted_cycles",
    "equals_cycle_model", "macs", "utilisation", "oa_updates_per_cycle", "where_cycles_went", "seconds",
    "cycles_per_second", "build_seconds", "passed", "ia_bits_per_non_zero", "ia_size_against_dense",
    "w_bits_per_non_zero", "w_size_against_dense",
}  # fmt: skip


def report(result: Result) -> dict:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def check_compression(found: dict, density: str) -> None:
    """Of the layer below: tiles of 8, 8 and 4 channels, 8-bit values, 3-bit c-idx, a 4-bit count a bundle."""
    if density == "1/1":
        assert found["ia_bits_per_non_zero"] == round(8 + 3 + 3 * 4 / 20, 2)
        assert found["ia_size_against_dense"] == round((8 + 3 + 3 * 4 / 20) / 8, 4)
        bundles, groups = 3 * 3 * 2, 3 * 3 * 3 * 5  # of up to 4 kernels x 3 rows x 8 channels: 7-bit pointers
        pointers = (bundles + groups) * 7 / (3 * 3 * 20 * 5)
        assert found["w_size_against_dense"] == round((8 + 3 + pointers) / 8, 4)
    if density == "0.5/0.3":
        assert 0.6 < found["ia_size_against_dense"] < 0.9 and 12 < found["w_bits_per_non_zero"] < 19
    if density == "0/1":
        assert found["ia_bits_per_non_zero"] is None and found["ia_size_against_dense"] == round(3 * 4 / 20 / 8, 4)


def test_kernel_that_never_meets_the_image(run: Callable) -> None:
    steps = ("--padding", "3", "--dilation", "2", "--stride", "2")
    found = report(run("sim", "snap-tiny", "--shape", "1x1x8,3x3,2", *steps, "--json"))
    assert found["passed"] and found["bit_exact"] and found["equals_cycle_model"]
    assert found["cycles"] == found["predicted_cycles"] == found["macs"] == found["utilisation"] == 0
    assert found["shape"] == [1, 2, 2, 2] and set(found["where_cycles_went"].values()) == {0}


@pytest.mark.parametrize("density", ["1/1", "0.5/0.3", "0/1"])
def test_layer_of_a_shape(run: Callable, density: str) -> None:
    args = (
        "sim",
        "snap-tiny",
        "--shape",
        "6x7x20,3x3,5",
        "--padding",
        "1",
        "--density",
        density,
        "--seed",
        "3",
        "--json",
    )
    found = report(run(*args))
    assert set(found) == FIGURES
    assert found["passed"] and found["bit_exact"] and found["equals_cycle_model"]
    assert found["cycles"] == found["predicted_cycles"] > 0
    assert found["shape"] == [1, 6, 7, 5]
    multipliers = PRESETS["snap-tiny"].multipliers
    assert found["utilisation"] == pytest.approx(found["macs"] / found["cycles"] / multipliers, abs=1e-4)
    assert set(found["where_cycles_went"]) == set(WAITS)
    assert sum(found["where_cycles_went"].values()) == pytest.approx(1, abs=1e-3)
    check_compression(found, density)
    if density == "1/1":  # each of 3 x 3 kernel elements misses the image's edge for some pixels
        assert (
            found["macs"] == int(convolution(np.ones((1, 6, 7, 1), int), np.ones((3, 3, 1, 1), int), 1, 1).sum()) * 100
        )


@pytest.mark.parametrize(
    ("layer", "part"),
    [
        ("alexnet/conv1", "15x12x3,4"),
        ("alexnet/conv4", "5x5x16,4"),
        ("resnet50/res3a_branch1", "5x5x40,6"),
        ("vgg16/fc8", "1x1x50,30"),
    ],
)
def test_layers_of_networks(run: Callable, layer: str, part: str) -> None:
    found = report(run("sim", "snap-tiny", "--layer", layer, "--part", part, "--density", "0.4/0.6", "--json"))
    assert found["passed"] and found["bit_exact"]
    assert found["job"].startswith(layer)


def test_products_and_stalls(run: Callable) -> None:
    for size in ("1x40x9", "5x30x4"):
        found = report(run("sim", "snap-tiny", "--matmul", size, "--stall", "0.3", "--json"))
        assert found["passed"] and found["predicted_cycles"] is None and found["equals_cycle_model"] is None


def test_images_of_a_batch(run: Callable) -> None:
    found = report(run("sim", "snap-tiny", "--conv", "3x4x5x8,3x3,4", "--padding", "1", "--json"))
    assert found["passed"] and found["shape"] == [3, 4, 5, 4] and found["cycles"] == found["predicted_cycles"]


def test_table(run: Callable) -> None:
    result = run("sim", "snap-tiny", "--shape", "4x4x8,1x1,4", "--density", "0.5/0.5")
    assert result.exit_code == 0
    assert "where cycles went" in result.stdout and "wait weights" in result.stdout
    assert result.stdout.endswith("passed\n")


@pytest.mark.parametrize(
    ("option", "shape"), [("--padding", [1, 3, 3, 4]), ("--groups", [1, 1, 1, 4]), ("--stride", [1, 4])]
)
def test_image_of_one_pixel(run: Callable, option: str, shape: list[int]) -> None:
    value = 1 if option == "--padding" else 2
    found = report(run("sim", "snap-tiny", "--shape", "1x1x8,1x1,4", option, value, "--json"))
    assert found["shape"] == shape and found["passed"]


def test_unexpected_counters_are_a_failure(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    real = SnapEngine.predict

    def wrong(engine: SnapEngine, config: SnapConfig, program: SnapProgram) -> CoreCounters:
        counters = real(engine, config, program)
        counters.waits["wait_aim"][0, 0] += 1
        return counters

    monkeypatch.setattr(SnapEngine, "predict", wrong)
    result = run("sim", "snap-tiny", "--shape", "4x4x8,1x1,4")
    assert result.exit_code == 1
    assert "failed: counters that differ from the cycle model: wait_aim" in result.stdout
    monkeypatch.setattr(contract, "golden", lambda job: golden(job) + 1)
    result = run("sim", "snap-tiny", "--shape", "4x4x8,1x1,4")
    assert "failed: 64 of 64 results differ from the golden model" in result.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--layer", "resnet50/res4b"], "--layer must be a layer of alexnet, vgg16, resnet50, not 'resnet50/res4b'"),
        (["--shape", "4x4,3x3,4"], "--shape must be of the form HxWxC,RxS,K, not '4x4,3x3,4'"),
        (["--shape", "4x4x8"], "--shape must be of the form HxWxC,RxS,K, not '4x4x8'"),
        (["--shape", "4x4x0,1x1,4"], "C in --shape must be at least 1, not 0"),
        (["--shape", "4x4x8,12x12,4", "--padding", "9"], "kernel must be at most 11 x 11, not (12, 12)"),
        (["--shape", "9x9x8,3x3,4", "--stride", "5"], "--stride must be at most 4, not (5, 5)"),
        (["--shape", "4x4x8,5x5,4"], "kernel must be at most the input, 4 x 4, not 5 x 5"),
        (
            ["--shape", "4x4x8,1x1,4", "--groups", "3"],
            "--groups must be a divisor of the 8 channels of activations, not 3",
        ),
        (
            ["--shape", "4x4x8,1x1,4", "--padding", "9999"],
            "padded activations must have at most 268,435,456 elements, not 3,200,640,032",
        ),
        (
            ["--shape", "4x4x8,1x1,4", "--density", "0.5"],
            "--density must be of the form IA/W, two numbers from 0 to 1, not '0.5'",
        ),
        (["--shape", "4x4x8,1x1,4", "--density", "1.5/1"], "IA in --density must be from 0 to 1, not 1.5"),
        (["--shape", "4x4x8,1x1,4", "--density", "1/-1"], "W in --density must be from 0 to 1, not -1.0"),
        (["--shape", "4x4x8,1x1,4", "--density", "nan/1"], "IA in --density must be from 0 to 1, not nan"),
        (["--shape", "4x4x8,1x1,4", "--part", "4"], "--part must be of the form HxWxC,K, not '4'"),
        (["--shape", "4x4x8,1x1,4", "--layer", "vgg16/fc6"], "give --layer or --shape, not both"),
        (
            ["--layer", "vgg16/fc6", "--stride", "2"],
            "--stride, --padding, --dilation and --groups are those of the layer",
        ),
        (
            ["--shape", "4x4x8,1x1,4", "--matmul", "1x2x3"],
            "give a layer (--layer, --shape), sizes (--matmul, --conv) or tensors (--a, --b)",
        ),
        (["--matmul", "1x2x3", "--density", "0.5/0.5"], "--part and --density go with --layer or --shape"),
        (["--matmul", "1x2x3", "--part", "1x1x1,1"], "--part and --density go with --layer or --shape"),
        (
            ["--shape", "4x4x8,1x1,4", "--set", "psum_bits=16"],
            ("psum_bits must be at least 17 for these operands "
             "(products of one sign at [3, 3, 0] add up to 38278), not 16"),
        ),
    ],
)  # fmt: skip
def test_wrong_layers(fails: Callable, args: list[str], message: str) -> None:
    assert fails("sim", "snap-tiny", *args, code=2) == message


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.zeros((1, 4, 4, 3)), np.zeros((3, 3, 3, 4), np.int8), "--a must be of an integer dtype"),
        (np.full((2, 4), 200, np.uint8), np.zeros((4, 4), np.int8), "--a must be of values from -128 to 127 (data_b"),
        (np.zeros((1, 4), np.int8), np.zeros((5, 4), np.int8), "rows of --b must be the 4 elements of --a"),
        (np.zeros((1, 4, 4, 3), np.int8), np.zeros((3, 3, 2, 4), np.int8), "channels of --b must be 3, the channels"),
        (np.zeros((1, 4, 4, 3), np.int8), np.zeros((3, 3), np.int8), "--b must be of rank 4 (R x S x C / groups"),
    ],
)  # fmt: skip
def test_wrong_tensors(fails: Callable, tmp_path: Path, a: np.ndarray, b: np.ndarray, message: str) -> None:
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", b)
    assert fails("sim", "snap-tiny", "--a", "a.npy", "--b", "b.npy", code=2).startswith(message)
