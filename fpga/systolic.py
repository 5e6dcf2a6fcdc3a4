"""Self-test of the matrix unit."""

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import flipped

from ..hw.systolic.config import SystolicConfig
from ..hw.systolic.layouts import activation_row, command_layout, sum_row, weight_row
from ..hw.systolic.matrix_unit import MatrixUnit
from ..sim.golden.signature import signature
from ..sim.golden.xorshift import xorshift_words
from ..sim.systolic.commands import command_fields
from ..sim.systolic.golden import matrix_unit
from ..sim.systolic.operands import OperandKind
from ..sim.systolic.plan import plan_matmul
from .random_stream import RandomStream
from .rom_stream import RomStream, payload_bits
from .self_test import Expected, SelfTest, Stimulus

__all__ = ["systolic_commands", "systolic_test"]

WEIGHT_SEED, ACTIVATION_SEED = 11, 12

PRODUCTS = (
    (OperandKind.INT8, OperandKind.INT8, 1, 1),
    (OperandKind.UINT8, OperandKind.INT8, 2, 1),
    (OperandKind.INT8, OperandKind.UINT16, 1, 2),
    (OperandKind.UINT16, OperandKind.UINT8, 1, 1),
    (OperandKind.INT16, OperandKind.INT16, 2, 2),
)
"""Kinds of activations and weights, K and N in weight tiles: all planes, signs, shifts; sums over tiles and planes."""


def systolic_commands(config: SystolicConfig) -> np.ndarray:
    """Commands of `PRODUCTS`, of which the first fills every accumulator row twice."""
    plans = []
    for number, (a_kind, b_kind, k_tiles, n_tiles) in enumerate(PRODUCTS):
        m = 2 * config.accumulator_rows if number == 0 else min(config.half_rows, config.rows + 3 + number)
        plans.append(plan_matmul(config, m, k_tiles * config.rows, n_tiles * config.columns, a_kind, b_kind))
    return np.concatenate([plan.commands for plan in plans])


class SystolicStimulus(Stimulus):
    """Random weights and activations, commands from a memory.

    Parameters
    ----------
    config
        The matrix unit's.
    commands
        `MATRIX_COMMAND` array.
    fault_bit
        Bit of the first activation row that a fault turns over.
    """

    def __init__(self, config: SystolicConfig, commands: np.ndarray, fault_bit: int):
        self._weights = RandomStream(
            width=weight_row(config).size, beats=config.rows * int(commands["swap"].sum()), seed=WEIGHT_SEED
        )
        self._activations = RandomStream(
            width=activation_row(config).size,
            beats=int(commands["rows"].sum()),
            seed=ACTIVATION_SEED,
            fault_bit=fault_bit,
        )
        layout = command_layout(config)
        words = payload_bits(layout, command_fields(commands))
        self._commands = RomStream(width=layout.size, words=words)
        super().__init__(
            {
                "o_weights": weight_row(config).size,
                "o_activations": activation_row(config).size,
                "o_commands": layout.size,
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        for name in ("weights", "activations", "commands"):
            part = getattr(self, f"_{name}")
            m.submodules[name] = part
            wiring.connect(m, part.o, flipped(getattr(self, f"o_{name}")))
            m.d.comb += [part.i_start.eq(self.i_start), part.i_fault.eq(self.i_fault & (name == "activations"))]
        return m


def systolic_test(config: SystolicConfig, *, heartbeat_bits: int = 24) -> SelfTest:
    """The self-test of a matrix unit: what it sends, and what must come according to the golden model."""
    commands = systolic_commands(config)
    weights = _bytes(config.columns, WEIGHT_SEED, config.rows * int(commands["swap"].sum()))
    activations = _bytes(config.rows, ACTIVATION_SEED, int(commands["rows"].sum()))
    expected = _expected(config, matrix_unit(config, weights, activations, commands))
    fault_bit = 0
    # The first byte that meets a weight other than 0: any other would change nothing.
    while not weights[fault_bit // 8].any():
        fault_bit += 8
    stimulus = SystolicStimulus(config, commands, fault_bit)
    return SelfTest(MatrixUnit(config), stimulus, {"o_sums": expected}, heartbeat_bits=heartbeat_bits)


def _bytes(lanes: int, seed: int, beats: int) -> np.ndarray:
    words = xorshift_words(8 * lanes, seed, beats)
    return np.frombuffer(b"".join(word.to_bytes(lanes, "little") for word in words), np.uint8).reshape(beats, lanes)


def _expected(config: SystolicConfig, sums: np.ndarray) -> Expected:
    layout = sum_row(config)
    return Expected(len(sums), signature(layout.const(row).as_value().value for row in sums.tolist()))
