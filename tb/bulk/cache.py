"""Cache of compiled simulations: an entry is complete or absent, whatever happens to a builder."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import platformdirs

__all__ = ["Cache"]

META = "meta.json"


class Cache:
    """Entries by key, each a folder with files and their metadata.

    A builder holds the key's lock, works in a folder beside the entry and renames it in the end, so others wait for
    it or take over when it dies. Work folders of dead builders are removed by the next build.

    Parameters
    ----------
    folder
        Defaults to the environment variable ``TENSORLOOM_CACHE``, else to the user's cache folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        named = folder or os.environ.get("TENSORLOOM_CACHE") or platformdirs.user_cache_dir("tensorloom")
        self.folder = Path(named).absolute()

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
        """An empty folder for the build of a locked entry; it is removed in the end."""
        self._remove_stale(key)
        path = Path(tempfile.mkdtemp(prefix=f"{key}.", suffix=".tmp", dir=self.folder))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def publish(self, key: str, work: Path, files: Sequence[Path], meta: dict[str, Any]) -> Path:
        """Make copies of files of the work folder the entry of a locked key, replacing a damaged one."""
        staged = Path(tempfile.mkdtemp(prefix="entry-", dir=work))
        for path in files:
            shutil.copy(path, staged)
        meta = meta | {"files": {path.name: _digest(staged / path.name) for path in files}}
        (staged / META).write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
        entry = self.folder / key
        if entry.exists():
            entry.rename(staged.with_name(f"damaged-{key}"))
        staged.rename(entry)
        return entry

    def _remove_stale(self, own: str) -> None:
        for path in self.folder.glob("*.tmp"):
            key = path.name.split(".")[0]
            if key == own:
                shutil.rmtree(path, ignore_errors=True)
                continue
            with contextlib.suppress(OSError), open(self.folder / f"{key}.lock", "w", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
