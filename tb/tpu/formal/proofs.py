"""All proofs of the TPU's blocks for a configuration."""

from collections.abc import Iterator

from ....hw.tpu.config import QUEUES, TpuConfig
from ...formal import Proof
from .scoreboard import ScoreboardSpec

__all__ = ["proofs"]


def proofs(config: TpuConfig) -> Iterator[Proof]:
    """Every proof for `config`: of the scoreboard, as each unit sees it, with as few rows of the buffer as can be."""
    few_rows = config.replace(ub_rows=2 * config.ub_banks)
    for unit in QUEUES:
        yield Proof(f"scoreboard_{unit}", "inductive", ScoreboardSpec, (few_rows, unit))
    for unit in ("activation", "matrix", "vector"):
        yield Proof(f"scoreboard_{unit}_waits", "reachable in 9", ScoreboardSpec, (few_rows, unit))
