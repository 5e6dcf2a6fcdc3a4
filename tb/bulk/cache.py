"""Cache of compiled simulations: an entry is complete or absent, whatever happens to a builder."""

import contextlib
import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...hw.folders import cache_folder, is_plain, scratch_folder

__all__ = ["Cache"]

META = "meta.json"


class Cache:
    """Entries by key, each a folder with files and their metadata.

    A builder holds the key's lock, works in a folder of its own and renames a copy of the results in the end, so others
    wait for it or take over when it dies. Work folders of dead builders are removed by the next build.

    Parameters
    ----------
    folder
        Defaults to `cache_folder`, which raises `FolderError` if it can't be used.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder.absolute() if folder else cache_folder()

    def find(self, key: str) -> tuple[Path, dict[str, Any]] | None:
        """Folder and metadata of an entry; None if there is none or it is damaged."""
        entry = self.folder / key
        try:
            meta = json.loads((entry / META).read_text(encoding="utf-8"))
            if all(_digest(entry / name) == digest for name, digest in meta["files"].items()):
                return entry, meta
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return None

    @contextlib.contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Hold an entry's lock; waits while another process builds it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / f"{key}.lock", "w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def work_folder(self, key: str) -> Iterator[Path]:
        """An empty folder for the build of a locked entry, with a path that make understands; removed in the end."""
        self._remove_stale(key)
        path = work = Path(tempfile.mkdtemp(prefix=f"{key}.", suffix=".tmp", dir=self.folder))
        if not is_plain(path):
            work = Path(tempfile.mkdtemp(prefix="build-", dir=scratch_folder()))
            path.rmdir()
            path.symlink_to(work)  # by which it is found if this process dies
        try:
            yield work
        finally:
            _remove(path)

    def publish(self, key: str, files: Sequence[Path], meta: dict[str, Any]) -> Path:
        """Make copies of files the entry of a locked key, replacing a damaged one."""
        staged = Path(tempfile.mkdtemp(prefix=f"{key}.", suffix=".tmp", dir=self.folder))
        try:
            new, entry = staged / "new", self.folder / key
            new.mkdir()
            for path in files:
                shutil.copy(path, new)
            meta = meta | {"files": {path.name: _digest(new / path.name) for path in files}}
            (new / META).write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
            if entry.exists():
                entry.rename(staged / "damaged")
            new.rename(entry)
        finally:
            _remove(staged)
        return entry

    def _remove_stale(self, own: str) -> None:
        for path in self.folder.glob("*.tmp"):
            key = path.name.split(".")[0]
            if key == own:
                _remove(path)
                continue
            with contextlib.suppress(OSError), open(self.folder / f"{key}.lock", "w", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(path)


def _remove(path: Path) -> None:
    """Remove a work folder, or a link to one and what it leads to."""
    shutil.rmtree(path.resolve(), ignore_errors=True)
    if path.is_symlink():
        path.unlink()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
