"""``tensorloom reproduce``."""

import json
import subprocess
import sys
from collections.abc import Callable

from tensorloom.run.registry import engines

NAMES = [name for engine in engines().values() for name in engine.paper_figures]


def test_list(run: Callable) -> None:
    lines = run("reproduce", "--list").stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == NAMES
    assert [one["name"] for one in json.loads(run("reproduce", "--list", "--json").stdout)] == NAMES
    (line,) = run("reproduce", NAMES[-1], "--list").stdout.splitlines()[1:]
    assert line.split()[0] == NAMES[-1]


def test_the_list_loads_no_model() -> None:
    """It is there at once."""
    code = (
        "import sys\n"
        "from tensorloom.cli.main import app\n"
        "try:\n    app(['reproduce', '--list'])\n"
        "except SystemExit as stop:\n    assert not stop.code\n"
        "print(sorted({'numpy', 'numba', 'amaranth'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


def test_unknown_figure(fails: Callable) -> None:
    error = fails("reproduce", "snap-fig6", code=2)
    assert error == f"figure must be one of {', '.join(NAMES)}, not 'snap-fig6'"
