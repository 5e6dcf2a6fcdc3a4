"""Static checker of TPU programs: all that is wrong with one, without data.

Beside what the machine refuses (`rules`) it finds what the machine does not see, but where results are undefined:

unwritten
    A ``matmul`` or ``write_host`` reads bytes of the unified buffer that no instruction before it wrote, or a
    ``matmul`` adds to accumulators that hold nothing.
unsynced
    Host memory is read and an older ``write_host`` may still write there, or the other way round: a ``sync`` or
    ``interrupt`` on the older one's unit is missing.
"""

import numpy as np

from ...hw.tpu.config import TpuConfig
from ...hw.tpu.isa import UNITS
from .assembler import words_of
from .rules import Problem, Room, Rules, Values, planes_of

__all__ = ["Watch", "check_program"]

ANYWHERE = Room()


def check_program(config: TpuConfig, program: bytes, room: Room = ANYWHERE) -> list[Problem]:
    """Return all that is wrong with a program, in its order; the first one with a code is what the machine stops at.

    An instruction that is wrong is taken for done as far as that makes sense, so that one error does not cause others.

    Parameters
    ----------
    config
        The machine.
    program
        Whole instructions.
    room
        Bytes of the host's windows and of weight memory.

    Raises
    ------
    ConfigError
        If the program ends within an instruction.
    """
    rules, watch, problems = Rules(config, room), Watch(config), []
    for word in words_of(program):
        problem = rules.problem(word)
        if problem and problem.pc < rules.pc:
            problems.append(problem)
            rules.forget_bundle()
            problem = rules.problem(word)
        instruction, values = rules.take(word)
        if problem:
            problems.append(problem)
        elif instruction:
            problems += watch.problems(rules.pc - 1, instruction.name, values)
            watch.take(instruction.name, values, rules.plane_step)
        if instruction and instruction.name == "halt":
            return problems
    return [*problems, rules.at_end()]


class Watch:
    """Follows what legal instructions write, and says what others read too early.

    Attributes
    ----------
    written
        bool, by granule of the unified buffer.
    """

    def __init__(self, config: TpuConfig) -> None:
        self.config = config
        self.written = np.zeros(config.ub_granules, bool)
        self._accumulators = np.zeros(config.matrix.accumulator_rows, bool)
        self._moved: dict[str, list[tuple[int, range]]] = {"read_host": [], "write_host": []}

    def problems(self, pc: int, name: str, v: Values) -> list[Problem]:
        """What is wrong with an instruction that is legal otherwise."""
        found = []
        unwritten = [at for part in reads_of(name, v) if (at := self._first_unwritten(part)) is not None]
        if unwritten:
            found.append(Problem(pc, "unwritten", f"granule {unwritten[0]} is read, and nobody wrote it"))
        if name == "matmul" and v["accumulate"] and not self._accumulators[v["acc"] : v["acc"] + v["rows"]].all():
            found.append(Problem(pc, "unwritten", "adds to accumulators that nobody wrote"))
        other = {"read_host": "write_host", "write_host": "read_host"}.get(name)
        if other:
            window, beats = self._beats(v)
            starts = [
                max(one.start, beats.start) for at, one in self._moved[other] if at == window and meet(one, beats)
            ]
            if starts:
                reason = f"an older {other} may still be at beat {starts[0]} of window {window}"
                found.append(Problem(pc, "unsynced", reason))
        return found

    def _first_unwritten(self, part: slice) -> int | None:
        part_written = self.written[part]
        return None if part_written.all() else part.start + int(part_written.argmin())

    def _beats(self, v: Values) -> tuple[int, range]:
        """Window and beats of a transfer."""
        return v["window"], range(v["host"], v["host"] - (-v["granules"] // self.config.bus_granules))

    def take(self, name: str, v: Values, plane_step: int) -> None:
        """Count what a legal instruction writes."""
        match name:
            case "read_host":
                self.written[v["ub"] : v["ub"] + v["granules"]] = True
            case "matmul":
                self._accumulators[v["acc"] : v["acc"] + v["rows"]] = True
            case "activate":
                row, plane, granule = np.ogrid[: v["rows"], : planes_of(v), : v["used"]]
                self.written[v["ub"] + row * v["pitch"] + plane * plane_step + granule] = True
            case "sync" | "interrupt":
                for unit, moves in (("host_in", "read_host"), ("host_out", "write_host")):
                    if v["units"] >> UNITS.index(unit) & 1:
                        self._moved[moves] = []
        if name in self._moved:
            self._moved[name].append(self._beats(v))


def meet(a: range, b: range) -> bool:
    """Whether two ranges have a number in common."""
    return max(a.start, b.start) < min(a.stop, b.stop)


def reads_of(name: str, v: Values) -> list[slice]:
    """Granules of the unified buffer that an instruction reads."""
    if name == "write_host":
        return [slice(v["ub"], v["ub"] + v["granules"])]
    if name != "matmul":
        return []
    starts = [v["ub"] + command * v["step"] for command in range(v["repeat"])]
    return [slice(start, start + v["rows"] * v["pitch"]) for start in starts]
