"""All proofs of the blocks for a configuration."""

from collections.abc import Iterator

from ....hw.eie.config import EieConfig
from ...formal import Proof
from .counters import ClusterCountersSpec, MachineCountersSpec
from .finisher import FinisherSpec
from .lane import LaneSpec
from .reader import ReaderSpec
from .source import CreditsSpec, LowestFlagSpec, SourceSpec

__all__ = ["cluster_proofs", "machine_proofs", "proofs"]


def cluster_proofs(config: EieConfig) -> Iterator[Proof]:
    """Of clusters' blocks: on narrow numbers, short lines, and queues of two or three columns of up to four."""
    narrow = config.replace(data_bits=2, psum_bits=4, rows=4, readout_rows=2, index="absolute", index_bits=2)
    yield Proof("lane", "bounded to 9 cycles", LaneSpec, (narrow,))
    yield Proof("lane_end", "reachable in 9", LaneSpec, (narrow,))
    short = config.replace(
        data_bits=2, psum_bits=4, rows=4, readout_rows=1, index="absolute", index_bits=4, entries=16, line_entries=4,
        lanes=min(2, config.lanes), line_buffer=2, queue_depth=2,
    )  # fmt: skip
    yield Proof("column_reader", "bounded to 8 cycles", ReaderSpec, (short,))
    # A column that shares a line with the one before an empty one, and needs two more.
    waits = short.replace(lanes=1, index_bits=3, entries=8, line_entries=2, queue_depth=3, skip_empty=False)
    yield Proof("column_reader_empty", "bounded to 9 cycles", ReaderSpec, (waits,))
    if short.lanes > 1:
        yield Proof("column_reader_end", "reachable in 9", ReaderSpec, (short,))
    one = config.replace(lanes=1, readout_rows=2, rows=2, index="absolute", index_bits=1, data_bits=3, psum_bits=7)
    yield Proof("finisher", "complete in 2 cycles", FinisherSpec, (one,))
    yield Proof("cluster_counters", "inductive", ClusterCountersSpec, (config,))


def machine_proofs(config: EieConfig) -> Iterator[Proof]:
    """Of what is around the clusters; the source's on narrow numbers and lines of two."""
    narrow = config.replace(clusters=2, readout_rows=1, data_bits=2, psum_bits=4, pointers=8, activation_lines=4)
    yield Proof("lowest_flag", "inductive", LowestFlagSpec, (config.line_activations,))
    yield Proof("credits", "inductive", CreditsSpec, (config,))
    yield Proof("machine_counters", "inductive", MachineCountersSpec, (config,))
    yield Proof("source", "bounded to 9 cycles", SourceSpec, (narrow,))
    yield Proof("source_end", "reachable in 9", SourceSpec, (narrow,))


def proofs(config: EieConfig) -> Iterator[Proof]:
    """Every proof for `config`."""
    yield from cluster_proofs(config)
    yield from machine_proofs(config)
