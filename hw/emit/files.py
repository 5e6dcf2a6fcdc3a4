"""Writes several files into a folder, all or none."""

import contextlib
import errno
import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["write_files"]


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write all files; those that are already equal are left untouched.

    Everything is written beside its place first, and moved when all of it is there.

    Parameters
    ----------
    folder
        Made if there is none.
    files
        Contents by name, which may begin with folders in it; text becomes UTF-8.

    Raises
    ------
    OSError
        If the folder can't be made or a file can't be written; the files are then as they were before.
    """
    partials: dict[Path, Path] = {}
    made: list[Path] = []
    try:
        for inner in sorted({(folder / name).parent for name in files}):
            made += [each for each in (inner, *inner.parents) if not each.exists()]
            inner.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            path = (folder / name).resolve()  # through a link, not over it
            content = content.encode() if isinstance(content, str) else content
            if path.exists() and not path.is_file():
                raise FileExistsError(errno.EEXIST, "it is not a regular file", str(folder / name))
            if not path.exists() or path.read_bytes() != content:
                partials[path] = path.with_name(f".{path.name}.{os.getpid()}.partial")
                try:
                    partials[path].write_bytes(content)
                except OSError as error:
                    error.filename = str(folder / name)  # the user knows of no other file
                    raise
        for path, partial in partials.items():
            partial.replace(path)
    finally:
        for partial in partials.values():
            partial.unlink(missing_ok=True)
        for inner in sorted(made, reverse=True):
            with contextlib.suppress(OSError):  # there are files in it
                inner.rmdir()
