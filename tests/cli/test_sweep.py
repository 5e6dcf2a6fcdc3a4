"""``tensorloom sweep``: its table, files, and refusals."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

SHAPE = ("--shape", "6x6x8,3x3,8")


def test_table_files_and_json(run: Callable, tmp_path: Path) -> None:
    files = "-o", tmp_path / "rows.csv", "--plot", tmp_path / "plot.svg", "--keep", tmp_path / "kept"
    args = "sweep", "tiny", "--set", "rows=4,8", *SHAPE, "--shape", "4x4x8,1x1,8", "--density", "0.5/1", *files
    result = run(*args)
    assert result.exit_code == 0, result.output
    title, head, *lines = result.stdout.splitlines()
    assert title.strip() == "tiny: 4 points" and head.split()[:5] == [
        "rows",
        "density",
        "layers",
        "cycles",
        "utilisation",
    ]
    assert [line.split()[:3] for line in lines] == [["4", "0.5/1", "2"], ["8", "0.5/1", "2"]]
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 5
    assert (tmp_path / "plot.svg").read_text().startswith("<svg")
    found = json.loads(run(*args, "--json").stdout)
    assert [f"{total['cycles']:,}" for total in found["totals"]] == [line.split()[3] for line in lines]
    assert [row["layer"] for row in found["rows"]] == ["layer", "layer"] * 2
    assert "finished before" in run(*args[:3], "rows=4,8,16", *args[4:]).stderr


def test_front(run: Callable, tmp_path: Path) -> None:
    files = "--front", tmp_path / "front.svg", "--keep", tmp_path / "kept"
    args = "sweep", "tiny", "--set", "rows=2,4", "--layer", "alexnet/conv3", "--part", "4x4x8,8", "--area", *files
    result = run(*args)
    assert result.exit_code == 0, result.output
    head, *lines = result.stdout.splitlines()[1:]
    assert head.split()[-5:] == ["area", "memory_bits", "depth", "useful_per_mnand2", "front"]
    report = json.loads(run(*args, "--json").stdout)
    found = report["totals"]
    assert {row["sizes"] for row in report["rows"]} == {"4x4x8,3x3,8, padding 1"}
    for line, total in zip(lines, found, strict=True):
        assert line.rstrip().endswith("*") == total["on_front"]
        assert f"{total['area']:,}" in line
    assert any(total["on_front"] for total in found)
    assert "million NAND2-equivalents" in (tmp_path / "front.svg").read_text()


def test_rtl(run: Callable, tmp_path: Path) -> None:
    result = run("sweep", "tiny", *SHAPE, "--rtl", "1", "--keep", tmp_path)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("1 of them on the Verilog: results and counters are equal\n")


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("--set", "psum_slots=8"), "field must be one of rows, columns, "),
        (("--set", "rows=8,x"), "rows must be an integer, not 'x'"),
        (("--set", "rows"), "--set must be of the form field=value"),
        (("--set", "rows=4", "--set", "rows=8"), "rows must be given once, with all its values"),
        (("--set", "rows=4,5"), "rows=5: "),
        (("--density", "2/1"), "IA in --density must be from 0 to 1, not 2.0"),
        (("--layer", "resnet5"), "--layer must be one of alexnet, "),
        (("-o", "rows.txt"), "rows.txt must end in .csv, .json or .parquet"),
        (("--plot", "rows.csv"), "rows.csv"),
        (("--front", "front.svg"), "--front needs --area"),
        (("--front", "front.csv", "--area"), "front.csv"),
        (("--part", "4x4x8,8"), "--part goes with --layer"),
        (("--layer", "alexnet/conv3", "--part", "4x4"), "--part must be of the form HxWxC,K, not '4x4'"),
        (("--scheduler", "tcp://127.0.0.1:1"), "no scheduler answers at tcp://127.0.0.1:1"),
    ],
)
def test_refusals(fails: Callable, args: tuple[str, ...], text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    kept = tmp_path_factory.mktemp("kept")
    assert text in fails("sweep", "tiny", *SHAPE, "--keep", kept, *args, code=2)


def test_a_sweep_of_which_nothing_has_room(
    fails: Callable, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Weights without a codebook's values: no table, no file, and the reason."""
    error = fails("sweep", "eie-tiny", *SHAPE, "--keep", tmp_path_factory.mktemp("kept"), "-o", "rows.csv", code=2)
    assert error.startswith("no layer has room on eie-tiny: ") and "codebook" in error


def test_without_layers(fails: Callable) -> None:
    assert fails("sweep", "tiny", code=2).startswith("--layer NAME or --shape")
