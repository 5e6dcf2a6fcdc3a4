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
    rows
        By entry: that which it stands for.
    activations
        ``[job, column]``: what they take.
    codebooks
        ``[job, code]``.
    """

    config: EieConfig
    load: Load
    rows: np.ndarray
    activations: np.ndarray
    codebooks: np.ndarray

    @property
    def entries(self) -> slice:
        """Entries that the jobs use."""
        words = self.load.pointers[0]
        return slice(int(words[0]), int(words[-1]))

    def lines(self) -> dict[int, list[dict[str, int]]]:
        """Lines of the matrix memory that the jobs use, by address."""
        size, used = self.config.line_entries, self.entries
        lines = range(used.start // size, -(-used.stop // size))
        codes, indices = self.load.codes[0].tolist(), self.load.indices[0].tolist()
        return {
            line: [{"code": codes[at], "index": indices[at]} for at in range(line * size, (line + 1) * size)]
            for line in lines
        }

    def counters(self, number: int) -> EieCounters:
        """What the cycle model says of a job."""
        activations, width = self.activations[number], self.config.line_activations
        memory = np.append(activations, np.zeros(-len(activations) % width, np.int64)).reshape(-1, width)
        return simulate_job(self.config, self.load, self.load.jobs[number], memory)

    def sums(self, number: int) -> np.ndarray:
        """``[rows]`` that a job adds."""
        job = self.load.jobs[number]
        pointers = self.load.pointers[0, job.pointers : job.pointers + job.columns + 1]
        activations = np.repeat(self.activations[number, : job.columns], np.diff(pointers))
        span = slice(pointers[0], pointers[-1])
        codes = self.load.codes[0][span]
        weights = np.where(self.config.relative & (codes == 0), 0, self.codebooks[number][codes])
        sums = np.zeros(self.config.rows, np.int64)
        np.add.at(sums, self.rows[span], weights * activations)
        return sums


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
    rows = indices.copy()
    if config.relative:
        for start, end in zip(words, words[1:], strict=False):
            _relative(config, rng, slots, codes[start:end], indices[start:end], rows[start:end])
    clusters = max(1, 2 // config.readout_rows)
    pointers = np.zeros((clusters, len(words)), np.int64)
    pointers[0] = words
    limit = 1 << config.data_bits - 1
    jobs = [
        Job(
            columns=n, source=0, pointers=int(base), slots=slots, destination=0, codebook=0, relu=bool(rng.integers(2)),
            shift=int(rng.choice([0, rng.integers(config.data_bits), rng.integers(config.psum_bits)])),
            keep=number + 1 < count and bool(rng.integers(2)),
        )
        for number, (n, base) in enumerate(zip(columns, bases.tolist(), strict=False))
    ]  # fmt: skip
    activations = rng.integers(-limit, limit, (count, max(columns)))
    activations[rng.random(activations.shape) < 0.2] = -limit
    return ClusterLoad(
        config=config.replace(clusters=clusters),
        load=Load(pointers=pointers, codes=[codes] * clusters, indices=[indices] * clusters, jobs=jobs),
        rows=rows, activations=activations * (rng.random(activations.shape) < rng.choice([0, 0.3, 0.8, 1])),
        codebooks=rng.integers(-limit, limit, (count, config.codes)),
    )  # fmt: skip


def _relative(config: EieConfig, rng: np.random.Generator, slots: int, codes, indices, rows) -> None:
    """Make a column's entries, in place, ones whose rows there are; some of those with the largest index fillers."""
    largest, row = (1 << config.index_bits) - 1, -1
    for at in range(len(codes)):
        room = slots - row - 1 - len(codes) + at  # rows that may be left out
        indices[at] = rng.choice([0, min(largest, room), rng.integers(0, min(largest, room) + 1)])
        codes[at] = 0 if indices[at] == largest and rng.random() < 0.5 else rng.integers(1, config.codes)
        rows[at] = row = row + 1 + indices[at]
