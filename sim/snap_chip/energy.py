"""Events of a SNAP chip that take energy."""

from collections.abc import Sequence

from ...hw.snap_chip.config import OA_SLOTS, WORD_BYTES, SnapChipConfig
from ..energy import Event
from ..snap.energy import pair_events
from .cycles import LayerCounters

__all__ = ["chip_energy_events"]

VALUE_BITS = 8
"""Of a value in memory and in the buffers."""


def chip_energy_events(config: SnapChipConfig, layers: Sequence[LayerCounters]) -> list[Event]:
    """Events of layers: those of the cores, of the buffers and of memory.

    What is read of a bank of activations goes to all cores. A value in a buffer has its share of a bitmap or index,
    which is taken for as wide as a channel index.
    """
    core, events = config.core, []
    entry = core.beat_entries * (VALUE_BITS + core.index_bits)
    bank, ring = WORD_BYTES * config.bank_words, config.weight_rows * config.bus.bytes
    output = OA_SLOTS * config.region_pixels * config.tile_channels
    for layer in layers:
        beats, bits = layer.beats, config.data_bits
        activations, weights, sums = (
            int(count.sum()) for count in (layer.activation_beats, layer.weight_beats, layer.sums)
        )
        events += pair_events(
            core,
            pairs=int(layer.multiplies.sum()),
            busy=int(layer.waits["busy"].sum()),
            matched=int(layer.aim_operations.sum()),
            weight_beats=weights,
            activation_beats=activations,
            sums=sums,
        )
        events += [
            Event("buffers", "memory", activations / config.cores, entry, bank),
            Event("buffers", "memory", weights, entry, ring),
            Event("buffers", "memory", beats["input"], bits, bank),
            Event("buffers", "memory", beats["weight"], bits, ring),
            Event("buffers", "memory", 2 * sums, VALUE_BITS, output),
            Event("memory", "dram", sum(beats.values()), bits),
        ]
    return events
