"""Several programs of a SNAP core, one after the other without a pause."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from .program import CoreProgram, Stream

__all__ = ["join_programs"]


def join_programs(programs: Sequence[CoreProgram], outputs: int = 0) -> CoreProgram:
    """Join programs, such as those of the images of a batch.

    Parameters
    ----------
    programs
        In order, at least one.
    outputs
        Outputs of each program: those of program i begin at i * `outputs`. 0 leaves all targets as they are.
    """

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
        targets=[
            np.where(targets < 0, targets, targets + number * outputs)
            for number, program in enumerate(programs)
            for targets in program.targets
        ],
    )
