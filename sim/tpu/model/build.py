"""What the TPU's cycle model starts with: a program, and a machine that begins it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....hw.config import check
from ....hw.tpu.config import INSTRUCTION_BYTES, QUEUES, TpuConfig
from ....hw.tpu.isa import UNITS as UNIT_NAMES
from ...bus.state import FIFO, LOADER, new_bus, new_port
from ...memory_timing import MemoryTiming
from ...systolic.cycles import sizes_of
from ...systolic.machine import UNIT
from ..assembler import words_of
from ..field_rules import TABLE, table_rows
from ..rules import MULTIPLIES, RAW, Room, Rules, Values, planes_of
from .board import HALT, PAIR, PASS, QUEUE, WAIT
from .state import (
    ACTIVATE,
    BOARD,
    COMMAND,
    CORE,
    FIFOS,
    INSTRUCTION,
    MATMUL,
    MOVE,
    PLACES,
    READERS,
    SIZES,
    STRETCHES,
    Machine,
)
from .vector import ENTRY, begin_vector, entry_of

__all__ = ["new_machine"]

INSTRUCTION_UNITS = {
    "read_host": "host_in", "write_host": "host_out", "read_weights": "weights", "read_parameters": "parameters",
    "matmul": "matrix", "convolve": "matrix", "activate": "activation", "pool": "vector", "vector": "vector",
}  # fmt: skip


class Program:
    """A program that halts, as the machine needs it.

    Attributes
    ----------
    instructions
        By number, up to ``halt``.
    entries
        Of each unit, in order.
    """

    def __init__(self, config: TpuConfig, program: bytes, room: Room, bases: Sequence[int]) -> None:
        self.config, self.rules = config, Rules(config, room)
        self.host_bases, self.weight_base = bases[:-1], bases[-1]
        self.instructions: list[dict[str, Any]] = []
        self.entries: dict[str, list[dict[str, int]]] = {name: [] for name in UNIT_NAMES}
        for word in words_of(program):
            problem = self.rules.problem(word)
            check("program", problem is None, "free of errors", str(problem))
            instruction, values = self.rules.take(word)
            assert instruction is not None
            self._add(instruction.name, values)
            if instruction.name == "halt":
                return
        check("program", False, "one that halts", str(self.rules.at_end()))

    def _add(self, name: str, v: Values) -> None:
        one: dict[str, Any] = {"kind": PASS, "unit": -1, "units": 0, "first": [0] * STRETCHES, "last": [0] * STRETCHES}
        if name in ("sync", "interrupt"):
            one |= {"kind": WAIT, "units": v["units"]}
        elif name == "halt":
            one |= {"kind": HALT, "units": (1 << len(UNIT_NAMES)) - 1}
        elif name in INSTRUCTION_UNITS:
            unit = INSTRUCTION_UNITS[name]
            entry = getattr(self, f"_{name}")(v)
            self.entries[unit].append(entry)
            one |= {"kind": QUEUE, "unit": UNIT_NAMES.index(unit)}
            if name == "activate":
                one["kind"] = PAIR
            elif name in MULTIPLIES and v["drain"]:
                one["kind"] = PASS
            for number, rows in enumerate(self._rows(name, v, entry)):
                one["first"][number], one["last"][number] = rows.start, rows.stop - 1
        self.instructions.append(one)

    def _rows(self, name: str, v: Values, entry: dict[str, int]) -> list[range]:
        """Rows of the unified buffer that an instruction touches, in the order of `STRETCHES`."""
        size, registers = self.config.row_granules, self.rules.registers
        window = range(registers["window_first"], registers["window_last"] + 1)
        match name:
            case "convolve":
                return [window]
            case "pool":
                end = v["dst"] + (v["rows"] - 1) * registers["pool_pitch"] + v["width"]
                return [range(v["dst"] // size, (end - 1) // size + 1), window, window]
            case "vector":
                count = {"dst": v["rows"], "a": v["rows"], "b": v["rows"]}
                if v["operation"] == TABLE:
                    count["b"] = table_rows(self.config)
                return [range(v[key] // size, v[key] // size + rows) for key, rows in count.items()]
            case _ if "ub" in v:
                return [range(v["ub"] // size, (entry["end"] - 1) // size + 1)]
        return []

    def _transfer(self, v: Values) -> dict[str, int]:
        beats = -(-v["granules"] // self.config.bus_granules)
        return {
            "address": self.host_bases[v["window"]] + v["host"], "beats": beats, "ub": v["ub"],
            "granules": v["granules"], "end": v["ub"] + v["granules"],
        }  # fmt: skip

    _read_host = _write_host = _transfer

    def _read_weights(self, v: Values) -> dict[str, int]:
        beats = v["tiles"] * v["rows"] * v["chunks"]
        address = self.weight_base + v["address"]
        return {"address": address, "beats": beats, **{name: v[name] for name in ("tiles", "rows", "chunks")}}

    def _read_parameters(self, v: Values) -> dict[str, int]:
        return {"address": self.weight_base + v["address"], "beats": v["count"] * self.config.set_beats}

    def _matmul(self, v: Values) -> dict[str, int]:
        end = v["ub"] + (v["repeat"] - 1) * v["step"] + v["rows"] * v["pitch"]
        return {**{name: v[name] for name in MATMUL.names or () if name in v}, "end": end}

    def _convolve(self, v: Values) -> dict[str, int]:
        return {**self.rules.registers, **v, "convolve": 1, "pitch": v["width"], "first": v["ub"]}

    def _pool(self, v: Values) -> dict[str, int]:
        return entry_of({**self.rules.registers, **v}, self.config.row_granules, pool=True)

    def _vector(self, v: Values) -> dict[str, int]:
        return entry_of({**self.rules.registers, **v}, self.config.row_granules, pool=False)

    def _activate(self, v: Values) -> dict[str, int]:
        planes, step = planes_of(v), self.rules.plane_step
        end = v["ub"] + (planes - 1) * step + (v["rows"] - 1) * v["pitch"] + v["used"]
        own = {"raw": v["kind"] == RAW, "planes": planes, "plane_step": step, "end": end}
        return {**{name: v[name] for name in ("next", "ub", "rows", "pitch", "used")}, **own}


def _records(dtype: np.dtype, values: Sequence[dict[str, Any]]) -> np.ndarray:
    """Records of the values that it has fields for, and one more of zeros."""
    records = np.zeros(len(values) + 1, dtype)
    for name in dtype.names or ():
        records[name][:-1] = [one.get(name, 0) for one in values]
    return records


def _sizes(config: TpuConfig) -> np.ndarray:
    sizes, bus = np.zeros(1, SIZES), config.bus_bytes
    values = {
        "row_bits": config.row_granules.bit_length() - 1, "beat_bits": config.bus_granules.bit_length() - 1,
        "banks": config.ub_banks, "tile_rows": config.matrix.rows, "chunks": config.row_chunks,
        "chunk_bits": config.row_chunks.bit_length() - 1, "set_beats": config.set_beats,
        "set_rows": config.parameter_sets * config.set_beats, "per_beat": max(1, bus // INSTRUCTION_BYTES),
        "per_instruction": max(1, INSTRUCTION_BYTES // bus),
    }  # fmt: skip
    for name, value in values.items():
        sizes[name] = value
    return sizes


def _core(config: TpuConfig, count: int, address: int) -> np.ndarray:
    """Registers in the cycle after that in which a program of so many instructions is started."""
    core, sizes = np.zeros(1, CORE), _sizes(config)[0]
    core["cycle"], core["push"], core["left"], core["asks"] = 1, -1, count, 1
    core["address"], core["window"] = address, -1
    core["beats"] = -(-count * int(sizes["per_instruction"]) // int(sizes["per_beat"]))
    core["credits"] = 1 - (-4 // config.row_chunks)
    core["current"] = -1
    return core


def new_machine(
    config: TpuConfig, program: bytes, room: Room, bases: Sequence[int], timing: MemoryTiming, address: int
) -> Machine:
    """TPU whose program has been started.

    Parameters
    ----------
    bases
        Beats at which the host's windows and weight memory begin.
    address
        Beat at which the program begins.

    Raises
    ------
    ConfigError
        If the program does not run to a ``halt``.
    """
    read = Program(config, program, room, bases)
    entries, bus = read.entries, config.bus
    board, loaders = np.zeros(1, BOARD), np.zeros(READERS, LOADER)
    board["depth"] = list(QUEUES.values())
    sets = config.parameter_sets * config.set_beats
    loaders["free"] = [
        bus.max_burst, config.host_buffer_bytes // config.bus_bytes, config.weight_buffer_bytes // config.bus_bytes,
        max(sets, bus.max_burst),
    ]  # fmt: skip
    return Machine(
        sizes=_sizes(config), bus=new_bus(bus, timing), board=board,
        core=_core(config, len(program) // INSTRUCTION_BYTES, address),
        matrix_sizes=sizes_of(config.matrix), unit=np.zeros(1, UNIT),
        ports=np.concatenate([new_port(bus, timing) for _ in range(2)]), loaders=loaders, fifos=np.zeros(FIFOS, FIFO),
        instructions=_records(INSTRUCTION, read.instructions),
        moves=tuple(_records(MOVE, entries[name]) for name in UNIT_NAMES[:READERS]),
        matmuls=_records(MATMUL, entries["matrix"]), activates=_records(ACTIVATE, entries["activation"]),
        vectors=_records(ENTRY, entries["vector"]), vector=begin_vector(), commands=np.zeros(PLACES, COMMAND),
    )  # fmt: skip
