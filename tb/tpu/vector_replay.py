"""What the cycle model of the vector unit does in a run of its testbench."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...hw.tpu.config import TpuConfig
from ...sim.bus.state import FIFO
from ...sim.compiled import compiled
from ...sim.tpu.model.vector import ENTRY, begin_vector, entry_of, row_fetched, row_stored, step_vector

__all__ = ["replay"]


@compiled
def _run(entries, unit, fifo, row_bits, inputs, outputs):
    """Cycle by cycle; entries have one more behind the last."""
    u, results, taken = unit[0], fifo[0], 0
    for cycle in range(len(inputs)):
        given, seen = inputs[cycle], outputs[cycle]
        e = entries[max(taken - 1, 0)]
        seen[0], seen[1] = row_fetched(u), row_stored(u, e, results, row_bits)
        fetched, stored = seen[0] >= 0 and given[1] == 1, seen[1] >= 0 and given[2] == 1
        seen[2], seen[3] = step_vector(
            u, e, results, row_bits, fetched, stored, given[0] == 1, entries[min(taken, len(entries) - 1)]
        )
        taken += seen[2]


def replay(config: TpuConfig, entries: Sequence[Mapping[str, Any]], inputs: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Run the model on what the unit got.

    Parameters
    ----------
    entries
        Of `vector_entry`.
    inputs
        By cycle: whether an entry was offered, a fetch and a store would be taken.

    Returns
    -------
    np.ndarray
        By cycle: the rows to be fetched and to be stored (-1: none), whether an entry was taken and one was done.
    """
    records = np.zeros(len(entries), ENTRY)
    for record, entry in zip(records, entries, strict=True):
        values = entry_of({**entry, **entry["geometry"]}, config.row_granules, pool=bool(entry["pool"]))
        for name in ENTRY.names or ():
            record[name] = values.get(name, 0)
    outputs = np.zeros((len(inputs), 4), np.int64)
    row_bits = config.row_granules.bit_length() - 1
    _run(records, begin_vector(), np.zeros(1, FIFO), row_bits, np.array(inputs, np.int64), outputs)
    return outputs
