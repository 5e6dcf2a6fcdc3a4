"""Neural-network accelerators in Verilog, checked.

>>> import tensorloom as tl
>>> core = tl.engine("snap-core")  # doctest: +SKIP
>>> core.verilog("build/snap")  # doctest: +SKIP
>>> core.convolution(x, w, padding=1).cycles  # doctest: +SKIP

`engine` gets an accelerator by the name of a preset; `presets` lists them. An `Accelerator` writes its Verilog
(`verilog`), takes other values (`configure`), and runs tensors on the compiled Verilog or its models (`matmul`,
`convolution`), which gives an `Outcome`.

All errors are `Error`: what is wrong in a value is a `ConfigError`, which is a `ValueError` too (a `WrongTypeError` is
also a `TypeError`); what is wrong in a path is a `PathError`, which is an `OSError` too.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .hw.config import Config
    from .hw.errors import ConfigError, Error, FailureError, PathError, UsageError, WrongTypeError
    from .run.accelerator import Accelerator, engine, presets
    from .run.execution import Outcome

__all__ = [
    "Accelerator",
    "Config",
    "ConfigError",
    "Error",
    "FailureError",
    "Outcome",
    "PathError",
    "UsageError",
    "WrongTypeError",
    "engine",
    "presets",
]

_HOMES = {
    "hw.config": ("Config",),
    "hw.errors": ("ConfigError", "Error", "FailureError", "PathError", "UsageError", "WrongTypeError"),
    "run.accelerator": ("Accelerator", "engine", "presets"),
    "run.execution": ("Outcome",),
}
"""Where the names are. A module is imported when one of its names is first asked for, so that all starts fast."""


def __getattr__(name: str) -> Any:
    import importlib

    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
