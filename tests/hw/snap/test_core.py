"""The whole core as emitted Verilog: its sums against the golden model, its counters against the cycle model."""

from typing import Any

import numpy as np
import pytest

from tensorloom.hw.snap.config import SnapConfig
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.wrap import wrap
from tensorloom.sim.snap.beats import program_inputs
from tensorloom.sim.snap.cycles import WAITS, CoreCounters, simulate_core
from tensorloom.sim.snap.golden import core_sums, scatter_sums
from tensorloom.sim.snap.mapping import map_convolution
from tensorloom.sim.snap.program import CoreProgram
from tensorloom.tb.bulk.model import Model, SimulationError, WatchdogError, build
from tensorloom.tb.memories import with_bare_memories
from tensorloom.tb.snap.miscut import miscut
from tensorloom.tb.snap.parts import CONFIGS, PIPELINED, TINY
from tensorloom.tb.snap.program import ProgramResult, core_stalls, run_program
from tensorloom.tb.snap.random_programs import mixed_program, random_convolution, random_fully_connected, tensors

from ...designs import emitted

CORES = CONFIGS | {
    "pe": TINY.replace(core_rows=1, core_columns=1, activation_tiles=2, psum_slots=2, weight_windows=16),
    "pipelined": PIPELINED,
    "preset": SnapConfig(),
}
"""``pe``: one PE, short of tiles and psums. ``preset``: 7 x 3 PEs. With ``-bare``, memories begin with ones."""

NO_ERRORS = {"weights": 0, "activations": 0, "commands": 0, "cuts": 0, "overflow": 0}

DENSITIES = ((0, 0), (1, 0), (0, 1), (0.1, 0.1), (0.2, 0.3), (0.4, 0.4), (0.38, 0.52), (0.7, 0.9), (1, 1))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=() if name in ("tiny", "two-bare") else pytest.mark.slow)
        for name in (*CORES, "two-bare", "pipelined-bare")
    ],
)
def core(request: pytest.FixtureRequest) -> tuple[SnapConfig, Model]:
    name, _, bare = request.param.partition("-")
    config = CORES[name]
    emission = emitted("snap", config)
    source = with_bare_memories(emission) if bare else emission
    return config, build(source)


def check(core: tuple[SnapConfig, Model], program: CoreProgram, **options: Any) -> ProgramResult:
    config, model = core
    got = run_program(model, config, program, **options)
    check_sums(config, program, got)
    stalls = core_stalls(model, config, options.get("stalls", 0.0), options.get("seed", 0))
    assert got.counters.differences(simulate_core(config, program, stalls=stalls)) == []
    check_promises(config, got.counters)
    if "stalls" not in options:
        assert got.counters.differences(simulate_core(config, program)) == []
        # PEs of ports that send nothing at the end may work on behind the last sum of a pipelined core.
        partial = config.pipelined and int(program.ports[-1]) != (1 << config.ports) - 1
        assert got.result.cycles <= got.counters.cycles <= got.result.cycles + (8 if partial else 0)
    return got


def check_sums(config: SnapConfig, program: CoreProgram, got: ProgramResult) -> None:
    for block, (sums, golden) in enumerate(zip(got.sums, core_sums(config, program), strict=True)):
        sends = (int(program.ports[block]) >> np.arange(config.ports) & 1).astype(bool)
        np.testing.assert_array_equal(sums[sends], golden[sends], f"block {block}")
    assert got.errors == NO_ERRORS


def check_promises(config: SnapConfig, counters: CoreCounters) -> None:
    assert np.all(sum(counters.waits[name] for name in WAITS) == counters.cycles)
    assert (counters.multiplies <= config.pe_multipliers * counters.cycles).all()
    assert counters.utilisation(config.multipliers) <= 1


@pytest.mark.parametrize("densities", DENSITIES)
def test_layers_of_every_density(core, densities: tuple[float, float], seed: int) -> None:
    rng, channels = np.random.default_rng(seed), core[0].channel_tile
    check(core, random_convolution(core[0], rng, (5, 8, channels + 3), (3, 3, 4), densities, padding=1))
    check(core, random_convolution(core[0], rng, (4, 5, 3 * channels), (1, 1, 6), densities))


@pytest.mark.parametrize(
    ("size", "kernel", "steps"),
    [
        ((1, 1, 1), (1, 1, 1), {}),
        ((7, 6, 5), (3, 3, 3), {"stride": 2, "padding": 1}),
        ((9, 9, 3), (5, 2, 2), {"padding": 2}),
        ((6, 11, 4), (1, 7, 3), {"padding": 3}),
        ((8, 8, 4), (3, 3, 2), {"dilation": 2}),
        ((6, 6, 6), (3, 3, 6), {"groups": 6, "padding": 1}),
        ((9, 7, 4), (2, 2, 5), {"stride": 3}),
        ((6, 5, 5), (4, 2, 3), {"padding": 1}),
        ((11, 4, 3), (11, 3, 2), {"padding": 2}),
        ((8, 6, 9), (7, 2, 2), {"padding": 3, "stride": 2}),
    ],
)
def test_layers_of_every_shape(core, size: tuple, kernel: tuple, steps: dict[str, int], seed: int) -> None:
    check(core, random_convolution(core[0], np.random.default_rng(seed), size, kernel, (0.6, 0.5), **steps))


def test_a_longer_layer(core, seed: int) -> None:
    size = 6, 14, 2 * core[0].channel_tile
    check(core, random_convolution(core[0], np.random.default_rng(seed), size, (3, 3, 8), (0.38, 0.52), padding=1))


def test_outputs_are_those_of_the_layer(core, seed: int) -> None:
    config, rng = core[0], np.random.default_rng(seed)
    x, w = tensors(config, rng, ((5, 6, 9), (3, 3, 9, 4)), (0.6, 0.6))
    program = map_convolution(config, x, w, padding=1)
    outputs = scatter_sums(program, check(core, program).sums, 5 * 6 * 4, config.psum_bits)
    expected = wrap(convolution(x[None], w, padding=1).ravel(), config.psum_bits)
    np.testing.assert_array_equal(outputs, expected)


@pytest.mark.parametrize("density", [0.1, 0.5, 1])
def test_fully_connected(core, density: float, seed: int) -> None:
    config, rng = core[0], np.random.default_rng(seed)
    check(core, random_fully_connected(config, rng, 5 * config.channel_tile + 1, 17, (0.7, density)))


def switching_program(core: tuple[SnapConfig, Model], seed: int) -> CoreProgram:
    program = mixed_program(core[0], np.random.default_rng(seed), 5)
    assert np.count_nonzero(np.diff(program.row_mode)) >= 9
    return program


def test_modes_switch_back_to_back(core, seed: int) -> None:
    check(core, switching_program(core, seed))


@pytest.mark.parametrize("rate", [0.2, 0.6, 0.9])
def test_stalls_on_every_stream_lose_nothing(core, rate: float, seed: int) -> None:
    program = switching_program(core, seed)
    check(core, program, stalls=rate, seed=seed)
    for name in ("i_commands", "i_weights_0", "i_activations_0", "o_sums_0"):
        check(core, program, stalls={name: rate}, seed=seed)


@pytest.mark.parametrize("core", ["tiny"], indirect=True)
def test_commands_that_come_late(core) -> None:
    """PEs work ahead of a command; `cycles` goes on, though nothing is offered that asks for a sum."""
    config, model = core
    program = map_convolution(config, np.ones((3, 3, 64), int), np.ones((3, 3, 64, 1), int), padding=1)
    late = {"i_commands": 0.999}
    got = check(core, program, stalls=late, seed=1)
    assert got.counters.cycles == got.result.cycles == 3578  # the first beat is taken in the first cycle
    assert got.counters.multiplies.sum() == 3136
    assert got.counters.utilisation(config.multipliers) == 3136 / (3578 * 18)
    assert {name: int(waits.sum()) for name, waits in got.counters.waits.items()} == {
        "busy": 1120, "empty_list": 219, "wait_weights": 18394, "wait_activations": 564, "wait_aim": 1171,
        "wait_psum": 0,
    }  # fmt: skip
    stalls = core_stalls(model, config, late, seed=1)
    assert simulate_core(config, program, stalls=stalls).cycles == 3578
    assert check(core, program).counters.cycles == 579


@pytest.mark.parametrize("stalls", [0, 0.3])
def test_sums_that_are_taken_only_when_they_were_seen(core, stalls: float, seed: int) -> None:
    """A port whose valid waited for ready would get stuck."""
    config, model = core
    layer = random_convolution(
        config, np.random.default_rng(seed), (5, 8, config.channel_tile + 3), (3, 3, 4), (0.6, 0.6), padding=1
    )
    for program in (layer, switching_program(core, seed)):
        got = run_program(model, config, program, after_valid=True, stalls=stalls, seed=seed, watchdog=1000)
        check_sums(config, program, got)
        predicted = simulate_core(config, program)
        for name in ("multiplies", "lists", "sums", "weight_beats", "activation_beats"):
            np.testing.assert_array_equal(getattr(got.counters, name), getattr(predicted, name), name)


def test_commands_that_come_at_random(core, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(12):
        rate = float(1 - 10 ** rng.uniform(-3, -0.3))
        program = mixed_program(core[0], rng, 2)
        got = check(core, program, stalls={"i_commands": rate}, seed=int(rng.integers(1 << 30)))
        assert got.counters.cycles >= got.result.cycles  # a command may be taken after the last sum that it sends


def test_a_reset_in_the_middle_leaves_nothing(core, seed: int) -> None:
    config, model = core
    program = switching_program(core, seed)
    for beats in (1, 3, 30, 200):
        started = {
            name: {"entries": {key: array[:beats] for key, array in fields["entries"].items()}}
            | {key: array[:beats] for key, array in fields.items() if key != "entries"}
            for name, fields in program_inputs(program).items()
            if name != "i_commands"
        }
        started["i_commands"] = {"slots": [config.psum_slots] * 2, "ports": [1, 1], "row_mode": [1, 0]}
        with pytest.raises(WatchdogError):  # it waits for more
            model.run(started, {"o_sums_0": 2 * config.psum_slots + 1}, watchdog=50)
        check(core, program, fresh=False)


def test_streams_that_are_cut_differently(core, seed: int) -> None:
    config, model = core
    rng, program = np.random.default_rng(seed), switching_program(core, seed)
    found = dict.fromkeys(("finished", "cuts", "activations"), 0)
    for _ in range(40):
        try:
            got = run_program(model, config, miscut(program, rng), watchdog=300)
            assert got.errors["cuts"] or got.errors["activations"]
            found["finished"] += 1
        except (SimulationError, ValueError):  # too many sums, or it waits for ever
            pass
        idle = {"i_commands_valid": np.zeros(3, np.int64)}
        errors = model.cycles(idle, ["o_errors"], reset=False, fresh=False)["o_errors"]
        found["cuts"] += int(errors["cuts"][-1])
        found["activations"] += int(errors["activations"][-1] > 0)
    if config.pes > 1:
        assert found["cuts"] >= 10, found
