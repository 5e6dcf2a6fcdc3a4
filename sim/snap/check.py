"""Checks of the streams of a SNAP core: what its hardware would report as an error, found before it runs."""

import dataclasses

import numpy as np

from ...hw.snap.config import SnapConfig
from ..formats.runs import FormatError
from .program import CoreProgram, Stream

__all__ = ["check_program"]


def check_program(config: SnapConfig, program: CoreProgram) -> None:
    """Refuse streams and commands that the core would refuse.

    Raises
    ------
    FormatError
        With stream, beat and fault: a count above `beat_entries`, a window or tile that is longer than a PE takes or
        not ended, unsorted or repeated c-idx of a tile, a stored zero, a block that ends within a group, a group or
        block that ends elsewhere than in the other streams, a group of several windows whose tiles a PE can't keep.
        Or with the block: a command without slots or with more than there are, or for ports that there aren't.
    """
    for name, streams, receivers, most in (
        ("weights", program.weights, config.core_rows, config.window_beats),
        ("activations", program.activations, config.core_columns, config.tile_beats),
    ):
        for number, stream in enumerate(streams):
            _Checker(f"{name}[{number}]", stream, config).check(receivers, most, tiles=name == "activations")
    _check_cuts(program)
    windows = np.diff(np.flatnonzero(_ends(program.weights[0], "group_last")), prepend=-1)
    for number, stream in enumerate(program.activations):
        _Checker(f"activations[{number}]", stream, config).check_groups(windows)
    _check_commands(config, program)


def _ends(stream: Stream, flag: str) -> np.ndarray:
    """By window or tile: whether it ends a group or block."""
    return getattr(stream, flag)[stream.last]


def _check_cuts(program: CoreProgram) -> None:
    """Refuse groups and blocks that differ from stream to stream: PEs would add up different pairs."""
    for name, flags in (("weights", ("group_last", "block_last")), ("activations", ("group_last",))):
        first, *others = getattr(program, name)
        for number, stream in enumerate(others, 1):
            for flag in flags:
                expected, found = _ends(first, flag), _ends(stream, flag)
                items = min(len(expected), len(found))
                wrong = np.flatnonzero(expected[:items] != found[:items])
                if len(wrong):
                    beat = np.flatnonzero(stream.last)[wrong[0]]
                    rule = f"{int(expected[wrong[0]])} as in {name}[0]"
                    raise FormatError(f"{name}[{number}]: {flag} of beat {beat} must be {rule}")
                if len(expected) != len(found):
                    rule = f"{len(expected)} as in {name}[0]"
                    raise FormatError(f"{name}[{number}]: windows or tiles must be {rule}, not {len(found)}")
    weights, activations = program.weights[0], program.activations[0]
    for name, stream, flag in (("weights", weights, "block_last"), ("activations", activations, "group_last")):
        if len(stream) and not getattr(stream, flag)[-1]:
            raise FormatError(f"{name}[0]: {flag} of beat {len(stream) - 1} must be 1, as it is the last")
    for name, found, expected in (
        ("groups of activations", activations.group_last.sum(), weights.group_last.sum()),
        ("blocks of weights", weights.block_last.sum(), len(program.slots)),
    ):
        if found != expected:
            of = "weights" if name.startswith("groups") else "commands"
            raise FormatError(f"{name} must be {expected}, the number of those of {of}, not {found}")


def _check_commands(config: SnapConfig, program: CoreProgram) -> None:
    slots, ports = program.slots, program.ports
    there = np.where(program.row_mode, config.core_rows, config.ports)
    for field, wrong, rule, values in (
        ("slots", (slots < 1) | (slots > config.psum_slots), f"from 1 to {config.psum_slots}", slots),
        ("ports", (ports < 0) | (ports >> there > 0), "a mask of {} ports", ports),
    ):
        if wrong.any():
            block = int(wrong.argmax())
            raise FormatError(f"{field} of block {block} must be {rule.format(there[block])}, not {int(values[block])}")


@dataclasses.dataclass(frozen=True)
class _Checker:
    name: str
    stream: Stream
    config: SnapConfig

    def check(self, receivers: int, most: int, *, tiles: bool) -> None:
        stream, width = self.stream, self.config.beat_entries
        self._refuse("count", (stream.counts < 0) | (stream.counts > width), f"from 0 to {width}", stream.counts)
        self._refuse("mask", (stream.masks < 0) | (stream.masks >= 1 << receivers), "of receivers", stream.masks)
        if not len(stream):
            return
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

    def check_groups(self, windows: np.ndarray) -> None:
        """Refuse tiles that a PE has to keep for the `windows` of their group and can't."""
        stream, config = self.stream, self.config
        tile = np.cumsum(stream.last) - stream.last
        ends = np.flatnonzero(stream.group_last)
        group = np.cumsum(stream.group_last) - stream.group_last
        kept = windows[group] > 1
        place = tile - np.append(0, tile[ends[:-1]] + 1)[group] + 1
        tiles = config.activation_tiles
        self._refuse("tiles of the group", kept & (place > tiles), f"at most {tiles}", place)
        beats = config.activation_beats
        for receiver in range(config.core_columns):
            stored = (stream.masks >> receiver & 1).astype(bool)
            place = np.cumsum(stored) - np.append(0, np.cumsum(stored)[ends[:-1]])[group]
            self._refuse("beats of the group", kept & (place > beats), f"at most {beats}", place)

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
