"""What the tools' reports say: resources, timing, where memories and multipliers went."""

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .toolchains import Toolchain

__all__ = ["RESOURCES", "Timing", "check_mapping", "fits", "netlist_resources", "read_timing", "used_resources"]

RESOURCES = {"lut": "LUTs", "ff": "flip-flops", "dsp": "multipliers (DSP)", "ram": "block RAMs"}
"""Resources of an FPGA and what to call them."""

FLIP_FLOP_MEMORY_BITS = 128
"""A memory that is larger than this may not become flip-flops."""


@dataclasses.dataclass(frozen=True)
class Timing:
    """What nextpnr says about the engine's clock.

    Parameters
    ----------
    fmax_hz
        Highest frequency.
    critical_path
        Its longest path: ``from``, ``to``, ``logic_ns``, ``routing_ns`` and the number of ``cells``.
    """

    fmax_hz: float
    critical_path: dict[str, Any]


def netlist_resources(toolchain: Toolchain, statistics: str) -> tuple[dict[str, int], dict[str, int]]:
    """Resources and cells by type of a netlist, from the text of Yosys' ``stat -json``."""
    values = json.loads(statistics[statistics.index("{") :])
    cells = {name: int(count) for name, count in values["design"]["num_cells_by_type"].items()}
    totals = dict.fromkeys(RESOURCES, 0.0)
    for name, count in cells.items():
        for resource, amount in toolchain.costs.get(name, {}).items():
            totals[resource] += amount * count
    return {resource: math.ceil(total) for resource, total in totals.items()}, cells


def fits(needs: Mapping[str, float], capacity: Mapping[str, int]) -> list[str]:
    """What there is too little of, each in a few words."""
    return [
        f"{math.ceil(needs[resource]):,} of {capacity[resource]:,} {title}"
        for resource, title in RESOURCES.items()
        if needs[resource] > capacity[resource]
    ]


def check_mapping(toolchain: Toolchain, cells: Mapping[str, int], log: str, multipliers: int) -> list[str]:
    """What synthesis should have put into multipliers or memories and did not, each in a few words.

    Parameters
    ----------
    toolchain, cells
        As of `netlist_resources`.
    log
        Yosys' log.
    multipliers
        Multipliers of the engine, each of which must be a cell.
    """
    faults = []
    found = sum(cells.get(name, 0) for name in toolchain.multipliers)
    if found < multipliers:
        faults.append(f"{multipliers - found} of {multipliers} multipliers are LUTs")
    for name, width, depth in _flip_flop_memories(log):
        if width * depth > FLIP_FLOP_MEMORY_BITS:
            faults.append(f"memory {name} of {depth} x {width} bits is flip-flops")
    return faults


def _flip_flop_memories(log: str) -> list[tuple[str, int, int]]:
    """Name, width and depth of memories for which Yosys used flip-flops; read-only ones are logic and don't count."""
    mapping = (
        r"^Mapping memory \\?(\S+) in module [^\n]*\n  created (\d+) \$dff cells and \d+ static cells of width (\d+)"
        r"[\s\S]*?write interface: (\d+) write mux blocks"
    )
    found = re.findall(mapping, log, re.MULTILINE)
    return [(name, int(width), int(depth)) for name, depth, width, writes in found if int(writes)]


def used_resources(toolchain: Toolchain, netlist: Mapping[str, int], report: Mapping[str, Any]) -> dict[str, int]:
    """Resources of a placed design: nextpnr's numbers where it has them, else the netlist's."""
    used = dict(netlist)
    for resource, names in toolchain.used.items():
        used[resource] = sum(report["utilization"].get(name, {}).get("used", 0) for name in names)
    return used


def read_timing(path: Path) -> tuple[Timing, dict[str, Any]]:
    """Timing of the engine's clock, and the whole of nextpnr's report."""
    report = json.loads(path.read_text(encoding="utf-8"))
    # The other clock, if nextpnr names it at all, is the PLL's input, with no logic behind it.
    clock, timing = min(report["fmax"].items(), key=lambda item: item[1]["achieved"])
    paths = [p["path"] for p in report.get("critical_paths", []) if p["from"] == p["to"] == f"posedge {clock}"]
    summary: dict[str, Any] = {}
    if paths:
        steps = paths[0]
        routing = sum(step["delay"] for step in steps if step["type"] == "routing")
        summary = {
            "from": _cell(steps[0]["from"]),
            "to": _cell(steps[-1]["to"]),
            "logic_ns": round(sum(step["delay"] for step in steps) - routing, 2),
            "routing_ns": round(routing, 2),
            "cells": 1 + sum(step["type"] == "routing" for step in steps),
        }
    return Timing(timing["achieved"] * 1e6, summary), report


def _cell(end: Mapping[str, Any]) -> str:
    """Name of a cell without what the tools appended to it: ``self_test.engine.mesh.psum``."""
    return re.split(r"_(?:SB_|TRELLIS_|LUT|CCU2C|PFUMX|L6MUX|MULT|DP16KD|DFF|ALU|MUX2)", end["cell"])[0]
