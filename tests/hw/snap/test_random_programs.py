"""What the testbenches' random programs contain, and that it means what it should."""

from collections.abc import Iterator

import numpy as np
import pytest

from tensorloom.hw.snap.config import PRESETS, SnapConfig
from tensorloom.sim.snap.check import check_program
from tensorloom.sim.snap.cycles import simulate_core
from tensorloom.sim.snap.golden import core_sums
from tensorloom.sim.snap.program import CoreProgram, Stream
from tensorloom.tb.snap.holes import with_holes, with_other_classes
from tensorloom.tb.snap.parts import CONFIGS, PIPELINED
from tensorloom.tb.snap.random_programs import mixed_program, nonzero, random_convolution, tall_convolution

CORES = CONFIGS | {"pipelined": PIPELINED, "preset": PRESETS["snap-core"]}


@pytest.fixture(params=CORES)
def config(request: pytest.FixtureRequest) -> SnapConfig:
    return CORES[request.param]


def sizes(stream: Stream, receiver: int) -> np.ndarray:
    """Entries of each window or tile that a receiver stores."""
    held = np.where(stream.masks >> receiver & 1, stream.counts, 0)
    return np.add.reduceat(held, np.append(0, np.flatnonzero(stream.last)[:-1] + 1))


def streams(program: CoreProgram) -> Iterator[Stream]:
    yield from program.weights
    yield from program.activations


def test_holes_change_nothing_but_the_beats(config: SnapConfig, seed: int) -> None:
    rng = np.random.default_rng(seed)
    program = random_convolution(config, rng, (3, 4, 2 * config.channel_tile), (3, 2, 3), (0.7, 0.6), padding=1)
    changed = with_holes(config, with_other_classes(config, program, rng), rng)
    check_program(config, changed)
    for sums, golden in zip(core_sums(config, changed), core_sums(config, program), strict=True):
        np.testing.assert_array_equal(sums, golden)
    simulate_core(config, changed)
    assert sum(map(len, streams(changed))) > sum(map(len, streams(program)))
    assert any(((stream.counts == 0) & (stream.masks > 0)).any() for stream in streams(changed))
    for stream in streams(changed):
        assert stream.values[np.arange(config.beat_entries) >= stream.counts[:, None]].any()


def test_random_programs_contain_everything(config: SnapConfig, seed: int) -> None:
    """All classes of weights, tiny tiles before and behind big ones, empty beats that are stored, partial ones."""
    rng = np.random.default_rng(seed)
    programs = [mixed_program(config, rng, 1) for _ in range(6)]
    met, pairs, empty, partial = set(), set(), 0, 0
    for program in programs:
        check_program(config, program)
        simulate_core(config, program)
        for stream in program.weights:
            used = (np.arange(config.beat_entries) < stream.counts[:, None]) & (stream.masks > 0)[:, None]
            met |= set(stream.classes[used].tolist())
        for stream in program.activations:
            for column in range(config.core_columns):
                found = np.digitize(
                    sizes(stream, column), [config.aim_entries // 4, config.aim_entries // 2], right=True
                )
                pairs |= set(zip(found[:-1].tolist(), found[1:].tolist(), strict=True))
        for stream in streams(program):
            inner = ~stream.last & (stream.masks > 0)
            empty += int((inner & (stream.counts == 0)).sum())
            partial += int((inner & (stream.counts > 0) & (stream.counts < config.beat_entries)).sum())
    assert met == set(range(config.classes))
    assert pairs >= {(0, 2), (2, 0)} and empty > 10
    assert partial > 10 or config.beat_entries == 1


def test_tall_kernels_use_all_classes(config: SnapConfig, seed: int) -> None:
    if config.psum_slots < 8:
        pytest.skip("of so few psums the mapper fills no more than three classes")
    met = set()
    for number in range(20):
        program = tall_convolution(config, np.random.default_rng([seed, number]), (1, 1))
        met |= {kind for stream in program.weights for kind in stream.classes[stream.counts > 0, 0].tolist()}
    assert met == set(range(config.classes))


@pytest.mark.parametrize("shape", [(6, 7, 32), (3, 3, 32, 16), (200, 30), (500,)])
def test_densities_vary_within_a_tensor(shape: tuple, seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert not nonzero(rng, shape, 0).any() and nonzero(rng, shape, 1).all()
    found = nonzero(rng, shape, 0.4)
    lines = found.reshape(-1, shape[-1])
    shares = lines if len(shape) == 1 else lines.mean(1)
    assert shares.min() < 0.2 and shares.max() > 0.6
