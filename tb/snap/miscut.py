"""Programs with one stream that is cut into other groups or blocks than the rest."""

import dataclasses
from typing import Any

import numpy as np

from ...sim.snap.program import CoreProgram, Stream

__all__ = ["miscut"]


def miscut(program: CoreProgram, rng: np.random.Generator) -> CoreProgram:
    """Add or take away the end of a group or block in one stream, or move it to a neighbouring item."""
    name = str(rng.choice(["weights", "activations"]))
    streams: Any = list(getattr(program, name))
    number = int(rng.integers(len(streams)))
    flag = "block_last" if name == "weights" and rng.random() < 0.5 else "group_last"
    streams[number] = _changed(streams[number], flag, rng)
    return dataclasses.replace(program, **{name: streams})


def _changed(stream: Stream, flag: str, rng: np.random.Generator) -> Stream:
    items = np.flatnonzero(stream.last)
    ends = getattr(stream, flag)[items].copy()
    before = ends.copy()
    while (ends == before).all():
        ends = before.copy()
        place = int(rng.integers(len(items) - 1))  # the last item ends everything
        if rng.random() < 0.5:
            ends[place] ^= True
        else:
            ends[[place, place + 1]] = ends[[place + 1, place]]
    flags = getattr(stream, flag).copy()
    flags[items] = ends
    changes = {flag: flags}
    if flag == "block_last":
        changes["group_last"] = stream.group_last | flags
    elif stream.block_last.any():
        changes["block_last"] = stream.block_last & flags
    return dataclasses.replace(stream, **changes)
