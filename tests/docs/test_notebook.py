"""The notebook: its cells run, and say what it shows; what it reads is of the designs that there are."""

import json
import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tensorloom.cli.main import app
from tensorloom.run.emission import emit_design
from tensorloom.run.registry import Design, find_preset

from .pages import ROOT

NOTEBOOK = ROOT / "docs/sizing.ipynb"
SCRIPT = runpy.run_path(str(ROOT / "scripts/size_resnet50.py"))
RECORD = json.loads((ROOT / "docs/resnet50_sizes.json").read_text(encoding="utf-8"))
HINT = "run scripts/size_resnet50.py, then scripts/notebook.py docs/sizing.ipynb"
run_notebook = runpy.run_path(str(ROOT / "scripts/notebook.py"))["run_notebook"]


def design(preset: str) -> Design:
    found = find_preset(preset)
    assert found
    return found


def printed(notebook: dict[str, Any]) -> str:
    """All that cells print."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    return "".join(line for output in outputs for line in output.get("text", ()))


def test_outputs_are_those_of_its_cells() -> None:
    assert run_notebook(NOTEBOOK) == json.loads(NOTEBOOK.read_text(encoding="utf-8")), HINT


def test_budget_is_the_readers(tmp_path: Path) -> None:
    """With less area another machine is the best, or none; the command for it is one that works."""
    (tmp_path / "resnet50_sizes.json").write_text(json.dumps(RECORD))
    text, best = NOTEBOOK.read_text(encoding="utf-8"), []
    for budget in (RECORD["machines"][0]["area"] + 2_000_000, 1):
        (tmp_path / "a.ipynb").write_text(text.replace("budget = 12_000_000", f"budget = {budget}"))
        best.append(printed(run_notebook(tmp_path / "a.ipynb")))
    assert "best: " in best[0] and "best: " not in best[1] and "nothing fits\n" in best[1]
    for shown in (best[0], printed(json.loads(text))):
        name, command = shown.partition("best: ")[2].splitlines()
        words = shlex.split(command)
        assert words[:2] == ["tensorloom", "verilog"] and words[2] == name
        assert CliRunner().invoke(app, ["config", *words[2:-2]]).exit_code == 0
    assert best[0].partition("best: ")[2] != printed(json.loads(text)).partition("best: ")[2]


def test_machines_are_those_recorded() -> None:
    assert tuple(one["preset"] for one in RECORD["machines"]) == SCRIPT["PRESETS"], HINT
    for one in RECORD["machines"]:
        assert design(one["preset"]).config.to_dict() == one["config"], HINT


@pytest.mark.parametrize(
    "one",
    [pytest.param(one, marks=[pytest.mark.slow] * (n > 0)) for n, one in enumerate(RECORD["machines"])],
    ids=lambda one: one["preset"],
)
def test_areas_are_of_the_verilog_of_now(one: dict[str, Any]) -> None:
    assert emit_design(design(one["preset"])).manifest["hash"] == one["hash"], HINT


def test_values_and_faults_of_cells(tmp_path: Path) -> None:
    def cells(*sources: str) -> Path:
        found = [{"cell_type": "code", "source": [source], "outputs": ["old"]} for source in sources]
        (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [*found, {"cell_type": "markdown", "source": ["a"]}]}))
        return tmp_path / "a.ipynb"

    first, second, third, text = run_notebook(cells("a = 2\nprint(a)", "open('b', 'w').close()\na + 1", "a = 3"))[
        "cells"
    ]
    assert [output["text"] for output in first["outputs"]] == [["2\n"]]
    assert [output["data"] for output in second["outputs"]] == [{"text/plain": ["3"]}]
    assert third["outputs"] == [] and third["execution_count"] == 3 and "outputs" not in text
    assert (tmp_path / "b").exists()
    with pytest.raises(ZeroDivisionError):
        run_notebook(cells("1 / 0"))
