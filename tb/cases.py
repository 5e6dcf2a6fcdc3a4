"""Testbenches of an engine's components, and the parts that each runs on."""

import importlib
import random
from collections.abc import Callable, Collection, Mapping
from typing import Any

__all__ = ["Cases", "draw_cases", "find_cases", "parts_of", "cocotb_names"]

Cases = dict[str, tuple[Callable[..., Any], str, Any]]
"""By name: what checks a part, the part's name and its configuration."""


def find_cases(engine: str, *components: str) -> Cases:
    """Testbenches in ``tb/<engine>/<component>.py``, made with ``@testbench``, by name.

    Returns
    -------
    dict
        What checks a part, the part's name and its configuration.
    """
    return {
        f"{component}-{test.check.__name__}-{part}": (test.check, part, config)
        for component in components
        for test in vars(importlib.import_module(f".{engine}.{component}", __package__)).values()
        if hasattr(test, "check") and hasattr(test, "parts")
        for part, config in test.parts.items()
    }


def draw_cases(cases: Cases, seed: int) -> Cases:
    """One case of each testbench, on few parts together: a design of these alone is built in a fraction of the time.

    Parts whose names end with ``tiny`` are built in less time than others.
    """
    order = sorted({part for _, part, _ in cases.values()})
    random.Random(f"{seed} on Verilog").shuffle(order)
    order.sort(key=lambda part: not part.endswith("_tiny"))
    drawn: dict[str, str] = {}
    for name in sorted(cases, key=lambda name: order.index(cases[name][1])):
        drawn.setdefault(name.rpartition("-")[0], name)
    return {name: cases[name] for name in cases if name in drawn.values()}


def parts_of(cases: Cases, parts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Configurations by kind and part, of those parts that the cases are about."""
    used = {part for _, part, _ in cases.values()}
    found = {
        kind: {part: config for part, config in configs.items() if part in used} for kind, configs in parts.items()
    }
    return {kind: configs for kind, configs in found.items() if configs}


def cocotb_names(cases: Cases, components: Collection[str]) -> list[str]:
    """Names that cocotb gives the cases of some components."""
    named = [name.split("-", 1)[1].rpartition("-") for name in cases if name.split("-", 1)[0] in components]
    return [f"{check}/part={part}" for check, _, part in named]
