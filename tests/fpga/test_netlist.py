"""The netlist of ECP5 synthesis does what the design does."""

import numpy as np
import pytest

from tensorloom.fpga.netlist import ecp5_netlist
from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.snap.config import SnapConfig
from tensorloom.hw.snap.core import SnapCore
from tensorloom.hw.systolic.config import SystolicConfig
from tensorloom.hw.systolic.matrix_unit import MatrixUnit
from tensorloom.sim.snap.golden import core_sums
from tensorloom.sim.snap.mapping import map_convolution
from tensorloom.sim.systolic.mapping import map_matmul
from tensorloom.tb.bulk.model import build
from tensorloom.tb.snap.program import run_program

SYSTOLIC = SystolicConfig(
    rows=2, columns=2, tile_rows=2, tile_columns=2, accumulator_rows=8, weight_fifo_tiles=2, multiplier_registers=3
)
SNAP = SnapConfig(
    core_rows=2, core_columns=1, pe_multipliers=2, aim_entries=4, data_bits=8, beat_entries=1, weight_entries=8,
    activation_entries=8, weight_windows=2, activation_tiles=2, list_depth=2, psum_slots=4, pipelined=True,
)  # fmt: skip


@pytest.mark.parametrize("stalls", [pytest.param(0.0, marks=pytest.mark.slow), 0.4])
def test_matrix_unit(stalls: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.integers(-(2**15), 2**15, (9, 5)).astype(np.int16)
    b = rng.integers(0, 256, (5, 5)).astype(np.uint8)
    program, design = map_matmul(SYSTOLIC, a, b), emit(MatrixUnit(SYSTOLIC))
    inputs = {"i_weights": program.weights, "i_activations": program.activations, "i_commands": program.commands}
    netlist = ecp5_netlist(design)
    assert netlist.verilog["netlist.v"].count("MULT18X18D ") == SYSTOLIC.multipliers
    results = [
        build(source).run(inputs, {"o_sums": program.sums}, stalls=stalls, seed=seed, idle_cycles=20)
        for source in (design, netlist)
    ]
    for result in results:
        assert np.array_equal(program.assemble(result.outputs["o_sums"]), a.astype(int) @ b)
    assert results[0].cycles == results[1].cycles
    assert results[0].counters == results[1].counters


@pytest.mark.slow
def test_snap_core(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, w = rng.integers(-9, 10, (3, 4, 6)), rng.integers(-9, 10, (2, 1, 6, 3))
    program = map_convolution(SNAP, x * (rng.random(x.shape) < 0.6), w * (rng.random(w.shape) < 0.6))
    netlist = ecp5_netlist(emit(SnapCore(SNAP)), mapped_once=True)
    assert netlist.verilog["netlist.v"].count("MULT18X18D ") == SNAP.multipliers
    result = run_program(build(netlist), SNAP, program, stalls=0.2, seed=seed)
    sends = program.ports[:, None] >> np.arange(SNAP.ports) & 1
    for got, golden, ports in zip(result.sums, core_sums(SNAP, program), sends.astype(bool), strict=True):
        assert np.array_equal(got[ports], golden[ports])
    assert not any(result.errors.values())
