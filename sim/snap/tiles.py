"""How channels are cut into tiles, and how many tiles a PE of a SNAP core keeps."""

import numpy as np

from ...hw.snap.config import SnapConfig

__all__ = ["channel_tiles", "keeps_tiles", "pixels_kept"]


def channel_tiles(config: SnapConfig, channels: int, multiple: int) -> list[slice]:
    """Cut channels into a `multiple` of equal channel tiles, so that as many core columns get equal work."""
    count = min(channels, -(-channels // (config.channel_tile * multiple)) * multiple)
    return [slice(int(part[0]), int(part[-1]) + 1) for part in np.array_split(np.arange(channels), count)]


def keeps_tiles(config: SnapConfig, tiles: int) -> bool:
    """Whether `tiles` tiles fit the IA register file even if dense."""
    return tiles * config.tile_beats <= config.activation_beats and tiles <= config.activation_tiles


def pixels_kept(config: SnapConfig, channels: int) -> int:
    """Pixels of so many channels that the IA register files of a row hold in row mode even if dense."""
    largest = channel_tiles(config, channels, config.core_columns)[0].stop
    return min(config.activation_tiles, config.activation_beats // -(-largest // config.beat_entries))
