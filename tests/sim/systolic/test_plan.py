import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorloom.hw.config import ConfigError
from tensorloom.hw.systolic.config import PRESETS
from tensorloom.sim.systolic.operands import OperandKind
from tensorloom.sim.systolic.plan import plan_matmul

TINY, TPU = PRESETS["tiny"], PRESETS["systolic-256"]


def test_commands_of_a_small_product():
    # two blocks of 9 and 10 rows, two K tiles, one 8-bit weight plane, two activation planes
    plan = plan_matmul(TINY, 19, 5, 4, OperandKind.INT16, OperandKind.UINT8)
    assert plan.commands.tolist() == [
        # rows, address, accumulate, drain, swap, activations_signed, weights_signed, shift
        (9, 0, 0, 0, 1, 0, 0, 0),
        (9, 0, 1, 0, 0, 1, 0, 1),
        (9, 0, 1, 0, 1, 0, 0, 0),
        (9, 0, 1, 1, 0, 1, 0, 1),
        (10, 10, 0, 0, 1, 0, 0, 0),
        (10, 10, 1, 0, 0, 1, 0, 1),
        (10, 10, 1, 0, 1, 0, 0, 0),
        (10, 10, 1, 1, 0, 1, 0, 1),
    ]
    assert (plan.weight_tiles, plan.beats, plan.sums, plan.macs) == (4, 76, 19, 19 * 5 * 4)


def test_weight_planes():
    plan = plan_matmul(TINY, 3, 4, 5, OperandKind.UINT16, OperandKind.INT16)
    assert plan.commands.tolist() == [
        command
        for address in (0, 3)
        for command in (
            (3, address, 0, 0, 1, 0, 0, 0),
            (3, address, 1, 0, 0, 0, 0, 1),
            (3, address, 1, 0, 1, 0, 1, 1),
            (3, address, 1, 1, 0, 0, 1, 2),
        )
    ]


def test_a_single_weight_tile_stays():
    plan = plan_matmul(TINY, 40, 4, 8, OperandKind.INT16)
    assert plan.commands["swap"].tolist() == [1, 0, 0, 0, 0, 0] * 2
    assert plan.commands["rows"].tolist() == [13, 13, 13, 13, 14, 14] * 2
    assert plan.weight_tiles == plan.n_tiles == 2


def test_blocks_take_turns_in_the_accumulators():
    plan = plan_matmul(TINY, 5, 4, 4, groups=8)
    assert plan.commands["address"].tolist() == [0, 5, 10, 15, 20, 25, 0, 5]
    halves = plan_matmul(TINY, 16, 4, 4, groups=3)
    assert halves.commands["address"].tolist() == [0, 16, 0]
    assert plan.commands["swap"].all()


def test_benchmark_product_keeps_the_array_busy():
    plan = plan_matmul(TPU, 4096, 1024, 1024)
    assert plan.beats * TPU.multipliers == plan.macs
    assert plan.weight_tiles == len(plan.commands) == 32
    assert (plan.commands["rows"] == 2048).all()
    assert plan_matmul(TPU, 4096, 1024, 1024, OperandKind.INT16, OperandKind.INT16).beats == 4 * plan.beats


@given(
    st.sampled_from(list(PRESETS.values())),
    *(st.integers(1, 5000) for _ in "mkn"),
    st.sampled_from(OperandKind),
    st.sampled_from(OperandKind),
    st.integers(1, 2),
)
def test_invariants(config, m, k, n, a_kind, b_kind, groups):
    if m * k * n / config.multipliers / config.half_rows > 1e4:
        m, k = m % 50 + 1, k % 50 + 1
    plan = plan_matmul(config, m, k, n, a_kind, b_kind, groups)
    commands = plan.commands
    passes = a_kind.planes * b_kind.planes
    assert plan.beats == groups * m * plan.k_tiles * plan.n_tiles * passes
    assert commands["rows"][commands["drain"] == 1].sum() == plan.sums
    assert commands["rows"].max() <= config.half_rows
    assert np.ptp(commands["rows"].astype(int)) <= 1
    starts, ends = commands["accumulate"] == 0, commands["drain"] == 1
    assert starts[0] and ends[-1] and (starts[1:] == ends[:-1]).all()  # blocks follow each other
    changes = np.diff(commands["address"].astype(int)) != 0
    assert (changes == ends[:-1]).all()  # each in another place than the one before
    assert (commands["address"] % commands["rows"].max() == 0).all()
    assert (commands["address"] + commands["rows"] <= config.accumulator_rows).all()
    assert commands["swap"][0]


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, -1, 1), (1, 1, 0)])
def test_bad_sizes(sizes):
    with pytest.raises(ConfigError, match="[mkn] must be an integer of at least 1, not (0|-1)"):
        plan_matmul(TINY, *sizes)
    with pytest.raises(TypeError, match="m must be an integer, not 2.0"):
        plan_matmul(TINY, 2.0, 1, 1)  # pyrefly: ignore[bad-argument-type]  # wrong on purpose
    with pytest.raises(ConfigError, match="groups must be an integer of at least 1, not 0"):
        plan_matmul(TINY, 1, 1, 1, groups=0)
