"""Stimulus and expected results of everything that has no handshakes, from the maths.

All functions return (inputs, expected): lists with a value for each cycle, by port; None may be anything.
"""

import dataclasses
from typing import Any

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ...sim.golden.wrap import wrap

__all__ = [
    "ArraySchedule",
    "Vectors",
    "array_schedule",
    "extended",
    "pack_lanes",
    "pe_vectors",
    "random_bytes",
    "shifted",
    "unpack_lanes",
]

Vectors = tuple[dict[str, list[Any]], dict[str, list[Any]]]


def random_bytes(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Bytes of which many are extreme: 0, 127, 128 and 255, alone or whole rows of them."""
    extremes = np.array([0, 1, 127, 128, 255], np.uint8)
    values = rng.integers(0, 256, shape, np.uint8)
    for mask_shape, share in ((shape, 0.2), ((*shape[:-1], 1), 0.4)):
        mask = np.broadcast_to(rng.random(mask_shape) < share, shape)
        values = np.where(mask, np.broadcast_to(rng.choice(extremes, mask_shape), shape), values)
    return values


def extended(values: np.ndarray, signed: np.ndarray | bool) -> np.ndarray:
    """Values of byte planes, int64, where `signed` says so with a sign."""
    return np.where(signed, values.view(np.int8).astype(np.int64), values.astype(np.int64))


def shifted(values: list[Any], cycles: int) -> list[Any]:
    """What comes out of a delay."""
    return [None] * cycles + values[: len(values) - cycles]


def pack_lanes(values: np.ndarray, bits: int) -> list[int]:
    """Each row of numbers as bits, element 0 lowest."""
    mask = (1 << bits) - 1
    return [sum((value & mask) << bits * lane for lane, value in enumerate(row)) for row in values.tolist()]


def unpack_lanes(words: list[int], lanes: int, bits: int) -> np.ndarray:
    """Inverse of `pack_lanes`, for signed numbers."""
    mask, half = (1 << bits) - 1, 1 << bits - 1
    return np.array([[((word >> bits * lane & mask) ^ half) - half for lane in range(lanes)] for word in words])


def pe_vectors(config: SystolicConfig, rng: np.random.Generator, cycles: int) -> Vectors:
    """Random work of a PE: activation i meets the weight that the last swap up to it brought."""
    planes, signs = random_bytes(rng, cycles, 1)[:, 0], rng.random((2, cycles)) < 0.5
    weights = random_bytes(rng, cycles, 1)[:, 0]
    activations = extended(planes, signs[0])
    half = 1 << config.psum_bits - 1
    psums = rng.integers(-half, half, cycles)
    psums[rng.random(cycles) < 0.3] = rng.choice([-half, half - 1, 0, -1])
    load, swap = rng.random((2, cycles)) < 0.3
    load[0], swap[1] = True, True

    expected_psums: list[Any] = [None] * cycles
    shadow = weight = None
    for cycle in range(cycles):
        if swap[cycle] and shadow is not None:  # the weight loaded in an earlier cycle
            weight = int(extended(weights[shadow : shadow + 1], signs[1][cycle : cycle + 1])[0])
        if load[cycle]:
            shadow = cycle
        added = cycle + 1 + config.multiplier_registers
        if weight is not None and added + 1 < cycles:
            total = psums[added : added + 1] + activations[cycle] * weight
            expected_psums[added + 1] = int(wrap(total, config.psum_bits)[0])
    controls = [
        {"swap": int(s), "weights_signed": int(w), "load": int(x)} for s, w, x in zip(swap, signs[1], load, strict=True)
    ]
    inputs = {
        "i_activation": activations.tolist(),
        "i_control": controls,
        "i_weight": weights.tolist(),
        "i_psum": psums.tolist(),
    }
    expected = {
        "o_psum": expected_psums,
        "o_activation": shifted(inputs["i_activation"], 1),
        "o_control": shifted(controls, 1),
    }
    return inputs, expected


@dataclasses.dataclass(frozen=True)
class ArraySchedule:
    """What the ports of an array of PEs see in each cycle.

    Attributes
    ----------
    activations, controls, weights
        Cycles x rows operands, cycles x rows x (swap, weights_signed, load), cycles x columns byte planes.
    sums, defined
        Cycles x columns: the products' sums that have to be at the bottom, and where there are some.
    """

    activations: np.ndarray
    controls: np.ndarray
    weights: np.ndarray
    sums: np.ndarray
    defined: np.ndarray


def array_schedule(
    config: SystolicConfig, rows: int, columns: int, rng: np.random.Generator, *, tiles: int, gap: float
) -> ArraySchedule:
    """Random work of an array: weight tiles, loaded row by row in any order as late and as early as can be.

    Parameters
    ----------
    config
        Of the array: how many rows' weight bus is one wire, and the multipliers' latency.
    rows, columns
        PEs of the array or the part of it.
    rng
        Random numbers.
    tiles
        Weight tiles to load and use.
    gap
        Probability of a pause before a load, a swap or an activation.
    """

    def pause() -> int:
        return int(rng.geometric(1 - gap) - 1)

    tile_rows = config.tile_rows
    length = tiles * (6 * rows + 40) * 2
    activations = rng.integers(-256, 256, (length, rows))
    controls = rng.integers(0, 2, (length, rows, 3))
    controls[:, :, 0] = controls[:, :, 2] = 0
    bus = random_bytes(rng, length, columns)
    sums, defined = np.zeros((length, columns), np.int64), np.zeros((length, columns), bool)
    used: set[int] = set()
    swap, end = 0, 0
    for _ in range(tiles):
        tile, tile_signed = random_bytes(rng, rows, columns), bool(rng.integers(2))
        loads = {}
        for row in rng.permutation(rows).tolist():
            # Not before the previous tile's swap passes; then in the first free cycle of the bus.
            at = swap + row + pause()
            while at - row // tile_rows in used:
                at += 1
            used.add(at - row // tile_rows)
            loads[row] = at
            controls[at, row, 2] = 1
            bus[at - row // tile_rows + np.arange(columns), np.arange(columns)] = tile[row]
        swap = max(max(at - row for row, at in loads.items()) + 1, end) + pause()
        end = swap
        for index in range(int(rng.integers(1, 6))):
            end += pause() if index else 0
            planes, plane_signed = random_bytes(rng, rows), bool(rng.integers(2))
            row = np.arange(rows)
            activations[end + row, row] = extended(planes, plane_signed)
            if index == 0:
                controls[end + row, row, 0], controls[end + row, row, 1] = 1, tile_signed
            at = end + rows + 1 + config.multiplier_registers + np.arange(columns)
            sums[at, np.arange(columns)] = extended(planes, plane_signed) @ extended(tile, tile_signed)
            defined[at, np.arange(columns)] = True
            end += 1
    last = end + rows + columns + 2 + config.multiplier_registers
    assert last < length
    return ArraySchedule(activations[:last], controls[:last], bus[:last], sums[:last], defined[:last])
