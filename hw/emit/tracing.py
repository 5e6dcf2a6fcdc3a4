"""Names of signals, the same under every Python.

Amaranth calls a signal like the variable that it is assigned to, and finds that one in the bytecode behind the call.
Bytecode differs between versions of Python: 3.13 stores and loads in one instruction, which Amaranth doesn't know, and
no version has the names of ``a, b = Signal(), Signal()`` in reach. Here the name is read from the source, at the place
of the call, which every Python since 3.11 keeps with its bytecode. This replaces Amaranth's function for the whole
process when `hw.emit` is imported: there is no other way in.
"""

import ast
import functools
import itertools
import linecache
import sys
from typing import Any

from amaranth import tracer

__all__ = ["variable_name"]

_by_bytecode = tracer.get_var_name
_NO_DEFAULT = object()


def variable_name(depth: int = 2, default: Any = _NO_DEFAULT) -> Any:
    """Name of the variable or attribute to which a call in progress assigns its result.

    Parameters
    ----------
    depth
        Of the frame in which the call is, this function's own being 0.
    default
        What to return if there is none.

    Raises
    ------
    NameNotFound
        If there is none, and no default.
    """
    frame = sys._getframe(depth)
    filename = frame.f_code.co_filename
    linecache.lazycache(filename, frame.f_globals)
    names = _assigned_calls(filename)
    _, line, _, column = next(itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
    if not names or column is None:  # without the source, or compiled without places
        return _by_bytecode(depth + 1, *([] if default is _NO_DEFAULT else [default]))
    name = names.get((line, column), default)
    if name is _NO_DEFAULT:
        raise tracer.NameNotFound
    return name


@functools.cache
def _assigned_calls(filename: str) -> dict[tuple[int | None, int | None], str]:
    """Targets of the assignments of a file by the ends (line, column) of the calls that give their values."""
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except SyntaxError:
        return {}
    names: dict[tuple[int | None, int | None], str] = {}

    def note(target: ast.expr | None, value: ast.expr | None) -> None:
        if isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)):
            if len(target.elts) == len(value.elts):
                for each in zip(target.elts, value.elts, strict=True):
                    note(*each)
        elif isinstance(value, ast.Call) and isinstance(target, (ast.Name, ast.Attribute)):
            names[value.end_lineno, value.end_col_offset] = target.id if isinstance(target, ast.Name) else target.attr

    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            note(node.targets[0], node.value)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
            note(node.target, node.value)
    return names


tracer.get_var_name = variable_name
