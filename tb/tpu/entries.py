"""Random entries of the feeder, and what they mean: windows, commands, rows and sums."""

import random
from typing import Any

import numpy as np

from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from .windows import random_geometry, window_of

__all__ = ["Entry", "commands_of", "granules_of", "random_entries", "random_entry", "rows_of", "sums_of"]

Entry = dict[str, Any]
"""Fields of a `matmul_entry`."""

NONE, FIRST, EVERY = range(3)


def random_entry(config: TpuConfig, some: random.Random, granules: range, **fields: int) -> Entry:
    """A ``matmul`` or a ``convolve`` that reads whole rows of granules only; some of its fields may be given."""
    most_rows, size = config.matrix.accumulator_rows, len(granules)
    entry = {name: some.getrandbits(1) for name in ("accumulate", "drain", "a_signed", "w_signed")}
    entry |= {"shift": some.getrandbits(2), "swap": some.choice([NONE, FIRST, EVERY])}
    entry |= {"pitch": some.randint(1, config.row_granules), "rows": some.choice([1, some.randint(1, most_rows)])}
    entry |= {"repeat": some.choice([1, 1, some.randint(2, 5)])} | fields
    entry["rows"] = min(entry["rows"], size // entry["pitch"])
    rest = size - entry["rows"] * entry["pitch"]
    step = some.randint(0, rest // max(1, entry["repeat"] - 1))
    entry |= {"step": step, "acc": some.randint(0, most_rows - entry["rows"])} | fields
    reach = (entry["repeat"] - 1) * entry["step"]
    entry |= {"ub": granules.start + some.randint(0, rest - min(rest, reach)), "convolve": some.getrandbits(1)}
    rows = range(granules.start // config.row_granules, granules.stop // config.row_granules)
    return entry | random_geometry(config, some, rows) | fields


def random_entries(config: TpuConfig, some: random.Random, granules: range, count: int, **fields: int) -> list[Entry]:
    """Entries for a matrix unit after a reset: the first brings a tile, and nothing is added to what wasn't written."""
    entries, written = [], np.zeros(config.matrix.accumulator_rows, bool)
    for number in range(count):
        entry = random_entry(config, some, granules, **fields)
        rows = slice(entry["acc"], entry["acc"] + entry["rows"])
        entry["accumulate"] &= int(written[rows].all())
        entry["swap"] = entry["swap"] if number or entry["swap"] else FIRST
        written[rows] = True
        entries.append(entry)
    return entries


def granules_of(config: TpuConfig, entries: list[Entry]) -> list[list[int | None]]:
    """Granules of each row that entries take, by address; None is one of pad bytes. What is missing is 0."""
    return [
        window_of(config, entry, number, command)
        if entry["convolve"]
        else [entry["ub"] + command * entry["step"] + number * entry["pitch"] + j for j in range(entry["pitch"])]
        for entry in entries
        for command in range(entry["repeat"])
        for number in range(entry["rows"])
    ]


def rows_of(config: TpuConfig, memory: np.ndarray, entries: list[Entry]) -> np.ndarray:
    """Activation rows that entries take from a memory of bytes."""
    pads = [entry["geometry"]["pad"] for entry in entries for _ in range(entry["repeat"] * entry["rows"])]
    granules = granules_of(config, entries)
    rows = np.zeros((len(pads), config.row_granules, GRANULE_BYTES), np.uint8)
    for row, pad, places in zip(rows, pads, granules, strict=True):
        for number, place in enumerate(places):
            row[number] = pad if place is None else memory[GRANULE_BYTES * place :][:GRANULE_BYTES]
    return rows.reshape(len(pads), config.row_bytes)


def commands_of(entries: list[Entry]) -> list[dict[str, Any]]:
    """Commands that entries are made of."""
    return [
        {
            "rows": entry["rows"],
            "address": entry["acc"],
            "accumulate": int(bool(entry["accumulate"] or number)),
            "drain": int(bool(entry["drain"] and number == entry["repeat"] - 1)),
            "swap": int(entry["swap"] == EVERY or (entry["swap"] == FIRST and number == 0)),
            "activations_signed": entry["a_signed"],
            "weights_signed": entry["w_signed"],
            "shift": entry["shift"],
        }
        for entry in entries
        for number in range(entry["repeat"])
    ]


def sums_of(config: TpuConfig, memory: np.ndarray, tiles: np.ndarray, entries: list[Entry]) -> np.ndarray:
    """Sums that entries drain, with these weight tiles (bytes): tiles x rows x columns."""
    size = config.matrix.rows
    accumulators, drained = np.zeros((config.matrix.accumulator_rows, size), np.int64), []
    rows, tile, weights = rows_of(config, memory, entries), -1, np.zeros((size, size), np.int64)
    for command in commands_of(entries):
        if command["swap"]:
            tile += 1
            weights = tiles[tile].view(np.int8 if command["weights_signed"] else np.uint8).astype(np.int64)
        taken, rows = rows[: command["rows"]], rows[command["rows"] :]
        taken = taken.view(np.int8 if command["activations_signed"] else np.uint8).astype(np.int64)
        products = (taken @ weights) << 8 * command["shift"]
        there = slice(command["address"], command["address"] + command["rows"])
        accumulators[there] = products + command["accumulate"] * accumulators[there]
        if command["drain"]:
            drained.append(accumulators[there].copy())
    every = np.concatenate(drained) if drained else np.zeros((0, size), np.int64)
    return (every & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
