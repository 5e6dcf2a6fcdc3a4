"""What makes an instruction of the TPU legal, for all that look at programs: interpreter, checker, generator.

Everything is decided in the order of the program and without data, so it does not depend on time. Of several errors in
an instruction, the first of these counts: opcode, reserved, bundle, value, accumulators, buffer, overlap, memory,
no_tile, no_parameters, prefetch, leftover. Where the table of instructions leaves it open, it is decided here, and in
`field_rules`:

- A draining ``matmul`` or ``convolve`` is judged by itself first. The instruction behind it is then judged like any
  other; that it must be the ``activate`` of as many rows is asked after opcode and reserved bits. If it isn't, the
  error is ``bundle``, at the one that drains. So is the end of the program there. Of a bundle either both are done or
  none.
- ``repeat``, ``pitch`` and ``width`` of 0 are errors of value, ``rows`` of 0 of both is one of the accumulators.
- ``matmul`` reaches up to granule ``ub + (repeat - 1) * step + rows * pitch``, ``activate`` up to
  ``ub + (planes - 1) * plane_step + (rows - 1) * pitch + used``: what it writes counts, not where the next row would
  begin.
- A transfer may end at the last granule of its window, also within a beat. Of weight memory whole beats are read, so
  what is left of it behind its last whole beat can't be reached.
- A program begins without a tile, without a parameter set and with 0 in all registers.
- Entries of ``read_weights`` that were dispatched have completed when their last tile is no more than `tiles_ahead`
  tiles behind the last one that older instructions use. If as many have not as the unit's queue holds, the next
  ``read_weights`` is an error of prefetch; so is a ``sync`` or ``interrupt`` that waits for one of them.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ...hw.tpu.config import GRANULE_BYTES, QUEUES, TpuConfig
from ...hw.tpu.isa import ERRORS, REGISTERS, UNITS, Instruction, decode
from .field_rules import (
    RANGES,
    REGISTER_NAMES,
    Rule,
    Values,
    in_buffer,
    pitch_rule,
    pool_rules,
    set_rules,
    vector_rules,
    window_rules,
)

__all__ = ["MULTIPLIES", "RAW", "RANGES", "UNLIMITED", "Problem", "Room", "Rules", "Values", "planes_of", "swaps_of"]

INT8, UINT8, RAW = range(3)
"""Kinds of ``activate``."""

MULTIPLIES = ("matmul", "convolve")
"""Instructions that add products in the accumulators."""


class Problem(NamedTuple):
    """What is wrong with a program.

    Parameters
    ----------
    pc
        Number of the instruction, from 0 on.
    error
        Name of the rule: of an error, or of what only a checker finds.
    reason
        What is wrong, with numbers.
    """

    pc: int
    error: str
    reason: str

    @property
    def code(self) -> int:
        """Code that the machine shows; 0 where it finds nothing wrong."""
        return ERRORS[self.error][0] if self.error in ERRORS else 0

    def __str__(self) -> str:
        return f"instruction {self.pc}: {self.error}: {self.reason}"


UNLIMITED = 1 << 64


class Room(NamedTuple):
    """Bytes of each of the host's windows and of weight memory; by default without an end."""

    host: tuple[int, int] = (UNLIMITED, UNLIMITED)
    weights: int = UNLIMITED


class Rules:
    """Judges instructions one by one, in the order of the program.

    Parameters
    ----------
    config, room
        The machine, and what lies outside.

    Attributes
    ----------
    pc
        Number of the next instruction.
    registers
        Values of all by name, as they were set.
    tiles_read, tiles_used, sets_read, sets_used
        So far.
    """

    def __init__(self, config: TpuConfig, room: Room) -> None:
        self.config, self.room = config, room
        self.pc = 0
        self.registers: Values = dict.fromkeys(REGISTERS, 0)
        self.tiles_read = self.tiles_used = self.sets_read = self.sets_used = 0
        self._ends: list[int] = []  # tiles read up to the end of each read_weights that has not completed
        self._due = 0  # rows of sums that are drained and wait for their activate

    @property
    def plane_step(self) -> int:
        """The register of that name."""
        return self.registers["plane_step"]

    def problem(self, word: int) -> Problem | None:
        """What is wrong with an instruction if it is the next one."""
        instruction, values, reserved = decode(word)
        if instruction is None:
            return Problem(self.pc, "opcode", f"there is no opcode {word & 0xFF:#04x}")
        name = instruction.name
        if reserved:
            return Problem(self.pc, "reserved", f"a bit of {name} is set that has no meaning")
        if name == "set" and values["index"] not in REGISTER_NAMES:
            return Problem(self.pc, "reserved", f"there is no register {values['index']:#x}")
        if self._due and (name != "activate" or values["rows"] != self._due):
            rows = f" of {values['rows']} rows" if name == "activate" else ""
            reason = f"{self._due} rows of sums that it drains are followed by {name}{rows}"
            return Problem(self.pc - 1, "bundle", reason)
        rules: Callable[[Values], Iterator[Rule]] = getattr(self, f"_{name}")
        found = next((rule[1:] for rule in rules(values) if not rule[0]), None)
        return found and Problem(self.pc, *found)

    def forget_bundle(self) -> None:
        """Judge the next instruction as if no sums were drained before it."""
        self._due = 0

    def at_end(self) -> Problem:
        """What is wrong with a program that ends here."""
        if self._due:
            return Problem(self.pc - 1, "bundle", f"{self._due} rows of sums that it drains are followed by nothing")
        return Problem(self.pc, "end", "the program ends without halt")

    def take(self, word: int) -> tuple[Instruction | None, Values]:
        """Count what an instruction does, and go on to the next one; one with a problem as far as it makes sense."""
        instruction, values, _ = decode(word)
        self.pc += 1
        self._due = 0
        match instruction.name if instruction else None:
            case "set" if values["index"] in REGISTER_NAMES and all(kept for kept, *_ in self._set(values)):
                self.registers = {**self.registers, REGISTER_NAMES[values["index"]]: values["value"]}
            case "read_weights":
                self.tiles_read += values["tiles"]
                self._ends = [*self._outstanding(), self.tiles_read]
            case "read_parameters":
                self.sets_read += values["count"]
            case "matmul" | "convolve":
                self.tiles_used = min(self.tiles_used + swaps_of(values), self.tiles_read)
                self._due = values["rows"] if values["drain"] else 0
            case "activate":
                self.sets_used = min(self.sets_used + values["next"], self.sets_read)
        return instruction, values

    def _outstanding(self) -> list[int]:
        """Entries of the weight unit that have not completed when all other units have."""
        return [end for end in self._ends if end > self.tiles_used + self.config.tiles_ahead]

    def _nop(self, v: Values) -> Iterator[Rule]:
        return iter(())

    def _set(self, v: Values) -> Iterator[Rule]:
        return set_rules(self.config, v)

    def _sync(self, v: Values) -> Iterator[Rule]:
        waits = v["units"] >> UNITS.index("weights") & 1 and self._outstanding()
        reason = "waits for weight tiles that nothing before it makes room for: "
        yield not waits, "prefetch", reason + self._ahead()

    _interrupt = _sync

    def _ahead(self) -> str:
        return f"{self.tiles_read} read, {self.tiles_used} used, room for {self.config.tiles_ahead}"

    def _halt(self, v: Values) -> Iterator[Rule]:
        yield self.tiles_read == self.tiles_used, "leftover", f"weight tiles: {self._ahead()}"
        yield self.sets_read == self.sets_used, "leftover", f"parameter sets: {self._sets_ahead()}"

    def _sets_ahead(self) -> str:
        return f"{self.sets_read} read, {self.sets_used} used, room for {self.config.parameter_sets}"

    def _transfer(self, v: Values) -> Iterator[Rule]:
        beat = self.config.bus_granules
        yield v["ub"] % beat == 0, "buffer", f"a transfer at granule {v['ub']}; beats are of {beat} granules"
        yield in_buffer(self.config, v["ub"] + v["granules"])
        yield v["granules"] > 0, "memory", "a transfer of no granules"
        end, size = v["host"] * beat + v["granules"], self.room.host[v["window"]] // GRANULE_BYTES
        yield end <= size, "memory", f"a transfer up to granule {end} of window {v['window']}, which has {size}"

    _read_host = _write_host = _transfer

    def _in_weights(self, end: int) -> Rule:
        size = self.room.weights // self.config.bus_bytes
        return end <= size, "memory", f"up to beat {end} of weight memory, which has {size}"

    def _read_weights(self, v: Values) -> Iterator[Rule]:
        for name, most in (("rows", self.config.matrix.rows), ("chunks", self.config.row_chunks)):
            yield v[name] <= most, "value", f"{name} of {v[name]}; a tile has {most}"
        for name in ("tiles", "rows", "chunks"):
            yield v[name] > 0, "memory", f"{name} of 0"
        yield self._in_weights(v["address"] + v["tiles"] * v["rows"] * v["chunks"])
        free = len(self._outstanding()) < QUEUES["weights"]
        yield free, "prefetch", f"{QUEUES['weights']} others wait for room for their tiles: {self._ahead()}"

    def _read_parameters(self, v: Values) -> Iterator[Rule]:
        yield v["count"] > 0, "memory", "count of 0"
        yield self._in_weights(v["address"] + v["count"] * self.config.set_beats)
        ahead = self.sets_read + v["count"] - self.sets_used
        room = self.config.parameter_sets
        yield ahead <= room, "prefetch", f"{v['count']} more parameter sets: {self._sets_ahead()}"

    def _matmul(self, v: Values) -> Iterator[Rule]:
        yield from self._commands(v)
        yield pitch_rule(self.config, "pitch", v["pitch"])
        yield from self._in_accumulators(v)
        yield in_buffer(self.config, v["ub"] + (v["repeat"] - 1) * v["step"] + v["rows"] * v["pitch"])
        yield from self._has_tiles(v)

    def _convolve(self, v: Values) -> Iterator[Rule]:
        yield from self._commands(v)
        yield from window_rules(self.config, self.registers, v)
        yield from self._in_accumulators(v)
        yield from self._has_tiles(v)

    def _commands(self, v: Values) -> Iterator[Rule]:
        yield v["swap"] < 3, "value", "swap of 3"
        yield v["repeat"] > 0, "value", "repeat of 0"

    def _in_accumulators(self, v: Values) -> Iterator[Rule]:
        yield v["rows"] > 0, "accumulators", "no rows"
        end, size = v["acc"] + v["rows"], self.config.matrix.accumulator_rows
        yield end <= size, "accumulators", f"up to row {end} of the accumulators, which have {size}"

    def _has_tiles(self, v: Values) -> Iterator[Rule]:
        swaps, left = swaps_of(v), self.tiles_read - self.tiles_used
        yield swaps <= left, "no_tile", f"takes {swaps} of {left} weight tiles"
        yield swaps > 0 or self.tiles_used > 0, "no_tile", "uses a weight tile, and none was taken before"

    def _pool(self, v: Values) -> Iterator[Rule]:
        return pool_rules(self.config, self.registers, v)

    def _vector(self, v: Values) -> Iterator[Rule]:
        return vector_rules(self.config, v)

    def _activate(self, v: Values) -> Iterator[Rule]:
        yield bool(self._due), "bundle", "no sums are drained before it"
        yield v["kind"] <= RAW, "value", f"kind of {v['kind']}"
        if v["kind"] == RAW:
            yield v["planes"] < 3, "value", "planes of 3"
        low, high = RANGES.get(v["kind"], (0, 0))
        for name in ("next", "zero", "lo", "hi") if v["kind"] == RAW else ("relu", "planes"):
            yield v[name] == 0, "value", f"{name} of {v[name]}; this kind has none"
        for name in ("zero", "lo", "hi"):
            yield low <= v[name] <= high, "value", f"{name} of {v[name]}, not from {low} to {high}"
        yield v["lo"] <= v["hi"], "value", f"lo of {v['lo']}, above hi of {v['hi']}"
        yield pitch_rule(self.config, "pitch", v["pitch"])
        yield 1 <= v["used"] <= v["pitch"], "value", f"used of {v['used']}, not from 1 to the pitch of {v['pitch']}"
        planes = (planes_of(v) - 1) * self.plane_step
        yield in_buffer(self.config, v["ub"] + planes + (v["rows"] - 1) * v["pitch"] + v["used"])
        left = self.sets_read - self.sets_used
        yield left >= v["next"], "no_parameters", "takes a parameter set, and all that were read are used"
        needed = v["kind"] != RAW and not v["next"]
        yield not needed or self.sets_used > 0, "no_parameters", "uses a parameter set, and none was taken before"


def swaps_of(v: Values) -> int:
    """Weight tiles that a ``matmul`` or ``convolve`` takes."""
    return (0, 1, v["repeat"], 0)[v["swap"]]


def planes_of(v: Values) -> int:
    """Byte planes that an ``activate`` writes."""
    return 1 << v["planes"] if v["kind"] == RAW else 1
