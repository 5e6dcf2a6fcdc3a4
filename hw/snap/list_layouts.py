"""What the AIM makes, the list queue holds and the sequence decoder sends: layouts of matches, lists and pairs."""

import enum

from amaranth.lib import data

from .config import SnapConfig

__all__ = [
    "AimMode",
    "job_flags",
    "list_head",
    "match_list",
    "pair",
    "queued_list",
    "target",
    "tile_lane",
    "weight_lane",
]


class AimMode(enum.IntEnum):
    """What an AIM of N x N comparators compares in one operation.

    ``FULL``: N weights with N activations. ``HALF``: 2N weights with N/2 activations. ``QUARTER``: 2N weights
    with N/4 activations of each of two tiles.
    """

    FULL = 0
    HALF = 1
    QUARTER = 2


def weight_lane(config: SnapConfig) -> data.StructLayout:
    """A weight of the window, as the AIM sees it: channel index, and which bit of a tile's classes lets it match."""
    return data.StructLayout({"valid": 1, "index": config.index_bits, "kind": range(config.classes)})


def tile_lane(config: SnapConfig) -> data.StructLayout:
    """An activation of the tile (``first``) or of the next tile (``second``), as the AIM sees it."""
    return data.StructLayout({"first": 1, "second": 1, "index": config.index_bits})


def match_list(config: SnapConfig) -> data.StructLayout:
    """For each weight lane: whether an activation matches, and if so in which lane of the tile it is.

    ``position`` holds a bit of all lanes' positions in each element, so that a one-hot lane selects it.
    """
    lanes = config.window_entries
    return data.StructLayout({"valid": lanes, "position": data.ArrayLayout(lanes, config.index_bits)})


def job_flags() -> data.StructLayout:
    """What ends with a list.

    ``frees_window``, ``frees_tile``: nothing after this list needs the window, the tile. ``ends_block``: last list of
    its block.
    """
    return data.StructLayout({"frees_window": 1, "frees_tile": 1, "ends_block": 1})


def list_head(config: SnapConfig) -> data.StructLayout:
    """What belongs to a list as a whole.

    ``weight_start``, ``tile_start``: beats of the register files where window and tile begin. ``mode``: `AimMode`,
    which says how many lanes a position counts. ``slot``: psum offset of the tile. And `job_flags`.
    """
    return data.StructLayout(
        {
            "weight_start": range(config.weight_beats),
            "tile_start": range(config.activation_beats),
            "mode": 2,
            "slot": config.slot_bits,
        }
        | job_flags().members
    )


def queued_list(config: SnapConfig) -> data.StructLayout:
    """A list in the queue: the matches that are left, and its head."""
    return data.StructLayout({"matches": match_list(config), "head": list_head(config)})


def target(config: SnapConfig) -> data.StructLayout:
    """Where a product goes, if there is one: psum offset of the tile, psum bank of the block."""
    return data.StructLayout({"valid": 1, "slot": config.slot_bits, "bank": 1})


def pair(config: SnapConfig) -> data.StructLayout:
    """Two operands to multiply: entries of the register files, and the `target` of their product."""
    entries = {"weight": range(config.weight_entries), "activation": range(config.activation_entries)}
    return data.StructLayout(entries | target(config).members)
