"""Timing diagram of the matrix unit, drawn from what its compiled Verilog does."""

from typing import Any

import numpy as np

from tensorloom.run.emission import emit_design
from tensorloom.run.registry import find_preset
from tensorloom.run.svg import Picture
from tensorloom.sim.systolic.mapping import map_matmul
from tensorloom.tb.bulk.model import build

__all__ = ["draw", "simulate"]

PRESET = "tiny"
SIZES = 4, 4, 8
"""M, K, N of the product in the picture: two weight tiles, two commands."""

PAUSE = 22
"""Cycle in which nobody takes the sums."""

INPUTS = "i_weights", "i_commands", "i_activations"
LEVELS = "_valid", "_ready"
PITCH, LABELS, TOP, STEP, HIGH = 31, 164, 62, 23, 13
FILLS = "#d3e3f6", "#dff0df", "#fbe8cf", "#ffffff"


def simulate() -> tuple[Any, list[dict[str, Any]]]:
    """Play a product on the Verilog.

    Returns
    -------
    tuple
        The configuration, and for each cycle the values of the ports right before the rising edge that ends it;
        a payload that is offered is a label and the number of the command or tile that it belongs to.
    """
    design = find_preset(PRESET)
    if design is None:
        raise ValueError(f"preset must be one of the systolic presets, not {PRESET!r}")
    model = build(emit_design(design))
    rng = np.random.default_rng(1)
    m, k, n = SIZES
    a, b = (rng.integers(-9, 10, shape, dtype=np.int8) for shape in ((m, k), (k, n)))
    program = map_matmul(design.config, a, b)
    beats = {name: getattr(program, name.removeprefix("i_")) for name in INPUTS}
    labels = {name: _labels(name, design.config, program) for name in INPUTS}
    sent: dict[str, int] = dict.fromkeys(INPUTS, 0)
    outputs = [f"{name}_ready" for name in INPUTS] + ["o_sums_valid", "o_sums_payload", "o_counters"]
    samples: list[dict[str, Any]] = []
    sums: list[np.ndarray] = []
    while len(sums) < program.sums or len(samples) < PAUSE:
        values: dict[str, Any] = {"o_sums_ready": np.array([len(samples) != PAUSE])}
        for name, stream in beats.items():
            values[f"{name}_valid"] = np.array([sent[name] < len(stream)])
            if sent[name] < len(stream):
                values[f"{name}_payload"] = stream[sent[name] : sent[name] + 1]
        start = not samples
        result = model.cycles(values, outputs, reset=start, fresh=start)
        levels = [name for name in [*values, *outputs] if name.endswith(LEVELS)]
        sample: dict[str, Any] = {name: int((values | result)[name][0]) for name in levels}
        sample["issued"] = int(result["o_counters"]["issued"][0])
        for name in INPUTS:
            if sample[f"{name}_valid"]:
                sample[name] = labels[name][sent[name]]
            sent[name] += sample[f"{name}_valid"] & sample[f"{name}_ready"]
        if sample["o_sums_valid"]:
            sample["o_sums"] = str(result["o_sums_payload"][0][0]), 2, len(sums)
            if sample["o_sums_ready"]:
                sums.append(result["o_sums_payload"][0])
        samples.append(sample)
    if not np.array_equal(program.assemble(np.array(sums)), a.astype(int) @ b.astype(int)):
        raise ValueError("the Verilog must give the product")
    return design.config, samples


def _labels(stream: str, config: Any, program: Any) -> list[tuple[str, int]]:
    """Text and group (weight tile, command) of each beat."""
    if stream == "i_weights":
        places = [divmod(beat, config.rows) for beat in range(len(program.weights))]
        return [(f"t{tile} r{row}", tile) for tile, row in places]
    labels = []
    for index, command in enumerate(program.commands):
        if stream == "i_commands":
            labels.append((_command(index, command), index))
        else:
            labels += [(f"c{index} r{row}", index) for row in range(command["rows"])]
    return labels


def _command(index: int, command: Any) -> str:
    flags = [name for name in ("swap", "accumulate", "drain") if command[name]]
    return ", ".join([f"c{index}: {command['rows']} rows", *flags])


def draw() -> str:
    """Text of the picture."""
    config, samples = simulate()
    rows = ["clk"]
    for stream in (*INPUTS, "o_sums"):
        rows += [f"{stream}_valid", f"{stream}_ready", stream]
    rows.insert(rows.index("o_sums_valid"), "issued")
    right = LABELS + PITCH * len(samples)
    bottom = TOP + STEP * len(rows) + 10 * 5
    m, k, n = SIZES
    picture = Picture(right + 20, bottom + 106, f"Timing of a {m} x {k} by {k} x {n} product on {PRESET}")
    size = f"{config.rows} x {config.columns}"
    picture.text(16, 24, f"{m} x {k} by {k} x {n} on {PRESET} ({size}): two weight tiles, two commands", kind="title")
    for cycle in range(len(samples)):
        picture.text(LABELS + PITCH * (cycle + 0.5), 48, str(cycle), kind="small", anchor="middle")
    for cycle in range(len(samples) + 1):
        picture.line([(LABELS + PITCH * cycle, 54), (LABELS + PITCH * cycle, bottom)], color="#e3e8ee", width=1)
    y = TOP
    for row in rows:
        if row.endswith("_valid") or row == "issued":
            y += 10
        picture.text(16, y + HIGH - 2, _title(row), kind="small" if row == "issued" else "")
        if row == "clk":
            _wave(picture, y, [level for _ in samples for level in (1, 0)], PITCH / 2)
        elif row.endswith(LEVELS):
            _wave(picture, y, [sample[row] for sample in samples], PITCH)
        else:
            _bus(picture, y, [sample.get(row) for sample in samples])
        y += STEP
    _notes(picture, config, samples, bottom)
    return str(picture)


def _title(row: str) -> str:
    special = {"issued": "o_counters.issued", "o_sums": "o_sums_payload[0]"}
    return special.get(row, row if row == "clk" or row.endswith(LEVELS) else f"{row}_payload")


def _wave(picture: Picture, y: float, levels: list[int], pitch: float) -> None:
    points: list[tuple[float, float]] = []
    for index, level in enumerate(levels):
        height = y if level else y + HIGH
        points += [(LABELS + pitch * index, height), (LABELS + pitch * (index + 1), height)]
    picture.line(points, color="#205493")


def _bus(picture: Picture, y: float, values: list[Any]) -> None:
    """Values as boxes that are as long as they stay; None is nothing offered, numbers stay plain."""
    start = 0
    for cycle in range(1, len(values) + 1):
        if cycle < len(values) and values[cycle] == values[start]:
            continue
        x, width = LABELS + PITCH * start, PITCH * (cycle - start)
        if values[start] is None:
            picture.line([(x, y + HIGH / 2), (x + width, y + HIGH / 2)], color="#aab4bf")
        else:
            label, group, *_ = values[start] if isinstance(values[start], tuple) else (str(values[start]), -1)
            picture.box(x, y - 2, width, HIGH + 4, fill=FILLS[group], line="#8fa3b7")
            if len(label) * 6 > width:  # what stays too short for all of it is named only
                label = label.partition(":")[0]
            picture.text(x + width / 2, y + HIGH - 2.5, label, kind="small", anchor="middle")
        start = cycle


def _sent(samples: list[dict[str, Any]], tile: int) -> tuple[int, int]:
    """Cycle of the first beat of a weight tile, and the one after its last."""
    stream = "i_weights"
    cycles = [
        cycle
        for cycle, sample in enumerate(samples)
        if sample[f"{stream}_valid"] & sample[f"{stream}_ready"] and sample[stream][1] == tile
    ]
    return cycles[0], cycles[-1] + 1


def _notes(picture: Picture, config: Any, samples: list[dict[str, Any]], bottom: float) -> None:
    """Distances between events, measured in the samples."""
    stream = "i_activations"
    moves = [cycle for cycle, sample in enumerate(samples) if sample[f"{stream}_valid"] & sample[f"{stream}_ready"]]
    enters = moves[0]
    sums = next(cycle for cycle, sample in enumerate(samples) if sample["o_sums_valid"])
    latency = config.flight_cycles + 5
    if sums - enters != latency or moves != list(range(enters, moves[-1] + 1)):
        raise ValueError(f"sums must come {latency} cycles after their row, without a gap, not {sums - enters}")
    sent = [_sent(samples, tile) for tile in range(2)]
    settles = config.rows // config.tile_rows + 2
    if (sent[0][0], sent[0][1] + settles, sent[1][0]) != (0, enters, sent[0][1]) or sent[1][1] > enters:
        raise ValueError(f"a tile must be sent in {sent[0]}, settle in {settles} cycles while {sent[1]} is sent")
    for first, last, line, text in (
        (*sent[0], 0, f"t0 is sent: {config.rows} cycles"),
        (sent[0][1], enters, 0, f"t0 settles, t1 is sent: {settles}"),
        (enters, moves[-1] + 1, 1, f"{len(moves)} rows, no gap at the swap"),
        (enters, sums, 2, f"a row enters, its sums are offered: rows + columns + 3 = {latency} cycles"),
    ):
        x, end, y = LABELS + PITCH * first, LABELS + PITCH * last, bottom + 14 + 24 * line
        picture.line([(x, y), (end, y)], tips="both")
        for edge in (x, end):
            picture.line([(edge, 54), (edge, y + 4)], color="#c05a2b", width=1, dashed=True)
        picture.text((x + end) / 2, y + 14, text, kind="small", anchor="middle")
    commands = [sample["i_commands"][0] for sample in samples if "i_commands" in sample]
    legend = "t: weight tile, c: command, r: row. " + ". ".join(dict.fromkeys(commands)) + "."
    picture.text(16, bottom + 94, legend, kind="small")
