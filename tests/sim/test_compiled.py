"""Compiled functions: machine code is kept, is that of the present sources, and isn't needed to be kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PARTS = """
from tensorloom.sim.compiled import part

FACTOR = 3

@part
def scale(value):
    return FACTOR * value
"""

WHOLE = """
import sys
from tensorloom.sim.compiled import compiled
from parts import scale

OFFSET = 1

@compiled
def total(values, results):
    for index in range(len(values)):
        results[0] += scale(values[index]) + OFFSET

import numpy as np
results = np.zeros(1, np.int64)
total(np.arange(4), results)
print(results[0], sum(total.stats.cache_hits.values()))
"""


def run(folder: Path, cache: Path, **environment: str) -> list[int]:
    """Result, and how many functions came from the cache."""
    variables = os.environ | {"TENSORLOOM_CACHE": str(cache), "PYTHONDONTWRITEBYTECODE": "1"} | environment
    command = [sys.executable, "-W", "error", str(folder / "whole.py")]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parts.py").write_text(PARTS, encoding="utf-8")
    (tmp_path / "whole.py").write_text(WHOLE, encoding="utf-8")
    return tmp_path


def test_machine_code_is_kept_until_a_source_changes(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "kept code"
    assert run(folder, cache) == [22, 0]
    assert run(folder, cache) == [22, 1]
    assert not list(folder.rglob("*.nb?")) or all(cache in path.parents for path in folder.rglob("*.nb?"))
    (folder / "parts.py").write_text(PARTS.replace("3", "5"), encoding="utf-8")
    assert run(folder, cache) == [34, 0], "a constant of a part's module"
    (folder / "parts.py").write_text(PARTS.replace("FACTOR *", "FACTOR + 2 *"), encoding="utf-8")
    assert run(folder, cache) == [28, 0], "the part itself"
    (folder / "whole.py").write_text(WHOLE.replace("OFFSET = 1", "OFFSET = 2"), encoding="utf-8")
    assert run(folder, cache) == [32, 0], "the function's own module"
    assert run(folder, cache) == [32, 1]


def test_what_is_used_must_be_defined_before(tmp_path: Path) -> None:
    later = WHOLE.replace("OFFSET = 1\n", "").replace("import numpy as np\n", "OFFSET = 1\nimport numpy as np\n")
    (tmp_path / "parts.py").write_text(PARTS, encoding="utf-8")
    (tmp_path / "whole.py").write_text(later, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "whole.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "NameError: OFFSET must be defined before what is compiled, as total uses it" in done.stderr


def test_nowhere_to_keep_it(folder: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    for cache in (blocked, Path("/proc/nowhere")):
        for _ in range(2):
            assert run(folder, cache) == [22, 0]
    assert not list(folder.rglob("*.nb?"))


def test_whoever_waits_is_told(folder: Path, tmp_path: Path) -> None:
    """Of the first run, once for a function and its parts, and whether the next one need not compile."""
    code = WHOLE.replace("total(np", "lines = []\nwith watch_compilation(lines.append) as found: total(np")
    code = "from tensorloom.sim.compilation import watch_compilation\n" + code
    (folder / "whole.py").write_text(f"{code}\nprint(*map(int, lines), int(found.seconds > 0))", encoding="utf-8")
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    assert run(folder, tmp_path / "cache") == [22, 0, 1, 1]
    assert run(folder, tmp_path / "cache") == [22, 1, 0]
    assert run(folder, blocked) == [22, 0, 0, 1]


def test_numba_is_not_loaded_before_a_model_runs() -> None:
    code = "import sys; from tensorloom.cli.main import main; sys.argv[1:] = ['--help']\n"
    code += "from tensorloom.sim.snap import channel_last, cycles, exploration, work\n"
    code += "try:\n    main()\nfinally:\n    assert 'numba' not in sys.modules"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
