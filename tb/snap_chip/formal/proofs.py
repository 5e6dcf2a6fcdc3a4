"""Proofs of the SNAP chip's blocks for any configuration; others are of smaller ones, or of several blocks."""

from collections.abc import Iterator

from ....hw.snap_chip.config import SnapChipConfig
from ...formal import Proof
from .tile_fetch import TileFetchSpec
from .weight_ring import WeightRingSpec

__all__ = ["proofs"]


def proofs(config: SnapChipConfig) -> Iterator[Proof]:
    """Every one for `config`."""
    yield Proof("tile_fetch", "inductive", TileFetchSpec, (config,))
    yield Proof("weight_ring", "inductive", WeightRingSpec, (config,))
