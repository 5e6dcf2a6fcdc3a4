"""What the decoder must make of a program: instruction by instruction, from the texts of the table."""

import dataclasses
from collections.abc import Mapping
from itertools import product
from typing import Any

from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ...hw.tpu.isa import GEOMETRY, INSTRUCTIONS, OPERATIONS, decode
from ...sim.tpu.rules import Problem, Room, Rules

__all__ = ["Memory", "Sent", "Step", "steps_of"]


@dataclasses.dataclass
class Memory:
    """Where memory is, in beats, and how many bytes there are."""

    bases: tuple[int, int]
    weights_base: int
    room: Room

    def inputs(self) -> dict[str, Any]:
        """What the decoder is told of it."""
        host = [
            {"base": base, "granules": size // GRANULE_BYTES}
            for base, size in zip(self.bases, self.room.host, strict=True)
        ]
        weights = {"base": self.weights_base, "granules": self.room.weights // GRANULE_BYTES}
        return {"i_host_0": host[0], "i_host_1": host[1], "i_weights": weights}


@dataclasses.dataclass
class Sent:
    """What a unit is sent.

    Parameters
    ----------
    unit, payload
        The unit, and fields of its entry.
    rows
        Rows of the unified buffer that are touched; None if none are.
    reads
        Of ``pool`` and ``vector``, which write `rows`: those that they read.
    unused
        Fields that may have any value.
    """

    unit: str
    payload: dict[str, Any]
    rows: dict[str, int] | None
    reads: dict[str, dict[str, int]] | None = None
    unused: frozenset[str] = frozenset()


@dataclasses.dataclass
class Step:
    """An instruction: what it sends, what it waits for, and what it shows; or why it is illegal."""

    name: str
    sends: list[Sent] = dataclasses.field(default_factory=list)
    units: int = 0
    tag: int | None = None
    problem: Problem | None = None


def rows_of(config: TpuConfig, starts: list[int], granules: int) -> dict[str, int]:
    """Rows of the unified buffer that so many granules from each of these on lie in."""
    rows = {granule // config.row_granules for start in starts for granule in (start, start + granules - 1)}
    return {"first": min(rows), "last": max(rows)}


def sent_by(config: TpuConfig, memory: Memory, name: str, v: dict[str, int], registers: Mapping[str, int]) -> Sent:
    """What a legal instruction sends to its unit, with registers as they were set."""
    geometry = {key: registers[key] for key in GEOMETRY if key != "tap_step"}
    window = {"first": registers["window_first"], "last": registers["window_last"]}
    own = {key: {field.name for field in INSTRUCTIONS[key].fields} for key in ("pool", "vector")}
    mask = (1 << config.bus.beat_address_bits) - 1
    weights_at = memory.weights_base + v.get("address", 0) & mask
    match name:
        case "matmul":
            corners = product((0, v["repeat"] - 1), (0, v["rows"] - 1))  # what lies between reaches no further
            starts = [v["ub"] + k * v["step"] + i * v["pitch"] for k, i in corners]
            step = v["step"] & (1 << (config.ub_granules - 1).bit_length()) - 1  # of one tile it may be anything
            unused = frozenset({"first", "y", "x", "geometry"})
            payload = v | {"step": step, "convolve": 0}
            return Sent("matrix", payload, rows_of(config, starts, v["pitch"]), unused=unused)
        case "convolve":
            payload = v | {"convolve": 1, "pitch": v["width"], "first": v["ub"], "geometry": geometry}
            return Sent("matrix", payload, window, unused=frozenset({"ub", "step"}))
        case "pool":
            starts = [v["dst"], v["dst"] + (v["rows"] - 1) * registers["pool_pitch"]]
            payload = {**registers, **v, "pool": 1, "geometry": geometry}
            reads, unused = {"a": window, "b": window}, frozenset(own["vector"] - own["pool"])
            return Sent("vector", payload, rows_of(config, starts, v["width"]), reads, unused)
        case "vector":
            size = v["rows"] * config.row_granules
            table = 256 // GRANULE_BYTES if v["operation"] == OPERATIONS.index("table") else size
            reads = {"a": rows_of(config, [v["a"]], size), "b": rows_of(config, [v["b"]], table)}
            payload = {**registers, **v, "pool": 0, "geometry": geometry}
            unused = frozenset(own["pool"] - own["vector"])
            return Sent("vector", payload, rows_of(config, [v["dst"]], size), reads, unused)
        case "activate":
            planes = (1, 2, 4)[v["planes"]] if v["kind"] == 2 else 1
            step = registers["plane_step"]
            starts = [v["ub"] + k * step + i * v["pitch"] for k in range(planes) for i in (0, v["rows"] - 1)]
            return Sent("activation", v | {"plane_step": step}, rows_of(config, starts, v["used"]))
        case "read_host" | "write_host":
            payload = {
                "place": v["ub"] // config.bus_granules,
                "granules": v["granules"],
                "address": memory.bases[v["window"]] + v["host"] & mask,
            }
            unit = {"read_host": "host_in", "write_host": "host_out"}[name]
            return Sent(unit, payload, rows_of(config, [v["ub"]], v["granules"]))
        case "read_weights":
            shape = {key: v[key] for key in ("tiles", "rows", "chunks")}
            beats = v["tiles"] * v["rows"] * v["chunks"]
            return Sent("weights", shape | {"beats": beats, "address": weights_at}, None)
        case _:
            return Sent("parameters", {"sets": v["count"], "address": weights_at}, None)


def steps_of(config: TpuConfig, memory: Memory, words: list[int]) -> list[Step]:
    """What becomes of each instruction, up to the one where the program ends."""
    rules, steps, held = Rules(config, memory.room), [], []
    for word in words:
        problem = rules.problem(word)
        if problem:
            return [*steps, Step("illegal", problem=problem)]
        _, v = rules.take(word)
        instruction = decode(word)[0]
        assert instruction
        step = Step(instruction.name, units=v.get("units", 0), tag=v.get("tag"))
        if step.name in ("matmul", "convolve") and v["drain"]:
            held = [sent_by(config, memory, step.name, dict(v), rules.registers)]
        elif step.name not in ("nop", "set", "sync", "interrupt", "halt"):
            step.sends = [*held, sent_by(config, memory, step.name, dict(v), rules.registers)]
            held = []
        steps.append(step)
        if step.name == "halt":
            return steps
    return [*steps, Step("end", problem=rules.at_end())]
