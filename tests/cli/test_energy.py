"""``tensorloom sim --energy``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tensorloom.run.registry import engines

SIM = ("sim", "tiny", "--matmul", "4x4x4", "--model-only")


@pytest.mark.parametrize("name", list(engines()))
def test_every_engine_counts_energy(run: Callable, name: str) -> None:
    smallest = min(engines()[name].presets.items(), key=lambda one: one[1].multipliers)[0]
    result = run(
        "sim", smallest, "--matmul", "4x16x8", "--kinds", "uint8,int8", "--model-only", "--energy", "45nm", "--json"
    )
    if "must be" in result.stderr:  # of signed operands alone
        result = run("sim", smallest, "--shape", "2x2x8,1x1,8", "--model-only", "--energy", "45nm", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["energy_nj"] > 0 and sum(report["energy_went"].values()) == pytest.approx(1, abs=1e-3)
    assert 0 < report["tops_per_watt"] <= report["tops_per_watt_without_memory"]
    # The share of memory is what lies between the two figures.
    share = report["energy_went"].get("memory", 0)
    assert report["tops_per_watt"] == pytest.approx(report["tops_per_watt_without_memory"] * (1 - share), rel=0.02)


def test_a_table_of_the_users(run: Callable, tmp_path: Path) -> None:
    """Multiplications alone: 16 rows, 1 nJ each on every PE of the array."""
    fields = ['source = "me"', 'technology = "mine"', "multiply = {8 = 1000}"]
    fields += [f"{kind} = {{64 = 1e-9}}" for kind in ("add", "memory", "dram")]
    (tmp_path / "mine.toml").write_text("\n".join(fields))
    args = ("sim", "tiny", "--matmul", "16x4x4", "--kinds", "int8,int8", "--model-only")
    report = json.loads(run(*args, "--energy", tmp_path / "mine.toml", "--json").stdout)
    assert report["energy_table"] == "mine" and report["energy_went"]["multipliers"] == 1
    config = engines()["systolic"].presets["tiny"]
    assert report["energy_nj"] == 16 * config.multipliers
    assert report["tops_per_watt"] == pytest.approx(2 * 16 * 4 * 4 / (1000 * 16 * config.multipliers), abs=1e-3)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--energy", "none.toml"), "--energy: file 'none.toml' does not exist"),
        (("--energy", "wrong.toml"), "wrong.toml: source must be a text that says where the energies are from, not ''"),
    ],
)
def test_wrong_tables(fails: Callable, tmp_path: Path, args: tuple[str, ...], message: str) -> None:
    (tmp_path / "wrong.toml").write_text('technology = "1 nm"\n')
    assert fails(*SIM, *args, code=2) == message


def test_stalls(fails: Callable) -> None:
    error = fails("sim", "tiny", "--matmul", "4x4x4", "--energy", "45nm", "--stall", "0.5", code=2)
    assert error == "--energy needs the cycle model, which knows nothing of --stall"
