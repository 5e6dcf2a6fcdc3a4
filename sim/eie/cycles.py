"""Cycle model of EIE, exact to the cycle.

Cycle 0 of a job is that in which its first line is addressed in the activation memory; the cycle after its last is
cycle 0 of the next job. A job has two phases, scan and read-out. Everything named below is a register, or the output of
a memory that is read synchronously, and moves once a cycle. A job's codebook is on its way to the lanes from cycle 0
on: the first entry is looked up in cycle 8 at the earliest.

**Source.** The line at the output of the activation memory moves into the row register as soon as that has no flags
left, or gives its last one in this cycle; it is dropped if none of its activations differ from zero, those behind the
job's `columns` not counted. In the same cycle the next line is addressed, to be at the output in the next one. From the
row register the lowest flag is taken: one broadcast a cycle, if every cluster has a credit. So the first is decided in
cycle 2. When the row register has no flags, nothing is at the memory's output, and all lines were read, ``scan_end`` is
sent once, as a broadcast without credit.

**Way to the queues**, of a broadcast that is decided in cycle d:

====== ==============================================================================================================
cycle  what
====== ==============================================================================================================
d      credits fall by 1, seen in d + 1
d + 1  in the root register; the two banks of pointers are addressed
d + 2  pointers at their outputs; start, and count = next pointer - start
d + 3  {activation, start, count} in a register; written to the queue, or dropped if count is 0 and `skip_empty`
d + 4  in the queue: the fetch cursor sees it, and may address its first line; ``scan_end`` is seen
d + 5  line at the output of the matrix memory, in the ring from d + 6 on; the taker may count its entries and take
d + 6  entries rotated out of the ring, codebooks looked up, relative rows added up
d + 7  sums read, multiplication
d + 8  addition, with what the two adders before have found for the same row
d + 9  sum written
d + 10 in the sums: `landing_cycles` after the take
====== ==============================================================================================================

**Credits** of a cluster begin at `queue_depth`. Columns that it pops (up to 2) or drops (1) in cycle c are counted in a
register that is added to its credit in cycle c + 1; the decision of cycle c + 2 sees it.

**Fetch cursor.** It stands on the oldest column that it has not passed. In a cycle it addresses the next line of that
column, and passes the column too if this is its last line; or it passes the column, if all its entries are in the
newest line, or it has none. A column's first line is the newest one where the column before ends in it. Lines are
counted as they are addressed. When the cursor addresses a column's first line, or passes the column without, it writes
beside it how many lines were addressed before its first one, the `slot` (of an empty column: before the newest). A line
may be addressed while lines counted less those freed are fewer than `line_buffer`. Freed are all lines before that of
the next entry, as the head of the queue and its entries used say at the cycle's beginning; if the cursor has neither
passed the head nor addressed a line of it, or the queue is empty, all but the newest. Between the line of the next
entry and the newest are no more than `line_buffer`, so lines can be counted modulo twice as many.

**Taker.** It sees the two oldest columns, as far as the cursor has passed them, or addressed a line of them, before
this cycle; and of their entries those in lines addressed before this cycle. It takes up to `lanes` entries of the
oldest one; if these are its last, also such of the second. Columns that are used up are popped. An empty column
(without `skip_empty`) takes a cycle if it is the oldest, and is popped as a second one if a lane is left.

**End.** When all clusters have seen ``scan_end`` and have an empty queue, and the last products have landed, the scan
is over with this cycle. A job that keeps its sums is over too. Otherwise follow ``ceil(slots / readout_rows)`` cycles
in each of which `readout_rows` rows of every cluster are addressed; their sums are at the memories' outputs a cycle
later (and zeros are written behind), are added in ``log2(lanes)`` cycles, rounded, and written as a line of activations
`readout_latency` cycles after they were addressed. With the last line the job is over.
"""

import numpy as np

from ...hw.eie.config import EieConfig
from .counters import IDLE, EieCounters, total
from .golden import run
from .program import EieProgram, Job, Load

__all__ = ["simulate", "simulate_job"]


def simulate(config: EieConfig, program: EieProgram, inputs: np.ndarray) -> EieCounters:
    """Run all jobs of a program; what loading takes is not counted.

    Raises
    ------
    ConfigError, FormatError
        As of `golden.run`.
    """
    states = iter(run(config, program, inputs))
    return total([simulate_job(config, load, job, next(states)) for load in program.loads for job in load.jobs])


def simulate_job(config: EieConfig, load: Load, job: Job, memory: np.ndarray) -> EieCounters:
    """Run a job on the activation memory as it finds it.

    Raises
    ------
    RuntimeError
        If the machine is stuck.
    """
    from .model.machine import scan
    from .model.state import SCAN, new_machine

    width = config.line_activations
    lines = np.zeros(job.source_lines(config) * width, bool)
    first = job.source * width
    lines[: job.columns] = memory.ravel()[first : first + job.columns] != 0
    active = np.flatnonzero(lines)
    words = load.pointers[:, job.pointers : job.pointers + job.columns + 1]
    starts, counts = words[:, active], np.diff(words)[:, active]
    machine = new_machine(config, lines.reshape(-1, width).sum(1), starts, counts)
    # Clusters wait for each other at most once a column, and for everything else a few cycles.
    limit = 64 + len(machine.flags) + 16 * len(active) + 4 * int(counts.max(0, initial=0).sum())
    if not scan(machine, limit):
        raise RuntimeError(f"the machine must not be stuck: not done in cycle {limit}")
    source, clusters = machine.source[0], machine.clusters
    readout = job.output_lines(config) + config.readout_latency if not job.keep else 0
    cycles = int(source["cycle"])
    return EieCounters(
        cycles=cycles + readout, scan_cycles=cycles, readout_cycles=readout, broadcasts=int(source["broadcasts"]),
        full=int(source["full"]), source_empty=int(source["source_empty"]), full_by=clusters["full_by"].copy(),
        entries=clusters["entries"].copy(), products=clusters["entries"] - _fillers(config, load, starts, counts),
        empty_columns=clusters["empty_columns"].copy(), lines=clusters["fetched"].copy(),
        highest=clusters["highest"].copy(), lanes=config.lanes,
        went={name: clusters[name].copy() for name in SCAN} | {"readout": np.full(config.clusters, readout)},
        idle={name: clusters[name].copy() for name in IDLE},
    )  # fmt: skip


def _fillers(config: EieConfig, load: Load, starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Fillers that each cluster takes."""
    if not config.relative or not starts.size:
        return np.zeros(config.clusters, np.int64)
    found = []
    for cluster, (first, count) in enumerate(zip(starts, counts, strict=True)):
        before = np.append(0, np.cumsum(load.codes[cluster] == 0))
        found.append(int((before[first + count] - before[first]).sum()))
    return np.array(found, np.int64)
