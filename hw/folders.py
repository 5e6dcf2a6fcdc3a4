"""Folders that all parts use: the user's cache, and paths that make and a shell understand."""

import contextlib
import errno
import hashlib
import os
import re
import stat
import sys
import tempfile
from pathlib import Path

import platformdirs

from .errors import FailureError

__all__ = ["FolderError", "cache_folder", "is_plain", "plain_path", "scratch_folder", "yowasp_environment"]

CACHE = "TENSORLOOM_CACHE"
"""Environment variable that names the cache."""

YOWASP_CACHE = "YOWASP_CACHE_DIR"
"""Environment variable of the YoWASP tools (Yosys, nextpnr): where they keep what they compiled for this machine."""


OTHER_BASES = ("/tmp", "/var/tmp")
"""Folders for temporary files where the usual one won't do."""


class FolderError(FailureError, OSError):
    """A folder that is needed can't be used; the message says which, why, and what names another."""


def cache_folder(*below: str) -> Path:
    """Folder of the cache, or one below it: everything that is kept between calls is here.

    It is made if there is none. Where it is: the environment variable ``TENSORLOOM_CACHE``, or the user's cache folder.

    Raises
    ------
    FolderError
        If it can't be made or written to.
    """
    named = os.environ.get(CACHE) or platformdirs.user_cache_dir("tensorloom")
    folder = _usable(Path(named).absolute(), CACHE)
    return _usable(folder.joinpath(*below), CACHE) if below else folder


def yowasp_environment() -> dict[str, str]:
    """Environment in which YoWASP tools run: their compiled code is in the cache too, unless the user said otherwise.

    Raises
    ------
    FolderError
        If that folder can't be made or written to.
    """
    given = os.environ.get(YOWASP_CACHE)
    folder = _usable(Path(given).absolute(), YOWASP_CACHE) if given else cache_folder("yowasp")
    return os.environ | {YOWASP_CACHE: str(folder)}


def _usable(folder: Path, variable: str) -> Path:
    """A folder, made if there is none; if it can't be written to, a `FolderError` that names the variable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = os.strerror(errno.ENOTDIR) if isinstance(error, FileExistsError) else error.strerror
        advice = f"the environment variable {variable} can name another"
        raise FolderError(f"cannot use the cache {folder}: {reason}; {advice}") from error
    return folder


def is_plain(path: Path | str) -> bool:
    """Whether make, a shell, and options and variables that are lists of paths take a path as it is."""
    return re.fullmatch(r"[\w./+@-]+", str(path), re.ASCII) is not None


def scratch_folder() -> Path:
    """A folder of this user alone, with a plain path, below the one for temporary files.

    Raises
    ------
    FolderError
        If there is none.
    """
    bases = dict.fromkeys([tempfile.gettempdir(), *OTHER_BASES])
    for base in filter(is_plain, bases):
        folder = Path(base) / f"tensorloom-{os.getuid()}"
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, exist_ok=True)
            # Where all may write, there may be somebody else's link, or a folder into which others can put links.
            status = folder.lstat()
            own = status.st_uid == os.getuid() and stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
            if own and os.access(folder, os.W_OK):
                return folder
    tried = ", ".join(bases)
    advice = "the environment variable TMPDIR can name another, of letters, digits and ./+@-_"
    raise FolderError(f"no folder for temporary files that can be used in a makefile (tried {tried}); {advice}")


def plain_path(path: Path) -> Path:
    """A path of plain characters to an existing folder or file: itself, or a link to it that stays.

    Raises
    ------
    FolderError
        If a link is needed and there is no place for it.
    """
    path = path.absolute()
    if is_plain(path):
        return path
    link = scratch_folder() / hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    if not link.is_symlink() or Path(os.readlink(link)) != path:
        with tempfile.TemporaryDirectory(dir=link.parent) as folder:
            new = Path(folder) / link.name
            new.symlink_to(path)
            new.replace(link)
    return link


if __name__ == "__main__":  # for scripts/setup, which runs it before tensorloom is installed
    try:
        print(yowasp_environment()[YOWASP_CACHE])
    except FolderError as error:
        sys.exit(f"error: {error}")
