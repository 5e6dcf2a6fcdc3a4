"""What lies behind an engine's memory ports, as bulk simulation takes it, and what must lie there in the end."""

from collections.abc import Mapping

import numpy as np

from ..sim.memory_timing import MemoryTiming
from ..tb.bulk.memory import Memory
from .contract import Image

__all__ = ["make_memories", "wrong_bytes"]


def make_memories(images: Mapping[str, Image], timing: MemoryTiming, seed: int = 0) -> dict[str, Memory]:
    """Memories by port; what an image doesn't name is random, so that nobody can count on it.

    Raises
    ------
    ValueError
        If bytes of an image lie beyond its size.
    """
    rng, made = np.random.default_rng(seed), {}
    for image in images.values():
        if id(image) not in made:
            data = rng.integers(0, 256, image.size, np.uint8)
            for place, part in image.before.items():
                data[_span(image, place, part)] = np.frombuffer(part, np.uint8)
            made[id(image)] = Memory(data=data, origin=image.origin, timing=timing)
    return {port: made[id(image)] for port, image in images.items()}


def wrong_bytes(images: Mapping[str, Image], memories: Mapping[str, Memory]) -> int:
    """How many bytes are not what they must be after the run."""
    pairs = {id(image): (image, memories[port]) for port, image in images.items()}
    return sum(
        int(np.count_nonzero(memory.data[_span(image, place, part)] != np.frombuffer(part, np.uint8)))
        for image, memory in pairs.values()
        for place, part in image.after.items()
    )


def _span(image: Image, place: int, part: bytes) -> slice:
    if not 0 <= place <= image.size - len(part):
        raise ValueError(f"bytes of an image must lie below {image.size:#x}, not {len(part)} from {place:#x} on")
    return slice(place, place + len(part))
