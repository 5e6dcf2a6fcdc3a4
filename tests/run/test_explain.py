"""What bounds layers, and what fields would buy: figures are those of the changed designs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.errors import UsageError
from tensorloom.run import explain as module
from tensorloom.run.execution import predict
from tensorloom.run.explain import doubled, explain_layers, explain_network
from tensorloom.run.jobs import layer_job
from tensorloom.run.network.execution import run_network
from tensorloom.run.registry import Design, engines, find_preset
from tensorloom.sim.workloads.layers import LayerShape

from .network.makers import random_network

LAYERS = [
    (LayerShape(name="a", height=8, width=6, channels=16, rows=3, columns=3, kernels=8), 2),
    (LayerShape(name="b", height=6, width=6, channels=16, rows=1, columns=1, kernels=16), 1),
]
DENSITIES = 0.5, 0.6


def design(name: str) -> Design:
    found = find_preset(name)
    assert found
    return found


def cycles(one: Design, bits: int) -> int:
    jobs = [(layer_job(layer, *DENSITIES, bits=bits, seed=1), count) for layer, count in LAYERS]
    return sum(count * (predict(one, job).cycles or 0) for job, count in jobs)


@pytest.mark.parametrize("engine", engines().values(), ids=lambda engine: engine.name)
def test_each_number_is_doubled_or_refused(engine: Any) -> None:
    one = Design(engine=engine, name="one", config=next(iter(engine.presets.values())))
    designs, refused = doubled(one)
    fields = module.fields_of(one.config)
    numbers = [name for name, value in fields.items() if type(value) is int and value > 0]
    assert sorted([*(path for path, _ in designs), *refused]) == sorted(numbers)
    for path, changed in designs:
        assert module.fields_of(changed.config) == fields | {path: 2 * fields[path]}
        assert changed.name == f"one {path}={2 * fields[path]}"
    assert all(name in text or "." in name for name, text in refused.items())


@pytest.mark.parametrize("name", ["tiny", "snap-tiny"])
def test_layers(name: str, tmp_path: Path) -> None:
    one = design(name)
    report = explain_layers(one, LAYERS, DENSITIES, folder=tmp_path)
    bits = one.engine.data_bits(one.config)
    assert report["cycles"] == cycles(one, bits) == sum(row["cycles"] * row["count"] for row in report["layers"])
    work, *waits = one.engine.causes
    for row in report["layers"]:
        assert row["wait"] in waits and row["wait_share"] == max(row["where_cycles_went"][wait] for wait in waits)
        assert row["meaning"] == one.engine.causes[row["wait"]]
    able = {field["field"]: field for field in report["fields"] if "refused" not in field}
    designs, refused = doubled(one)
    assert list(able) != [] and {field["field"] for field in report["fields"]} == {*able, *refused}
    for path, changed in designs:
        assert able[path]["cycles"] == cycles(changed, bits), path
        assert able[path]["saved"] == pytest.approx(1 - able[path]["cycles"] / report["cycles"], abs=1e-6)
        assert "area" not in able[path]
    saved = [field["saved"] for field in able.values()]
    assert saved == sorted(saved, reverse=True) and saved[0] > 0.2


def test_areas_that_are_known_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = design("tiny")
    sizes = {one.name: 100, "tiny columns=8": 150}
    areas = {name: {"area": size, "memory_bits": 0} for name, size in sizes.items()}
    monkeypatch.setattr(module, "known_area", lambda found, folder: areas.get(found.name))
    report = explain_layers(one, LAYERS[:1], folder=tmp_path)
    fields = {field["field"]: field for field in report["fields"]}
    assert report["area"] == 100 and (fields["columns"]["area"], fields["columns"]["area_added"]) == (150, 0.5)
    assert "area" not in fields["rows"]


def test_a_layer_without_room_is_refused(tmp_path: Path) -> None:
    one = design("tiny")
    narrow = Design(engine=one.engine, name="narrow", config=one.config.replace(accumulator_bits=20))
    wide = LayerShape(name="wide", height=1, width=1, channels=20_000, rows=1, columns=1, kernels=16)
    with pytest.raises(UsageError, match="^wide on narrow: .*accumulator_bits"):
        explain_layers(narrow, [*LAYERS, (wide, 1)], folder=tmp_path)


def test_network(tmp_path: Path) -> None:
    one = design("tpu-tiny")
    network, arrays = random_network(1, 4)
    report = explain_network(one, network, arrays, folder=tmp_path)
    outcome = run_network(one, network, arrays)
    assert report["cycles"] == outcome.cycles > 0
    assert [(row["layer"], row["cycles"]) for row in report["layers"]] == [
        (layer.name, layer.cycles) for layer in outcome.layers
    ]
    designs = dict(doubled(one)[0])
    able = {field["field"]: field for field in report["fields"] if "refused" not in field}
    path = next(iter(able))
    assert able[path]["cycles"] == run_network(designs[path], network, arrays).cycles
    assert sum(report["where_cycles_went"].values()) == pytest.approx(1, abs=1e-4)
    assert np.isfinite(report["utilisation"])
