"""Tables of the TPU: instructions and registers from the design, figures from what ``tensorloom bench`` prints."""

from typing import Any

from tables import burst_text, goal_rows, port_rows, register_rows

from tensorloom.hw.tpu.config import PRESETS, TpuConfig
from tensorloom.hw.tpu.isa import ERRORS, INSTRUCTIONS, UNITS, Field
from tensorloom.hw.tpu.isa import REGISTERS as SET_REGISTERS
from tensorloom.hw.tpu.register_map import CATEGORIES, REGISTERS

__all__ = ["bench_tables", "isa_tables", "tpu_tables"]

SHARES = ("active", "useful", "weight_stall", "weight_shift", "non_matrix", "raw", "input")
"""Columns of networks, by their names in the figures."""

IN_THE_PAPER = {
    "active": "array active cycles",
    "weight_shift": "weight shift cycles",
    "weight_stall": "weight stall cycles",
    "accumulators": "part of non-matrix cycles",
    "raw": "RAW stalls; part of non-matrix cycles",
    "input": "input data stalls; part of non-matrix cycles",
    "fill": "part of non-matrix cycles",
    "idle": "part of non-matrix cycles",
}
"""Rows of table 3 of Jouppi et al. (2017) that categories of cycles answer to."""


def tpu_tables() -> dict[str, list[list[str]]]:
    """Rows by table."""
    return isa_tables() | {
        "tpu-presets": [_preset(name, config) for name, config in PRESETS.items()],
        "tpu-categories": [[f"`{name}`", text, IN_THE_PAPER[name]] for name, text in CATEGORIES.items()],
        "tpu-registers": register_rows(REGISTERS),
        "tpu-ports": _ports(PRESETS["tpu-v1"]),
    }


def _preset(name: str, config: TpuConfig) -> list[str]:
    matrix = config.matrix
    return [
        f"`{name}`",
        f"{matrix.rows} x {matrix.columns}",
        f"{config.ub_bytes >> 10:,} KiB in {config.ub_banks} banks",
        f"{matrix.accumulator_rows:,}",
        f"{matrix.weight_fifo_tiles}",
        f"{config.bus_bytes}",
    ]


def _ports(config: TpuConfig) -> list[list[str]]:
    bursts = burst_text(config.bus)
    reads, weights = (f"{size:,} bytes" for size in (config.host_buffer_bytes, config.weight_buffer_bytes))
    managers = {
        "m_host_read": f"AR and R, the host's memory: {bursts}, of {reads} at most beside the program's",
        "m_host_write": f"AW, W and B, the host's memory: {bursts}",
        "m_weights": f"AR and R, weight memory: {bursts}, of {weights} at most beside the parameter sets'",
    }
    return port_rows(REGISTERS, config.bus, managers)


def bench_tables(figures: dict[str, Any]) -> dict[str, list[list[str]]]:
    """Networks of published sizes; goals and networks at their full size on the Verilog, if they were measured."""
    rows = []
    for app in figures["apps"]:
        rows.append(_app(app, f"`{app['preset']}`", "Verilog" if app["source"] == "rtl" else "cycle model"))
        if paper := app["published"]:
            share = paper["tops"] / app["roofline_tops"]
            rows.append(
                _app(app | paper | {"cycles": None, "roofline_share": share}, "the published machine", "measured")
            )
    tables = {"tpu-apps": rows}
    if "goals" in figures:
        tables["tpu-goals"] = goal_rows(figures["goals"])
    if "full_size" in figures:
        tables["tpu-full-size"] = [
            [f"`{figures['digest'][:12]}`", one["name"], f"{one['cycles']:,}", f"{one['utilisation']:.2%}"]
            + ["yes" if one["bit_exact"] else "no", "yes" if one["equals_cycle_model"] else "no"]
            + [f"{one['seconds']:,.0f}", f"{one['cycles_per_second']:,}"]
            for one in figures["full_size"]
        ]
    return tables


def _app(app: dict[str, Any], machine: str, source: str) -> list[str]:
    """A row of a network."""
    cycles = f"{app['cycles']:,.0f}" if app["cycles"] else ""
    shares = [f"{app[name]:.1%}" for name in SHARES]
    return [
        app["name"], machine, source, cycles, *shares, f"{app['weight_uses']:,.0f}", f"{app['tops']:.3g}",
        f"{app['roofline_share']:.1%}",
    ]  # fmt: skip


def isa_tables() -> dict[str, list[list[str]]]:
    """Rows by table.

    tpu-instructions
        Opcode, name, what it does.
    tpu-fields
        Instruction, bits, field, what it says.
    tpu-names
        Field, value, its name.
    tpu-set
        Index of a register of ``set``, its name, bits of its value, what it says.
    tpu-errors
        Code, name, what it means.
    """
    return {
        "tpu-instructions": [[f"{one.opcode:#04x}", f"`{one.name}`", _text(one.text)] for one in INSTRUCTIONS.values()],
        "tpu-fields": [
            [f"`{one.name}`", _bits(field), f"`{field.name}`", _text(field.text)]
            for one in INSTRUCTIONS.values()
            for field in sorted(one.fields, key=lambda field: field.low)
        ],
        "tpu-names": _names(),
        "tpu-set": [
            [f"{one.index:#x}", f"`{name}`", f"{one.bits}", _text(one.text)] for name, one in SET_REGISTERS.items()
        ],
        "tpu-errors": [[f"{code}", f"`{name}`", _text(text)] for name, (code, text) in ERRORS.items()],
    }


def _text(text: str) -> str:
    return text.replace("``", "`").replace("|", "or")


def _bits(field: Field) -> str:
    last = field.low + field.bits - 1
    sign = ", signed" if field.signed else ""
    return (f"{last}:{field.low}" if field.bits > 1 else f"{last}") + sign


def _names() -> list[list[str]]:
    fields = {field.name: field for one in INSTRUCTIONS.values() for field in one.fields if field.names}
    rows = [[f"`{name}`", f"{value}", f"`{one}`"] for name in fields for value, one in enumerate(fields[name].names)]
    rows += [["`units`", f"bit {bit}", f"`{unit}`"] for bit, unit in enumerate(UNITS)]
    return rows + [["`index`", f"{one.index:#x}", f"`{name}`"] for name, one in SET_REGISTERS.items()]
