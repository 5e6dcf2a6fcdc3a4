"""Tables of the SNAP chip: commands and registers from the design, figures from what ``tensorloom bench`` prints."""

from collections.abc import Iterable
from typing import Any

from tables import burst_text, goal_rows, port_rows, register_rows

from tensorloom.hw.snap_chip.command import FIELDS, OPTIONAL_FIELDS, RING_FIELDS, RING_WORD
from tensorloom.hw.snap_chip.config import PRESETS, SnapChipConfig
from tensorloom.hw.snap_chip.register_map import REGISTERS
from tensorloom.sim.snap_chip.limits import size_limits

__all__ = ["bench_tables", "bottleneck_tables", "chip_tables", "network_tables", "network_text"]

SHARES = ("compute", "lists", "weights", "activations", "memory", "psums")
"""Columns of where cycles went; a last one has the rest."""


def chip_tables() -> dict[str, list[list[str]]]:
    """Rows by table."""
    return {
        "chip-presets": _presets(),
        "chip-limits": _limits(),
        "chip-commands": _commands(),
        "chip-registers": register_rows(REGISTERS),
        "chip-ports": _ports(PRESETS["snap-chip"]),
    }


def _presets() -> list[list[str]]:
    return [
        [
            f"`{name}`",
            f"{config.cores} x {config.core.core_rows} x {config.core.core_columns}",
            f"{config.multipliers}",
            f"{config.core.data_bits}",
            f"{config.core.psum_slots} / {config.core.activation_entries}",
            f"{config.data_bits}",
            f"{config.sram_bytes / 1000:.1f}",
        ]
        for name, config in PRESETS.items()
    ]


def _limits() -> list[list[str]]:
    chip, tiny = (size_limits(PRESETS[name]) for name in ("snap-chip", "snap-chip-tiny"))
    return [[name, f"{most:,}", f"{tiny[name]:,}"] for name, most in chip.items()]


def _commands() -> list[list[str]]:
    rows = [
        [f"{field.word}", f"{field.low + field.bits - 1}:{field.low}", f"`{field.name}`", field.text.replace("|", "or")]
        for field in sorted(FIELDS + OPTIONAL_FIELDS, key=lambda field: (field.word, field.low))
    ]
    return rows + [
        [
            f"{RING_WORD + field.word} + 2n",
            f"{field.low + field.bits - 1}:{field.low}",
            f"`{field.name}_n`",
            field.text + ", for buffer n = core * columns + column",
        ]
        for field in RING_FIELDS
    ]


def _ports(config: SnapChipConfig) -> list[list[str]]:
    bus = config.bus
    reads = f"AR and R: {burst_text(bus)}, of {bus.fifo_depth} beats at most"
    return port_rows(REGISTERS, bus, {"m_axi_read": reads, "m_axi_write": f"AW, W and B: {burst_text(bus)}"})


def bench_tables(figures: dict[str, Any]) -> dict[str, list[list[str]]]:
    """Frames, layers on the Verilog, single cores, ways, area and goals."""
    frames = {(frame["preset"], frame["densities"]): frame for frame in figures["frames"]}
    return {
        "chip-frames": [
            [
                f"`{preset}`",
                densities,
                f"{frame['cycles'] / 1e6:.2f}",
                f"{frame['ideal_cycles'] / 1e6:.2f}",
                f"{frame['utilisation']:.3f}",
                *_speedup(frames, preset, densities),
                *(f"{frame[f'{kind}_bytes'] / 1e6:.1f}" for kind in ("weight", "input", "residual", "output")),
            ]
            for (preset, densities), frame in frames.items()
        ],
        "chip-went": [
            [f"`{preset}`", densities, *_shares(frame["where_cycles_went"])]
            for (preset, densities), frame in frames.items()
        ],
        "chip-layers": [
            [
                layer["name"].partition("/")[2],
                layer["part"],
                f"{layer['cycles']:,}",
                f"{layer['utilisation']:.3f}",
                f"{layer['speedup_over_dense']:.2f}",
                *_shares(layer["where_cycles_went"]),
            ]
            for layer in figures["layers"]
            if layer["source"] == "rtl"
        ],
        "chip-cores": [
            [
                f"`{row['preset']}`",
                row["kind"],
                f"{row['block_lines']} x {row['block_kernels']}",
                f"{row['core_utilisation']:.3f}",
                *(f"{row[f'{name}_loss']:.1%}" for name in ("sharing", "worst_sharing", "imbalance")),
            ]
            for row in figures["cores"]
        ],
        "chip-ways": _ways(figures["ways"]),
        "chip-area": [
            [
                f"`{row['preset']}`",
                f"{row['m_nand2']:.2f}",
                f"{row['cores_m_nand2']:.2f}",
                f"{row['sram_kb']:.1f}",
                f"{row['products_per_cycle']:.1f}",
                f"{row['products_per_cycle_per_m_nand2']:.1f}",
            ]
            for row in figures["area"]
        ],
        "chip-goals": goal_rows(figures["goals"]),
    }


def bottleneck_tables(records: Iterable[dict[str, Any]], stale: Iterable[bool]) -> dict[str, list[list[str]]]:
    """Whole blocks on the Verilog, from ``run/snap_chip/recorded``."""
    rows = [
        [
            f"`{record['design']}`",
            block["name"].partition("/")[2],
            block["layers"][0],
            f"{block['cycles']:,}",
            f"{block['utilisation']:.3f}",
            *_shares(block["where_cycles_went"]),
            "yes" if block["bit_exact"] else "no",
            "yes" if block["equals_cycle_model"] else "no",
            f"{block['seconds']:,.0f}",
            "an earlier design" if old else "the present one",
        ]
        for record, old in zip(records, stale, strict=True)
        for block in record["blocks"]
    ]
    return {"chip-bottlenecks": rows}


def network_tables(records: Iterable[dict[str, Any]], stale: Iterable[bool]) -> dict[str, list[list[str]]]:
    """Whole networks, from ``run/snap_chip/recorded``: each as a line, and all layers of ResNet-50."""
    networks, layers = [], []
    for record, old in zip(records, stale, strict=True):
        run = [unit for unit in record["units"] if unit["source"] == "rtl"]
        checks = [bool(run) and all(unit[name] for unit in run) for name in ("bit_exact", "equals_cycle_model")]
        networks.append(
            [
                f"`{record['design']}`",
                record["network"],
                f"{record['cycles']:,}",
                f"{record['utilisation']:.3f}",
                f"{record['speedup_over_dense']:.2f}",
                f"{len(run)} of {len(record['units'])}",
                f"{record['simulated_cycles']:,}",
                *("yes" if passed else "no" for passed in checks),
                f"{record['simulated_seconds']:,.0f}",
                "an earlier design" if old else "the present one",
            ]
        )
        if record["network"] == "resnet-50":
            layers += [row for unit in record["units"] for row in _layer_rows(unit)]
    return {"chip-networks": networks, "chip-network-layers": layers}


def _layer_rows(unit: dict[str, Any]) -> list[list[str]]:
    """Layers of a unit; what is known of the unit alone stands at the last."""
    rows = []
    for layer in unit["layers"]:
        kinds = ("weight", "input", "residual", "output")
        last = layer is unit["layers"][-1]
        peer = unit["speedup_over_channel_last"]
        rows.append(
            [
                layer["name"],
                layer["size"].partition(", padding")[0],
                f"{layer['cycles']:,}",
                f"{layer['utilisation']:.3f}",
                f"{sum(layer[f'{kind}_bytes'] for kind in kinds) / 1e3:,.0f}",
                f"{layer['bound_by']} {layer['where_cycles_went'][layer['bound_by']]:.0%}",
                f"{layer['speedup_over_dense']:.2f}",
                f"{peer:.2f}" if last and peer else "",
            ]
        )
    return rows


def network_text(record: dict[str, Any]) -> str:
    """What the README says of a network that ran on the Verilog."""
    cycles, speedup = record["cycles"] / 1e6, record["speedup_over_dense"]
    return (
        f"a frame of ResNet-50 in {cycles:.2f} M cycles on the Verilog, bit-exact, {speedup:.1f} times as fast as dense"
    )


def _ways(rows: list[dict[str, Any]]) -> list[list[str]]:
    """A line for both ways of a layer."""
    cells = []
    for rows_way, diagonal in zip(rows[::2], rows[1::2], strict=True):
        chosen = rows_way if rows_way["chosen"] else diagonal
        cells.append(
            [
                rows_way["layer"].partition("/")[2],
                f"{rows_way['ia_density']:g}/{rows_way['w_density']:g}",
                *(f"{way['cycles']:,}" for way in (rows_way, diagonal)),
                f"{diagonal['cycles'] / rows_way['cycles']:.2f}",
                chosen["way"],
                *(f"{way['sums_per_output']:.2f}" for way in (rows_way, diagonal)),
                f"{diagonal['carried_per_output']:.2f}",
                *(f"{way['core_sums_per_cycle']:.2f}" for way in (rows_way, diagonal)),
            ]
        )
    return cells


def _speedup(frames: dict[tuple[str, str], dict[str, Any]], preset: str, densities: str) -> list[str]:
    """How much faster than dense tensors, if these ran; nothing for themselves and for assumed densities."""
    dense = frames.get((preset, "1/1"))
    if densities != "0.38/0.52" or dense is None:
        return [""]
    return [f"{dense['cycles'] / frames[preset, densities]['cycles']:.2f}"]


def _shares(went: dict[str, float]) -> list[str]:
    rest = sum(share for name, share in went.items() if name not in SHARES)
    return [f"{share:.1%}" for share in (*(went[name] for name in SHARES), rest)]
