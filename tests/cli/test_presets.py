"""``tensorloom list`` and ``tensorloom config``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tensorloom.hw.systolic.config import PRESETS, SystolicConfig
from tensorloom.sim.workloads.layers import NETWORKS


def test_list_json(run: Callable) -> None:
    result = run("list", "--json")
    assert result.exit_code == 0
    found = {item["name"]: item for item in json.loads(result.stdout)}
    assert set(found) >= set(PRESETS)
    for name, config in PRESETS.items():
        assert found[name]["engine"] == "systolic"
        assert SystolicConfig.from_dict(found[name]["config"]) == config
        assert found[name]["figures"]["multipliers"] == config.rows * config.columns
    assert found["systolic-256"]["figures"]["weight_fifo_bytes"] == 4 * 256 * 256
    assert found["systolic-256"]["figures"]["accumulator_bytes"] == 4096 * 256 * 4


def test_list_table(run: Callable) -> None:
    result = run("list", "systolic")
    assert result.exit_code == 0
    for name in PRESETS:
        assert name in result.stdout
    assert "65,536" in result.stdout


@pytest.mark.parametrize("name", PRESETS)
def test_config_is_read_back(run: Callable, tmp_path: Path, name: str) -> None:
    (tmp_path / "my.toml").write_text(run("config", name).stdout)
    result = run("config", "--config", tmp_path / "my.toml", "--json")
    assert json.loads(result.stdout) == {"engine": "systolic", "config": PRESETS[name].to_dict()}


def test_file_starts_from_a_preset(run: Callable, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text('preset = "tiny"\nrows = 8\n')
    result = run("config", "--config", tmp_path / "my.toml", "--set", "columns=0x10", "--json")
    expected = PRESETS["tiny"].replace(rows=8, columns=16)
    assert json.loads(result.stdout)["config"] == expected.to_dict()


@pytest.mark.parametrize("command", ["list", "layers", "config", "verilog", "lint", "sim", "run", "bench", "demo"])
def test_help_has_examples(run: Callable, command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Examples" in result.stdout and f"tensorloom {command}" in result.stdout
    assert "--json" in result.stdout


def test_no_command_shows_help(run: Callable) -> None:
    result = run()
    assert "Usage: " in result.output and result.exit_code == 2


def test_layers(run: Callable, fails: Callable) -> None:
    found = {layer["name"]: layer for layer in json.loads(run("layers", "--json").stdout)}
    assert len(found) == sum(map(len, NETWORKS.values()))
    assert found["alexnet/conv1"]["x"] == [227, 227, 3] and found["alexnet/conv1"]["stride"] == 4
    table = run("layers", "resnet50").stdout
    assert "resnet50/fc1000" in table and "stride 2, padding 3" in table and "alexnet" not in table
    assert fails("layers", "lenet", code=2) == "network must be one of alexnet, vgg16, resnet50, not 'lenet'"


def test_huge_sizes_warn(run: Callable) -> None:
    result = run("config", "tiny", "--set", "rows=4096", "--set", "columns=2048", "--json")
    assert result.exit_code == 0 and "warning: " in result.stderr and "tiles of 2 x 2 PEs" in result.stderr
    assert json.loads(result.stdout)["config"]["rows"] == 4096
    assert "warning" not in run("config", "tiny").stderr


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("core_rows=5", "hint: did you mean core.core_rows?"),
        ("core=4", "error: core must be set field by field, such as core.core_rows"),
        ("core.core_row=5", "hint: did you mean core_rows?"),
    ],
)
def test_fields_inside_a_field(program: Callable, assignment: str, message: str) -> None:
    done = program("config", "snap-chip-tiny", "--set", assignment)
    assert done.returncode == 2 and message in done.stderr.splitlines()
