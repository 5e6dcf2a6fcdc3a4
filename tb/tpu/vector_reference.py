"""What ``pool`` and ``vector`` must do, in numpy and Python's integers."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ...hw.tpu.config import TpuConfig

__all__ = ["Store", "execute", "fma", "floats"]

MODULUS = 1 << 24

Entry = dict[str, Any]


class Store(NamedTuple):
    """What must be written: row, granules, all bytes of the row of which those granules count, the entry's last."""

    row: int
    mask: int
    data: np.ndarray
    last: bool


def floats(bits: int) -> np.ndarray:
    """The float32 that has these bits."""
    return np.array(bits, np.uint32).view(np.float32)


def fma(x: np.ndarray, factor: np.ndarray, addend: np.ndarray) -> np.ndarray:
    """``x * factor + addend`` rounded once to float32: first to odd in float64, where the product is exact."""
    product, addend = x.astype(float) * factor.astype(float), addend.astype(float)
    total = product + addend
    back = total - product
    error = (product - (total - back)) + (addend - back)  # exact: two-sum
    bits = total.view(np.int64)
    bits = bits + np.where((error != 0) & (bits & 1 == 0), np.where((error > 0) == (total > 0), 1, -1), 0)
    return bits.view(float).astype(np.float32)


def _rounded(values: np.ndarray, low: int, high: int) -> np.ndarray:
    return np.clip(np.rint(values), low, high).astype(int)


def _in_type(values: np.ndarray, entry: Entry) -> np.ndarray:
    return values.astype(np.uint8).astype(np.int8 if entry["signed"] else np.uint8).astype(int)


def _wrapped(value: int) -> int:
    """As a signed number of 24 bits."""
    value %= MODULUS
    return value - MODULUS if value >= MODULUS // 2 else value


class _Tap(NamedTuple):
    data: np.ndarray
    rows: list[int]


def _tap(config: TpuConfig, memory: np.ndarray, entry: Entry, i: int, k: int, c: int) -> _Tap:
    """Bytes of a tap, and the rows that have input of it."""
    g, size = entry["geometry"], config.row_granules
    image, rest = divmod(i, g["columns"] * g["lines"])
    line, column = divmod(rest, g["columns"])
    steps = image * g["image_step"] + line * g["line_step"] + column * g["column_step"]
    address = entry["ub"] + steps + k * g["kernel_step"] + c * entry["tap_step"]
    x = _wrapped(entry["x"] + column * g["column_step"] + c * entry["tap_step"])
    y = _wrapped(entry["y"] + line * g["stride"] + k * g["dilation"])
    data, rows = np.full(4 * entry["width"], g["pad"], np.uint8), []
    for j in range(entry["width"]):
        granule = (address + j) % MODULUS
        row, at = divmod(granule, size)
        inside = 0 <= y < g["height"] and 0 <= x + j < g["line"]
        if inside and g["window_first"] <= row <= g["window_last"]:
            data[4 * j : 4 * j + 4] = memory[row, 4 * at : 4 * at + 4]
            rows += [row] * (row not in rows)
    return _Tap(data, rows)


def _pool(config: TpuConfig, memory: np.ndarray, entry: Entry, fetches: list[int]) -> Iterator[np.ndarray]:
    low, high = (-128, 127) if entry["signed"] else (0, 255)
    for i in range(entry["rows"]):
        taps = []
        for k in range(entry["kernel_rows"]):
            for c in range(entry["kernel_columns"]):
                tap = _tap(config, memory, entry, i, k, c)
                taps.append(_in_type(tap.data, entry))
                fetches += tap.rows
        if entry["average"]:
            sums = np.sum(taps, 0)
            yield _rounded(fma(sums, floats(entry["factor_a"]), floats(entry["addend"])), low, high)
        else:
            yield np.max(taps, 0)


def _vector(config: TpuConfig, memory: np.ndarray, entry: Entry, fetches: list[int]) -> Iterator[np.ndarray]:
    size, operation = config.row_granules, ("add", "multiply", "max", "table")[entry["operation"]]
    first_a, first_b = entry["a"] // size, entry["b"] // size
    factor_a, factor_b, addend = (floats(entry[name]) for name in ("factor_a", "factor_b", "addend"))
    zero_a, zero_b = (int(_in_type(np.array(entry[name]), entry)) for name in ("zero_a", "zero_b"))
    low, high = entry["lo"], entry["hi"]
    table = memory[first_b:].ravel()[:256].copy()
    if operation == "table":
        fetches += [first_b + granule // size for granule in range(64)]
    for number in range(entry["rows"]):
        fetches.append(first_a + number)
        if operation == "table":
            yield table[memory[first_a + number]]
            continue
        fetches.append(first_b + number)
        a, b = (_in_type(memory[first + number], entry) for first in (first_a, first_b))
        if operation == "add":
            yield _rounded(fma(a, factor_a, fma(b, factor_b, addend)), low, high)
        elif operation == "multiply":
            yield _rounded(fma((a - zero_a) * (b - zero_b), factor_a, addend), low, high)
        else:
            yield np.clip(np.maximum(a, b), low, high)


def execute(config: TpuConfig, memory: np.ndarray, entry: Entry) -> tuple[list[int], list[Store]]:
    """Execute an entry on a memory of bytes by row, which it changes; returns rows fetched, and stores, in order."""
    fetches: list[int] = []
    stores, size = list[Store](), config.row_granules
    pitch, width = (entry["pool_pitch"], entry["width"]) if entry["pool"] else (size, size)
    made = (_pool if entry["pool"] else _vector)(config, memory, entry, fetches)
    for number, result in enumerate(made):
        first = entry["dst"] + number * pitch
        by_row: dict[int, list[int]] = {}
        for j in range(width):
            row, at = divmod(first + j, size)
            memory[row, 4 * at : 4 * at + 4] = result[4 * j : 4 * j + 4] & 255
            by_row.setdefault(row, []).append(at)
        for row, granules in by_row.items():
            last = number == entry["rows"] - 1 and row == max(by_row)
            stores.append(Store(row, sum(1 << at for at in granules), memory[row].copy(), last))
    return fetches, stores
