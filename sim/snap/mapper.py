"""Assembles a SNAP core's program group by group and block by block."""

import numpy as np

from ...hw.snap.config import SnapConfig
from .program import CoreProgram, Item, Part, StreamBuilder, cut

__all__ = ["Mapper"]


class Mapper:
    """Collects the streams and blocks of one program."""

    def __init__(self, config: SnapConfig) -> None:
        self.config = config
        self.weights = [StreamBuilder(config) for _ in range(config.core_columns)]
        self.activations = [StreamBuilder(config) for _ in range(config.core_rows)]
        self.blocks: list[tuple[bool, int, int]] = []
        self.targets: list[np.ndarray] = []

    def windows(self, parts: list[list[Part]]) -> list[list[Item]]:
        """Cut every column's entries, by receiver, into equally many windows of equal size.

        Columns that `parts` leaves out get empty ones.
        """
        parts = parts + [[]] * (self.config.core_columns - len(parts))
        longest = max((len(values) for column in parts for _, values, *_ in column), default=0)
        count = max(1, -(-longest // self.config.window_entries))
        windows: list[list[Item]] = [[] for _ in range(count)]
        for column in parts:
            pieces = [
                [(part[0], *piece) for piece in zip(*(np.array_split(array, count) for array in part[1:]), strict=True)]
                for part in column
            ]
            for number, window in enumerate(windows):
                window.append(cut(self.config, [piece[number] for piece in pieces]))
        return windows

    def group(
        self, windows: list[list[Item]], tiles: list[list[tuple[Item, int, int]]], *, keep: bool, block_last: bool
    ) -> None:
        """Multiply every window ``[column]`` with every tile ``[row]``; `keep` tiles in the RF instead of resending."""
        for number, window in enumerate(windows):
            final = number == len(windows) - 1
            for stream, item in zip(self.weights, window, strict=True):
                stream.add(item, group_last=final or not keep, block_last=final and block_last)
            if keep and number:
                continue
            for index, tile in enumerate(tiles):
                for stream, (item, slot, classes) in zip(self.activations, tile, strict=True):
                    final = index == len(tiles) - 1
                    stream.add(item, slot=slot % self.config.psum_slots, classes=classes, group_last=final)

    def block(self, row_mode: bool, targets: np.ndarray) -> None:
        """Close a psum block whose sums go to `targets` ``[ports, slots]``."""
        ports = int(((targets >= 0).any(1) << np.arange(len(targets))).sum())
        self.blocks.append((row_mode, targets.shape[1], ports))
        self.targets.append(targets)

    def program(self) -> CoreProgram:
        """Return the program so far; without any block its streams are empty."""
        modes, slots, ports = np.array(self.blocks, np.int64).reshape(-1, 3).T
        return CoreProgram(
            [stream.build() for stream in self.weights], [stream.build() for stream in self.activations],
            modes.astype(bool), slots, ports, self.targets,
        )  # fmt: skip
