"""The machine once more, with everything that moves in it: lines in the ring, entries, products, sums.

It is written from the description of the microarchitecture, without counts in place of data: the taker looks for
addresses in the lines that it has, entries come out of the ring a cycle after they are taken, so a line that was
overwritten too early gives a wrong sum.
"""

import dataclasses
from collections import deque
from typing import Any

import numpy as np


@dataclasses.dataclass
class Column:
    a: int
    start: int
    count: int
    line: int | None = None  # that it begins in, as soon as the cursor has read or passed it
    passed: bool = False


class Cluster:
    def __init__(self, config, codes, indices, codebook):
        self.config, self.codes, self.indices, self.codebook = config, codes, indices, codebook
        self.queue, self.credit, self.returned, self.ended = deque(), config.queue_depth, 0, False
        self.ring, self.place = [None] * config.line_buffer, 0
        self.held: list[int] = []  # lines addressed and not freed, the newest last
        self.address = None  # of the line that comes out of the memory in this cycle
        self.used = 0
        self.stages = deque([[]] * 4)  # taken; with weights; products; sums
        self.row = -1
        self.sums = np.zeros(config.rows, object)
        self.counts = dict.fromkeys(
            "busy line_wait starved empty drained idle_line idle_columns idle_queue entries products lines "
            "empty_columns highest full_by".split(),
            0,
        )

    def idle(self):
        return self.ended and not self.queue and not any(self.stages)

    def step(self, pushed, scan_end, go, offered):
        """One cycle, with what comes out of the pointer unit."""
        counts = self.counts
        counts["full_by"] += offered and self.credit == 0
        counts["highest"] = max(counts["highest"], len(self.queue))
        self.credit += self.returned - go
        self.move_products()
        here = [line for line in [*self.ring, self.address] if line is not None]
        if self.address is not None:  # the memory's output is written into the ring
            self.ring[self.place] = self.address
            self.place = (self.place + 1) % len(self.ring)
            self.address = None
        known = [column for column in list(self.queue)[:2] if column.line is not None]
        self.move_cursor()
        self.returned = self.take(known, here)
        if pushed is not None:
            counts["empty_columns"] += pushed.count == 0
            if pushed.count == 0 and self.config.skip_empty:
                self.returned += 1
            else:
                self.queue.append(pushed)
                assert len(self.queue) <= self.config.queue_depth
        self.ended = self.ended or scan_end

    def needed(self):
        """The oldest line to keep."""
        if self.queue and self.queue[0].line is not None:
            head = self.queue[0]
            return (head.start + self.used) // self.config.line_entries if head.count else head.line
        return self.held[-1] if self.held else None

    def move_cursor(self):
        needed = self.needed()
        while self.held and self.held[0] != needed:
            del self.held[0]
        column = next((column for column in self.queue if not column.passed), None)
        if column is None:
            return
        newest, entries = self.newest(), self.config.line_entries
        if column.count == 0:
            column.line, column.passed = newest, True
            return
        first, last = column.start // entries, (column.start + column.count - 1) // entries
        line = first if column.line is None and newest != first else newest + 1
        if line > last:
            column.line, column.passed = first, True
        elif len(self.held) < self.config.line_buffer:
            column.line, column.passed = first, line == last
            self.address = line
            self.held.append(line)
            self.counts["lines"] += 1
            self.last = line

    last = -1

    def newest(self):
        return self.last

    def take(self, known, here):
        config, counts, waiting = self.config, self.counts, len(self.queue)
        taken, pops = [], 0
        if not waiting:
            counts["drained" if self.ended else "starved"] += 1
        for column in known:
            while self.used < column.count and len(taken) < config.lanes:
                address = column.start + self.used
                if address // config.line_entries not in here:
                    break
                taken.append((address, column.a, self.used == 0))
                self.used += 1
            if self.used < column.count or (len(taken) == config.lanes and not column.count):
                break
            pops, self.used = pops + 1, 0
            if not taken:
                break
            if len(taken) == config.lanes:
                break
        for _ in range(pops):
            assert self.queue.popleft().passed
        self.stages.appendleft(taken)
        counts["entries"] += len(taken)
        if taken:
            counts["busy"] += 1
            cause = "idle_queue" if pops == waiting else "idle_columns" if pops == 2 else "idle_line"
            counts[cause] += config.lanes - len(taken)
        elif waiting:
            counts["empty" if pops else "line_wait"] += 1
        return pops

    def move_products(self):
        """The entries that were taken four cycles ago are in the sums now; those of the last cycle leave the ring."""
        config = self.config
        for row, product in self.stages.pop():
            self.sums[row] += product
        products = []
        for address, a, first in self.stages[0]:
            line, place = divmod(address, config.line_entries)
            assert line in self.ring, "a line was overwritten before its last entry"
            code, index = self.codes[line * config.line_entries + place], self.indices[address]
            self.row = (-1 if first else self.row) + index + 1 if config.relative else index
            if config.relative and code == 0:
                continue
            self.counts["products"] += 1
            products.append((self.row, int(a) * int(self.codebook[code])))
        self.stages[0] = products


def run(config, load, job, memory, codebook):
    """Counters by name, those of clusters as lists, and the sums ``[clusters, rows]``."""
    width = config.line_activations
    clusters = [
        Cluster(config, codes, indices, codebook) for codes, indices in zip(load.codes, load.indices, strict=True)
    ]
    lines = [memory[job.source + at].tolist() for at in range(job.source_lines(config))]
    inputs = [(at // width, at, a) for at, a in enumerate(sum(lines, [])) if a and at < job.columns]
    rows = [[pair[1:] for pair in inputs if pair[0] == line] for line in range(len(lines))]
    row: list[Any] = []
    output: list[Any] | None = None
    way: deque[Any] = deque([None, None, None])
    total = dict.fromkeys(("scan_cycles", "broadcasts", "full", "source_empty"), 0)
    end_sent = False
    while True:
        done = all(cluster.idle() for cluster in clusters)
        go = bool(row) and all(cluster.credit > 0 for cluster in clusters)
        arrived = way.pop()
        offered = bool(row)
        for number, cluster in enumerate(clusters):
            column = None
            if arrived not in (None, "end"):
                j, a = arrived
                start, end = load.pointers[number, job.pointers + j : job.pointers + j + 2].tolist()
                column = Column(a, start, end - start)
            cluster.step(column, arrived == "end", go, offered)
        sent = None
        if go:
            sent = row.pop(0)
            total["broadcasts"] += 1
        elif offered:
            total["full"] += 1
        elif output is not None or rows:
            total["source_empty"] += 1
        elif not end_sent:
            sent, end_sent = "end", True
        way.appendleft(sent)
        if output == [] or (output and not row):
            row, output = row or output or [], None
        if output is None and rows:
            output = rows.pop(0)
        total["scan_cycles"] += 1
        if done:
            names = clusters[0].counts
            return total | {name: [cluster.counts[name] for cluster in clusters] for name in names}, np.array(
                [cluster.sums for cluster in clusters]
            )
