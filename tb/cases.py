"""Testbenches of an engine's components, and the parts that each runs on."""

import importlib
from collections.abc import Callable
from typing import Any

__all__ = ["find_cases"]


def find_cases(engine: str, component: str) -> dict[str, tuple[Callable[..., Any], str, Any]]:
    """Testbenches in ``tb/<engine>/<component>.py``, made with ``@testbench``, by name.

    Returns
    -------
    dict
        What checks a part, the part's name and its configuration.
    """
    module = importlib.import_module(f".{engine}.{component}", __package__)
    return {
        f"{component}-{test.check.__name__}-{part}": (test.check, part, config)
        for test in vars(module).values()
        if hasattr(test, "check") and hasattr(test, "parts")
        for part, config in test.parts.items()
    }
