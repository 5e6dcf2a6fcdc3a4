"""Rows of a sweep as files: CSV, JSON, Parquet."""

import csv
import importlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...hw.errors import FailureError, UsageError

__all__ = ["FORMATS", "check_format", "flat_rows", "table_bytes"]

FORMATS = (".csv", ".json", ".parquet")


def check_format(path: Path) -> None:
    """Refuse a file whose format isn't known, or can't be written here.

    Raises
    ------
    UsageError
        For another suffix.
    FailureError
        If a package is missing.
    """
    if path.suffix not in FORMATS:
        raise UsageError(f"{path} must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    if path.suffix == ".parquet":
        _pyarrow()


def flat_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without dicts inside: fields by their paths, shares as ``went_NAME``; all have the same columns."""
    flat = []
    for row in rows:
        plain: dict[str, Any] = {}
        for name, value in row.items():
            if name == "fields":
                plain |= value
            elif name == "where_cycles_went":
                plain |= {f"went_{cause}": share for cause, share in value.items()}
            else:
                plain[name] = value
        flat.append(plain)
    columns = list(dict.fromkeys(name for row in flat for name in row))
    return [{name: row.get(name) for name in columns} for row in flat]


def table_bytes(rows: Sequence[dict[str, Any]], suffix: str) -> bytes:
    """Content of a file of one of `FORMATS`; JSON keeps rows as they are, the others have them flat."""
    if suffix == ".json":
        return (json.dumps(list(rows), indent=1) + "\n").encode()
    flat = flat_rows(rows)
    if suffix == ".csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, list(flat[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(flat)
        return text.getvalue().encode()
    pyarrow, parquet = _pyarrow()
    content = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(flat), content)
    return content.getvalue()


def _pyarrow() -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        hint = "pip install '.[parquet]' in a clone of tensorloom; or end the file in .csv or .json"
        raise FailureError(f"the Python package {error.name} is missing", hint) from error
