"""Frames of whole networks: a small one on the smallest chip, and ResNet-50 as it was recorded.

The whole one by the cycle model runs with: scripts/test -m slow -k network.
"""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.errors import FailureError, UsageError
from tensorloom.run.mutation.records import read_records
from tensorloom.run.progress import silent
from tensorloom.run.registry import Design, find_preset
from tensorloom.run.snap_chip import whole_network as module
from tensorloom.run.snap_chip.bottlenecks import RECORDS
from tensorloom.run.snap_chip.engine import ENGINE, SnapChipEngine
from tensorloom.run.snap_chip.unit import run_unit, verilog_digest
from tensorloom.run.snap_chip.whole_network import run_frame
from tensorloom.sim.snap_chip.cycles import WENT
from tensorloom.sim.snap_chip.draw import Drawn, draw_unit
from tensorloom.sim.snap_chip.units import NETWORK_UNITS

NAMES = ["conv1", "res2a", "res2b", "res3a", "fc1000"]

TIMES = ("cpu_seconds", "simulated_seconds", "cycles_per_second", "kept_in")


def tiny() -> Design:
    design = find_preset("snap-chip-tiny")
    assert design
    return design


def without_times(figures: Any) -> Any:
    if isinstance(figures, list):
        return [without_times(one) for one in figures]
    if isinstance(figures, dict):
        return {name: without_times(value) for name, value in figures.items() if name not in TIMES}
    return figures


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A frame during which a process dies, while it has a unit in hand."""
    folder = tmp_path_factory.mktemp("whole")
    marker = str(folder / "died")

    def dies_once(name, config, unit, *rest):
        from tensorloom.run.snap_chip.unit import run_unit

        if unit.name == "res2b" and not os.path.exists(marker):
            open(marker, "x").close()
            os._exit(9)
        return run_unit(name, config, unit, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "run_unit", dies_once)
        figures = run_frame(tiny(), "resnet-mini", folder=folder / "kept", stages=silent)
    assert os.path.exists(marker)
    return figures


def test_a_whole_frame_though_a_process_died(whole: dict[str, Any]) -> None:
    assert [unit["name"] for unit in whole["units"]] == NAMES and whole["complete"]
    assert whole["convolutions"] == 13 and whole["source"] == "rtl"
    assert whole["cycles"] == whole["simulated_cycles"] == sum(unit["cycles"] for unit in whole["units"])
    for unit in whole["units"]:
        assert unit["source"] == "rtl" and unit["bit_exact"] and unit["equals_cycle_model"]
        assert 0 < unit["cycles"] - sum(layer["cycles"] for layer in unit["layers"]) < 200  # the first command
        assert unit["products"] == sum(layer["products"] for layer in unit["layers"]) > 0
        assert (unit["channel_last_cycles"] is not None) == unit["name"].startswith("res")
        for layer in unit["layers"]:
            assert tuple(layer["where_cycles_went"]) == WENT
            assert layer["where_cycles_went"][layer["bound_by"]] == max(layer["where_cycles_went"].values())
            assert layer["speedup_over_dense"] == round(layer["dense_cycles"] / layer["cycles"], 3)
    assert whole["speedup_over_dense"] == round(whole["dense_cycles"] / whole["cycles"], 3)
    tables = ENGINE.frame_tables(whole)
    assert len(tables[0].rows) == 14 and [row[0] for row in tables[1].rows] == NAMES
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)


def test_finished_units_are_not_run_again(whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is counted twice; what is damaged runs again."""
    folder = Path(whole["kept_in"])
    (folder / "res3a.json").write_text((folder / "res3a.json").read_text().replace("rtl", "RTL"))
    (folder / "fc1000-dense.json").unlink()
    done, real = [], module.Task

    def task(**fields: Any) -> Any:
        done.append(fields["name"])
        return real(**fields)

    monkeypatch.setattr(module, "Task", task)
    titles: list[str] = []

    def stages(title: str):
        titles.append(title)
        return silent(title)

    again = run_frame(tiny(), "resnet-mini", folder=folder, workers=1, stages=stages)
    assert done == ["res3a", "fc1000-dense"]
    assert without_times(again) == without_times(whole)
    assert "8 of 10 parts were finished before" in titles[-1] and titles[-1].endswith("are damaged: res3a")

    def nobody(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(module, "connect", nobody)
    assert without_times(run_frame(tiny(), "resnet-mini", folder=folder, stages=silent)) == without_times(whole)
    part = run_frame(tiny(), "resnet-mini", layers=["res2a"], folder=folder, stages=silent)
    assert [unit["name"] for unit in part["units"]] == ["res2a"] and not part["complete"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 1}, "holds results of another seed: 0, not 1"),
        ({"design": "snap-chip-8b"}, "holds results of another design: snap-chip-tiny, not snap-chip-8b"),
    ],
)
def test_folders_of_other_frames_are_refused(
    whole: dict[str, Any], options: dict, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "design" in options:
        monkeypatch.setattr(module, "verilog_digest", lambda design: "f" * 64)  # it takes long to emit
    design = find_preset(options.pop("design", "snap-chip-tiny"))
    assert design
    with pytest.raises(UsageError, match=message) as caught:
        run_frame(design, "resnet-mini", folder=Path(whole["kept_in"]), stages=silent, **options)
    assert caught.value.hint == f"choose another folder with --output, or remove {whole['kept_in']}"


def test_unknown_names(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^network must be one of resnet-50, .*, not 'resnet50'$") as caught:
        run_frame(tiny(), "resnet50", stages=silent)
    assert caught.value.hint == "did you mean resnet-50?"
    with pytest.raises(UsageError, match="^layers must be of conv1, res2a, res2b, res3a, fc1000, not 'res2'$"):
        run_frame(tiny(), "resnet-mini", layers=["res2"], folder=tmp_path / "new", stages=silent)
    assert not (tmp_path / "new").exists() and ENGINE.frames == tuple(NETWORK_UNITS)


def drawn_block() -> Drawn:
    x = np.random.default_rng(1).integers(0, 3, (6, 6, 32)).astype(np.uint8)
    return draw_unit(tiny().config, NETWORK_UNITS["resnet-mini"]()[2], 7, x)


def on_verilog(drawn: Drawn) -> dict[str, Any]:
    design, unit = tiny(), NETWORK_UNITS["resnet-mini"]()[2]
    return run_unit(design.name, design.config, unit, 7, drawn, verilog_digest(design), lambda share: None)


@pytest.mark.parametrize("tensor", ["res2b_branch2a", "res2b_branch2c"])
def test_outputs_that_are_wrong_are_failures(tensor: str) -> None:
    """Of any layer, if the maths says something else than the chip and its golden model."""
    drawn = drawn_block()
    values = drawn.values[tensor].copy()
    at = tuple(axis[0] for axis in np.nonzero(values > 1))
    values[at] ^= 1  # still none of the zeros, so that the cycle model says the same
    with pytest.raises(FailureError, match=f"^res2b: 1 values of {tensor} differ from the maths$"):
        on_verilog(dataclasses.replace(drawn, values=drawn.values | {tensor: values}))


@pytest.mark.parametrize(("count", "name"), [("count_cycles", "cycles"), ("count_residual_beats", "beats")])
def test_counts_that_are_wrong_are_failures(monkeypatch: pytest.MonkeyPatch, count: str, name: str) -> None:
    real = SnapChipEngine.read_counters
    monkeypatch.setattr(
        SnapChipEngine, "read_counters", lambda engine, ports: real(engine, dict(ports) | {count: ports[count] + 1})
    )
    with pytest.raises(FailureError, match=f"^res2b: counters that differ from the cycle model: {name}$"):
        on_verilog(drawn_block())


def test_workers_with_another_design_are_refused() -> None:
    design, unit = tiny(), NETWORK_UNITS["resnet-mini"]()[2]
    with pytest.raises(UsageError, match="^workers must make the same Verilog as this machine does, not another$"):
        run_unit(design.name, design.config, unit, 7, drawn_block(), "0" * 64, lambda share: None)


def recorded(network: str) -> list[dict[str, Any]]:
    return read_records(RECORDS / network)


def test_record_of_resnet_50() -> None:
    """All layers, everything that the Verilog ran as the models say, each block faster than channel-last machines."""
    (record,) = recorded("resnet-50")
    assert record["complete"] and record["convolutions"] == 54 and record["densities"] == "0.38/0.52"
    assert [unit["name"] for unit in record["units"]] == [unit.name for unit in NETWORK_UNITS["resnet-50"]()]
    assert record["source"] == "rtl" and all(unit["source"] == "rtl" for unit in record["units"])
    assert all(unit["bit_exact"] and unit["equals_cycle_model"] for unit in record["units"])
    blocks = [unit for unit in record["units"] if unit["name"].startswith("res")]
    assert len(blocks) == 16 and all(unit["speedup_over_channel_last"] > 1 for unit in blocks)
    assert record["cycles"] == sum(unit["cycles"] for unit in record["units"])
    assert record["simulated_cycles"] == record["cycles"]
    assert "kept_in" not in json.dumps(record)


@pytest.mark.parametrize(
    "folder", sorted(path for path in RECORDS.iterdir() if path.is_dir()), ids=lambda path: path.name
)
def test_records_are_whole(folder: Path) -> None:
    """Of any network: all layers, and on the Verilog what is to run there, as the models say."""
    for record in read_records(folder):
        units = NETWORK_UNITS[record["network"]]()
        assert record["network"] == folder.name and record["complete"]
        assert [unit["name"] for unit in record["units"]] == [unit.name for unit in units]
        for unit, found in zip(units, record["units"], strict=True):
            assert found["source"] == ("rtl" if unit.simulated else "model") and found["sampled"] == unit.sampled
            assert not unit.simulated or (found["bit_exact"] and found["equals_cycle_model"])
        assert record["cycles"] == sum(unit["cycles"] for unit in record["units"] if not unit["sampled"])


@pytest.mark.slow
def test_network_by_the_model(tmp_path: Path) -> None:
    """Cycles are those that were recorded."""
    (record,) = recorded("resnet-50")
    design = find_preset(record["design"])
    assert design
    found = run_frame(design, "resnet-50", model_only=True, folder=tmp_path / "kept", stages=silent)
    assert found["cycles"] == record["cycles"] and found["dense_cycles"] == record["dense_cycles"]
