"""The random stalls of a bulk simulation, for a cycle model that is to see the same."""

from collections.abc import Mapping
from typing import Any

from ...sim.stalls import RandomStall, random_state
from .job import stall_probabilities
from .pack import port_bytes

__all__ = ["random_stalls"]


def random_stalls(
    manifest: Mapping[str, Any], stalls: float | Mapping[str, float], seed: int = 0
) -> dict[str, RandomStall]:
    """By stream, when it stands still in a run with these `stalls` and this `seed`: see `Model.run`."""
    streams = {stream["name"]: stream for stream in manifest["streams"]}
    rates = stall_probabilities(list(streams), stalls)
    return {
        name: RandomStall(
            state=random_state(seed, index),
            threshold=int(rates[name] * 2**32),
            noise=-(-port_bytes(stream["width"]) // 4) if stream["direction"] == "in" else 0,
        )
        for index, (name, stream) in enumerate(streams.items())
    }
