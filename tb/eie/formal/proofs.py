"""All proofs of the blocks for a configuration."""

from collections.abc import Iterator

from ....hw.eie.config import EieConfig
from ...formal import Proof
from .source import CreditsSpec, LowestFlagSpec, SourceSpec

__all__ = ["machine_proofs", "proofs"]


def machine_proofs(config: EieConfig) -> Iterator[Proof]:
    """Of what is around the clusters; the source's on narrow numbers and lines of two."""
    narrow = config.replace(clusters=2, readout_rows=1, data_bits=2, psum_bits=4, pointers=8, activation_lines=4)
    yield Proof("lowest_flag", "inductive", LowestFlagSpec, (config.line_activations,))
    yield Proof("credits", "inductive", CreditsSpec, (config,))
    yield Proof("source", "bounded to 9 cycles", SourceSpec, (narrow,))
    yield Proof("source_end", "reachable in 9", SourceSpec, (narrow,))


def proofs(config: EieConfig) -> Iterator[Proof]:
    """Every proof for `config`."""
    yield from machine_proofs(config)
