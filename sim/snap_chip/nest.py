"""The loop nest that all parts of the SNAP chip follow: regions, rounds, blocks, and the pixels of a block."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from .command import Command, column_dilation, left_padding

__all__ = ["Block", "blocks", "input_pixels", "output_columns"]


@dataclasses.dataclass(frozen=True)
class Block:
    """A block of the nest.

    Parameters
    ----------
    region, round, number
        Which region, which round of it, which block of that.
    first
        First line of the output in the region.
    entries
        ``[entries, 2]``: column group, and line within the region.
    """

    region: int
    round: int
    number: int
    first: int
    entries: np.ndarray


def blocks(command: Command) -> Iterator[Block]:
    """All blocks of a layer, in order."""
    for region in range(command["regions"]):
        first = region * command["region_lines"]
        lines = min(command["region_lines"], command["out_lines"] - first)
        entries = np.stack(np.divmod(np.arange(lines * command["column_groups"]), lines), axis=1)
        size = command["block_lines"]
        for number in range(command["rounds"]):
            for at in range(0, len(entries), size):
                yield Block(region, number, at // size, first, entries[at : at + size])


def output_columns(config: SnapChipConfig, command: Command, block: Block) -> np.ndarray:
    """Column of the output that each row computes of each entry, ``[entries, rows]``; some are beyond the last.

    In diagonal mode it is the row's place among all that there are.
    """
    group, line = block.entries[:, :1], block.entries[:, 1:]
    return config.banks * group + (np.arange(config.banks) + command["rotate"] * line) % config.banks


def input_pixels(config: SnapChipConfig, command: Command, block: Block) -> tuple[np.ndarray, np.ndarray]:
    """Pixel of the input that a row's item of an entry is, for each tap.

    Returns
    -------
    tuple
        Line ``[taps, entries]``, -1 where it is outside, so that the entry isn't sent; and column
        ``[taps, entries, rows]``, -1 where a blank item is sent.
    """
    r, s = np.divmod(np.arange(command["kernel_lines"] * command["kernel_columns"]), command["kernel_columns"])
    x = block.first + block.entries[:, 1]
    line = x * command["stride_lines"] + (r * command["dilation_lines"] - command["padding_lines"])[:, None]
    y = output_columns(config, command, block)
    across = s * column_dilation(config, command) - left_padding(config, command)
    column = y * command["stride_columns"] + across[:, None, None]
    inside = (column >= 0) & (column < command["width"])
    if not command.get("diagonal"):
        inside &= y < command["out_columns"]
    return np.where((line >= 0) & (line < command["height"]), line, -1), np.where(inside, column, -1)
