"""Payloads of the SNAP core's streams, its counters and its errors: the one place that defines them."""

from amaranth.hdl import signed
from amaranth.lib import data
from amaranth.utils import bits_for

from .config import SnapConfig

__all__ = [
    "COUNTER_BITS",
    "WAITS",
    "activation_beat",
    "activation_entry",
    "command_layout",
    "counter_layout",
    "error_layout",
    "pe_counter_layout",
    "row_counter_layout",
    "sum_layout",
    "tile_tag",
    "weight_beat",
    "weight_entry",
    "window_tag",
]

COUNTER_BITS = 32
"""Performance counters wrap around at this width."""

WAITS = ("busy", "empty_list", "wait_weights", "wait_activations", "wait_aim", "wait_psum")
"""What a PE does in a cycle that counts (see `counter_layout`): exactly one of these.

``busy``: it issued multiplications. ``empty_list``: it threw away a list without a match. ``wait_psum``: the psums of
two earlier blocks still have to leave. ``wait_aim``: the AIM is making its list, or serves another PE.
``wait_weights``, ``wait_activations``: the next window or tile is not there.
"""


def weight_entry(config: SnapConfig) -> data.StructLayout:
    """A weight, its tile-local c-idx, its psum offset, and its class."""
    return data.StructLayout(
        {
            "value": signed(config.data_bits),
            "index": config.index_bits,
            "slot": config.slot_bits,
            "kind": range(config.classes),
        }
    )


def weight_beat(config: SnapConfig) -> data.StructLayout:
    """A transfer of a weight stream.

    ``count`` entries, from lane 0 on, that the rows in ``mask`` store. ``last``: ends the window; only then also
    ``group_last`` (the group's last window) and ``block_last`` (the psum block's last window) count.
    """
    return data.StructLayout(
        {
            "entries": data.ArrayLayout(weight_entry(config), config.beat_entries),
            "count": bits_for(config.beat_entries),
            "mask": config.core_rows,
            "last": 1,
            "group_last": 1,
            "block_last": 1,
        }
    )


def activation_entry(config: SnapConfig) -> data.StructLayout:
    """An activation and its tile-local c-idx."""
    return data.StructLayout({"value": signed(config.data_bits), "index": config.index_bits})


def activation_beat(config: SnapConfig) -> data.StructLayout:
    """A transfer of an activation stream.

    ``count`` entries, from lane 0 on, that the columns in ``mask`` store. ``last``: ends the tile; only then also its
    psum offset ``slot``, the ``classes`` of weights that it meets, and ``group_last`` (the group's last tile) count.
    """
    return data.StructLayout(
        {
            "entries": data.ArrayLayout(activation_entry(config), config.beat_entries),
            "count": bits_for(config.beat_entries),
            "mask": config.core_columns,
            "slot": config.slot_bits,
            "classes": config.classes,
            "last": 1,
            "group_last": 1,
        }
    )


def window_tag() -> data.StructLayout:
    """What a PE keeps of a window besides its beats."""
    return data.StructLayout({"group_last": 1, "block_last": 1})


def tile_tag(config: SnapConfig) -> data.StructLayout:
    """What a PE keeps of a tile besides its beats."""
    return data.StructLayout({"slot": config.slot_bits, "classes": config.classes, "group_last": 1})


def command_layout(config: SnapConfig) -> data.StructLayout:
    """The reduction of one psum block.

    ``slots``: sums that each port sends, 1 to ``psum_slots``. ``ports``: mask of the ports that send; the others drop
    theirs. ``row_mode``: add up rows instead of diagonals.
    """
    return data.StructLayout({"slots": bits_for(config.psum_slots), "ports": config.ports, "row_mode": 1})


def sum_layout(config: SnapConfig) -> data.StructLayout:
    """A sum of a diagonal or row, and its psum slot."""
    return data.StructLayout({"value": signed(config.psum_bits), "slot": config.slot_bits})


def pe_counter_layout() -> data.StructLayout:
    """Counters of a PE: pairs multiplied, and cycles by `WAITS`."""
    return data.StructLayout(dict.fromkeys(("multiplies", *WAITS), COUNTER_BITS))


def row_counter_layout() -> data.StructLayout:
    """Counters of a row: AIM operations, and lists that they made."""
    return data.StructLayout({"aim_operations": COUNTER_BITS, "lists": COUNTER_BITS})


def counter_layout(config: SnapConfig) -> data.StructLayout:
    """Counters of the core.

    ``cycles``: from the one in which the first beat since reset is taken, of weights or activations, to the one in
    which the last sum is handed over (or the last command is taken, if its ports send none), both included. Since the
    core can't know whether a sum is the last, this is shown: the cycles from the first beat to the last cycle so far
    with work, which is a PE that has a window to match or a list of matches, a command on offer, or a sum on its way
    out. So a pause between two programs counts as soon as the core works on the second one, and whatever follows the
    last program doesn't.

    ``pes``: ``[core_rows][core_columns]`` of `pe_counter_layout`; each PE's `WAITS` always add up to ``cycles``, and it
    never has more ``multiplies`` than multipliers x ``cycles``. ``rows``: `row_counter_layout` by row. ``sums``: psums
    handed over, by port. ``weight_beats``, ``activation_beats``: beats taken, by stream.
    """
    return data.StructLayout(
        {
            "cycles": COUNTER_BITS,
            "pes": data.ArrayLayout(data.ArrayLayout(pe_counter_layout(), config.core_columns), config.core_rows),
            "rows": data.ArrayLayout(row_counter_layout(), config.core_rows),
            "sums": data.ArrayLayout(COUNTER_BITS, config.ports),
            "weight_beats": data.ArrayLayout(COUNTER_BITS, config.core_columns),
            "activation_beats": data.ArrayLayout(COUNTER_BITS, config.core_rows),
        }
    )


def error_layout(config: SnapConfig) -> data.StructLayout:
    """Sticky errors.

    ``weights``, ``activations``: by stream, what `WeightCheck` and `ActivationCheck` report. ``commands``: a command
    for no slot, for more than there are, or in row mode for a port that has no row. ``cuts``: the streams are cut into
    different groups or blocks. ``overflow``: a psum or sum didn't fit and wrapped around.
    """
    return data.StructLayout(
        {"weights": config.core_columns, "activations": config.core_rows, "commands": 1, "cuts": 1, "overflow": 1}
    )
