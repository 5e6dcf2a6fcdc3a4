"""Writing what the user asked for: checked before the work, complete or not at all."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..hw.errors import Error, FailureError, PathError, wrong_type

__all__ = ["check_apart", "check_file", "check_folder", "replacing", "to_path", "writing"]


def to_path(path: object, field: str = "") -> Path:
    """The path that a text is; an empty one would be the current folder.

    Parameters
    ----------
    field
        What errors call it.

    Raises
    ------
    WrongTypeError
        If it is neither a text nor a path.
    PathError
        If it is empty, or no path of this system, such as one with a name that is too long.
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str):
        raise wrong_type(field or "path", "a path", path)
    prefix = f"{field}: " if field else ""
    if not text:
        raise PathError(f"{prefix}a path must not be empty")
    try:
        os.lstat(text)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        if not isinstance(error, NotADirectoryError | PermissionError):  # these are said when it is used
            raise PathError(f"{prefix}{text!r}: {getattr(error, 'strerror', None) or error}") from error
    return Path(text)


def check_folder(folder: Path) -> None:
    """Check, before work that takes long, that `folder` can be written to, or made; nothing stays written.

    Raises
    ------
    PathError
        If it can't.
    """
    existing = next(path for path in [folder, *folder.absolute().parents] if path.exists() or path.is_symlink())
    if not existing.is_dir():
        raise PathError(f"cannot write {folder}: {existing} is not a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PathError(f"cannot write {folder}: no permission to write to {existing}")
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise PathError(f"cannot write {folder}: {existing} takes no files ({error.strerror or error})") from error


def check_file(path: Path) -> None:
    """Check, before work that takes long, that a file can be written in a folder that exists.

    Raises
    ------
    PathError
        If it can't.
    """
    if not path.parent.is_dir():
        raise PathError(f"cannot write {path}: there is no folder {path.parent}")
    if path.exists() and not path.is_file():
        raise PathError(f"cannot write {path}: it is not a regular file")
    try:
        check_folder(path.resolve().parent)  # through a link, not over it
    except PathError as error:
        raise PathError(f"cannot write {path}: {str(error).partition(': ')[2]}") from error


def check_apart(written: Sequence[Path], read: Sequence[Path] = ()) -> None:
    """Check that no file is written over one that is read, nor over another that is written.

    Raises
    ------
    PathError
        Naming the file.
    """
    sources = {path.resolve() for path in read}
    for number, path in enumerate(written):
        if path.resolve() in sources:
            raise PathError(f"cannot write {path}: it is read too, and would be lost")
        if path.resolve() in [other.resolve() for other in written[:number]]:
            raise PathError(f"cannot write {path}: it would be written twice")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an `OSError` of writing `path` into `PathError`."""
    try:
        yield
    except OSError as error:
        if isinstance(error, Error):
            raise
        raise PathError(f"cannot write {error.filename or path}: {error.strerror or error}") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a new file beside `path` to write to, and put it in the place of `path` in the end.

    Where the block is interrupted, `path` stays as it was. After a failure it is replaced: what was written until then
    may show why.

    Raises
    ------
    PathError
        If it can't be written.
    """
    place = path.resolve()
    partial = place.with_name(f".{place.name}.{os.getpid()}.partial")
    try:
        try:
            yield partial
        except FailureError:
            if partial.exists():
                partial.replace(place)
            raise
        partial.replace(place)
    except OSError as error:
        if isinstance(error, Error):
            raise
        raise PathError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
