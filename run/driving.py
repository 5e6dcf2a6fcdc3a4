"""Plays a mapped job on a compiled design: streams, memories and registers."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..sim.memory_timing import MemoryTiming
from ..tb.bulk.memory import Memory

if TYPE_CHECKING:
    from ..tb.bulk.job import Result
    from ..tb.bulk.model import Model
    from .contract import Image, Program

__all__ = ["Driven", "drive"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Driven:
    """What a run left.

    Attributes
    ----------
    result
        Of streams and registers.
    memories
        Bytes behind each memory port.
    wrong_bytes
        How many of these are not as they must be; None if there is no memory.
    """

    result: "Result"
    memories: Mapping[str, np.ndarray]
    wrong_bytes: int | None

    @property
    def outputs(self) -> dict[str, Any]:
        """What `Program.assemble` takes."""
        return {**self.result.outputs, **self.memories}


def drive(model: "Model", program: "Program", *, stalls: float = 0.0, seed: int = 0, **options: Any) -> Driven:
    """Run a program.

    Parameters
    ----------
    stalls, seed
        Probability that a stream, or a channel of a memory port, pauses in a cycle; seed of the pauses. Memories are
        as fast as they can be otherwise.
    options
        Further ones of `Model.run`.
    """
    images = program.memories()
    timing = MemoryTiming(stalls=stalls, seed=seed)
    made = {id(image): Memory(data=_bytes(image), timing=timing) for image in images.values()}
    memories = {name: made[id(image)] for name, image in images.items()}
    result = model.run(
        program.inputs(), program.outputs(), stalls=stalls, seed=seed, memories=memories, software=program.software(),
        **options,
    )  # fmt: skip
    differing = [_differing(image, made[key].data) for key, image in {id(i): i for i in images.values()}.items()]
    return Driven(
        result=result,
        memories={name: memory.data for name, memory in memories.items()},
        wrong_bytes=sum(differing) if images else None,
    )


def _bytes(image: "Image") -> np.ndarray:
    data = np.zeros(image.size, np.uint8)
    for address, piece in image.before.items():
        data[address : address + len(piece)] = np.frombuffer(piece, np.uint8)
    return data


def _differing(image: "Image", data: np.ndarray) -> int:
    return sum(
        int(np.count_nonzero(data[address : address + len(piece)] != np.frombuffer(piece, np.uint8)))
        for address, piece in image.after.items()
    )
