"""The self-testing tops in Verilator."""

import numpy as np
import pytest

from tensorloom.fpga.eie import eie_program
from tensorloom.fpga.self_test import WATCHDOG_CYCLES, Expected
from tensorloom.fpga.snap import snap_program
from tensorloom.fpga.systolic import systolic_commands
from tensorloom.hw.eie.config import EieConfig
from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.snap.config import SnapConfig
from tensorloom.hw.snap.core import SnapCore
from tensorloom.hw.systolic.config import SystolicConfig
from tensorloom.sim.eie.counters import total
from tensorloom.sim.eie.cycles import simulate
from tensorloom.sim.eie.golden import run
from tensorloom.sim.snap.cycles import simulate_core
from tensorloom.sim.snap.golden import core_sums
from tensorloom.tb.bulk.model import build
from tensorloom.tb.lint import lint
from tensorloom.tb.snap.program import run_program

from .conftest import SMALL, TARGETS, check_life, run_leds


@pytest.fixture(scope="module")
def top(small):
    engine, config = small
    return emit(TARGETS[engine].make_self_test(config, heartbeat_bits=8))


def test_passes_fails_after_injection_and_passes_after_reset(top) -> None:
    model = build(top)
    check_life(model, 8000)
    leds = run_leds(model, np.zeros(100_000, int))  # many passes, with and without stalls
    assert not leds["failed"].any()


def test_verilog_is_clean(top) -> None:
    assert lint(top) == []


def test_a_wrong_expectation_fails() -> None:
    test = TARGETS["systolic"].make_self_test(SMALL["systolic"], heartbeat_bits=8)
    name, right = next(iter(test._expected.items()))
    test._expected[name] = Expected(right.beats, right.signature ^ 1 << 17)
    leds = run_leds(build(emit(test)), np.zeros(8000, int))
    assert leds["failed"][-1]
    assert not leds["passed"].any()


@pytest.mark.slow
def test_beats_that_never_come_fail() -> None:
    test = TARGETS["systolic"].make_self_test(SMALL["systolic"], heartbeat_bits=8)
    (right,) = test._expected.values()
    test._expected["o_sums"] = Expected(right.beats + 1, right.signature)
    leds = run_leds(build(emit(test)), np.zeros(WATCHDOG_CYCLES + 8000, int))
    assert leds["failed"][-1]
    assert not leds["failed"][:WATCHDOG_CYCLES].any()


@pytest.mark.parametrize("board", TARGETS["systolic"].boards)
def test_systolic_commands_use_every_mode_and_accumulator(board: str) -> None:
    config = TARGETS["systolic"].boards[board].config
    assert isinstance(config, SystolicConfig)
    commands = systolic_commands(config)
    for field in ("accumulate", "drain", "swap", "activations_signed", "weights_signed"):
        assert set(commands[field].tolist()) == {0, 1}
    assert set(commands["shift"].tolist()) == {0, 1, 2}
    used = {row for c in commands for row in range(int(c["address"]), int(c["address"]) + int(c["rows"]))}
    assert used == set(range(config.accumulator_rows))


SNAP_CONFIGS = {"small": SMALL["snap"]} | {name: target.config for name, target in TARGETS["snap"].boards.items()}


@pytest.mark.parametrize("name", SNAP_CONFIGS)
def test_snap_program_uses_every_multiplier_port_and_mode(name: str) -> None:
    config = SNAP_CONFIGS[name]
    assert isinstance(config, SnapConfig)
    program = snap_program(config)
    for row_mode, ports in ((False, config.ports), (True, config.core_rows)):
        assert np.bitwise_or.reduce(program.ports[program.row_mode == row_mode]) == (1 << ports) - 1
    counters = simulate_core(config, program)
    assert counters.multiplies.min() > counters.waits["busy"].min(), "a second multiplier never worked"


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 6), (2, 5), (8, 3)])
def test_snap_program_of_any_shape_uses_every_port(rows: int, columns: int) -> None:
    config = SMALL["snap"].replace(core_rows=rows, core_columns=columns)
    assert np.bitwise_or.reduce(snap_program(config).ports) == (1 << config.ports) - 1


@pytest.mark.slow
def test_snap_program_runs_without_errors() -> None:
    config = SMALL["snap"]
    program = snap_program(config)
    result = run_program(build(emit(SnapCore(config))), config, program)
    assert result.errors == {"weights": 0, "activations": 0, "commands": 0, "cuts": 0, "overflow": 0}
    sends = program.ports[:, None] >> np.arange(config.ports) & 1
    for got, golden, ports in zip(result.sums, core_sums(config, program), sends.astype(bool), strict=True):
        assert np.array_equal(got[ports], golden[ports])


EIE_CONFIGS = {"tiny": SMALL["eie"]} | {name: target.config for name, target in TARGETS["eie"].boards.items()}


@pytest.mark.parametrize("name", EIE_CONFIGS)
def test_eie_program_uses_all_parts(name: str) -> None:
    config = EIE_CONFIGS[name]
    assert isinstance(config, EieConfig)
    program, vectors = eie_program(config)
    jobs = program.jobs
    for field in ("keep", "relu"):
        assert {getattr(job, field) for job in jobs} == {False, True}
    assert jobs[0].slots == config.rows and program.constants
    assert len({job.codebook for job in jobs}) == min(3, config.codebooks)
    counters = total([simulate(config, program, vector) for vector in vectors])
    assert counters.full and (counters.full_by > 0).all() and (counters.went["starved"] > 0).all()
    assert (counters.went["line_wait"] > 0).any() and (counters.idle["idle_columns"] > 0).any() == (config.lanes > 2)
    outputs = [program.outputs(config, run(config, program, vector)[-1]) for vector in vectors]
    assert np.min(outputs) < 0 < np.max(outputs)
    hidden = run(config, program, vectors[-1])[-1][jobs[1].destination :][: jobs[1].output_lines(config)]
    assert hidden.max() == (1 << config.data_bits - 1) - 1, "nothing saturates"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("board", "engine"), [(board, engine) for engine, target in TARGETS.items() for board in target.boards]
)
def test_configurations_of_the_boards(board: str, engine: str) -> None:
    config = TARGETS[engine].boards[board].config
    check_life(build(emit(TARGETS[engine].make_self_test(config, heartbeat_bits=8))), 60_000)
