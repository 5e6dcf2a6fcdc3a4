"""Events of the matrix unit that take energy."""

from ...hw.systolic.config import SystolicConfig
from ..energy import Event

__all__ = ["array_events"]


def array_events(config: SystolicConfig, rows: int) -> list[Event]:
    """Events of activation rows that passed through the array; weight tiles are left aside.

    Each PE multiplies for each row, whatever the operands are, and keeps an operand and a sum in registers, which are
    taken for a memory as small.
    """
    pes, bits = rows * config.multipliers, config.accumulator_bits
    registers = config.data_bits + bits
    accumulators = config.accumulator_rows * bits / 8
    return [
        Event("multipliers", "multiply", pes, config.data_bits),
        Event("adders", "add", pes, bits),
        Event("registers", "memory", pes, registers, registers / 8),
        Event("accumulators", "memory", 2 * rows * config.columns, bits, accumulators),
    ]
