"""Cycle model of the SNAP core."""

import dataclasses
from typing import Unpack

import numpy as np
import pytest

from tensorloom.hw.snap.config import PRESETS
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.geometry import ConvolutionSteps
from tensorloom.sim.snap.cycles import CoreCounters, Stalls, simulate_core
from tensorloom.sim.snap.mapping import map_convolution
from tensorloom.sim.snap.ways import Way

from .presets import ANY_PRESET


def layer(seed: int, size: tuple[int, int, int], kernel: tuple[int, int, int], densities: tuple[float, float]) -> tuple:
    rng = np.random.default_rng(seed)
    x, w = rng.integers(1, 8, size), rng.integers(1, 8, (*kernel[:2], size[2], kernel[2]))
    return x * (rng.random(x.shape) < densities[0]), w * (rng.random(w.shape) < densities[1])


def run(
    preset: str,
    x: np.ndarray,
    w: np.ndarray,
    stalls: Stalls = Stalls(),  # noqa: B008
    way: Way | None = None,
    **steps: Unpack[ConvolutionSteps],
) -> CoreCounters:
    config = PRESETS[preset]
    program = map_convolution(config, x, w, **steps, way=way)
    counters = simulate_core(config, program, stalls=stalls)
    useful = convolution((x != 0).astype(int)[None], (w != 0).astype(int), **steps).sum()
    assert counters.multiplies.sum() == useful
    assert counters.sums.sum() == sum(
        int(slots) * int(ports).bit_count() for slots, ports in zip(program.slots, program.ports, strict=True)
    )
    assert (np.sum([*counters.waits.values()], axis=0) == counters.cycles).all()
    assert counters.weight_beats.tolist() == [len(stream) for stream in program.weights]
    assert counters.activation_beats.tolist() == [len(stream) for stream in program.activations]
    return counters


@pytest.mark.parametrize("preset", ANY_PRESET)
@pytest.mark.parametrize("density", [0.0, 0.1, 0.5, 1.0])
def test_all_work_is_done_once(seed: int, preset: str, density: float) -> None:
    run(preset, *layer(seed, (7, 9, 20), (3, 3, 5), (density, density)), padding=1)
    run(preset, *layer(seed, (7, 9, 20), (1, 1, 5), (density, density)))


@pytest.mark.parametrize("preset", ["snap-core", "snap-tiny"])
def test_stalls_delay_but_lose_nothing(seed: int, preset: str) -> None:
    config, rng = PRESETS[preset], np.random.default_rng(seed)
    operands = layer(seed, (6, 8, 12), (3, 3, 4), (0.5, 0.5))
    free = run(preset, *operands, padding=1)
    streams = {"weights": config.core_columns, "activations": config.core_rows, "sums": config.ports, "commands": 1}
    for rate in (0.2, 0.8):
        patterns = {name: rng.random((997, count)) < rate for name, count in streams.items()}
        assert run(preset, *operands, stalls=Stalls(**patterns), padding=1).cycles > free.cycles


def late(count: int, cycles: int) -> np.ndarray:
    """Streams that offer nothing for some cycles."""
    return np.arange(1 << 14)[:, None] < np.full(count, cycles)


@pytest.mark.parametrize("pipelined", [False, True])
def test_cycles_count_from_the_first_beat(seed: int, pipelined: bool) -> None:
    config = PRESETS["snap-tiny"].replace(pipelined=pipelined)
    program = map_convolution(config, *layer(seed, (5, 4, 9), (3, 3, 3), (0.6, 0.6)), padding=1)
    free = simulate_core(config, program)
    rows, columns = config.core_rows, config.core_columns
    for cycles in (1, 17, 5000):
        stalls = Stalls(weights=late(columns, cycles), activations=late(rows, cycles))
        assert simulate_core(config, program, stalls=stalls).differences(free) == []
    # Activations alone are late: their rings stay empty, and the weights' fill up.
    counters = simulate_core(config, program, stalls=Stalls(activations=late(rows, 5000)))
    assert counters.cycles > 5000
    assert np.all(sum(counters.waits.values()) == counters.cycles)


@pytest.mark.parametrize(("pipelined", "after"), [(False, 2), (True, 4)])
def test_cycles_count_to_the_last_sum(pipelined: bool, after: int) -> None:
    """A sum is handed over so many cycles after its command came, if that is long after its psum was complete."""
    config = PRESETS["snap-tiny"].replace(pipelined=pipelined)
    program = map_convolution(config, np.ones((1, 1, 1), int), np.ones((1, 1, 1, 1), int))
    for cycles in (100, 3000):
        counters = simulate_core(config, program, stalls=Stalls(commands=late(1, cycles)))
        assert counters.cycles == cycles + after
        assert counters.waits["wait_weights"].min() > cycles - 20
        held = simulate_core(config, program, stalls=Stalls(sums=late(config.ports, cycles)))
        assert held.cycles == cycles + 1


def test_a_block_that_sends_nothing_ends_with_its_command() -> None:
    config = PRESETS["snap-tiny"]
    program = map_convolution(config, np.ones((1, 1, 1), int), np.ones((1, 1, 1, 1), int))
    sends = simulate_core(config, program)
    silent = simulate_core(config, dataclasses.replace(program, ports=0 * program.ports))
    assert silent.cycles == sends.cycles - 1 and not silent.sums.any()


def test_first_pair_and_last_sum() -> None:
    """One product: 1 cycle to load, 2 for the AIM, 1 to decode, 2 to multiply and add, 2 to reduce and hand over."""
    x, w = np.ones((1, 1, 1), int), np.ones((1, 1, 1, 1), int)
    config = PRESETS["snap-tiny"].replace(core_columns=1)
    counters = simulate_core(config, map_convolution(config, x, w))
    assert counters.multiplies.sum() == 1
    assert counters.cycles == 8
    assert run("snap-tiny", x, w).cycles == 9, "the second PE of a row waits for the AIM"


def test_nothing_takes_no_time() -> None:
    x, w = np.ones((1, 1, 8), int), np.ones((3, 3, 8, 2), int)
    counters = run("snap-core", x, w, stride=2, padding=3, dilation=2)
    assert counters.cycles == 0 and not counters.aim_operations.any() and not counters.lists.any()
    assert counters.utilisation(3) == counters.sums_per_cycle == 0


def test_dense_layer_is_compute_bound() -> None:
    x, w = layer(1, (6, 14, 64), (3, 3, 8), (1, 1))
    counters = run("snap-core", x, w, padding=2, way=Way())
    assert counters.utilisation(PRESETS["snap-core"].multipliers) > 0.98


@pytest.mark.parametrize(
    ("densities", "goal"), [((0.4, 0.4), 0.90), ((0.38, 0.52), 0.90), ((0.2, 0.3), 0.85), ((0.1, 0.1), 0.60)]
)
def test_utilisation_goals(densities: tuple[float, float], goal: float) -> None:
    counters = run("snap-core", *layer(1, (6, 56, 256), (3, 3, 8), densities), padding=2)
    assert counters.utilisation(PRESETS["snap-core"].multipliers) >= goal
    assert counters.sums_per_cycle <= (0.7 if densities == (0.38, 0.52) else 9)


def test_a_core_that_starves_is_reported() -> None:
    config = PRESETS["snap-tiny"]
    program = map_convolution(config, *layer(1, (3, 3, 8), (3, 3, 2), (1, 1)))
    with pytest.raises(RuntimeError, match="limit must be enough for the program, not 10 cycles"):
        simulate_core(config, program, limit=10)
    with pytest.raises(RuntimeError, match="block 0 waits"):
        simulate_core(config, program, stalls=Stalls(weights=np.ones((1, 2), bool)), limit=500)
    for name, count in (("weights", 2), ("activations", 3), ("sums", 4), ("commands", 1)):
        with pytest.raises(RuntimeError, match=r"must not deadlock or starve: nothing moves .*\(block \d waits\)"):
            simulate_core(config, program, stalls=Stalls(**{name: np.ones((1, count), bool)}))


def test_streams_must_agree() -> None:
    config = PRESETS["snap-tiny"]
    program = map_convolution(config, *layer(1, (3, 3, 8), (3, 3, 2), (1, 1)))
    program.weights[1].group_last[:] = False
    with pytest.raises(ValueError, match="weights must be cut into the same groups in every stream"):
        simulate_core(config, program)
