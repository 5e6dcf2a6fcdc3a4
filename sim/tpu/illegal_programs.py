"""Random programs of the TPU with one illegal instruction."""

import copy
from collections.abc import Iterator

import numpy as np

from ...hw.config import check
from ...hw.tpu.config import QUEUES, TpuConfig
from ...hw.tpu.isa import ERRORS, INSTRUCTION_BITS, SET_REGISTERS, decode, encode
from .assembler import UNIT_BITS
from .random_programs import Author, Part, Scenario
from .rules import Problem

__all__ = ["ILLEGAL", "illegal_program"]

ILLEGAL = tuple(name for name in ERRORS if name != "stopped" and not name.startswith("bus_"))
"""Errors that a program makes by itself."""

TRIES = 100_000
"""Proposals after which there is no illegal instruction of a kind."""

NO_FLOATS = (1, 0x7FFFFF, 0x4F000000, 0xCF000000, 0x7F800000, 0xFFC00000)
"""Bits that no register of float32 may have: subnormal, too large, infinite, none."""

NEEDED = ("columns", "lines", "window_first", "window_last", "pool_pitch")
"""Registers without which windows or results have no place."""

MARGIN = 40
"""How far before an end of a memory an instruction may begin that reaches beyond it."""


def illegal_program(config: TpuConfig, seed: int, error: str, *, instructions: int = 12) -> Scenario:
    """Return a program that stops with an error behind up to about so many legal instructions.

    Behind the illegal instruction are legal ones, which must not be executed: an ``interrupt`` with a tag of 0xBAD.

    Parameters
    ----------
    config, seed
        As of `random_program`.
    error
        One of `ILLEGAL`.

    Raises
    ------
    ConfigError
        If `error` is another one.
    """
    check("error", error in ILLEGAL, f"one of {', '.join(ILLEGAL)}", error)
    author = Author(config, np.random.default_rng(seed))
    author.start(tiles=error == "no_parameters" or author.chance(0.8), sets=author.chance(0.7))
    author.write(author.upto(instructions))
    left = author.rules.sets_read > author.rules.sets_used > 0
    if author.chance(0.5) or (error == "no_parameters" and left):
        author.use_up()
    for _ in range(TRIES):
        words = list(_proposal(author, error))
        problem = _judge(author, words, error)
        if problem:
            author.words += words
            return author.scenario(problem)
    raise AssertionError(f"no instruction was found with the error {error}")


def _judge(author: Author, words: list[int], error: str) -> Problem | None:
    """The problem that these instructions have if they come next, if it is the error that was asked for."""
    rules = copy.copy(author.rules)
    for word in words:
        problem = rules.problem(word)
        if problem:
            return problem if problem.error == error else None
        instruction, _ = rules.take(word)
        if instruction and instruction.name == "halt":
            return None
    problem = rules.at_end()
    return problem if problem.error == error else None


def _proposal(author: Author, error: str) -> Iterator[int]:
    """Instructions that may have the error, and the legal ones behind."""
    match error:
        case "opcode":
            yield int.from_bytes(author.rng.bytes(INSTRUCTION_BITS // 8), "little")
        case "reserved":
            yield from _reserved(author)
        case "bundle":
            yield from _bundle(author)
        case "leftover":
            if author.chance(0.8):  # or else, of what was read before
                yield from _tiles(author) if author.chance(0.5) else _sets(author)
            yield encode("halt")
        case "prefetch":
            yield from _prefetch(author)
        case "end":
            yield from _encoded(author.proposal())
        case "overlap":
            yield from _overlap(author)
        case "value" if author.chance(0.3):
            yield from _registers(author)
        case _:
            yield from _changed(author)
    if error != "end" and not (error == "bundle" and author.chance(0.2)):
        yield encode("interrupt", tag=0xBAD)
        yield encode("halt")


def _encoded(parts: list[Part]) -> list[int]:
    return [encode(name, **fields) for name, fields in parts]


def _reserved(author: Author) -> Iterator[int]:
    if author.chance(0.2):
        yield encode("set", index=author.upto(255), value=author.upto(1))
        return
    words = _encoded(author.proposal())
    words[author.upto(len(words) - 1)] |= 1 << author.upto(INSTRUCTION_BITS - 1)
    yield from words


def _bundle(author: Author) -> Iterator[int]:
    """Without ``activate``, with something else before it, with one of other rows, or with one that comes alone."""
    *_, product, activate = author.bundle()
    activate[1]["rows"] = max(activate[1]["rows"] + author.upto(2) - 1, 0)
    other = author.proposal()
    choices = ([product], [product, *other], [product, *other, activate], [product, activate], [activate])
    yield from _encoded(choices[author.upto(len(choices) - 1)])


def _tiles(author: Author) -> list[int]:
    return _encoded([author.read_weights()])


def _sets(author: Author) -> list[int]:
    return _encoded([author.read_parameters()])


def _prefetch(author: Author) -> Iterator[int]:
    """Parameter sets, or tiles that fill the queue of the weight unit or that somebody waits for."""
    if author.chance(0.3):
        for _ in range(author.config.parameter_sets + 1):
            yield from _sets(author)
        return
    for _ in range(1 + author.upto(author.config.tiles_ahead + QUEUES["weights"])):
        yield from _tiles(author)
    if author.chance(0.7):
        name = ("sync", "interrupt")[author.upto(1)]
        yield encode(name, units=author.upto(127) | UNIT_BITS["weights"])


def _overlap(author: Author) -> list[int]:
    """Results anywhere, also over what they are made from."""
    parts = author.pool() if author.chance(0.5) else author.vector()
    name, values = parts[-1]
    values["dst"] = author.place(1)
    if name == "vector":
        values["dst"] -= values["dst"] % author.config.row_granules
    return _encoded(parts)


def _registers(author: Author) -> list[int]:
    """A register with a value that it may not have, or one with which the next instruction is illegal."""
    names = list(SET_REGISTERS)
    if author.chance(0.5):
        value = NO_FLOATS[author.upto(len(NO_FLOATS) - 1)] if author.chance(0.5) else 1 << author.upto(63)
        return [encode("set", index=SET_REGISTERS[names[author.upto(len(names) - 1)]], value=value)]
    name = NEEDED[author.upto(len(NEEDED) - 1)]
    word = encode("set", index=SET_REGISTERS[name], value=author.upto(author.config.ub_rows) if author.upto(1) else 0)
    return [word, *_encoded((author.pool() if author.chance(0.6) else author.convolve())[-1:])]


def _ends(config: TpuConfig) -> tuple[int, int, int]:
    """Where memories end: numbers that are nearly legal."""
    return config.ub_granules, config.matrix.accumulator_rows, config.row_granules


def _changed(author: Author) -> list[int]:
    """Legal instructions, but for one field."""
    words = _encoded(author.proposal())
    at = author.upto(len(words) - 1)
    instruction, values, _ = decode(words[at])
    assert instruction
    if instruction.fields:
        field = instruction.fields[author.upto(len(instruction.fields) - 1)]
        low, high = field.range
        now = values[field.name]
        end = _ends(author.config)[author.upto(2)] - author.upto(MARGIN)
        choices = (end, low, high, now - 1, now + 1, now + author.upto(300), -now, author.upto(min(high, 1 << 40)))
        values[field.name] = min(max(choices[author.upto(len(choices) - 1)], low), high)
        words[at] = encode(instruction.name, **values)
    return words
