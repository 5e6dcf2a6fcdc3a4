"""The core's flag for sums that wrapped: from each PE, each lane of a PE, and each port, seen at the top, alone."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.snap.config import SnapConfig
from tensorloom.hw.snap.core import SnapCore
from tensorloom.sim.snap.golden import core_sums
from tensorloom.sim.snap.program import CoreProgram, Item, Part, StreamBuilder, cut
from tensorloom.tb.bulk.model import Model, build
from tensorloom.tb.snap.parts import NARROW
from tensorloom.tb.snap.program import run_program

Window = list[tuple[int, int]]
"""Weights and their psum slots."""

LOWEST, HIGHEST = -8, 7
"""Of 4 bits; psums are from -128 to 127."""


@pytest.fixture(scope="module", params=NARROW)
def core(request: pytest.FixtureRequest) -> tuple[SnapConfig, Model]:
    config = NARROW[request.param]
    assert (config.data_bits, config.psum_bits) == (4, 8)
    return config, build(emit(SnapCore(config)))


def program_of(
    config: SnapConfig, work: Mapping[tuple[int, int], list[Window]], value: int = LOWEST, *, row_mode: bool = False
) -> CoreProgram:
    """One block in which some PEs multiply their windows, one after the other, with a single activation."""
    weights = [StreamBuilder(config) for _ in range(config.core_columns)]
    activations = [StreamBuilder(config) for _ in range(config.core_rows)]
    count = max(map(len, work.values()))
    for number in range(count):
        final = number == count - 1
        for column, stream in enumerate(weights):
            stream.add(window_of(config, work, number, column), group_last=final, block_last=final)
    for row, stream in enumerate(activations):
        mask = sum(1 << column for column in range(config.core_columns) if (row, column) in work)
        parts: list[Part] = [(mask, np.array([value]), np.array([0]))] if mask else []
        stream.add(cut(config, parts), classes=1, group_last=True)
    ports = config.core_rows if row_mode else config.ports
    targets = [np.full((config.ports, config.psum_slots), -1)]
    return CoreProgram(
        [stream.build() for stream in weights], [stream.build() for stream in activations],
        np.array([row_mode]), np.array([config.psum_slots]), np.array([(1 << ports) - 1]), targets,
    )  # fmt: skip


def window_of(config: SnapConfig, work: Mapping[tuple[int, int], list[Window]], number: int, column: int) -> Item:
    """What the PEs of a column get as a window."""
    parts: list[Part] = []
    for row in range(config.core_rows):
        window = work.get((row, column), [])[number : number + 1]
        if window and window[0]:
            values, slots = np.array(window[0]).T
            parts.append((1 << row, values, np.zeros_like(values), slots, np.zeros_like(values)))
    return cut(config, parts)


def check(core: tuple[SnapConfig, Model], program: CoreProgram, wraps: bool, case: object) -> None:
    config, model = core
    got = run_program(model, config, program)
    assert got.errors == {"weights": 0, "activations": 0, "commands": 0, "cuts": 0, "overflow": wraps}, case
    for port in range(config.ports):
        if int(program.ports[0]) >> port & 1:
            np.testing.assert_array_equal(got.sums[0][port], core_sums(config, program)[0][port], str(case))


def test_each_lane_of_each_pe(core) -> None:
    """A lane adds twice to the same psum, while the others add little to others."""
    config = core[0]
    for pe in np.ndindex(config.core_rows, config.core_columns):
        for lane in range(config.pe_multipliers):
            for weights, wraps in (((-8, -8), True), ((-8, -7), False), ((7, 7, 3), True), ((7, 7, 2), False)):
                windows = [
                    [(weight if other == lane else 1, other) for other in range(config.pe_multipliers)]
                    for weight in weights
                ]
                check(core, program_of(config, {pe: windows}), wraps, (pe, lane, weights))


def test_products_of_one_cycle(core) -> None:
    """Two or more lanes meet at one psum, which only their sum overflows."""
    config = core[0]
    for pe in np.ndindex(config.core_rows, config.core_columns):
        for one, other in combinations(range(config.pe_multipliers), 2):
            for weight, wraps in ((-8, True), (-7, False)):
                window = [(1, lane) for lane in range(config.pe_multipliers)]
                window[one] = window[other] = (-8, config.psum_slots - 1)
                window[other] = (weight, config.psum_slots - 1)
                if config.psum_slots == config.pe_multipliers:  # the last slot is the last lane's
                    window = [entry if entry[0] != 1 else (1, 0) for entry in window]
                check(core, program_of(config, {pe: [window]}), wraps, (pe, one, other, weight))


@pytest.mark.parametrize("row_mode", [False, True])
def test_each_port(core, row_mode: bool) -> None:
    """Psums of two PEs of a port fit, their sum doesn't."""
    config = core[0]
    ports: dict[int, list[tuple[int, int]]] = {}
    for row, column in np.ndindex(config.core_rows, config.core_columns):
        ports.setdefault(row if row_mode else row - column + config.core_columns - 1, []).append((row, column))
    tried = 0
    for port, pes in ports.items():
        for one, other in combinations(pes, 2):
            for slot in (0, config.psum_slots - 1):
                for weights, wraps in (((-8, -8), True), ((-8, -7), False)):
                    work = {pe: [[(weight, slot)]] for pe, weight in zip((one, other), weights, strict=True)}
                    check(core, program_of(config, work, row_mode=row_mode), wraps, (port, one, other, slot))
                    tried += 1
    assert tried >= 4 * len([port for port, pes in ports.items() if len(pes) > 1]) > 0


def test_sum_of_the_parts_of_a_psum(core) -> None:
    """Of split psums each part fits, which different lanes add to, and their sum doesn't."""
    config = core[0]
    for pe in np.ndindex(config.core_rows, config.core_columns):
        for one, other in combinations(range(config.pe_multipliers), 2):
            for weight, wraps in ((-8, True), (-7, False)):
                windows = [
                    [(value if lane == at else 1, 0 if lane == at else 1) for lane in range(config.pe_multipliers)]
                    for at, value in ((one, -8), (other, weight))
                ]
                check(core, program_of(config, {pe: windows}), wraps, (pe, one, other, weight))
