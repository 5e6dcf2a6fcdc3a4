"""Configuration of EIE (Han et al., ISCA 2016), the machine for compressed fully connected layers."""

import dataclasses

from ..config import Config, check, check_bool, check_int

__all__ = ["PRESETS", "EieConfig"]


def _check_power_of_two(field: str, value: int, low: int, high: int) -> None:
    check_int(field, value, low, high)
    check(field, value.bit_count() == 1, f"a power of two from {low} to {high}", value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EieConfig(Config):
    """Parameters of a machine (paper: 64 PEs of one multiplier, which are clusters of one lane here).

    Parameters
    ----------
    clusters
        Parts with a matrix memory and a queue each; together they take every broadcast activation. A power of two.
    lanes
        Multipliers of a cluster, which take that many entries a cycle. A power of two.
    rows
        Sums that a cluster keeps: outputs of a job by cluster at most.
    index
        What an entry says of its row: "absolute", or "relative", the zeros before it among its cluster's rows (the
        paper's, for one lane only).
    index_bits
        Width of that.
    codes
        Weights of a codebook. A power of two.
    codebooks
        Codebooks that are kept.
    data_bits
        Width of activations and weights, two's complement.
    psum_bits
        Width of sums; 0 stands for 3 * `data_bits`. No sum may need more: the mapping refuses rows that could.
    line_entries
        Entries of a line of the matrix memory. A power of two.
    entries
        Entries of a cluster's matrix memory.
    pointers
        Words of a cluster's pointer memory, half of them in either bank.
    queue_depth
        Broadcast columns that a cluster may be behind.
    line_buffer
        Lines that a cluster has read ahead. A power of two.
    readout_rows
        Rows that a cluster gives in a cycle at the end of a job. A power of two.
    skip_empty
        Whether a column without entries takes no place in a cluster's queue and no cycle of it.
    activation_lines
        Lines of the activation memory, each of `line_activations`.
    jobs
        Jobs of the list.
    load_clusters
        Clusters whose memories are loaded at once: a word that is loaded is as wide as a line of each of them. A power
        of two; if there are fewer clusters, all.
    """

    clusters: int = 16
    lanes: int = 4
    rows: int = 256
    index: str = "absolute"
    index_bits: int = 8
    codes: int = 16
    codebooks: int = 8
    data_bits: int = 16
    psum_bits: int = 44
    line_entries: int = 8
    entries: int = 393_216
    pointers: int = 33_792
    queue_depth: int = 32
    line_buffer: int = 4
    readout_rows: int = 4
    skip_empty: bool = True
    activation_lines: int = 1024
    jobs: int = 16
    load_clusters: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_power_of_two("clusters", self.clusters, 1, 256)
        _check_power_of_two("lanes", self.lanes, 1, 8)
        check_int("rows", self.rows, 1, 4096)
        check("index", self.index in ("relative", "absolute"), '"relative" or "absolute"', self.index)
        check_int("index_bits", self.index_bits, 1, 12)
        if self.relative:
            check("lanes", self.lanes == 1, "1, as the index is relative", self.lanes)
        else:
            rule = f"enough for {self.rows} rows, as the index is absolute"
            check("index_bits", self.rows <= 1 << self.index_bits, rule, self.index_bits)
        _check_power_of_two("codes", self.codes, 4, 256)
        check_int("codebooks", self.codebooks, 1, 64)
        check_int("data_bits", self.data_bits, 2, 16)
        check_int("psum_bits", self.psum_bits, 0, 48)
        if not self.psum_bits:
            object.__setattr__(self, "psum_bits", 3 * self.data_bits)
        check("psum_bits", self.psum_bits >= 2 * self.data_bits, f"at least {2 * self.data_bits}", self.psum_bits)
        _check_power_of_two("line_entries", self.line_entries, 2, 32)
        check("line_entries", self.line_entries >= self.lanes, f"at least lanes ({self.lanes})", self.line_entries)
        check_int("entries", self.entries, self.line_entries, 1 << 22)
        rule = f"a multiple of line_entries ({self.line_entries})"
        check("entries", self.entries % self.line_entries == 0, rule, self.entries)
        check_int("pointers", self.pointers, 4, 1 << 17)
        check("pointers", self.pointers % 2 == 0, "even", self.pointers)
        check_int("queue_depth", self.queue_depth, 1, 64)
        _check_power_of_two("line_buffer", self.line_buffer, 2, 8)
        _check_power_of_two("readout_rows", self.readout_rows, 1, 8)
        rule = f"a multiple of readout_rows ({self.readout_rows})"
        check("rows", self.rows % self.readout_rows == 0, rule, self.rows)
        check_bool("skip_empty", self.skip_empty)
        check_int("activation_lines", self.activation_lines, 2, 1 << 14)
        check_int("jobs", self.jobs, 1, 64)
        _check_power_of_two("load_clusters", self.load_clusters, 1, 256)
        width = self.line_activations
        rule = "such that clusters * readout_rows is from 2 to 256"
        check("clusters", 2 <= width <= 256, rule, self.clusters)

    @property
    def relative(self) -> bool:
        """Whether entries say how many zeros are before them."""
        return self.index == "relative"

    @property
    def multipliers(self) -> int:
        """Multipliers of all clusters."""
        return self.clusters * self.lanes

    @property
    def total_rows(self) -> int:
        """Outputs of a job at most."""
        return self.clusters * self.rows

    @property
    def line_activations(self) -> int:
        """Activations of a line of their memory: what all clusters give in a cycle of the read-out."""
        return self.clusters * self.readout_rows

    @property
    def code_bits(self) -> int:
        """Width of a code."""
        return (self.codes - 1).bit_length()

    @property
    def entry_bits(self) -> int:
        """Width of an entry: the index above the code."""
        return self.index_bits + self.code_bits

    @property
    def pointer_bits(self) -> int:
        """Width of a pointer, which may point behind the last entry."""
        return self.entries.bit_length()

    @property
    def job_fields(self) -> dict[str, int]:
        """Widths of what a job of the list says; see `sim.eie.program.Job`."""
        pointers, lines = (self.pointers - 1).bit_length(), (self.activation_lines - 1).bit_length()
        return {
            "columns": pointers, "source": lines, "pointers": pointers, "slots": self.rows.bit_length(),
            "destination": lines, "codebook": (self.codebooks - 1).bit_length(),
            "shift": (self.psum_bits - 1).bit_length(), "relu": 1, "keep": 1,
        }  # fmt: skip

    @property
    def word_clusters(self) -> int:
        """Clusters that a word is for which goes to their memories."""
        return min(self.load_clusters, self.clusters)

    @property
    def word_groups(self) -> int:
        """Words that all clusters get one by one."""
        return self.clusters // self.word_clusters

    @property
    def word_bytes(self) -> int:
        """Bytes of a word: a line or a pointer of `word_clusters`, a quarter of a codebook, or a job."""
        cluster = max(self.line_entries * self.entry_bits, self.pointer_bits)
        bits = max(self.word_clusters * cluster, self.codes // 4 * self.data_bits, sum(self.job_fields.values()))
        return -(-bits // 8)

    @property
    def part_activations(self) -> int:
        """Activations of a word, as many parts of a line as it takes: a power of two."""
        return min(self.line_activations, 1 << (8 * self.word_bytes // self.data_bits).bit_length() - 1)

    @property
    def line_parts(self) -> int:
        """Words of a line of activations."""
        return self.line_activations // self.part_activations

    @property
    def landing_cycles(self) -> int:
        """Cycles from the one in which an entry is taken to the first in which its product is in the sum."""
        return 5

    @property
    def readout_latency(self) -> int:
        """Cycles from the one in which rows are addressed to the one in which their activations are written."""
        return 2 + (self.lanes - 1).bit_length()

    @property
    def memory_bits(self) -> dict[str, int]:
        """Bits of all memories by what they hold."""
        return {
            "matrix": self.clusters * self.entries * self.entry_bits,
            "pointers": self.clusters * self.pointers * self.pointer_bits,
            "sums": self.multipliers * self.rows * self.psum_bits,
            "activations": self.activation_lines * self.line_activations * (self.data_bits + 1),
        }


PRESETS: dict[str, EieConfig] = {
    "eie-16x4": EieConfig(),
    "eie-64": EieConfig(
        clusters=64, lanes=1, rows=64, index="relative", index_bits=4, entries=131_072, pointers=25_216,
        queue_depth=8, readout_rows=1, skip_empty=False,
    ),
    "eie-4x4": EieConfig(
        clusters=4, rows=64, index_bits=6, entries=4096, pointers=512, queue_depth=16, activation_lines=64, jobs=8,
        load_clusters=4,
    ),
    "eie-tiny": EieConfig(
        clusters=2, lanes=2, rows=8, index_bits=3, codes=4, codebooks=2, data_bits=8, psum_bits=20, line_entries=4,
        entries=256, pointers=64, queue_depth=4, readout_rows=2, activation_lines=32, jobs=4,
        load_clusters=1,
    ),
}  # fmt: skip
