"""All proofs of the blocks for a configuration."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from amaranth.lib import wiring

from ....hw.snap.config import SnapConfig
from ...formal import Together, check_bounded, check_reachable, prove
from .aim import AimsEqual, AimSpec
from .counts import CountsSpec
from .decoder import DecoderSpec
from .lists import ListsSpec
from .psums import MultiplyAddSpec, PsumFileSpec
from .reducer import ReducerStreamsSpec, ReducerSumsSpec, ReducerValidSpec
from .selector import SelectorSpec

__all__ = ["Proof", "grouped", "proofs"]

KINDS = {
    "inductive": (prove, 1),
    "inductive in 2 steps": (prove, 2),
    "complete in 2 cycles": (check_bounded, 2),
    **{f"bounded to {cycles} cycles": (check_bounded, cycles) for cycles in range(5, 10)},
    **{f"reachable in {cycles}": (check_reachable, cycles) for cycles in (6, 9)},
}


@dataclasses.dataclass(frozen=True)
class Proof:
    """One proof.

    Attributes
    ----------
    name
        Block and what is proven.
    kind
        "inductive": for ever. "complete in 2 cycles": bounded, but a longer run has nothing new, because what is
        seen depends on the inputs of the cycle before alone. "bounded to n cycles": in the first n cycles after reset.
        "reachable in n": that the assumptions leave an interesting case, within n cycles.
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


def grouped(proofs: Iterable[Proof]) -> Iterator[Proof]:
    """The same proofs with one call of the tools a kind, which small ones take less time for."""
    kinds: dict[str, list[Proof]] = {}
    for proof in proofs:
        kinds.setdefault(proof.kind, []).append(proof)
    for kind, members in kinds.items():
        made = functools.partial(lambda members: Together(proof.spec(*proof.arguments) for proof in members), members)
        yield Proof(kind.replace(" ", "_"), kind, made, ())


def proofs(config: SnapConfig, *, longer: bool = False) -> Iterator[Proof]:
    """Every proof for `config`; those of the AIM lane by lane, bounded ones on narrow numbers.

    `longer` takes the bounded ones a cycle further. If ``pipelined``, they take as many more as their block has stages.
    """
    inductive, complete, reachable = "inductive", "complete in 2 cycles", f"reachable in {9 if config.pipelined else 6}"
    registered = "inductive in 2 steps" if config.pipelined else inductive
    narrow = config.replace(
        core_rows=2, core_columns=2, pe_multipliers=min(2, config.pe_multipliers), data_bits=2, psum_bits=4,
        psum_slots=2,
    )  # fmt: skip
    bounded = {
        "core_reducer_sums": (ReducerSumsSpec, 6 + config.pipelined),
        "multiply_add": (MultiplyAddSpec, 4 + config.multiplier_registers + config.pipelined),
    }
    for name, (spec, cycles) in bounded.items():
        yield Proof(name, f"bounded to {cycles + longer} cycles", spec, (narrow,))
        yield Proof(f"{name}_end", reachable, spec, (narrow,))
    yield Proof("core_reducer_streams", registered, ReducerStreamsSpec, (config,))
    yield Proof("core_reducer_valid", reachable, ReducerValidSpec, (config, False))
    yield Proof("core_reducer_valid_rows", reachable, ReducerValidSpec, (config, True))
    yield Proof("psum_file", registered, PsumFileSpec, (config.replace(data_bits=2, psum_bits=6),))
    yield Proof("reduction_selector", inductive, SelectorSpec, (config,))
    if config.pe_multipliers >= 3:
        yield Proof("reduction_selector_ac_b", reachable, SelectorSpec, (config,))
    yield Proof("lists", inductive, ListsSpec, (config,))
    if config.pe_multipliers >= 2:
        yield Proof("lists_merge", reachable, ListsSpec, (config,))
    yield Proof("counts", inductive, CountsSpec, (config,))
    yield Proof("sequence_decoder", registered, DecoderSpec, (config, None))
    for number in range(config.pe_multipliers):
        yield Proof(f"sequence_decoder_pair_{number}", registered, DecoderSpec, (config, number))
    for lane in range(config.window_entries):
        lanes = range(lane, lane + 1)
        for aim in ("comparators", "table"):
            yield Proof(f"aim_{aim}_{lane}", complete, AimSpec, (config.replace(aim=aim), lanes))
        yield Proof(f"aims_equal_{lane}", complete, AimsEqual, (config, lanes))
