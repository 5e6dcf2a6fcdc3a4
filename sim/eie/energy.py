"""Events of EIE that take energy."""

from ...hw.eie.config import EieConfig
from ..energy import Event
from .counters import EieCounters

__all__ = ["energy_events"]


def energy_events(config: EieConfig, counters: EieCounters) -> list[Event]:
    """Events of jobs: arithmetic and memories, without loading these.

    A broadcast reads two pointers in every cluster, an entry that is multiplied reads and writes a sum. A line of the
    activation memory is read and written as a whole: those read are not counted, and taken for one in a cycle in which
    none is sent before the end, which is no less.
    """
    products, clusters = int(counters.products.sum()), config.clusters
    line = config.line_activations * (config.data_bits + 1)
    outputs = counters.readout_cycles * config.line_activations
    matrix, pointers = config.entries * config.entry_bits / 8, config.pointers * config.pointer_bits / 16
    sums = config.rows // config.readout_rows * config.psum_bits / 8
    memory = config.activation_lines * line / 8
    return [
        Event("multipliers", "multiply", products, config.data_bits),
        Event("adders", "add", products + outputs * (config.lanes - 1), config.psum_bits),
        Event("matrix", "memory", int(counters.lines.sum()), config.line_entries * config.entry_bits, matrix),
        Event("pointers", "memory", 2 * counters.broadcasts * clusters, config.pointer_bits, pointers),
        Event("sums", "memory", 2 * (products + outputs * config.lanes), config.psum_bits, sums),
        Event("activations", "memory", counters.source_empty + counters.readout_cycles, line, memory),
    ]
