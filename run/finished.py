"""Folder of the finished parts of long work: what is in it need not be done again."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..hw.emit.files import write_files
from ..hw.errors import PathError, UsageError
from .files import check_folder, writing

__all__ = ["Finished", "sources_digest"]

SUBJECT = "subject.json"
"""File that says of what the parts are."""


class Finished:
    """Figures of finished parts, each in a file that is there whole or not at all.

    Parameters
    ----------
    folder
        Made if there is none.
    subject
        Everything that figures depend on, by name: values for JSON.

    Attributes
    ----------
    folder
        As given.

    Raises
    ------
    PathError
        If the folder can't be written to.
    UsageError
        If there are parts of something else in it, and of what.
    """

    def __init__(self, folder: Path, subject: Mapping[str, Any]) -> None:
        self.folder = folder
        check_folder(folder)
        path = folder / SUBJECT
        if not path.exists():
            if folder.is_dir() and any(folder.iterdir()):
                raise UsageError(f"{folder} must be empty, new, or hold results, not other files", _hint(folder))
            with writing(path):
                write_files(folder, {SUBJECT: json.dumps(subject, indent=1) + "\n"})
            return
        found = _read(path)
        if not isinstance(found, dict):
            raise UsageError(f"{path} is damaged", _hint(folder))
        for name, value in json.loads(json.dumps(subject)).items():
            if found.get(name) != value:
                text = f"{folder} holds results of another {name}: {_short(found.get(name))}, not {_short(value)}"
                raise UsageError(text, _hint(folder))

    def read(self, name: str) -> dict[str, Any] | None:
        """Figures of a part; None if it isn't finished, or its file is damaged."""
        found = _read(self._path(name))
        if not isinstance(found, dict) or found.get("digest") != _digest(found.get("figures")):
            return None
        return found["figures"]

    def write(self, name: str, figures: dict[str, Any]) -> None:
        """Keep the figures of a part."""
        path = self._path(name)
        with writing(path):
            write_files(self.folder, {path.name: json.dumps({"digest": _digest(figures), "figures": figures}) + "\n"})

    def is_damaged(self, name: str) -> bool:
        """Whether a part has a file that can't be used."""
        return self._path(name).exists() and self.read(name) is None

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def sources_digest(root: Path, folders: Iterable[str]) -> str:
    """Hash of the Python files in some folders below `root`: of what results depend on."""
    digest = hashlib.sha256()
    for path in sorted(path for name in folders for path in (root / name).rglob("*.py")):
        digest.update(f"\0{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _hint(folder: Path) -> str:
    return f"choose another folder with --output, or remove {folder}"


def _short(value: Any) -> str:
    return f"{value[:12]}..." if isinstance(value, str) and len(value) == 64 else str(value)


def _digest(figures: Any) -> str:
    return hashlib.sha256(json.dumps(figures, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> Any:
    """What JSON in a file says; None if there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (UnicodeDecodeError, ValueError):
        return None
    except OSError as error:
        raise PathError(f"cannot read {path}: {error.strerror or error}") from error
