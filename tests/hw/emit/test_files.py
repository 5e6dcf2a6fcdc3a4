"""Files are written all or none."""

import subprocess
import sys
from pathlib import Path

import pytest

from tensorloom.hw.emit.files import write_files

WRITES_OFTEN = """
import pathlib, sys
from tensorloom.hw.emit.files import write_files
for number in range(200):
    content = f"{sys.argv[2]}{number}" * 1000
    write_files(pathlib.Path(sys.argv[1]), {"a": content, "b": content})
"""


def test_two_processes_do_not_disturb_each_other(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITES_OFTEN, str(tmp_path), content]) for content in "xy"]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}
    for path in tmp_path.iterdir():
        assert path.read_text() in ("x199" * 1000, "y199" * 1000)


def test_nothing_changes_if_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("before")
    (tmp_path / "b").mkdir()
    with pytest.raises(FileExistsError, match="it is not a regular file"):
        write_files(tmp_path, {"a": "after", "b": "after"})
    assert (tmp_path / "a").read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}
