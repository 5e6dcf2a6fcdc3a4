"""Sweeps: what is run is what was asked for, figures are those of single runs, and what is finished stays finished."""

import csv
import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import tensorloom as tl
from tensorloom.hw.errors import ConfigError, UsageError
from tensorloom.run.execution import predict
from tensorloom.run.jobs import layer_job
from tensorloom.run.registry import Design, engines, find_preset
from tensorloom.run.sweep import sweep as module
from tensorloom.run.sweep.plot import draw_sweep
from tensorloom.run.sweep.points import Point, fields_of, find_layers, make_points
from tensorloom.run.sweep.sweep import known_area, run_sweep, totals
from tensorloom.run.sweep.tables import FORMATS, check_format, flat_rows, table_bytes
from tensorloom.sim.workloads.layers import NETWORKS, LayerShape, find_layer

SMALL = LayerShape(name="small", height=6, width=6, channels=8, rows=3, columns=3, kernels=8)
LARGER = LayerShape(name="larger", height=8, width=6, channels=8, rows=1, columns=1, kernels=8)
DENSITIES = ((1.0, 1.0), (0.4, 0.5))


def design(name: str = "tiny") -> Design:
    found = find_preset(name)
    assert found
    return found


def points(**fields: Any) -> list[Point]:
    return make_points(design(), fields, [(SMALL, 2), (LARGER, 1)], DENSITIES)


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, Any]]:
    return run_sweep(points(rows=[4, 8], columns=[4, 6]), folder=tmp_path / "kept")


def test_points_are_all_combinations_in_order() -> None:
    found = points(rows=[4, 8], columns=[4, 6])
    assert len(found) == 2 * 2 * 2 * 2
    assert [(p.design.config.rows, p.design.config.columns, p.densities, p.layer.name) for p in found] == [
        (r, c, d, name) for r in (4, 8) for c in (4, 6) for d in DENSITIES for name in ("small", "larger")
    ]
    assert found[-1].design.name == "tiny rows=8 columns=6" and found[-1].changes == {"rows": 8, "columns": 6}


def test_figures_are_those_of_single_runs(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        one = design()
        changed = Design(engine=one.engine, name="", config=one.config.replace(**row["fields"]))
        layer = SMALL if row["layer"] == "small" else LARGER
        job = layer_job(layer, row["activation_density"], row["weight_density"], bits=8, seed=1)
        outcome = predict(changed, job)
        assert (row["cycles"], row["macs"]) == (outcome.cycles, outcome.macs)
        assert row["utilisation"] == pytest.approx(outcome.utilisation, abs=1e-6)
        assert row["where_cycles_went"] == pytest.approx(outcome.where_cycles_went(), abs=1e-6)
        assert row["source"] == "model" and row["multipliers"] == changed.config.multipliers


def test_totals_count_layers_as_often_as_there_are(rows: list[dict[str, Any]]) -> None:
    whole = totals(rows)
    assert len(whole) == 8
    for total, first, second in zip(whole, rows[::2], rows[1::2], strict=True):
        assert (first["layer"], second["layer"]) == ("small", "larger")
        assert total["fields"] == first["fields"] and total["layers"] == 3
        assert total["cycles"] == 2 * first["cycles"] + second["cycles"]
        assert total["utilisation"] == pytest.approx(total["macs"] / total["cycles"] / total["multipliers"], abs=1e-6)
        assert sum(total["where_cycles_went"].values()) == pytest.approx(1, abs=1e-4)


def test_what_is_finished_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple] = []

    def counted(*args: Any, **more: Any) -> dict[str, Any]:
        ran.append(args)
        return {"cycles": len(ran), "macs": 1, "utilisation": 0.5, "where_cycles_went": {}, "source": "model"}

    monkeypatch.setattr(module, "run_point", counted)
    first = run_sweep(points(rows=[4]), folder=tmp_path)
    assert len(ran) == 4
    again = run_sweep(points(rows=[4, 8]), folder=tmp_path)
    assert len(ran) == 8 and again[:4] == first
    run_sweep(points(rows=[4]), folder=tmp_path, seed=2)
    assert len(ran) == 12  # other tensors
    next(path for path in tmp_path.iterdir() if path.name.startswith("model-")).write_text("{")
    run_sweep(points(rows=[4, 8]), folder=tmp_path)
    run_sweep(points(rows=[4]), folder=tmp_path, seed=2)
    assert len(ran) == 13  # the damaged one


def test_an_interrupt_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, ran = module.run_point, []

    def interrupted(*args: Any, **more: Any) -> dict[str, Any]:
        ran.append(args)
        if len(ran) == 3:
            raise KeyboardInterrupt
        return real(*args, **more)

    monkeypatch.setattr(module, "run_point", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(points(rows=[4]), folder=tmp_path)
    assert len(run_sweep(points(rows=[4]), folder=tmp_path)) == 4
    assert len(ran) == 3 + 2


def test_a_folder_of_another_engine_is_refused(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    other = make_points(design("snap-tiny"), {}, [(SMALL, 1)])
    with pytest.raises(UsageError, match=r"holds results of another engine: systolic, not snap$") as caught:
        run_sweep(other, folder=tmp_path / "kept")
    assert caught.value.hint and "--keep" in caught.value.hint


def test_processes_give_the_same(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    pytest.importorskip("distributed")
    assert run_sweep(points(rows=[4, 8], columns=[4, 6]), folder=tmp_path / "other", workers=2) == rows


def test_workers_with_other_models_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="workers must have the same models"):
        module.run_point(design(), SMALL, (1.0, 1.0), 8, 1, "another", False, lambda share: None)


def test_some_points_run_on_the_verilog(tmp_path: Path) -> None:
    found = run_sweep(points(), rtl=2, folder=tmp_path)
    assert [row["source"] for row in found].count("rtl") == 2
    models = run_sweep(points(), folder=tmp_path)
    assert [row["cycles"] for row in found] == [row["cycles"] for row in models]
    assert {row["source"] for row in models} == {"model"}


def test_a_layer_that_has_no_room_is_said(tmp_path: Path) -> None:
    narrow = design().config.replace(accumulator_bits=20)
    small = Design(engine=design().engine, name="narrow", config=narrow)
    wide = LayerShape(name="long", height=1, width=1, channels=20_000, rows=1, columns=1, kernels=16)
    layers = [(SMALL, 1), (wide, 1)]
    row, long = run_sweep(make_points(small, {}, layers), folder=tmp_path)
    assert row["cycles"] and "cycles" not in long and "accumulator_bits" in long["refused"]
    (total,) = totals([row, long])
    assert total["cycles"] is None and total["refused"] == long["refused"]


def test_area_is_measured_once_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []

    def area(one: Design, tell: Any) -> dict[str, int]:
        measured.append(one.name)
        return {"area": 100 * one.config.rows, "memory_bits": 7}

    monkeypatch.setattr(module, "measure_design", area)
    found = run_sweep(points(rows=[4, 8]), area=True, folder=tmp_path)
    assert sorted(measured) == ["tiny rows=4", "tiny rows=8"]
    assert [row["area"] for row in found] == [400] * 4 + [800] * 4
    assert [total["area"] for total in totals(found)] == [400, 400, 800, 800]
    assert all("useful_per_mnand2" not in total for total in totals(run_sweep(points(rows=[4]), folder=tmp_path)))
    for total in totals(found):
        expected = total["macs"] / total["cycles"] / total["area"] * 1e6
        assert total["useful_per_mnand2"] == pytest.approx(expected, rel=1e-3)
    assert known_area(points(rows=[8])[0].design, tmp_path) == {"area": 800, "memory_bits": 7}
    assert known_area(points(rows=[16])[0].design, tmp_path) is None


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"row": [4]}, r"^field must be one of rows, columns, .*, not 'row'$"),
        ({"rows": []}, r"^rows must be different values, not \[\]$"),
        ({"rows": [4, 4]}, r"^rows must be different values"),
        ({"rows": [4, 5]}, r"^rows=5: "),
        ({"rows": [4], "columns": list(range(2, 60_000, 2))}, r"^points must be at most 100,000 in all, not 119996$"),
    ],
)
def test_wrong_fields_are_refused_at_once(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        points(**fields)


def test_combinations_that_break_a_rule_can_be_left_out() -> None:
    found = make_points(design(), {"rows": [4, 5]}, [(SMALL, 1)], skip=True)
    assert [point.changes for point in found] == [{"rows": 4}]
    with pytest.raises(ConfigError, match="one combination at least keeps the rules"):
        make_points(design(), {"rows": [5]}, [(SMALL, 1)], skip=True)


@pytest.mark.parametrize("engine", engines().values(), ids=lambda engine: engine.name)
def test_fields_are_the_paths_that_replace_takes(engine: Any) -> None:
    config = next(iter(engine.presets.values()))
    fields = fields_of(config)
    assert config.replace(**fields) == config
    assert not [name for name, value in fields.items() if hasattr(value, "field_types")]


def test_layers_and_networks() -> None:
    layers = find_layers(["resnet50"])
    assert sum(count for _, count in layers) == len(NETWORKS["resnet50"]) > len(layers)
    assert find_layers(["vgg16/conv3_2", "vgg16/conv3_3"]) == [(find_layer("vgg16/conv3_2"), 2)]
    cut = find_layers(["resnet50/res4b_branch2b", "resnet50/res5b_branch2b"], (7, 7, 256, 8))
    ((layer, count),) = cut
    assert count == 2 and (layer.height, layer.width, layer.channels, layer.kernels) == (7, 7, 256, 8)
    with pytest.raises(
        ConfigError, match=r"^layers must be one of alexnet, .* or a layer of one.*, not 'resnet5'$"
    ) as e:
        find_layers(["resnet5"])
    assert e.value.hint == "did you mean resnet50?"


def test_files(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    flat = flat_rows(rows)
    assert flat[0]["rows"] == 4 and 0 < flat[0]["went_issued"] <= 1 and "fields" not in flat[0]
    assert len({tuple(row) for row in flat_rows([*rows, rows[0] | {"refused": "why"}])}) == 1
    read = list(csv.DictReader(io.StringIO(table_bytes(rows, ".csv").decode())))
    assert [row["cycles"] for row in read] == [str(row["cycles"]) for row in rows]
    assert json.loads(table_bytes(rows, ".json")) == rows
    for suffix in FORMATS[:2]:
        check_format(tmp_path / f"a{suffix}")
    with pytest.raises(UsageError, match=r"must end in .csv, .json or .parquet$"):
        check_format(tmp_path / "a.xlsx")


def test_parquet(rows: list[dict[str, Any]]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert parquet.read_table(io.BytesIO(table_bytes(rows, ".parquet"))).to_pylist() == flat_rows(rows)


def test_plot(rows: list[dict[str, Any]]) -> None:
    text = draw_sweep(rows)
    root = ElementTree.fromstring(text)
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "Cycles by rows" in texts and "columns 4, density 1/1" in texts and "columns 6, density 0.4/0.5" in texts
    boxes = list(root.iter("{http://www.w3.org/2000/svg}rect"))
    assert len(boxes) == 1 + 8 + 4  # the sheet, points, legend
    most = max(total["cycles"] for total in totals(rows))
    highest = min(float(box.attrib["y"]) + 3 for box in boxes[1:] if box.attrib["width"] == "6")
    ticks = {int(t.replace(",", "")) for t in texts if t and t.replace(",", "").isdecimal() and len(t) > 2}
    assert highest == pytest.approx(50 + 300 * (1 - most / max(ticks)), abs=0.1)
    many = [rows[0] | {"fields": {"a": n, "b": m}, "design": f"{n} {m}"} for n in range(9) for m in range(9)]
    with pytest.raises(UsageError, match="at most 8 lines, not 9"):
        draw_sweep(many)


def test_python_face(tmp_path: Path) -> None:
    found = tl.engine("systolic-16").sweep(
        {"rows": [16, 32]}, layers=["resnet50/res5b_branch2b"], folder=tmp_path, densities=[(0.5, 1)]
    )
    assert [row["fields"] for row in found] == [{"rows": 16}, {"rows": 32}] and found[0]["cycles"] > found[1]["cycles"]
    with pytest.raises(tl.ConfigError, match="field must be one of"):
        tl.engine("tiny").sweep({"psum_slots": [1]}, layers=["resnet50"])
