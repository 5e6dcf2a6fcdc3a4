"""Events of the TPU that take energy."""

from ...hw.tpu.config import TpuConfig
from ..energy import Event
from ..systolic.energy import array_events
from .cycles import TpuCycles

__all__ = ["tpu_energy_events"]


def tpu_energy_events(config: TpuConfig, counters: TpuCycles) -> list[Event]:
    """Events of a program: those of the array, of the unified buffer and of memory."""
    row, bank = 8 * config.matrix.rows, config.ub_bytes / config.ub_banks
    read, written = counters.active + counters.vector_rows, counters.result_rows + counters.vector_rows
    beats = (counters.weight_beats, counters.parameter_beats, counters.host_in_beats, counters.host_out_beats)
    return [
        *array_events(config.matrix, counters.active),
        Event("unified buffer", "memory", read + written, row, bank),
        Event("memory", "dram", sum(beats), 8 * config.bus_bytes),
    ]
