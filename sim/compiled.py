"""Functions that numba compiles to machine code, for models that step through cycles.

Only modules of such functions import this one, and models import those when they run, because numba takes half a second
to load. Machine code is kept on disk: only the first run after a change compiles, which takes seconds.

What works well: state in structured arrays (a record's fields are read and written in place), all arrays of a model in
one NamedTuple, small parts that get its address (`by_address`) and indices. Unsigned integers are for indices only:
numba makes a float of one that meets a signed integer in a difference.
"""

import builtins
import dis
import hashlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numba.core.config
import numba.core.event
import platformdirs
from numba.core.caching import NullCache
from numba.core.dispatcher import Dispatcher

from .compilation import WATCHERS

__all__ = ["compiled", "part"]

OPTIONS: dict[str, Any] = {
    "nogil": True,  # so that a simulation of the Verilog runs beside
    "error_model": "numpy",  # no check of divisors
    "_nrt": False,  # arrays are neither made nor counted here: counting references takes two thirds of the time
    "no_cfunc_wrapper": True,
}

JIT: Any = numba.njit

SETTINGS: Any = numba.core.config


class _Listener(numba.core.event.Listener):
    """Hears of what is compiled, not of what comes from the cache."""

    def on_start(self, event: Any) -> None:
        for watcher in WATCHERS:
            watcher.starts(kept=not isinstance(event.data["dispatcher"]._cache, NullCache))

    def on_end(self, event: Any) -> None:
        for watcher in WATCHERS:
            watcher.ends()


numba.core.event.register("numba:compile", _Listener())


def part(function: Callable[..., Any]) -> Any:
    """Make a function a part of the compiled ones that call it; it allocates nothing and can't be called otherwise."""
    return JIT(forceinline=True, no_cpython_wrapper=True, **OPTIONS)(function)


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function that Python calls: at its first call, for the types of its arguments.

    Machine code is kept in the folder that ``TENSORLOOM_CACHE`` names, by default the user's cache folder. Where that
    can't be written, each process compiles anew.

    Parameters
    ----------
    function
        Allocates nothing: its arguments include the arrays for results. It may call parts, also of other modules, and
        use constants, by global names of its own module, all of them defined before it.

    Raises
    ------
    NameError
        If a name is not defined yet: machine code would be kept when what it stands for changes.
    """
    seen: dict[str, bytes] = {}
    _read(function, seen)
    # Numba looks at the file of the function alone to see whether its machine code is still right.
    digest = hashlib.sha256(b"".join(seen[name] for name in sorted(seen))).hexdigest()
    root = Path(os.environ.get("TENSORLOOM_CACHE") or platformdirs.user_cache_dir("tensorloom")).absolute()
    folder = root / "compiled" / digest[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    before, SETTINGS.CACHE_DIR = SETTINGS.CACHE_DIR, str(folder)
    try:
        return JIT(cache=writable, **OPTIONS)(function)
    finally:
        SETTINGS.CACHE_DIR = before


def _read(function: Callable[..., Any], seen: dict[str, bytes]) -> None:
    """Collect what machine code depends on: the files of a function and its parts, and the constants they use."""
    used = {one.argval for one in dis.get_instructions(function) if one.opname == "LOAD_GLOBAL"}
    missing = sorted(used - set(function.__globals__) - set(dir(builtins)))
    if missing:
        raise NameError(f"{', '.join(missing)} must be defined before what is compiled, as {function.__name__} uses it")
    path = inspect.getfile(function)
    seen.setdefault(path, Path(path).read_bytes())
    for name, value in inspect.getclosurevars(function).globals.items():
        if isinstance(value, Dispatcher):
            if f"{path} {name}" not in seen:
                seen[f"{path} {name}"] = b""
                _read(value.py_func, seen)
        elif isinstance(value, (int, float)):
            seen[f"{path} {name}"] = repr(value).encode()
        elif hasattr(value, "__wrapped__"):  # an intrinsic
            source = inspect.getfile(value.__wrapped__)
            seen.setdefault(source, Path(source).read_bytes())
