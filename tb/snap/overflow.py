"""Programs of a SNAP core of which one psum or sum just fits, or just doesn't and wraps."""

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from ...hw.snap.config import SnapConfig
from ...sim.snap.program import CoreProgram, Item, Part, StreamBuilder, cut

__all__ = ["overflow_programs", "work_program"]

Window = list[tuple[int, int]]
"""Weights and their psum slots."""

Work = Mapping[tuple[int, int], list[Window]]
"""Windows of a PE by its place."""

Programs = Iterator[tuple[str, CoreProgram, bool]]
"""What a program is, the program, and whether a sum wraps."""


def overflow_programs(config: SnapConfig) -> Programs:
    """Each lane of each PE, two lanes of one cycle, and each port, alone, and next to it what just fits.

    There are none for a configuration whose psums take more products to fill than some dozens.
    """
    if 1 << config.psum_bits - 2 * config.data_bits + 1 > 64:
        return
    for pe in np.ndindex(config.core_rows, config.core_columns):
        yield from _lanes(config, pe)
        yield from _pairs_of_lanes(config, pe)
    for row_mode in (False, True):
        yield from _ports(config, row_mode=row_mode)


def _weights(config: SnapConfig, *, positive: bool, wraps: bool) -> list[int]:
    """Weights whose products with the lowest activation just wrap together, or just don't, as few as there can be."""
    total = (1 << config.psum_bits - config.data_bits) - positive + wraps
    most = (1 << config.data_bits - 1) - (not positive)
    parts = [most] * (total // most) + [total % most] * (total % most > 0)
    return [-part for part in parts] if positive else parts


def _lanes(config: SnapConfig, pe: tuple[int, int]) -> Programs:
    """A lane adds to the same psum again and again, while the others add little to others."""
    lanes = range(config.pe_multipliers)
    for lane in lanes:
        for positive in (False, True):
            for wraps in (False, True):
                weights = _weights(config, positive=positive, wraps=wraps)
                windows = [
                    [(weight if other == lane else 1, other % config.psum_slots) for other in lanes]
                    for weight in weights
                ]
                yield f"lane {lane} of {pe}: {weights}", work_program(config, {pe: windows}), wraps


def _pairs_of_lanes(config: SnapConfig, pe: tuple[int, int]) -> Programs:
    """Two lanes add to the same psum: in one cycle, where their sum wraps, or in two, where split parts don't."""
    lanes, weights = range(config.pe_multipliers), {}
    for wraps in (False, True):
        weights[wraps] = _weights(config, positive=True, wraps=wraps)
    if len(weights[True]) != 2:
        return
    for one, other in combinations(lanes, 2):
        for wraps, (first, second) in weights.items():
            together = [(1, 1) for _ in lanes]
            together[one], together[other] = (first, 0), (second, 0)
            yield f"lanes {one} and {other} of {pe}, {wraps}", work_program(config, {pe: [together]}), wraps
            apart = [
                [(weight if lane == at else 1, 0 if lane == at else 1) for lane in lanes]
                for at, weight in ((one, first), (other, second))
            ]
            yield f"lane {one}, then {other} of {pe}, {wraps}", work_program(config, {pe: apart}), wraps


def _ports(config: SnapConfig, *, row_mode: bool) -> Programs:
    """Psums of two PEs of a port fit, their sum doesn't."""
    ports: dict[int, list[tuple[int, int]]] = {}
    for row, column in np.ndindex(config.core_rows, config.core_columns):
        ports.setdefault(row if row_mode else row - column + config.core_columns - 1, []).append((row, column))
    for port, pes in ports.items():
        for one, other in combinations(pes, 2):
            for slot in (0, config.psum_slots - 1):
                for wraps in (False, True):
                    weights = _weights(config, positive=True, wraps=wraps)
                    work = {one: [[(weight, slot)] for weight in weights[1:]], other: [[(weights[0], slot)]]}
                    program = work_program(config, work, row_mode=row_mode)
                    yield f"port {port}: {one} and {other}, slot {slot}, {wraps}", program, wraps


def work_program(config: SnapConfig, work: Work, *, row_mode: bool = False, value: int | None = None) -> CoreProgram:
    """One block in which some PEs multiply their windows, one after the other, with a value, or the lowest there is."""
    activation = -1 << config.data_bits - 1 if value is None else value
    weights = [StreamBuilder(config) for _ in range(config.core_columns)]
    activations = [StreamBuilder(config) for _ in range(config.core_rows)]
    count = max(map(len, work.values()))
    for number in range(count):
        final = number == count - 1
        for column, stream in enumerate(weights):
            stream.add(_window(config, work, number, column), group_last=final, block_last=final)
    for row, stream in enumerate(activations):
        mask = sum(1 << column for column in range(config.core_columns) if (row, column) in work)
        parts: list[Part] = [(mask, np.array([activation]), np.array([0]))] if mask else []
        stream.add(cut(config, parts), classes=1, group_last=True)
    ports = config.core_rows if row_mode else config.ports
    targets = [np.full((config.ports, config.psum_slots), -1)]
    return CoreProgram(
        [stream.build() for stream in weights], [stream.build() for stream in activations],
        np.array([row_mode]), np.array([config.psum_slots]), np.array([(1 << ports) - 1]), targets,
    )  # fmt: skip


def _window(config: SnapConfig, work: Work, number: int, column: int) -> Item:
    """What the PEs of a column get as a window."""
    parts: list[Part] = []
    for row in range(config.core_rows):
        window = work.get((row, column), [])[number : number + 1]
        if window and window[0]:
            values, slots = np.array(window[0]).T
            parts.append((1 << row, values, np.zeros_like(values), slots, np.zeros_like(values)))
    return cut(config, parts)
