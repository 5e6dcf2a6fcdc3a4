"""Events of a SNAP core that take energy."""

from ...hw.snap.config import SnapConfig
from ..energy import COMPARE, Event
from .cycles import CoreCounters

__all__ = ["core_energy_events", "pair_events"]


def core_energy_events(config: SnapConfig, counters: CoreCounters) -> list[Event]:
    """Events of a program that ran on a core, without the buffers around it."""
    return pair_events(
        config,
        pairs=int(counters.multiplies.sum()),
        busy=int(counters.waits["busy"].sum()),
        matched=int(counters.aim_operations.sum()),
        weight_beats=int(counters.weight_beats.sum()),
        activation_beats=int(counters.activation_beats.sum()),
        sums=int(counters.sums.sum()),
    )


def pair_events(
    config: SnapConfig,
    *,
    pairs: int,
    busy: int,
    matched: int,
    weight_beats: int,
    activation_beats: int,
    sums: int,
) -> list[Event]:
    """Events of cores.

    Register files are small memories. In a cycle in which a PE multiplies it reads and writes one psum; it is more
    where a kernel begins or ends. A comparator of an AIM is `COMPARE` of an adder.

    Parameters
    ----------
    pairs
        That were multiplied.
    busy
        Cycles of PEs in which they multiplied.
    matched
        Operations of AIMs.
    weight_beats, activation_beats
        That the core took; each goes to all PEs of a column or of a row.
    sums
        That left the core, each added up of one psum a column.
    """
    entry = config.data_bits + config.index_bits
    weights, activations = (count * entry / 8 for count in (config.weight_entries, config.activation_entries))
    psums = 2 * config.psum_slots * config.psum_bits / 8
    written = config.beat_entries * entry
    comparisons = COMPARE * matched * config.aim_entries**2
    return [
        Event("multipliers", "multiply", pairs, config.data_bits),
        Event("adders", "add", pairs + sums * config.core_columns, config.psum_bits),
        Event("matching", "add", comparisons, config.index_bits),
        Event("operand files", "memory", pairs, entry, weights),
        Event("operand files", "memory", pairs, entry, activations),
        Event("operand files", "memory", weight_beats * config.core_rows, written, weights),
        Event("operand files", "memory", activation_beats * config.core_columns, written, activations),
        Event("psum files", "memory", 2 * busy + sums * config.core_columns, config.psum_bits, psums),
    ]
