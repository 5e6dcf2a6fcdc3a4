import os
from pathlib import Path

import pytest

from tensorloom.hw import folders
from tensorloom.hw.folders import FolderError, cache_folder, is_plain, plain_path, scratch_folder, yowasp_environment

ODD = [
    "a b",
    "a,b",
    "$HOME",
    "a(b",
    "a&b",
    "a#b",
    "a:b",
    "a;b",
    "a'b",
    'a"b',
    "a\\b",
    "a`b",
    "a|b",
    "a\tb",
    "a\nb",
    "~a",
    "ä",
]


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of this test alone."""
    for name in ("scratch", "other"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(folders.tempfile, "gettempdir", lambda: str(tmp_path / "scratch"))
    monkeypatch.setattr(folders, "OTHER_BASES", (str(tmp_path / "other"),))
    return tmp_path / "scratch"


def test_the_cache_and_folders_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path / "new" / "cache"))
    assert cache_folder() == tmp_path / "new" / "cache" and cache_folder().is_dir()
    assert cache_folder("a", "b") == tmp_path / "new" / "cache" / "a" / "b" and cache_folder("a", "b").is_dir()
    assert list(cache_folder("a", "b").iterdir()) == []
    monkeypatch.delenv("TENSORLOOM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder().name == "tensorloom"


def test_the_tools_cache_is_below_unless_the_user_has_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("YOWASP_CACHE_DIR", raising=False)
    assert yowasp_environment() == os.environ | {"YOWASP_CACHE_DIR": str(tmp_path / "cache" / "yowasp")}
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path / "mine"))
    assert yowasp_environment()["YOWASP_CACHE_DIR"] == str(tmp_path / "mine") and (tmp_path / "mine").is_dir()


@pytest.mark.parametrize("variable", ["TENSORLOOM_CACHE", "YOWASP_CACHE_DIR"])
@pytest.mark.parametrize(
    ("place", "reason"),
    [("/proc/xx", "No such file or directory"), ("file", "Not a directory"), ("file/below", "Not a directory")],
)
def test_a_cache_that_cannot_be_used(
    variable: str, place: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    named = tmp_path / place
    monkeypatch.delenv("YOWASP_CACHE_DIR", raising=False)
    monkeypatch.setenv(variable, str(named))
    with pytest.raises(FolderError) as caught:
        yowasp_environment()
    assert (
        str(caught.value)
        == f"cannot use the cache {named}: {reason}; the environment variable {variable} can name another"
    )


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path))
    monkeypatch.setattr(folders.tempfile, "TemporaryFile", refuse)  # root may write everywhere
    with pytest.raises(
        FolderError, match=rf"cannot use the cache {tmp_path}: Read-only file system; .* TENSORLOOM_CACHE"
    ):
        cache_folder("below")


@pytest.mark.parametrize("name", ODD)
def test_odd_paths_get_a_plain_one(name: str, tmp_path: Path) -> None:
    odd = tmp_path / name / "folder"
    odd.mkdir(parents=True)
    link = plain_path(odd)
    assert not is_plain(odd) and is_plain(link)
    assert link.resolve() == odd.resolve() and link != plain_path(odd.parent)
    assert plain_path(odd) == link and os.readlink(link) == str(odd)
    link.unlink()
    link.symlink_to("/elsewhere")
    assert plain_path(odd).resolve() == odd.resolve()
    assert sorted(path.name for path in link.parent.iterdir()) == sorted({link.name, plain_path(odd.parent).name})


def test_plain_paths_stay(scratch: Path, tmp_path: Path) -> None:
    for name in ("a-b_c.d", "A+b@1"):
        assert plain_path(tmp_path / name) == tmp_path / name
    assert list(scratch.iterdir()) == []


def test_somebody_elses_folder_is_not_taken(scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = scratch_folder()
    assert own.parent == scratch and own.stat().st_mode & 0o777 == 0o700
    own.chmod(0o777)
    assert scratch_folder().parent.name == "other"
    own.rmdir()
    (tmp_path / "theirs").mkdir(mode=0o700)
    own.symlink_to(tmp_path / "theirs")
    assert scratch_folder().parent.name == "other"
    own.unlink()
    assert scratch_folder() == own
    stranger = os.getuid() + 1
    own.rename(own.with_name(f"tensorloom-{stranger}"))
    monkeypatch.setattr(folders.os, "getuid", lambda: stranger)
    with pytest.raises(FolderError):
        scratch_folder()


def test_no_place_for_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders.tempfile, "gettempdir", lambda: str(tmp_path / "some where"))
    monkeypatch.setattr(folders.os, "access", lambda path, mode: False)
    with pytest.raises(
        FolderError, match=r"\(tried .*/some where, .*/other\); the environment variable TMPDIR can name"
    ):
        plain_path(tmp_path / "a b")
