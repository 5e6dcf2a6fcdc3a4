"""All proofs of the blocks for a configuration."""

from collections.abc import Iterator

from ....hw.snap.config import SnapConfig
from ...formal import Proof
from .aim import AimsEqual, AimSpec
from .counts import CountsSpec
from .decoder import DecoderSpec
from .lists import ListsSpec
from .psums import MultiplyAddSpec, PsumFileSpec
from .reducer import ReducerStreamsSpec, ReducerSumsSpec, ReducerValidSpec
from .selector import SelectorSpec

__all__ = ["proofs"]


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
