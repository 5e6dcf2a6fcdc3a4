import collections
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.tpu.config import PRESETS, TpuConfig
from tensorloom.hw.tpu.isa import INSTRUCTIONS, OPERATIONS, decode
from tensorloom.sim.tpu.assembler import disassemble, words_of
from tensorloom.sim.tpu.check import check_program
from tensorloom.sim.tpu.golden import run
from tensorloom.sim.tpu.illegal_programs import ILLEGAL, illegal_program
from tensorloom.sim.tpu.random_programs import random_program
from tensorloom.sim.tpu.rules import MULTIPLIES, Room, Rules
from tensorloom.sim.tpu.windows import granules_of

from .in_python import interpret

TINY = PRESETS["tpu-tiny"]
NARROW = TINY.replace(bus_bytes=4, ub_rows=8, ub_banks=2, parameter_sets=1)
CONFIGS = [pytest.param(TINY, id="tiny"), pytest.param(PRESETS["tpu-16"], id="16"), pytest.param(NARROW, id="narrow")]


def room(scenario):
    return Room((scenario.host[0].size, scenario.host[1].size), scenario.weights.size)


def outcome(config: TpuConfig, scenario):
    return run(config, scenario.program, host=scenario.host, weights=scenario.weights)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("config", CONFIGS)
def test_legal_programs_do_what_their_instructions_say(config, number, seed):
    scenario = random_program(config, seed + number)
    assert scenario.problem is None and check_program(config, scenario.program, room(scenario)) == []
    found = outcome(config, scenario)
    assert (found.state, found.code, found.pc) == ("halted", 0, len(scenario.program) // 16 - 1)
    windows, buffer, tags = interpret(config, scenario.program, scenario.host, scenario.weights)
    assert [window.tobytes() for window in found.host] == windows
    assert found.tags == tags
    written = found.written.reshape(-1, 4)
    assert np.flatnonzero(written.all(1)).tolist() == np.flatnonzero(written.any(1)).tolist() == sorted(buffer)
    assert found.ub[found.written].tobytes() == b"".join(buffer[at] for at in sorted(buffer))


def test_they_differ_and_repeat():
    programs = [disassemble(random_program(TINY, seed).program) for seed in (1, 2, 1)]
    assert programs[0] == programs[2] != programs[1]


def intervals(words) -> Iterator[tuple[str, Mapping[str, int], Any, Any]]:
    """Instructions, and granules that each reads and writes."""
    rules, size = Rules(TINY, Room()), TINY.row_granules
    for word in words:
        instruction, v = rules.take(word)
        r, reads, writes = rules.registers, set(), range(0)
        name = instruction.name if instruction else ""
        match name:
            case "read_host":
                writes = range(v["ub"], v["ub"] + v["granules"])
            case "write_host":
                reads = range(v["ub"], v["ub"] + v["granules"])
            case "matmul":
                reads = range(v["ub"], v["ub"] + (v["repeat"] - 1) * v["step"] + v["rows"] * v["pitch"])
            case "activate":
                writes = range(v["ub"], v["ub"] + (v["rows"] - 1) * v["pitch"] + v["used"])
            case "convolve" | "pool":
                for k, c in np.ndindex(
                    v["repeat" if name == "convolve" else "kernel_rows"], v.get("kernel_columns", 1)
                ):
                    address, is_input = granules_of(TINY, r, v, k, c)
                    reads |= set(address[is_input].tolist())
            case "vector":
                b = range(v["b"], v["b"] + (64 if v["operation"] == 3 else v["rows"] * size))
                reads = {*range(v["a"], v["a"] + v["rows"] * size), *b}
                writes = range(v["dst"], v["dst"] + v["rows"] * size)
        if name == "pool":
            writes = range(v["dst"], v["dst"] + (v["rows"] - 1) * r["pool_pitch"] + v["width"])
        yield name, v, reads, writes


def test_they_have_hazards_of_all_kinds():
    seen: collections.Counter[Any] = collections.Counter()
    names = collections.Counter()
    for seed in range(60):
        words = words_of(random_program(TINY, seed).program)
        found = list(intervals(words))
        names.update(name for name, *_ in found)
        found = [one for one in found if one[0] != "set"]
        for at, (name, _, reads, writes) in enumerate(found):
            for other, _, read, written in found[max(at - 4, 0) : at]:
                for kind, one, two in (("raw", reads, written), ("war", writes, read), ("waw", writes, written)):
                    seen[kind, other, name] += not set(one).isdisjoint(two)
        for name, v, reads, _ in found:
            if name in MULTIPLIES:
                seen["accumulated across instructions"] += v["accumulate"]
                seen[f"{name} that drains"] += v["drain"]
            if name in ("convolve", "pool"):
                granules = v["rows"] * v["width"] * v["repeat" if name == "convolve" else "kernel_rows"]
                seen[f"{name} that pads" if len(reads) < granules else f"{name} without padding"] += 1
                seen[f"{name} that reads"] += bool(reads)
            if name == "vector":
                seen[OPERATIONS[v["operation"]]] += 1
                seen[f"{OPERATIONS[v['operation']]} in the place of a"] += v["a"] == v["dst"] != v["b"]
                seen["in the place of b"] += v["b"] == v["dst"] != v["a"]
        sets = [decode(word)[1] for word in words if decode(word)[0] == INSTRUCTIONS["activate"]]
        seen["parameter sets used again"] += sum(not one["next"] and one["kind"] < 2 for one in sets)
        ahead = read = 0
        for word in words:
            instruction, v, _ = decode(word)
            if instruction == INSTRUCTIONS["read_weights"]:
                read += v["tiles"]
            if instruction and instruction.name in MULTIPLIES:
                read -= (0, 1, v["repeat"])[v["swap"]]
            ahead += read > TINY.tiles_ahead
        seen["tiles further ahead than there is room"] += ahead
    readers = ("write_host", "matmul", "convolve", "pool", "vector")
    writers = ("read_host", "activate", "pool", "vector")
    wanted = [("raw", writer, reader) for writer in writers for reader in readers]
    wanted += [("war", reader, writer) for writer in writers for reader in readers]
    wanted += [("waw", one, other) for one in writers for other in writers]
    assert [one for one in wanted if seen[one] < 4] == []
    assert [one for one in seen if isinstance(one, str) and seen[one] < 4] == []
    assert set(names) == set(INSTRUCTIONS)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("error", ILLEGAL)
@pytest.mark.parametrize("config", CONFIGS)
def test_illegal_programs_stop_where_they_say(config, error, number, seed):
    scenario = illegal_program(config, seed + number, error)
    assert scenario.problem and scenario.problem.error == error
    found = outcome(config, scenario)
    assert found.problem == scenario.problem
    assert (found.state, found.code, found.pc) == ("error", scenario.problem.code, scenario.problem.pc)
    assert 0xBAD not in found.tags
    assert [one for one in check_program(config, scenario.program, room(scenario)) if one.code][0] == scenario.problem


@pytest.mark.parametrize("error", [one for one in ILLEGAL if one not in ("end", "bundle")])
def test_what_is_before_an_illegal_instruction_is_done(error, seed):
    """The same as with the program's beginning alone, which then ends without halt."""
    scenario = illegal_program(TINY, seed, error)
    assert scenario.problem
    found = outcome(TINY, scenario)
    before = scenario.problem.pc
    words = words_of(scenario.program)
    last, v, _ = decode(words[before - 1])
    held = before > 0 and last is not None and last.name in MULTIPLIES and v["drain"]
    alone = run(TINY, scenario.program[: 16 * (before - held)], host=scenario.host, weights=scenario.weights)
    assert alone.problem and alone.problem[:2] == (before - held, "end")
    assert alone.tags == found.tags
    for one, other in zip([*alone.host, alone.ub, alone.written], [*found.host, found.ub, found.written], strict=True):
        np.testing.assert_array_equal(one, other)


def test_errors_that_need_a_bus_are_not_made():
    with pytest.raises(ConfigError, match="error must be one of opcode, .*, not 'bus_host'"):
        illegal_program(TINY, 0, "bus_host")


def test_illegal_programs_break_all_parts_of_a_rule():
    wanted = {"buffer": 2, "accumulators": 2, "memory": 6, "bundle": 5, "no_tile": 2, "no_parameters": 2, "value": 20,
              "prefetch": 3, "leftover": 2, "overlap": 2}  # fmt: skip
    reasons = collections.defaultdict(set)
    for error in wanted:
        for seed in range(60):
            problem = illegal_program(TINY, seed, error, instructions=3).problem
            assert problem
            reasons[error].add(re.sub(r"-?\d+", "n", problem.reason))
    assert {error: found for error, found in reasons.items() if len(found) < wanted[error]} == {}
