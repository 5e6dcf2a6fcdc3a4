"""All proofs of the blocks for a configuration."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from amaranth.lib import wiring

from ....hw.snap.config import SnapConfig
from ...formal import check_bounded, check_reachable, prove
from .aim import AimsEqual, AimSpec
from .decoder import DecoderSpec
from .lists import ListsSpec
from .selector import SelectorSpec

__all__ = ["Proof", "proofs"]

KINDS = {"inductive": (prove, 1), "complete in 2 cycles": (check_bounded, 2), "reachable in 6": (check_reachable, 6)}


@dataclasses.dataclass(frozen=True)
class Proof:
    """One proof.

    Attributes
    ----------
    name
        Block and what is proven.
    kind
        "inductive": for ever. "complete in 2 cycles": bounded, but a longer run has nothing new, because what is
        seen depends on the inputs of the cycle before alone. "reachable in 6": that the assumptions leave an
        interesting case, within 6 cycles.
    spec, arguments
        Class of the specification and what it is made with.
    """

    name: str
    kind: str
    spec: Callable[..., wiring.Component]
    arguments: tuple[Any, ...]

    def run(self, *, timeout_seconds: int) -> None:
        """Run it; raises as `prove`."""
        check, depth = KINDS[self.kind]
        check(self.spec(*self.arguments), depth=depth, timeout_seconds=timeout_seconds)


def proofs(config: SnapConfig) -> Iterator[Proof]:
    """Every proof for `config`; those of the AIM lane by lane."""
    inductive, complete, reachable = KINDS
    yield Proof("reduction_selector", inductive, SelectorSpec, (config,))
    if config.multipliers >= 3:
        yield Proof("reduction_selector_ac_b", reachable, SelectorSpec, (config,))
    yield Proof("lists", inductive, ListsSpec, (config,))
    if config.multipliers >= 2:
        yield Proof("lists_merge", reachable, ListsSpec, (config,))
    yield Proof("sequence_decoder", inductive, DecoderSpec, (config, None))
    for number in range(config.multipliers):
        yield Proof(f"sequence_decoder_pair_{number}", inductive, DecoderSpec, (config, number))
    for lane in range(config.window_entries):
        lanes = range(lane, lane + 1)
        for aim in ("comparators", "table"):
            yield Proof(f"aim_{aim}_{lane}", complete, AimSpec, (config.replace(aim=aim), lanes))
        yield Proof(f"aims_equal_{lane}", complete, AimsEqual, (config, lanes))
