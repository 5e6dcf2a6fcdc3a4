"""Counters of EIE, as the cycle model predicts them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..counters import Counters

__all__ = ["CLASSES", "IDLE", "EieCounters", "read_counters", "total"]

CLASSES = ("busy", "line_wait", "starved", "empty", "drained", "readout")
"""What a cluster does in a cycle: exactly one of these. It takes entries; has a column but no line of it; has no
column, but has not seen ``scan_end`` either; uses up an empty column; has none and none will come; the machine reads
out."""

IDLE = ("idle_line", "idle_columns", "idle_queue")
"""Why a lane of a busy cluster has no entry: its line is not there; it would be of a third column; there is none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EieCounters(Counters):
    """What happened in a job, or in several.

    Parameters
    ----------
    cycles
        From the one in which the first line is read to the one in which the last activations are written.
    scan_cycles, readout_cycles
        Its phases.
    broadcasts
        Activations that are not zero. Before ``scan_end`` is sent, every cycle is one of these or of the next two.
    full, source_empty
        Cycles in which the row register had one, but some cluster no credit; in which it had none, but more may come.
    full_by
        By cluster: cycles in which the row register had one, and this cluster no credit.
    entries, products
        By cluster: entries taken; those which are no fillers.
    empty_columns, lines, highest
        By cluster: broadcasts without entries, lines read, most columns in the queue at a cycle's beginning.
    went
        By cluster: cycles by what it did, see `CLASSES`; they add up to `cycles`.
    idle
        By cluster: lanes without an entry in busy cycles, see `IDLE`; with `entries` they add up to `lanes` times busy.
    lanes
        Of a cluster.
    """

    cycles: int
    scan_cycles: int
    readout_cycles: int
    broadcasts: int
    full: int
    source_empty: int
    full_by: np.ndarray
    entries: np.ndarray
    products: np.ndarray
    empty_columns: np.ndarray
    lines: np.ndarray
    highest: np.ndarray
    went: dict[str, np.ndarray]
    idle: dict[str, np.ndarray]
    lanes: int = dataclasses.field(compare=False)

    def where_cycles_went(self) -> dict[str, float]:
        """Shares of the multipliers' cycles: products, fillers, `IDLE`, and `CLASSES` but busy."""
        slots = {"products": self.products, "fillers": self.entries - self.products, **self.idle}
        slots |= {name: self.lanes * self.went[name] for name in CLASSES[1:]}
        whole = self.cycles * self.lanes * len(self.entries)
        return {name: float(count.sum()) / whole for name, count in slots.items()}

    @property
    def ideal_cycles(self) -> float:
        """Cycles that the products alone would take, if all multipliers had the same of them."""
        return float(self.products.sum()) / (self.lanes * len(self.products))

    @property
    def over_ideal(self) -> float:
        """Cycles by those of the products alone (infinite without any)."""
        return self.cycles / self.ideal_cycles if self.ideal_cycles else float("inf")


def read_counters(values: Mapping[str, Any], clusters: Mapping[str, Any]) -> EieCounters:
    """Counters as the hardware shows them: those of the whole machine by name, and of the clusters in their order."""
    by_cluster = {name: np.array(counts, np.int64) for name, counts in clusters.items()}
    slots = sum(by_cluster[name].sum() for name in ("entries", *IDLE))
    went, idle = ({name: by_cluster.pop(name) for name in names} for names in (CLASSES, IDLE))
    counted: dict[str, Any] = {name: int(count) for name, count in values.items()} | by_cluster
    busy = int(went["busy"].sum())
    lanes = int(slots) // busy if busy else 1  # every lane of a busy cluster is counted
    return EieCounters(**counted, went=went, idle=idle, lanes=lanes)


def total(jobs: Sequence[EieCounters]) -> EieCounters:
    """Counters of several jobs, one after the other."""

    def add(name: str) -> dict[str, np.ndarray]:
        return {key: np.sum([getattr(job, name)[key] for job in jobs], 0) for key in getattr(jobs[0], name)}

    scalars = ("cycles", "scan_cycles", "readout_cycles", "broadcasts", "full", "source_empty")
    arrays = ("full_by", "entries", "products", "empty_columns", "lines")
    sums: dict[str, Any] = {name: sum(getattr(job, name) for job in jobs) for name in (*scalars, *arrays)}
    highest = np.max([job.highest for job in jobs], 0)
    return EieCounters(**sums, highest=highest, went=add("went"), idle=add("idle"), lanes=jobs[0].lanes)
