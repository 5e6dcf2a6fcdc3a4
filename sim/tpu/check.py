"""Static checker of TPU programs: all that is wrong with one, without data.

Beside what the machine refuses (`rules`) it finds what the machine does not see, but where results are undefined:

unwritten
    An instruction reads bytes of the unified buffer that none before it wrote, or a ``matmul`` or ``convolve`` adds to
    accumulators that hold nothing. Of the windows of ``convolve`` and ``pool`` only what is input counts. ``vector``
    works byte by byte on whole rows of the buffer, so a tensor's last row may hold bytes that nobody wrote: those that
    it makes of them count as not written. Its table must have been written.
unsynced
    Host memory is read and an older ``write_host`` may still write there, or the other way round: a ``sync`` or
    ``interrupt`` on the older one's unit is missing.
"""

from collections.abc import Iterator

import numpy as np

from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ...hw.tpu.isa import UNITS
from .assembler import words_of
from .field_rules import TABLE, TABLE_BYTES
from .rules import MULTIPLIES, Problem, Room, Rules, Values, planes_of
from .windows import granules_of

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
            problems += watch.problems(rules.pc - 1, instruction.name, values, rules.registers)
            watch.take(instruction.name, values, rules.registers)
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

    def problems(self, pc: int, name: str, v: Values, registers: Values) -> list[Problem]:
        """What is wrong with an instruction that is legal otherwise, with registers as they were set."""
        found = []
        reads = reads_of(self.config, name, v, registers)
        unwritten = next((at for part in reads if (at := self._first_unwritten(part)) is not None), None)
        if unwritten is not None:
            found.append(Problem(pc, "unwritten", f"granule {unwritten} is read, and nobody wrote it"))
        if name in MULTIPLIES and v["accumulate"] and not self._accumulators[v["acc"] : v["acc"] + v["rows"]].all():
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

    def _first_unwritten(self, part: slice | np.ndarray) -> int | None:
        written = self.written[part]
        if written.all():
            return None
        at = int(written.argmin())
        return part.start + at if isinstance(part, slice) else int(part[at])

    def _beats(self, v: Values) -> tuple[int, range]:
        """Window and beats of a transfer."""
        return v["window"], range(v["host"], v["host"] - (-v["granules"] // self.config.bus_granules))

    def take(self, name: str, v: Values, registers: Values) -> None:
        """Count what a legal instruction writes, with registers as they were set."""
        match name:
            case "read_host":
                self.written[v["ub"] : v["ub"] + v["granules"]] = True
            case "matmul" | "convolve":
                self._accumulators[v["acc"] : v["acc"] + v["rows"]] = True
            case "activate":
                row, plane, granule = np.ogrid[: v["rows"], : planes_of(v), : v["used"]]
                self.written[v["ub"] + row * v["pitch"] + plane * registers["plane_step"] + granule] = True
            case "pool":
                row, granule = np.ogrid[: v["rows"], : v["width"]]
                self.written[v["dst"] + row * registers["pool_pitch"] + granule] = True
            case "vector":
                size = v["rows"] * self.config.row_granules
                a, b, dst = (self.written[v[part] : v[part] + size] for part in ("a", "b", "dst"))
                dst[:] = a if v["operation"] == TABLE else a & b
            case "sync" | "interrupt":
                for unit, moves in (("host_in", "read_host"), ("host_out", "write_host")):
                    if v["units"] >> UNITS.index(unit) & 1:
                        self._moved[moves] = []
        if name in self._moved:
            self._moved[name].append(self._beats(v))


def meet(a: range, b: range) -> bool:
    """Whether two ranges have a number in common."""
    return max(a.start, b.start) < min(a.stop, b.stop)


def reads_of(config: TpuConfig, name: str, v: Values, registers: Values) -> Iterator[slice | np.ndarray]:
    """Granules of the unified buffer that an instruction reads, and that must have been written, in parts."""
    match name:
        case "write_host":
            yield slice(v["ub"], v["ub"] + v["granules"])
        case "matmul":
            for start in (v["ub"] + command * v["step"] for command in range(v["repeat"])):
                yield slice(start, start + v["rows"] * v["pitch"])
        case "convolve" | "pool":
            kernel = (v["repeat"], 1) if name == "convolve" else (v["kernel_rows"], v["kernel_columns"])
            for k, c in np.ndindex(kernel):
                address, is_input = granules_of(config, registers, v, k, c)
                yield address[is_input]
        case "vector" if v["operation"] == TABLE:
            yield slice(v["b"], v["b"] + TABLE_BYTES // GRANULE_BYTES)
