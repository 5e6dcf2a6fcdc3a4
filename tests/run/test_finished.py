"""Folders of finished parts: whole or not at all, and of nothing else."""

import json
from pathlib import Path

import pytest

from tensorloom.hw.errors import UsageError
from tensorloom.run.finished import SUBJECT, Finished

WHAT = {"design": "a" * 64, "seed": 1}


def test_parts_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    Finished(folder, WHAT).write("part", {"cycles": 5})
    again = Finished(folder, WHAT)
    assert again.read("part") == {"cycles": 5} and again.read("other") is None
    assert not again.is_damaged("part") and not again.is_damaged("other")
    assert sorted(path.name for path in folder.iterdir()) == ["part.json", SUBJECT]


@pytest.mark.parametrize("change", [lambda text: text[:-9], lambda text: text.replace("5", "6"), lambda text: "[]"])
def test_damaged_parts_are_not_finished(tmp_path: Path, change) -> None:
    finished = Finished(tmp_path, WHAT)
    finished.write("part", {"cycles": 5})
    path = tmp_path / "part.json"
    path.write_text(change(path.read_text()))
    assert finished.read("part") is None and finished.is_damaged("part")
    finished.write("part", {"cycles": 7})
    assert finished.read("part") == {"cycles": 7}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"seed": 2}, "holds results of another seed: 1, not 2$"),
        ({"design": "b" * 64}, r"holds results of another design: a{12}\.\.\., not b{12}\.\.\.$"),
        ({"more": 1}, "holds results of another more: None, not 1$"),
    ],
)
def test_folders_of_something_else(tmp_path: Path, other: dict, message: str) -> None:
    Finished(tmp_path, WHAT)
    with pytest.raises(UsageError, match=message) as caught:
        Finished(tmp_path, WHAT | other)
    assert caught.value.hint == f"choose another folder with --output, or remove {tmp_path}"


def test_folders_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="must be empty, new, or hold results, not other files$"):
        Finished(tmp_path, WHAT)
    with pytest.raises(UsageError, match=r"notes\.txt is not a folder$"):
        Finished(tmp_path / "notes.txt", WHAT)
    (tmp_path / SUBJECT).write_text(json.dumps(WHAT)[:-3])
    with pytest.raises(UsageError, match="subject.json is damaged$"):
        Finished(tmp_path, WHAT)
