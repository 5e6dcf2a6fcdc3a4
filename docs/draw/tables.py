"""Tables of measured figures, from what ``tensorloom demo --json`` and ``tensorloom bench`` print."""

import re
from typing import Any

from tensorloom.hw.bus.config import PortConfig
from tensorloom.hw.bus.register_map import WORD_BITS, RegisterMap

__all__ = [
    "bench_tables",
    "burst_text",
    "demo_tables",
    "goal_rows",
    "goal_text",
    "port_rows",
    "register_rows",
    "replace_tables",
]


def demo_tables(report: dict[str, Any]) -> dict[str, list[list[str]]]:
    """Rows of the demo's tables, by table."""
    layers = [
        [
            f"{layer['name']}: {layer['size']}",
            f"{layer['cycles']:,}",
            f"{layer['predicted_cycles']:,}",
            f"{layer['scale_sim_cycles']:,}",
            f"{layer['utilisation']:.2%}",
            f"{layer['utilisation_limit']:.2%}",
        ]
        for layer in report["layers"]
    ]
    modules, stages = report["modules"], report["stage_seconds"]
    verilog = sum(file["bytes"] for file in report["files"] if file["path"].endswith(".v"))
    simulation = sum(seconds for stage, seconds in stages.items() if stage.startswith("Simulating"))
    summary = [
        ["Verilog", f"{verilog:,} bytes, {len(modules)} shared modules, {sum(modules.values()):,} instances"],
        ["lint", f"{len(report['lint']) or 'no'} warnings"],
        ["results", "bit-exact" if all(layer["bit_exact"] for layer in report["layers"]) else "WRONG"],
        ["digits read correctly", f"{report['accuracy']:.2%} of {report['images']} images"],
        ["Verilator build, once", f"{report['build_seconds']:.0f} s"],
        ["simulation of all layers", f"{simulation:.0f} s"],
    ]
    return {"demo": layers, "demo-summary": summary}


def bench_tables(figures: dict[str, Any]) -> dict[str, list[list[str]]]:
    """Rows of the benchmark's table."""
    goals = {name: goal["goal"] for name, goal in figures["goals"].items()}
    mesh, unit, product = figures["emission"]["mesh"], figures["emission"]["matrix_unit"], figures["product"]
    speed, size = figures["simulation"], f"{product['m']} x {product['k']} x {product['n']}"
    rows = [
        ("emission of the mesh, s", f"{mesh['seconds']:.1f}", "emission.mesh.seconds"),
        ("Verilog of the mesh, bytes", f"{mesh['bytes']:,}", "emission.mesh.bytes"),
        ("emission of the matrix unit, s", f"{unit['seconds']:.1f}", "emission.matrix_unit.seconds"),
        ("Verilog of the matrix unit, bytes", f"{unit['bytes']:,}", "emission.matrix_unit.bytes"),
        ("Verilator build of the mesh, s", f"{figures['build']['mesh']['seconds']:.0f}", "build.mesh.seconds"),
        ("simulated cycles a second, mesh", f"{speed['mesh']['cycles_per_second']:,.0f}", ""),
        ("the same, plain SystemVerilog array", f"{speed['reference']['cycles_per_second']:,.0f}", ""),
        ("ratio of the two, median of 5 runs", f"{speed['ratio']:.2f}", "simulation.ratio"),
        (
            "utilisation, steady state, B = 256",
            f"{figures['steady_state']['utilisation']:.2%}",
            "steady_state.utilisation",
        ),
        (f"cycles of {size}", f"{product['cycles']:,}", ""),
        ("the same / (MACs / multipliers)", f"{product['ratio']:.3f}", "product.ratio"),
        ("the same by the SCALE-Sim formula", f"{product['scale_sim_cycles']:,}", ""),
        (
            "cycle model / Verilog, cycles a second",
            f"{figures['cycle_model']['ratio']:,.0f}",
            "cycle_model.ratio",
        ),
    ]
    return {"bench": [[name, value, goal_text(goals.get(goal, ""))] for name, value, goal in rows]}


def goal_text(text: str) -> str:
    """``<= 1e+06`` as ``at most 1,000,000``."""
    if not text:
        return ""
    relation, number = text.split()
    return f"{'at most' if relation == '<=' else 'at least'} {float(number):,.10g}"


def goal_rows(goals: list[dict[str, Any]]) -> list[list[str]]:
    """A row a goal: what was measured, the goal, whether it is met."""
    return [
        [one["name"].replace("_", " "), f"{one['value']:,}", goal_text(one["goal"]), "yes" if one["met"] else "no"]
        for one in goals
    ]


def register_rows(registers: RegisterMap) -> list[list[str]]:
    """A row a field of a register, by address."""
    return [
        [
            f"0x{register.offset:02x}",
            f"`{register.name}`",
            f"{field.low + field.bits - 1}:{field.low}",
            f"`{field.name}`",
            field.access,
            field.text.replace("``", "`"),
        ]
        for register in sorted(registers.registers, key=lambda register: register.offset)
        for field in register.fields
    ]


def port_rows(registers: RegisterMap, bus: PortConfig, managers: dict[str, str]) -> list[list[str]]:
    """Ports of an engine between memories and software; `managers` says what those to memory are."""
    widths = f"addresses of {bus.address_bits} bits, data of {bus.data_bits}, ID of {bus.id_bits}"
    return [
        ["`clk`, `rst`", "clock and reset", "1"],
        [
            "`s_axil`",
            f"AXI4-Lite subordinate: a window of {1 << registers.address_bits} bytes",
            f"addresses of {registers.address_bits} bits, data of {WORD_BITS}",
        ],
        *([f"`{name}`", f"AXI4 manager, {text}", widths] for name, text in managers.items()),
        ["`o_interrupt`", "interrupt", "1"],
    ]


def burst_text(bus: PortConfig) -> str:
    """Bursts of a port: how long, and how many."""
    return (
        f"bursts of {bus.max_burst} beats ({bus.max_burst * bus.bytes:,} bytes) at most, {bus.outstanding} on their way"
    )


def replace_tables(text: str, tables: dict[str, list[list[str]]], *, keep: bool = False) -> str:
    """A Markdown text with the rows of the tables behind ``<!-- table: NAME`` comments replaced; heads stay.

    With `keep`, only rows are replaced whose first cell is the same; what was not there is added.
    """
    for name, rows in tables.items():

        def fill(match: re.Match[str], rows: list[list[str]] = rows) -> str:
            lines = [f"| {' | '.join(row)} |\n" for row in rows]
            if keep:
                old = {line.split(" | ")[0]: line for line in match[2].splitlines(keepends=True)}
                lines = list((old | {line.split(" | ")[0]: line for line in lines}).values())
            return match[1] + "".join(lines)

        pattern = rf"(<!-- table: {name} [^\n]*-->\n\n(?:\|[^\n]*\n){{2}})((?:\|[^\n]*\n)*)"
        text, count = re.subn(pattern, fill, text)
        if count != 1:
            raise ValueError(f"the text must have one table {name}, not {count}")
    return text
