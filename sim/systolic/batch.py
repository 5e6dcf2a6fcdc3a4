"""Several programs of the matrix unit, one after the other without a pause."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ...hw.config import check
from ...hw.systolic.config import SystolicConfig
from ..golden.tensors import check_tensor
from .cycles import predict
from .mapping import MatrixProgram

__all__ = ["JoinedProgram", "join_commands", "join_programs"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class JoinedProgram:
    """What the matrix unit's streams carry for several products and convolutions.

    Attributes
    ----------
    programs
        The products, in order.
    weights, activations
        As in `MatrixProgram`.
    commands
        The transfers of ``i_commands``: `MATRIX_COMMAND` array.
    """

    programs: tuple[MatrixProgram, ...]
    weights: np.ndarray
    activations: np.ndarray
    commands: np.ndarray

    @property
    def beats(self) -> int:
        """Activation rows: the cycles of an array that never waits."""
        return sum(program.beats for program in self.programs)

    @property
    def sums(self) -> int:
        """Rows that ``o_sums`` delivers."""
        return sum(program.sums for program in self.programs)

    @property
    def macs(self) -> int:
        """Useful multiply-accumulates, zeros included."""
        return sum(program.macs for program in self.programs)

    def assemble(self, sums: np.ndarray) -> list[np.ndarray]:
        """Put the rows of ``o_sums`` together to the result of each program; see `MatrixProgram.assemble`."""
        check_tensor("sums", sums, "rows x columns")
        check("rows of sums", len(sums) == self.sums, f"the {self.sums} of these programs", len(sums))
        ends = np.cumsum([program.sums for program in self.programs])[:-1]
        return [program.assemble(part) for program, part in zip(self.programs, np.split(sums, ends), strict=True)]


def join_programs(config: SystolicConfig, programs: Sequence[MatrixProgram]) -> JoinedProgram:
    """Join programs whose operands are all known: none may need a result of another.

    The sums of one leave while the rows of the next enter, and the first weights of the next load meanwhile. So start
    and end of the unit are paid once.

    Parameters
    ----------
    config
        The matrix unit that the programs were mapped for.
    programs
        In order, at least one.

    Raises
    ------
    ConfigError
        If there is no program, or one is not for this unit.
    """
    check("programs", len(programs) > 0, "at least one", len(programs))
    for program in programs:
        shape = program.activations.shape[1], program.weights.shape[1]
        check("program", shape == (config.rows, config.columns), f"for {config.rows} x {config.columns} PEs", shape)
    return JoinedProgram(
        programs=tuple(programs),
        weights=np.concatenate([program.weights for program in programs]),
        activations=np.concatenate([program.activations for program in programs]),
        commands=join_commands(config, [program.commands for program in programs]),
    )


def join_commands(config: SystolicConfig, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Join the commands of several plans; only the places of their blocks in the accumulators change.

    A block waits where rows still drain. So each gets the place behind the one before, which is the place that was left
    first. In accumulators of only a few blocks it also counts in which bank a block begins, and whether blocks of one
    size fill them without a rest: the cycle model says which of three ways is the best.

    Parameters
    ----------
    config
        The matrix unit.
    parts
        `MATRIX_COMMAND` arrays of `MatrixPlan`, in order, at least one.

    Raises
    ------
    ConfigError
        If a block is larger than half of the accumulators, so that it was not planned for this unit.
    """
    planned = np.concatenate(parts)
    largest, half = int(planned["rows"].max()), config.half_rows
    check("rows of a command", largest <= half, f"at most {half}, half of the accumulators", largest)
    starts = np.flatnonzero(planned["accumulate"] == 0)
    results = []
    for grain in (1, 2, None):
        commands = planned.copy()
        if grain is not None:
            places = _places(config, planned["rows"][starts].tolist(), grain)
            commands["address"] = np.repeat(places, np.diff(starts, append=len(planned)))
        predicted = predict(config, commands)
        results.append((predicted.cycles, commands))
        if predicted.wait_accumulators == 0:
            break
    return min(results, key=lambda result: result[0])[1]


def _places(config: SystolicConfig, sizes: list[int], grain: int) -> list[int]:
    """First accumulator rows of blocks, one after another, each on a multiple of `grain`."""
    places, end = [], 0
    for size in sizes:
        if end + size > config.accumulator_rows:
            end = 0
        places.append(end)
        end += -(-size // grain) * grain
    return places
