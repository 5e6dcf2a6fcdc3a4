"""``import tensorloom``: what a user of the library needs, and nothing deeper."""

import doctest
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tensorloom as tl
from tensorloom.cli.main import app
from tensorloom.run import accelerator, contract, emission, execution
from tensorloom.run.registry import engines
from tensorloom.sim.golden.convolution import convolution

PRESETS = ("tiny", "snap-tiny")

face: Any = tl
"""For wrong types, at which a type checker would stop."""


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
    assert outcome.source == "rtl" and outcome.counters.cycles > 0 and 0 < (outcome.utilisation or 0) <= 1
    assert sum(outcome.where_cycles_went().values()) == pytest.approx(1)
    batch = core.convolution(np.stack([x, x]), w, padding=1, model_only=True)
    assert batch.source == "model" and np.array_equal(batch.output, np.stack([outcome.output] * 2))


@pytest.mark.parametrize("preset", PRESETS)
def test_product(preset: str, seed: int) -> None:
    a, b = tensor(seed, 7, 9), tensor(seed + 1, 9, 5)
    outcome = tl.engine(preset).matmul(a, b, stall=0.3, seed=1)
    assert np.array_equal(outcome.output, a.astype(int) @ b)


def test_a_missing_tool_is_told_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(execution, "emit_design", None)
    with pytest.raises(tl.FailureError, match="no-such-compiler not found"):
        tl.engine("tiny").matmul(tensor(1, 3, 3), tensor(2, 3, 3))


def test_model_only_needs_no_verilog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emission, "emit_design", None)
    monkeypatch.setattr(accelerator, "Simulator", None)
    assert tl.engine("tiny").matmul(tensor(1, 3, 3), tensor(2, 3, 3), model_only=True).counters.cycles > 0


def test_verilog_of_a_configuration(tmp_path: Path) -> None:
    unit = tl.engine("tiny").configure(columns=8)
    assert unit.name == "tiny columns=8" and unit.config.multipliers == 32
    assert "4 x 8 PEs" in repr(unit)
    paths = unit.verilog(tmp_path, prefix="my_")
    suffixes = [".v", ".vlt", ".json", ".sv", ".core", ".xml", ".sdc", ".xdc"]
    assert [path.suffix for path in paths] == suffixes and all(path.exists() for path in paths)


@pytest.mark.parametrize("split", [False, True])
def test_verilog_is_that_of_the_command(tmp_path: Path, split: bool) -> None:
    """Byte by byte, with all that the command's options ask for."""
    options = ["--prefix", "my_", "--axi-stream", "--clock-mhz", "250", *["--split"] * split]
    command = ["verilog", "tiny", "--set", "columns=8", *options, "-o", str(tmp_path / "command")]
    assert CliRunner().invoke(app, command).exit_code == 0
    unit = tl.engine("tiny", columns=8)
    paths = unit.verilog(tmp_path / "python", prefix="my_", split=split, axi_stream=True, clock_mhz=np.float32(250))
    found = {path.name: path.read_bytes() for path in paths}
    assert found == {path.name: path.read_bytes() for path in (tmp_path / "command").iterdir()}
    assert "my_matrix_unit_axis.sv" in found and b"4.000" in found["my_matrix_unit.sdc"]
    assert ("my_pe.v" in found) == split
    unit.verilog(tmp_path / "python", prefix="my_")  # without a wrapper, that of before goes
    assert not (tmp_path / "python/my_matrix_unit_axis.sv").exists()


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


def array(*shape: int) -> np.ndarray:
    return np.ones(shape, np.int8)


def product(preset: str = "tiny", a: Any = None, b: Any = None, **options: Any) -> tl.Outcome:
    return tl.engine(preset).matmul(
        array(3, 3) if a is None else a, array(3, 3) if b is None else b, **{"model_only": True} | options
    )


def convolve(preset: str = "snap-tiny", x: Any = None, w: Any = None, **options: Any) -> tl.Outcome:
    return tl.engine(preset).convolution(
        array(5, 6, 8) if x is None else x, array(3, 3, 8, 4) if w is None else w, model_only=True, **options
    )


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: convolve(padding=10**30), tl.ConfigError, "padded x must have at most 268,435,456 elements, not 32,0"),
        (lambda: convolve("tiny", padding=10**30), tl.ConfigError, "padded x must have at most 268,435,456 elements"),
        (lambda: convolve(x=array(2, 2, 8), w=array(1, 1, 8, 1), padding=10**30), tl.ConfigError, "padded x must"),
        (lambda: convolve(dilation=10**30), tl.ConfigError, "dilated kernel must be at most the input, 5 x 6"),
        (lambda: convolve(stride=10**30), tl.ConfigError, "stride must be at most 4"),
        (lambda: convolve(x=array(1, 1, 8), w=array(1, 1, 8, 99), padding=999), tl.ConfigError, "result must have at"),
        (lambda: convolve(x=np.broadcast_to(array(1), (1, 20000, 20000, 8))), tl.ConfigError, "x must have at most"),
        (lambda: product(a=array(40000, 1), b=array(1, 40000)), tl.ConfigError, "result must have at most 268,435,456"),
        (lambda: convolve(padding=1.0), tl.WrongTypeError, "padding must be an integer, two of them .*, not 1.0"),
        (lambda: convolve(padding=None), tl.WrongTypeError, "padding must be an integer, two of them .*, not None"),
        (lambda: convolve(padding=True), tl.WrongTypeError, "padding must be an integer, not True"),
        (lambda: convolve(padding=np.True_), tl.WrongTypeError, "padding must be an integer, not True"),
        (lambda: convolve(groups=2.0), tl.WrongTypeError, "groups must be an integer, not 2.0"),
        (lambda: convolve(stride=(1, "a")), tl.WrongTypeError, "stride must be an integer, not 'a'"),
        (lambda: product(seed=1.5), tl.WrongTypeError, "seed must be an integer, not 1.5"),
        (lambda: product(seed=-1), tl.ConfigError, "seed must be an integer of at least 0, not -1"),
        (lambda: product(stall="x"), tl.WrongTypeError, "stall must be a number, not 'x'"),
        (lambda: product(stall=2, model_only=False), tl.ConfigError, "stall must be from 0 to 0.99, not 2"),
        (lambda: product(stall=float("nan")), tl.ConfigError, "stall must be from 0 to 0.99, not nan"),
        (lambda: product(model_only="yes"), tl.WrongTypeError, "model_only must be true or false, not 'yes'"),
        (lambda: product(wraps=1), tl.WrongTypeError, "wraps must be true or false, not 1"),
        (lambda: product(a=array(3, 3) * 1.0), tl.WrongTypeError, "a must be of dtype int8, .*, not float64"),
        (lambda: product("snap-tiny", array(3, 3) * 1j), tl.WrongTypeError, "a must be of an integer dtype, not comp"),
        (lambda: product(a="text"), tl.WrongTypeError, "a must be of dtype int8"),
        (lambda: product(a=[[1, 2], [3]]), tl.ConfigError, "a must be an array, or lists of equal lengths"),
        (lambda: product(a=[[], []]), tl.ConfigError, "a must be non-empty"),
        (lambda: product(a=[[1.5]]), tl.WrongTypeError, "a must be of dtype int8"),
        (lambda: product("snap-tiny", [[2**70]]), tl.WrongTypeError, "a must be of an integer dtype, not object"),
        (lambda: product("snap-tiny", np.full((3, 3), 2**63, np.uint64)), tl.ConfigError, "a must be of values less"),
        (
            lambda: product(a=np.ma.array(array(3, 3), mask=np.eye(3, dtype=bool))),
            tl.ConfigError,
            "a must have no masked elements",
        ),
        (lambda: product(a=np.int8(3)), tl.ConfigError, r"a must be of rank 2 \(M x K\), not \(\)"),
        (lambda: face.engine("tiny", progress=3), tl.WrongTypeError, "progress must be a function of one text, not 3"),
        (lambda: face.engine([]), tl.ConfigError, r"preset must be one of .*, not \[\]"),
        (lambda: face.engine("tiny", rows=2.5), tl.WrongTypeError, "rows must be an integer, not 2.5"),
        (lambda: face.engine("snap-tiny", pipelined=1), tl.WrongTypeError, "pipelined must be true or false, not 1"),
        (lambda: face.engine("tiny").verilog("/proc/x"), tl.PathError, "cannot write /proc/x: /proc takes no files"),
        (lambda: face.engine("tiny").verilog(__file__), tl.PathError, "cannot write .*: .* is not a folder"),
        (lambda: face.engine("tiny").verilog(""), tl.PathError, "folder: a path must not be empty"),
        (lambda: face.engine("tiny").verilog(300 * "a"), tl.PathError, "folder: 'a+': File name too long"),
        (lambda: face.engine("tiny").verilog("a\0"), tl.PathError, "folder: .*null byte"),
        (lambda: face.engine("tiny").verilog(3), tl.WrongTypeError, "folder must be a path, not 3"),
        (
            lambda: face.engine("tiny").verilog("x", prefix="8x"),
            tl.ConfigError,
            "prefix must begin a Verilog identifier",
        ),
        (lambda: face.engine("tiny").verilog("x", prefix=8), tl.WrongTypeError, "prefix must be a text, not 8"),
        (lambda: face.engine("tiny").verilog("x", split="no"), tl.WrongTypeError, "split must be true or false"),
        (lambda: face.engine("tiny").verilog("x", axi_stream=1), tl.WrongTypeError, "axi_stream must be true or false"),
        (lambda: face.engine("tiny").verilog("x", clock_mhz="9"), tl.WrongTypeError, "clock_mhz must be a number"),
        (lambda: face.engine("tiny").verilog("x", clock_mhz=0), tl.ConfigError, "clock_mhz must be from 0.001 to 1000"),
    ],
)
def test_whatever_is_wrong_is_one_kind_of_error(
    call: Callable, kind: type[tl.Error], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And Python's own kind as well; before any work, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(emission, "emit_design", None)
    with pytest.raises(tl.Error, match=message) as caught:
        call()
    assert type(caught.value) is kind and caught.value.exit_code == 2
    assert isinstance(caught.value, OSError if kind is tl.PathError else ValueError)
    assert isinstance(caught.value, TypeError) == (kind is tl.WrongTypeError)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path / "file"))
    with pytest.raises(tl.FailureError, match="TENSORLOOM_CACHE") as caught:
        tl.engine("tiny").verilog(tmp_path / "out")
    assert isinstance(caught.value, OSError)


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    assert tl.engine("tiny", rows=np.int64(8)).config == tl.engine("tiny", rows=8).config
    config = tl.engine("snap-tiny").configure(pipelined=np.True_, core_rows=np.uint8(2)).config
    assert repr(config) == repr(tl.engine("snap-tiny").configure(pipelined=True, core_rows=2).config)
    unit, a = tl.engine("tiny"), tensor(1, 20, 8)
    stalled = [
        unit.matmul(a, tensor(2, 8, 8), stall=stall, seed=seed).cycles
        for stall, seed in ((0.25, 3), (np.float32(0.25), np.int64(3)), (np.float64(0.25), np.uint8(3)))
    ]
    assert len(set(stalled)) == 1
    steps = {"stride": np.int64(2), "padding": np.array([1, 0]), "groups": np.int8(2)}
    outcome = convolve(w=array(3, 3, 4, 4), **steps, wraps=np.False_)
    assert np.array_equal(outcome.output, convolution(array(1, 5, 6, 8), array(3, 3, 4, 4), 2, (1, 0), 1, 2)[0])
    assert face.engine("tiny").verilog(tmp_path, split=np.False_)[0].exists()


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("largest", [1, 127, 255, 32767, 65535])
def test_lists_are_tensors(preset: str, largest: int) -> None:
    """Each becomes the narrowest type that holds it, whatever the engine."""
    a, b = [[1, largest], [0, 2], [largest, 0]], ((-1, 0), (1, 3))
    unit = tl.engine(preset) if preset == "tiny" else tl.engine(preset, data_bits=16, psum_bits=40)
    if preset == "snap-tiny" and largest > 32767:
        with pytest.raises(tl.ConfigError, match=r"a must be of values from -32768 to 32767 .*, not 65535"):
            unit.matmul(a, b, model_only=True)
    else:
        assert unit.matmul(a, b, model_only=True).output.tolist() == (np.array(a) @ np.array(b)).tolist()


def test_any_integer_type_whose_values_fit() -> None:
    a, b = np.arange(10).reshape(2, 5), np.arange(-7, 8).reshape(5, 3)
    for kind in (np.uint64, np.int64, np.uint32, np.int16, np.uint8, ">i4", ">u8"):
        found = product("snap-tiny", a.astype(kind), b).output
        assert np.array_equal(found, a @ b), kind


def test_a_list_is_one_tensor_on_the_verilog_too(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, real = [], execution.Simulator.run

    def run(simulator, job, *rest, **options):
        jobs.append(job)
        return real(simulator, job, *rest, **options)

    monkeypatch.setattr(execution.Simulator, "run", run)
    outcome = tl.engine("tiny").matmul([[1, 2], [3, 4]], [[200, 0], [1, 255]])
    assert outcome.output.tolist() == [[202, 510], [604, 1020]]
    assert [(job.a.dtype, job.b.dtype) for job in jobs] == [(np.int8, np.uint8)]


def test_a_wrong_result_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    real = contract.golden
    monkeypatch.setattr(contract, "golden", lambda job: real(job) + 1)
    with pytest.raises(tl.FailureError, match="9 of 9 results differ from the golden model"):
        tl.engine("tiny").matmul(tensor(1, 3, 3), tensor(2, 3, 3))


def test_fields_of_a_configuration_inside_another() -> None:
    chip = tl.engine("snap-chip-tiny")
    larger = chip.configure(**{"core.core_rows": 5, "core.list_depth": 4})
    assert larger.config == chip.configure(core={"core_rows": 5, "list_depth": 4}).config != chip.config
    assert larger.name == "snap-chip-tiny core.core_rows=5 core.list_depth=4"
    face_config: Any = larger.config
    changes: list[tuple[dict[str, Any], str, str]] = [
        ({"core_rows": 5}, "field must be one of core, .*, not 'core_rows'", "did you mean core.core_rows?"),
        ({"core.core_row": 5}, "core.field must be one of core_rows, ", "did you mean core_rows?"),
        ({"core": 5}, "core must be set field by field, such as core.core_rows, not 5", ""),
        ({"cores.x": 5}, "cores must be an integer", ""),
        ({"core": chip.config.to_dict()["core"], "core.core_rows": 4}, "core.core_rows must be odd, 3 at least", ""),
        ({"core": face_config.core, "core.core_rows": 5}, "core.core_rows must be left out beside a whole core", ""),
    ]  # fmt: skip
    for fields, message, hint in changes:
        with pytest.raises(tl.ConfigError, match=message) as info:
            chip.configure(**fields)
        assert info.value.hint == hint
