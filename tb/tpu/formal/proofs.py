"""All proofs of the TPU's blocks for a configuration."""

from collections.abc import Iterator

from ....hw.tpu.config import QUEUES, TpuConfig
from ...formal import Proof
from .scoreboard import ScoreboardSpec
from .window_address import WindowAddressSpec
from .window_bounds import WindowBoundsSpec

__all__ = ["proofs", "scoreboard_proofs", "window_proofs"]


def proofs(config: TpuConfig) -> Iterator[Proof]:
    """Every proof for `config`."""
    yield from window_proofs(config)
    yield from scoreboard_proofs(config)


def window_proofs(config: TpuConfig) -> Iterator[Proof]:
    """Of the feeder's windows."""
    for name, spec in (("window_bounds", WindowBoundsSpec), ("window_address", WindowAddressSpec)):
        yield Proof(name, "inductive", spec, (config,))
        yield Proof(f"{name}_reached", "reachable in 9", spec, (config,))


def scoreboard_proofs(config: TpuConfig) -> Iterator[Proof]:
    """Of the scoreboard, as each unit sees it, with as few rows of the buffer as can be."""
    few_rows = config.replace(ub_rows=2 * config.ub_banks)
    for unit in QUEUES:
        yield Proof(f"scoreboard_{unit}", "inductive", ScoreboardSpec, (few_rows, unit))
    for unit in ("activation", "matrix", "vector"):
        yield Proof(f"scoreboard_{unit}_waits", "reachable in 9", ScoreboardSpec, (few_rows, unit))
