"""``tensorloom run``: programs of text on the smallest TPU, and everything that is wrong with one."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tensorloom.run.tpu.engine import TpuEngine
from tensorloom.run.tpu.program import TpuProgram
from tensorloom.sim.tpu.cycles import CATEGORIES

COPY = """
    # 16 bytes from window 0 to window 1, behind its first beat
    read_host granules=4
    write_host granules=4 window=1 host=1
    halt
"""

FIGURES = {
    "design", "program", "source", "bit_exact", "mismatches", "cycles", "predicted_cycles", "equals_cycle_model",
    "where_cycles_went", "seconds", "cycles_per_second", "passed",
}  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments that copy ``x.bin``, in the folder where that and the program are."""
    monkeypatch.chdir(tmp_path)
    Path("copy.tpu").write_text(COPY)
    Path("x.bin").write_bytes(bytes(range(1, 17)))
    return ["run", "tpu-tiny", "copy.tpu", "--memory", "host_0=x.bin", "--memory", "host_1=28"]


def report(result) -> dict:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_what_memories_hold_afterwards_is_written(run: Callable, copy: list[str]) -> None:
    found = report(run(*copy, "-o", "new/out", "--json"))
    assert set(found) == FIGURES
    assert found["passed"] and found["bit_exact"] and found["design"] == "tpu-tiny" and found["program"] == "copy.tpu"
    assert found["equals_cycle_model"] is True and found["predicted_cycles"] == found["cycles"] > 0
    assert tuple(found["where_cycles_went"]) == CATEGORIES
    assert sum(found["where_cycles_went"].values()) == pytest.approx(1, abs=1e-3)
    data = bytes(range(1, 17))
    written = {path.name: path.read_bytes() for path in Path("new/out").iterdir()}
    assert written == {"host_0.bin": data, "host_1.bin": bytes(8) + data + bytes(4)}


def test_table(run: Callable, copy: list[str]) -> None:
    result = run(*copy)
    assert result.exit_code == 0 and result.stdout.endswith("passed\n")
    assert "copy.tpu on tpu-tiny" in result.stdout and "equals cycle model" in result.stdout
    assert sorted(path.name for path in Path().iterdir()) == ["copy.tpu", "x.bin"]


def test_a_slow_memory_takes_longer(run: Callable, copy: list[str]) -> None:
    fast, slow = report(run(*copy, "--json")), report(run(*copy, "--latency", "50", "--json"))
    assert slow["equals_cycle_model"] and slow["cycles"] > fast["cycles"] + 2 * 45


def test_stalls_change_cycles_but_no_result(run: Callable, copy: list[str]) -> None:
    stalled = report(run(*copy, "--stall", "0.4", "--seed", "3", "-o", "out", "--json"))
    assert stalled["passed"] and stalled["equals_cycle_model"] is None
    assert Path("out/host_1.bin").read_bytes()[8:24] == bytes(range(1, 17))


def test_sizes_that_are_no_whole_beats(run: Callable, copy: list[str]) -> None:
    Path("x.bin").write_bytes(bytes(19))
    report(run(*copy[:-1], "host_1=25", "--memory", "weights=3", "-o", "out", "--json"))
    assert [len(Path(f"out/host_{number}.bin").read_bytes()) for number in range(2)] == [19, 25]


def test_another_configuration(run: Callable, copy: list[str]) -> None:
    """Of it, a program is checked: half the rows hold half as much."""
    Path("copy.tpu").write_text(COPY.replace("granules=4", "granules=4 ub=1024"))
    few = ["--set", "ub_rows=512"]
    assert "instruction 0: buffer: up to granule 1028 of the unified buffer, which has 1024" in run(*copy, *few).stderr
    assert run(*copy).exit_code == 0


def test_a_wrong_result_is_a_failure(run: Callable, copy: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TpuProgram, "golden", lambda program: np.zeros(44, np.int64))
    result = run(*copy)
    assert result.exit_code == 1 and "failed: 32 of 44 results differ from the golden model" in result.stdout


def test_a_wrong_count_is_a_failure(run: Callable, copy: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    real = TpuEngine.read_counters

    def wrong(engine, ports):
        return real(engine, dict(ports) | {"count_host_in_beats": ports["count_host_in_beats"] + 1})

    monkeypatch.setattr(TpuEngine, "read_counters", wrong)
    result = run(*copy)
    assert result.exit_code == 1 and "failed: counters that differ from the models: host_in_beats" in result.stdout


BEYOND = "line 1, instruction 0: memory: a transfer up to granule 99 of window 0, which has 4"
NO_TILE = "line 2, instruction 1: no_tile: uses a weight tile, and none was taken before"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("halt\nmatmull rows=1", "line 2, column 1, 'matmull': no instruction is called 'matmull'"),
        ("  nop 5", "line 1, column 7, '5': nop has no field '5'"),
        ("sync units=host", "line 1, column 6, 'units=host': 'host' is neither a number nor a name that is known here"),
        ("", "instruction 0: end: the program ends without halt"),
        ("nop\nmatmul rows=1 pitch=1 repeat=1\nhalt", NO_TILE),
        ("write_host granules=2\nhalt", "line 1, instruction 0: unwritten: granule 0 is read, and nobody wrote it"),
        ("read_host granules=99\nhalt", BEYOND),
    ],
)  # fmt: skip
def test_programs_that_are_refused(fails: Callable, copy: list[str], text: str, message: str) -> None:
    Path("copy.tpu").write_text(text)
    assert fails(*copy, "-o", "out", code=2) == f"copy.tpu: {message}"


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        ("weights", "--memory must be NAME=FILE or NAME=BYTES, not 'weights'"),
        ("weights=", "--memory must be NAME=FILE or NAME=BYTES, not 'weights='"),
        ("weight=5", "there is no memory 'weight'; there are host_0, host_1, weights"),
        ("=5", "there is no memory ''; there are host_0, host_1, weights"),
        ("host_1=8", "--memory host_1 is given twice"),
        ("weights=w.bin", "--memory weights: file 'w.bin' does not exist"),
        ("weights=.", "--memory weights: file '.' is a directory"),
        ("weights=-5", "--memory weights: file '-5' does not exist"),
        ("weights=1073741825", "--memory weights must have at most 1,073,741,824 bytes, not 1073741825"),
    ],
)
def test_memories_that_are_refused(fails: Callable, copy: list[str], memory: str, message: str) -> None:
    assert fails(*copy, "--memory", memory, "-o", "out", code=2) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tpu-tiny", "missing.tpu"], "Invalid value for 'PROGRAM': file 'missing.tpu' does not exist"),
        (["tpu-tiny", "x.bin"], "x.bin is no text; a program has an instruction a line"),
        (["tpu-tiny"], "name a design and the program's file"),
        ([], "name a design and the program's file"),
        (["tpu-tniy", "copy.tpu"], "preset must be one of"),
        (["tiny", "copy.tpu"], "systolic runs no programs; engines that do: tpu"),
        (["tpu-tiny", "copy.tpu", "--latency", "0"], "latency must be an integer from 1 to"),
        (["tpu-tiny", "copy.tpu", "--stall", "1"], "--stall must be"),
        (["tpu-tiny", "copy.tpu", "-o", "x.bin"], "cannot write x.bin: x.bin is not a folder"),
        (["tpu-tiny", "copy.tpu", "-o", ""], "a path must not be empty"),
    ],
)
def test_arguments_that_are_refused(fails: Callable, copy: list[str], arguments: list[str], message: str) -> None:
    Path("x.bin").write_bytes(bytes([0xFF] * 8))
    assert message in fails("run", *arguments, code=2)


def test_a_folder_that_takes_no_files(fails: Callable, copy: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("closed").mkdir(mode=0o555)
    real = os.access  # root may write everywhere
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "closed" and real(path, mode))
    assert fails(*copy, "-o", "closed", code=2) == "cannot write closed: no permission to write to closed"


def test_all_files_or_none(run: Callable, copy: list[str]) -> None:
    Path("out/host_1.bin").mkdir(parents=True)
    result = run(*copy, "-o", "out")
    assert result.exit_code == 2
    assert "error: cannot write out/host_1.bin: it is not a regular file" in result.stderr
    assert [path.name for path in Path("out").iterdir()] == ["host_1.bin"]
