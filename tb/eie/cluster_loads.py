"""Random contents of a cluster's memories, and jobs on them."""

import dataclasses

import numpy as np

from ...hw.eie.config import EieConfig
from ...sim.eie.counters import EieCounters
from ...sim.eie.cycles import simulate_job
from ...sim.eie.program import Job, Load

__all__ = ["ClusterLoad", "random_load"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class ClusterLoad:
    """What a cluster is loaded with, and jobs.

    Parameters
    ----------
    config
        Of a machine with this cluster alone or, if its lines of activations would be too short, another one, which has
        no entries.
    load
        The memories, and jobs.
    activations
        ``[job, column]``: what they take.
    codebooks
        ``[job, code]``.
    """

    config: EieConfig
    load: Load
    activations: np.ndarray
    codebooks: np.ndarray

    def column(self, at: int) -> range:
        """Entries of the column whose pointer is word `at`; none if its pointers are malformed."""
        start, end = self.load.pointers[0, at : at + 2].tolist()
        return range(start, end if end - start <= self.config.rows and end <= self.config.entries else start)

    def lines(self) -> dict[int, list[dict[str, int]]]:
        """Lines of the matrix memory that the jobs use, by address."""
        size, codes, indices = self.config.line_entries, self.load.codes[0].tolist(), self.load.indices[0].tolist()
        used = {entry // size for at in range(self.load.pointers.shape[1] - 1) for entry in self.column(at)}
        return {
            line: [{"code": codes[at], "index": indices[at]} for at in range(line * size, (line + 1) * size)]
            for line in sorted(used)
        }

    def counters(self, number: int) -> EieCounters:
        """What the cycle model says of a job."""
        activations, width = self.activations[number], self.config.line_activations
        memory = np.append(activations, np.zeros(-len(activations) % width, np.int64)).reshape(-1, width)
        return simulate_job(self.config, self.load, self.load.jobs[number], memory)

    def sums(self, number: int) -> tuple[list[int], set[str]]:
        """What a job adds to each row, and the errors (of `cluster_errors`) that it makes."""
        job, config, codes, indices = self.load.jobs[number], self.config, self.load.codes[0], self.load.indices[0]
        sums, errors = [0] * config.rows, set()
        for at in np.flatnonzero(self.activations[number, : job.columns]).tolist():
            start, end = self.load.pointers[0, job.pointers + at : job.pointers + at + 2].tolist()
            column, row = self.column(job.pointers + at), -1
            if column != range(start, end) or end < start:
                errors.add("pointers")
            for entry in column:
                row = int(indices[entry]) + (row + 1 if config.relative else 0)
                code = int(codes[entry])
                silent = config.relative and code == 0
                if silent and indices[entry] != (1 << config.index_bits) - 1:
                    errors.add("filler")
                if row >= config.rows:
                    errors.add("row")
                elif not silent:
                    sums[row] += int(self.codebooks[number, code]) * int(self.activations[number, at])
        return sums, errors

    def spoilt(self, rng: np.random.Generator) -> "ClusterLoad":
        """The same with faults: pointers that lead anywhere, any entries."""
        pointers = self.load.pointers.copy()
        wrong = np.flatnonzero(rng.random(pointers.shape[1]) < 0.1)
        near = pointers[0, wrong] + rng.integers(-2, self.config.rows + 3, len(wrong))
        far = rng.choice([0, self.config.entries, (1 << self.config.pointer_bits) - 1], len(wrong))
        pointers[0, wrong] = np.clip(
            np.where(rng.random(len(wrong)) < 0.7, near, far), 0, (1 << self.config.pointer_bits) - 1
        )
        codes, indices = self.load.codes[0].copy(), self.load.indices[0].copy()
        wrong = np.flatnonzero(rng.random(len(codes)) < 0.05)
        codes[wrong] = rng.integers(0, 2, len(wrong))
        indices[wrong] = rng.integers(0, 1 << self.config.index_bits, len(wrong))
        load = dataclasses.replace(self.load, pointers=pointers, codes=[codes], indices=[indices])
        return dataclasses.replace(self, load=load)


def random_load(config: EieConfig, rng: np.random.Generator) -> ClusterLoad:
    """Some jobs, one after the other; columns of any length, runs of long ones and of empty ones among them."""
    count, slots = int(rng.integers(1, 4)), int(rng.integers(1, config.rows + 1))
    most_columns = min(60, config.pointers // count - 2)
    columns = [int(n) for n in rng.integers(1, most_columns + 1, count)]
    bases = np.append(0, np.cumsum([n + 2 & ~1 for n in columns]))  # even: a word more than columns
    longest = np.repeat(rng.choice([0, 1, 2, 20], bases[-1] // 5 + 1), 5)[: bases[-1] - 1]
    counts = rng.integers(0, np.minimum(longest, slots if config.relative else config.rows) + 1)
    first = int(rng.integers(0, max(1, config.entries - 600)))
    words = first + np.minimum(np.append(0, np.cumsum(counts)), config.entries - first)
    codes, indices = (
        rng.integers(0, top, config.entries) for top in (config.codes, min(slots, 1 << config.index_bits))
    )
    if config.relative:
        for start, end in zip(words, words[1:], strict=False):
            _relative(config, rng, slots, codes[start:end], indices[start:end])
    clusters = max(1, 2 // config.readout_rows)
    pointers = np.zeros((clusters, len(words)), np.int64)
    pointers[0] = words
    limit = 1 << config.data_bits - 1
    jobs = [
        Job(
            columns=n, source=0, pointers=int(base), slots=slots, destination=0, codebook=0, relu=bool(rng.integers(2)),
            shift=int(rng.choice([0, *(int(rng.integers(bits)) for bits in (config.data_bits, config.psum_bits))])),
            keep=number + 1 < count and bool(rng.integers(2)),
        )
        for number, (n, base) in enumerate(zip(columns, bases.tolist(), strict=False))
    ]  # fmt: skip
    activations = rng.integers(-limit, limit, (count, max(columns)))
    activations[rng.random(activations.shape) < 0.2] = -limit
    return ClusterLoad(
        config=config.replace(clusters=clusters),
        load=Load(pointers=pointers, codes=[codes] * clusters, indices=[indices] * clusters, jobs=jobs),
        activations=activations * (rng.random(activations.shape) < rng.choice([0, 0.3, 0.8, 1])),
        codebooks=rng.integers(-limit, limit, (count, config.codes)),
    )  # fmt: skip


def _relative(config: EieConfig, rng: np.random.Generator, slots: int, codes, indices) -> None:
    """Make a column's entries, in place, ones whose rows there are; some of those with the largest index fillers."""
    largest, row = (1 << config.index_bits) - 1, -1
    for at in range(len(codes)):
        most = min(largest, slots - row - 1 - len(codes) + at)  # rows that may be left out
        indices[at] = rng.choice([0, most, int(rng.integers(0, most + 1))])
        codes[at] = 0 if indices[at] == largest and rng.random() < 0.5 else rng.integers(1, config.codes)
        row += 1 + indices[at]
