"""Payloads of the matrix unit's streams and its counters: the one place that defines them."""

from amaranth.hdl import signed
from amaranth.lib import data
from amaranth.utils import bits_for

from .config import SystolicConfig

__all__ = ["COUNTERS", "COUNTER_BITS", "activation_row", "command_layout", "counter_layout", "sum_row", "weight_row"]

COUNTER_BITS = 32
"""Performance counters wrap around at this width."""

COUNTERS = ("cycles", "issued", "wait_weights", "wait_accumulators", "wait_activations")
"""Names of the performance counters.

``cycles`` counts every cycle with work: a command at the port or in execution, rows in the array, or
sums that have to drain. Of these, ``issued`` entered an activation row, and the ``wait_*`` could have
but for a weight tile that was not loaded, an accumulator row that was not drained, or an activation
that was not offered. The rest is start-up and drain.
"""


def weight_row(config: SystolicConfig) -> data.ArrayLayout:
    """One row of a weight tile: ``columns`` byte planes."""
    return data.ArrayLayout(config.data_bits, config.columns)


def activation_row(config: SystolicConfig) -> data.ArrayLayout:
    """One activation row: ``rows`` byte planes, element r for the PEs of row r."""
    return data.ArrayLayout(config.data_bits, config.rows)


def sum_row(config: SystolicConfig) -> data.ArrayLayout:
    """One row of accumulators: ``columns`` sums."""
    return data.ArrayLayout(signed(config.accumulator_bits), config.columns)


def command_layout(config: SystolicConfig) -> data.StructLayout:
    """A matrix command.

    ``rows``: activation rows to take, 1 to ``accumulator_rows``. ``address``: accumulator row of the
    first; the others follow. ``accumulate``: add to the accumulators instead of overwriting them.
    ``drain``: send these accumulator rows out when they are complete. ``swap``: work with the next
    weight tile from here on. ``activations_signed``: top bit of an activation byte is a sign.
    ``weights_signed``: the same for the tile swapped in. ``shift``: byte planes that the products
    are worth more, 0 to 3.
    """
    return data.StructLayout(
        {
            "rows": bits_for(config.accumulator_rows),
            "address": range(config.accumulator_rows),
            "accumulate": 1,
            "drain": 1,
            "swap": 1,
            "activations_signed": 1,
            "weights_signed": 1,
            "shift": 2,
        }
    )


def counter_layout() -> data.StructLayout:
    """The performance counters, `COUNTERS`."""
    return data.StructLayout(dict.fromkeys(COUNTERS, COUNTER_BITS))
