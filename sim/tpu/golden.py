"""What a program of the TPU does, instruction after instruction, from the texts of `hw.tpu.isa` alone.

Everything is exact. What the machine leaves undefined (accumulators and bytes of the unified buffer that nobody wrote)
is 0 here; `check` finds the programs that read it. Host memory that is written and read again without a ``sync``
between is read as written here, which the machine does not promise: `check` finds that too.
"""

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ...hw.config import check
from ...hw.errors import ConfigError
from ...hw.tpu.config import GRANULE_BYTES, SET_ENTRY_BYTES, TpuConfig
from ...hw.tpu.isa import ERRORS
from ..golden.matmul import matmul
from ..golden.requantize import requantize
from ..golden.wrap import wrap
from .assembler import words_of
from .elementwise import combined, pooled
from .field_rules import TABLE, TABLE_BYTES
from .rules import MULTIPLIES, RAW, Problem, Room, Rules, Values, planes_of
from .windows import window

__all__ = ["Bytes", "Outcome", "run"]

Bytes = bytes | bytearray | np.ndarray
"""Contents of a memory; an array is one of uint8."""

SET_ENTRY = np.dtype([("bias", "<i4"), ("factor", "<f4")])
"""A column in a parameter set."""

assert SET_ENTRY.itemsize == SET_ENTRY_BYTES


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a program leaves.

    Parameters
    ----------
    problem
        Why it stopped; None if it halted.
    pc
        Number of the instruction that it halted at, or that is illegal.
    tags
        Of its interrupts, in order.
    host
        uint8: each of the host's windows.
    ub
        uint8: the unified buffer.
    written
        bool: bytes of the unified buffer that were written; all others are undefined in the machine.
    """

    problem: Problem | None
    pc: int
    tags: list[int]
    host: list[np.ndarray]
    ub: np.ndarray
    written: np.ndarray

    @property
    def state(self) -> str:
        """How it ended: ``halted`` or ``error``."""
        return "error" if self.problem else "halted"

    @property
    def code(self) -> int:
        """Error code; 0 if it halted."""
        return ERRORS[self.problem.error][0] if self.problem else 0


def run(config: TpuConfig, program: bytes, *, host: Sequence[Bytes] = (b"", b""), weights: Bytes = b"") -> Outcome:
    """Run a program from its first instruction until it halts or an instruction is illegal.

    Parameters
    ----------
    config
        The machine.
    program
        Whole instructions.
    host
        Bytes of the host's two windows, which are left as they are.
    weights
        Bytes of weight memory.

    Raises
    ------
    ConfigError
        If the program ends within an instruction, there are not two windows, or a factor that is used is below 0 or
        not finite.
    """
    check("host", len(host) == 2, "two windows", len(host))
    machine = _Machine(config, [_array(window).copy() for window in host], _array(weights))
    rules = Rules(config, Room((machine.host[0].size, machine.host[1].size), machine.weights.size))
    held: tuple[str, Values] | None = None  # what drains, until its activate is known to be legal
    for word in words_of(program):
        problem = rules.problem(word)
        if problem:
            return machine.outcome(problem, problem.pc)
        instruction, values = rules.take(word)
        assert instruction
        if instruction.name == "halt":
            return machine.outcome(None, rules.pc - 1)
        machine.registers = rules.registers
        if instruction.name in MULTIPLIES and values["drain"]:
            held = instruction.name, values
            continue
        if held:
            machine.does[held[0]](held[1])
        if instruction.name == "activate":
            assert held
            try:
                machine.activate(values, held[1]["acc"])
            except ConfigError as error:
                raise ConfigError(f"instruction {rules.pc - 1}: {error}", field=error.field) from None
        elif instruction.name in machine.does:
            machine.does[instruction.name](values)
        held = None
    problem = rules.at_end()
    return machine.outcome(problem, problem.pc)


def _array(memory: Bytes) -> np.ndarray:
    found = memory if isinstance(memory, np.ndarray) else np.frombuffer(memory, np.uint8)
    check("memory", found.dtype == np.uint8 and found.ndim == 1, "bytes", found.dtype)
    return found


class _Machine:
    """Contents of all memories, and what instructions that are legal do with them."""

    def __init__(self, config: TpuConfig, host: list[np.ndarray], weights: np.ndarray) -> None:
        self.config, self.host, self.weights = config, host, weights
        self.ub = np.zeros(config.ub_bytes, np.uint8)
        self.written = np.zeros(config.ub_bytes, bool)
        self.accumulators = np.zeros((config.matrix.accumulator_rows, config.matrix.columns), np.int64)
        self.tiles: deque[np.ndarray] = deque()
        self.tile: np.ndarray = np.empty(0, np.uint8)
        self.sets: deque[np.ndarray] = deque()
        self.set = np.empty(0, SET_ENTRY)
        self.tags: list[int] = []
        self.registers: Values = {}
        others = ("interrupt", "read_host", "write_host", "read_weights", "read_parameters", "pool", "vector")
        self.does: dict[str, Callable[[Values], None]] = {name: getattr(self, name) for name in MULTIPLIES + others}

    def outcome(self, problem: Problem | None, pc: int) -> Outcome:
        return Outcome(problem, pc, self.tags, self.host, self.ub, self.written)

    def interrupt(self, v: Values) -> None:
        self.tags.append(v["tag"])

    def read_host(self, v: Values) -> None:
        ub, host = self._stretches(v)
        self.ub[ub] = self.host[v["window"]][host]
        self.written[ub] = True

    def write_host(self, v: Values) -> None:
        ub, host = self._stretches(v)
        self.host[v["window"]][host] = self.ub[ub]

    def _stretches(self, v: Values) -> tuple[slice, slice]:
        """Bytes of a transfer, in the unified buffer and in the window."""
        size = v["granules"] * GRANULE_BYTES
        ub, host = v["ub"] * GRANULE_BYTES, v["host"] * self.config.bus_bytes
        return slice(ub, ub + size), slice(host, host + size)

    def read_weights(self, v: Values) -> None:
        row = v["chunks"] * self.config.bus_bytes
        at, size = v["address"] * self.config.bus_bytes, v["rows"] * row
        for tile in range(v["tiles"]):
            self.tiles.append(self.weights[at + tile * size : at + (tile + 1) * size].reshape(v["rows"], row))

    def read_parameters(self, v: Values) -> None:
        at, columns = v["address"] * self.config.bus_bytes, self.config.matrix.columns
        found = self.weights[at : at + v["count"] * columns * SET_ENTRY_BYTES].view(SET_ENTRY)
        self.sets.extend(found.reshape(v["count"], columns))

    def matmul(self, v: Values) -> None:
        """Let all commands of a ``matmul`` add to the accumulators."""
        size = v["pitch"] * GRANULE_BYTES
        starts = [(v["ub"] + command * v["step"]) * GRANULE_BYTES for command in range(v["repeat"])]
        self._multiply(v, (self.ub[at : at + v["rows"] * size].reshape(v["rows"], size) for at in starts))

    def convolve(self, v: Values) -> None:
        """Let all commands of a ``convolve`` add to the accumulators."""
        self._multiply(v, (window(self.config, self.registers, v, self.ub, k) for k in range(v["repeat"])))

    def _multiply(self, v: Values, commands: Iterable[np.ndarray]) -> None:
        """Multiply the rows of each command by its tile."""
        where = slice(v["acc"], v["acc"] + v["rows"])
        for command, rows in enumerate(commands):
            if v["swap"] == 2 or (v["swap"] == 1 and command == 0):
                self._swap(v["w_signed"])
            sums = matmul(rows.view(np.int8) if v["a_signed"] else rows, self.tile[: rows.shape[1]])
            kept = self.accumulators[where] if v["accumulate"] or command else 0
            self.accumulators[where] = wrap(kept + (sums << 8 * v["shift"]), 32)

    def _swap(self, signed: int) -> None:
        """Go on with the next tile, filled up with zeros."""
        tile = self.tiles.popleft()
        whole = np.zeros((self.config.matrix.rows, self.config.matrix.columns), np.uint8)
        whole[: tile.shape[0], : tile.shape[1]] = tile
        self.tile = whole.view(np.int8) if signed else whole

    def activate(self, v: Values, acc: int) -> None:
        """Write what becomes of the sums from accumulator row `acc` on: row after row, the lowest plane first."""
        sums = self.accumulators[acc : acc + v["rows"], : v["used"] * GRANULE_BYTES]
        if v["next"]:
            self.set = self.sets.popleft()
        results = _raw(v, sums) if v["kind"] == RAW else _requantized(v, sums, self.set)
        row, plane, column = np.ogrid[: v["rows"], : planes_of(v), : sums.shape[1]]
        where = (v["ub"] + row * v["pitch"] + plane * self.registers["plane_step"]) * GRANULE_BYTES + column
        self.ub[where] = results  # where planes overlap, the last one stays
        self.written[where] = True

    def pool(self, v: Values) -> None:
        """Write what becomes of windows."""
        taps = np.ndindex(v["kernel_rows"], v["kernel_columns"])
        results = pooled(self.registers, v, (window(self.config, self.registers, v, self.ub, k, c) for k, c in taps))
        row, column = np.ogrid[: v["rows"], : results.shape[1]]
        where = (v["dst"] + row * self.registers["pool_pitch"]) * GRANULE_BYTES + column
        self.ub[where] = results
        self.written[where] = True

    def vector(self, v: Values) -> None:
        """Write what becomes of two tensors, or of one and a table; of bytes that are undefined come such."""
        size, table = v["rows"] * self.config.row_bytes, v["operation"] == TABLE
        a, b, dst = (
            slice(v[name] * GRANULE_BYTES, v[name] * GRANULE_BYTES + (TABLE_BYTES if table and name == "b" else size))
            for name in ("a", "b", "dst")
        )
        results = combined(self.registers, v, self.ub[a], self.ub[b])
        written = self.written[a] if table else self.written[a] & self.written[b]
        self.ub[dst], self.written[dst] = results, written


def _raw(v: Values, sums: np.ndarray) -> np.ndarray:
    """Byte planes of sums, rows x planes x columns."""
    kept = np.maximum(sums, 0) if v["relu"] else sums
    return (kept[:, None] >> 8 * np.arange(planes_of(v))[:, None] & 0xFF).astype(np.uint8)


def _requantized(v: Values, sums: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Sums as 8-bit values, rows x 1 x columns."""
    used = parameters[: sums.shape[1]]
    factors, dtype = used["factor"], (np.int8, np.uint8)[v["kind"]]
    wrong = np.flatnonzero(~(np.isfinite(factors) & (factors >= 0)))
    if wrong.size:
        column = int(wrong[0])
        check(f"the factor of column {column}", False, "a finite float32 from 0 on", float(factors[column]))
    # A factor of 0, or a subnormal one, makes 0 of any sum, as the smallest normal one does.
    smallest = np.finfo(np.float32).tiny
    values = requantize(wrap(sums + used["bias"], 32), np.maximum(factors, smallest), v["zero"], dtype)
    return np.clip(values, v["lo"], v["hi"]).view(np.uint8)[:, None]
