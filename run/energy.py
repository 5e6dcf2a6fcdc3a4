"""Energy of a job, from the counters of its cycle model."""

from typing import Any

from ..hw.errors import UsageError
from ..sim.energy import EnergyTable, count_energy
from .execution import Outcome
from .jobs import Job

__all__ = ["energy_figures", "tera_operations_per_watt"]


def tera_operations_per_watt(dense_macs: float, energy: float) -> float:
    """Operations of the dense job, of which a multiply-accumulate is two, in TOPS/W; the energy is in pJ.

    Operations on zeros count, whether a machine does them or not: it is what the job is worth (effectual efficiency).
    """
    return 2 * dense_macs / energy


def energy_figures(outcome: Outcome[Any], job: Job, table: EnergyTable) -> dict[str, Any]:
    """Energy of what a job took, where it went, and TOPS/W with memory and without.

    Raises
    ------
    UsageError
        If the engine counts no events.
    """
    design = outcome.design
    events = design.engine.energy_events(design.config, outcome.predicted)
    if not events:
        raise UsageError(f"the engine {design.engine.name} counts nothing that takes energy")
    went = count_energy(table, events)
    inside = count_energy(table, [event for event in events if event.kind != "dram"])
    total, macs = sum(went.values()), outcome.output.size * job.b[..., 0].size
    return {
        "energy_nj": _rounded(total / 1e3),
        "energy_went": {part: round(energy / total, 4) for part, energy in went.items()},
        "tops_per_watt": _rounded(tera_operations_per_watt(macs, total)),
        "tops_per_watt_without_memory": _rounded(tera_operations_per_watt(macs, sum(inside.values()))),
        "energy_table": table.technology,
    }


def _rounded(value: float) -> float:
    """Four digits: more are not worth anything here."""
    return float(f"{value:.4g}")
