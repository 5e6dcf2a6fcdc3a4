"""Programs of a SNAP core one after the other."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from .snap_program import CoreProgram, Stream

__all__ = ["join_programs"]


def join_programs(programs: Sequence[CoreProgram]) -> CoreProgram:
    """One program that does what `programs`, all for the same core, do in turn; its targets stay theirs."""

    def streams(name: str) -> list[Stream]:
        together = zip(*(getattr(program, name) for program in programs), strict=True)
        fields = [field.name for field in dataclasses.fields(Stream)]
        return [Stream(*(np.concatenate([getattr(part, at) for part in parts]) for at in fields)) for parts in together]

    return CoreProgram(
        weights=streams("weights"),
        activations=streams("activations"),
        row_mode=np.concatenate([program.row_mode for program in programs]),
        slots=np.concatenate([program.slots for program in programs]),
        ports=np.concatenate([program.ports for program in programs]),
        targets=[target for program in programs for target in program.targets],
    )
