"""Checks of the streams of a SNAP core: what its hardware would report as an error, found before it runs."""

import dataclasses

import numpy as np

from ...hw.snap.config import SnapConfig
from ..formats.runs import FormatError
from .snap_program import CoreProgram, Stream

__all__ = ["check_program"]


def check_program(config: SnapConfig, program: CoreProgram) -> None:
    """Refuse streams and commands that the core would refuse.

    Raises
    ------
    FormatError
        With stream, beat and fault: a count above `beat_entries`, a window or tile that is longer than a PE takes or
        not ended, unsorted or repeated c-idx of a tile, a stored zero, a block that ends within a group; or a command
        without slots or with more than there are.
    """
    for name, streams, receivers, most in (
        ("weights", program.weights, config.core_rows, config.window_beats),
        ("activations", program.activations, config.core_columns, config.tile_beats),
    ):
        for number, stream in enumerate(streams):
            _Checker(f"{name}[{number}]", stream, config).check(receivers, most, tiles=name == "activations")
    slots = program.slots
    wrong = (slots < 1) | (slots > config.psum_slots)
    if wrong.any():
        block = int(wrong.argmax())
        raise FormatError(f"slots of block {block} must be from 1 to {config.psum_slots}, not {int(slots[block])}")


@dataclasses.dataclass(frozen=True)
class _Checker:
    name: str
    stream: Stream
    config: SnapConfig

    def check(self, receivers: int, most: int, *, tiles: bool) -> None:
        stream, width = self.stream, self.config.beat_entries
        self._refuse("count", (stream.counts < 0) | (stream.counts > width), f"from 0 to {width}", stream.counts)
        self._refuse("mask", (stream.masks < 0) | (stream.masks >= 1 << receivers), "of receivers", stream.masks)
        ends = np.flatnonzero(stream.last)
        if not len(ends) or ends[-1] != len(stream) - 1:
            raise FormatError(f"{self.name}: beat {len(stream) - 1} must end the last window or tile")
        item = np.cumsum(stream.last) - stream.last
        used = np.arange(width) < stream.counts[:, None]
        for receiver in range(receivers):
            stored = (stream.masks >> receiver & 1).astype(bool)
            place = np.cumsum(stored) - np.append(0, np.cumsum(stored)[ends[:-1]])[item]
            self._refuse("beats of the item", stored & (place > most), f"at most {most}", place)
            if tiles:
                self._check_order(used & stored[:, None], item)
        kept = used & (stream.masks > 0)[:, None]
        self._refuse("value", (kept & (stream.values == 0)).any(1), "non-zero", 0 * stream.counts)
        block, group = stream.block_last, stream.group_last
        self._refuse("block_last", block & ~(group & stream.last), "given with group_last", block.astype(int))

    def _check_order(self, lanes: np.ndarray, item: np.ndarray) -> None:
        beat, lane = np.nonzero(lanes)
        index = self.stream.indices[beat, lane]
        falls = (np.diff(index) <= 0) & (np.diff(item[beat]) == 0)
        if falls.any():
            at = int(falls.argmax()) + 1
            raise FormatError(f"{self.name}: c-idx of beat {beat[at]} must be above {index[at - 1]}, not {index[at]}")

    def _refuse(self, field: str, faults: np.ndarray, rule: str, values: np.ndarray) -> None:
        if faults.any():
            at = int(faults.argmax())
            raise FormatError(f"{self.name}: {field} of beat {at} must be {rule}, not {int(values[at])}")
