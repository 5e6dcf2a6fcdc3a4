"""Commands of the SNAP chip: 256 bytes from values by name, and back."""

from collections.abc import Iterator, Mapping

import numpy as np

from ...hw.config import check_int
from ...hw.errors import ConfigError, did_you_mean
from ...hw.snap_chip.command import COMMAND_BYTES, COMMAND_WORDS, OPERATIONS, RING_FIELDS, RING_WORD, Field, fields_of
from ...hw.snap_chip.config import SnapChipConfig
from ..formats.runs import FormatError

__all__ = [
    "Command",
    "assemble",
    "column_dilation",
    "command_fields",
    "complete",
    "disassemble",
    "disassemble_list",
    "float_bits",
    "float_of",
    "kernel_across",
    "left_padding",
    "steps_over_channels",
]

Command = dict[str, int]
"""Values by name of the field. Those of weight buffer n end with ``_n``; numbers of float32 are their bits."""

MOST_COMMANDS = 1 << 12
"""Commands of a list at most; a longer one has lost its end."""


def float_bits(value: float | np.floating) -> int:
    """Bits of a number rounded to float32."""
    return int(np.float32(value).view(np.uint32))


def float_of(bits: int) -> np.float32:
    """The float32 of these bits."""
    return np.uint32(bits).view(np.float32)


def command_fields(config: SnapChipConfig) -> Iterator[tuple[str, int, Field]]:
    """Name, word and description of all fields."""
    for field in fields_of(config):
        yield field.name, field.word, field
    for ring in range(config.rings):
        for field in RING_FIELDS:
            yield f"{field.name}_{ring}", RING_WORD + 2 * ring + field.word, field


def complete(config: SnapChipConfig, command: Mapping[str, int]) -> Command:
    """All fields of a command; those that are not given are 0.

    Raises
    ------
    ConfigError
        For an unknown field.
    """
    fields = dict.fromkeys((name for name, _, _ in command_fields(config)), 0)
    for name in command:
        if name not in fields:
            raise ConfigError(f"field must be one of a command, not {name!r}", did_you_mean(name, fields))
    return fields | dict(command)


def assemble(config: SnapChipConfig, command: Mapping[str, int]) -> np.ndarray:
    """The 256 bytes of a command; fields that are not given are 0.

    Raises
    ------
    ConfigError
        For an unknown field, or a value that its bits don't hold.
    """
    words = np.zeros(COMMAND_WORDS, np.uint64)
    given = complete(config, command)
    for name, word, field in command_fields(config):
        value = given[name]
        low, high = (-(1 << field.bits - 1), (1 << field.bits - 1) - 1) if field.signed else (0, (1 << field.bits) - 1)
        check_int(name, value, low, high)
        words[word] |= np.uint64((int(value) & (1 << field.bits) - 1) << field.low)
    return words.astype("<u4").view(np.uint8)


def disassemble(config: SnapChipConfig, data: np.ndarray) -> Command:
    """Values of all fields of the 256 bytes of a command.

    Raises
    ------
    FormatError
        If it is of another length, or bits are set that belong to no field.
    """
    if len(data) != COMMAND_BYTES:
        raise FormatError(f"command must be of {COMMAND_BYTES} bytes, not {len(data)}")
    words = np.ascontiguousarray(data).view("<u4").tolist()
    command, rest = Command(), list(words)
    for name, word, field in command_fields(config):
        mask = (1 << field.bits) - 1
        value = words[word] >> field.low & mask
        rest[word] &= ~(mask << field.low)
        command[name] = value - (value >> field.bits - 1 << field.bits) if field.signed else value
    for word, bits in enumerate(rest):
        if bits:
            raise FormatError(f"word {word} of a command must have no bits but those of its fields, not {bits:#x}")
    return command


def disassemble_list(config: SnapChipConfig, memory: np.ndarray, address: int) -> list[Command]:
    """Commands from the beat `address` on, without the ``stop`` that ends them.

    Raises
    ------
    FormatError
        With the number of the command: it lies outside of the memory, or has bits of no field; a list without end.
    """
    start, commands = address * config.bus.bytes, []
    while len(commands) < MOST_COMMANDS:
        try:
            command = disassemble(config, memory[start : start + COMMAND_BYTES])
        except FormatError as error:
            raise FormatError(f"command {len(commands)}: {error}") from None
        if command["operation"] == OPERATIONS["stop"]:
            return commands
        commands.append(command)
        start += COMMAND_BYTES
    raise FormatError(f"list must end with stop after at most {MOST_COMMANDS} commands")


def column_dilation(config: SnapChipConfig, command: Mapping[str, int]) -> int:
    """Columns of the input from a tap to the next."""
    return command["dilation_quotient"] * config.banks + command["dilation_rest"]


def left_padding(config: SnapChipConfig, command: Mapping[str, int]) -> int:
    """Columns of padding at the left."""
    return -(command["padding_quotient"] * config.banks + command["padding_rest"])


def kernel_across(config: SnapChipConfig, command: Mapping[str, int]) -> tuple[int, int, int]:
    """Columns that the kernel has, columns of the input from one to the next, columns of padding at the left.

    In diagonal mode a command says that of sub-kernels, each of which is as wide as a core; what the kernel doesn't
    have of the last one are zeros.
    """
    count, dilation, left = command["kernel_columns"], column_dilation(config, command), left_padding(config, command)
    if not command.get("diagonal"):
        return count, dilation, left
    width = config.core.core_columns
    return count * width, 1, width - 1 - command["first_port"] + left


def steps_over_channels(config: SnapChipConfig, command: Mapping[str, int]) -> np.ndarray:
    """Channels of each column's part in each step: ``[steps, columns, 2]``, first one and that after the last."""
    columns, width = config.core.core_columns, config.tile_channels
    if command.get("diagonal"):
        first = np.repeat(np.arange(command["full_steps"])[:, None] * width, columns, axis=1)
        return np.stack([first, first + width], axis=2)
    full = np.arange(command["full_steps"] * columns + 1) * width
    tiles = command["rest_tiles"]
    cuts = np.array([0, *(command[f"cut_{n}"] for n in range(1, columns)), tiles * width])
    rests = full[-1] + np.arange(command["rest_steps"])[:, None] * tiles * width
    first = np.concatenate([full[:-1].reshape(-1, columns), rests + cuts[:-1]])
    after = np.concatenate([full[1:].reshape(-1, columns), rests + cuts[1:]])
    return np.stack([first, after], axis=2)
