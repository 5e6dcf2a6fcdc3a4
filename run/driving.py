"""Plays a mapped job on a compiled design: streams, memories and registers."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..sim.memory_timing import MemoryTiming
from .memories import make_memories, wrong_bytes

if TYPE_CHECKING:
    from ..tb.bulk.job import Result
    from ..tb.bulk.model import Model
    from .contract import Program

__all__ = ["Driven", "drive"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Driven:
    """What a run left.

    Attributes
    ----------
    result
        Of streams and registers.
    outputs
        What `Program.assemble` takes: beats of output streams, bytes of memories.
    wrong_bytes
        Bytes of memories that are not what they must be.
    """

    result: "Result"
    outputs: Mapping[str, Any]
    wrong_bytes: int


def drive(
    model: "Model",
    program: "Program",
    *,
    stall: float = 0.0,
    seed: int = 0,
    timing: MemoryTiming | None = None,
    **options: Any,
) -> Driven:
    """Run a program.

    Parameters
    ----------
    stall, seed
        Probability that a stream, or a channel of a memory, pauses in a cycle, and seed of the pauses.
    timing
        Of the memories; by default the fastest.
    options
        Further ones of `Model.run`.
    """
    timing, images = timing or MemoryTiming(), program.memories()
    if stall:
        timing = dataclasses.replace(timing, stalls=stall, seed=seed)
    memories = make_memories(images, timing, seed)
    result = model.run(
        program.inputs(), program.outputs(), stalls=stall, seed=seed, memories=memories, software=program.software(),
        **options,
    )  # fmt: skip
    return Driven(
        result=result,
        outputs=result.outputs | {port: memory.data for port, memory in memories.items()},
        wrong_bytes=wrong_bytes(images, memories),
    )
