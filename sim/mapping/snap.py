"""Mapping of convolution, pointwise and fully connected layers onto one SNAP core.

A convolution of any stride and dilation is a sum of stride-1 convolutions on sub-grids of the input (polyphase
components); `axis_phases` finds them, an axis at a time. Each is cut into psum blocks: in diagonal mode
`core_rows` neighbouring columns of some input rows, up to `core_columns` kernel columns and a few kernels; in row mode
(one kernel column) any pixels, the core's columns taking different channel tiles.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from ...hw.config import check, check_int
from ...hw.snap.config import SnapConfig
from .snap_program import CoreProgram, Item, Part, StreamBuilder, cut

__all__ = ["ConvolutionShape", "Phase", "axis_phases", "map_convolution", "map_fully_connected"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConvolutionShape:
    """Geometry of a convolution: stride, padding and dilation alike in both axes, and groups."""

    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1

    def __post_init__(self) -> None:
        check_int("stride", self.stride, 1, 4)
        check_int("padding", self.padding, 0, 1 << 10)
        check_int("dilation", self.dilation, 1, 1 << 10)
        check_int("groups", self.groups, 1)

    def outputs(self, size: int, kernel: int) -> int:
        """Outputs along an axis of `size` inputs."""
        return (size + 2 * self.padding - self.dilation * (kernel - 1) - 1) // self.stride + 1


@dataclasses.dataclass(frozen=True)
class Phase:
    """A stride-1 convolution within one axis: output ``output(p - t)`` gets input ``inputs[p]`` times tap ``taps[t]``.

    Parameters
    ----------
    inputs
        Input positions, evenly spaced; all lie within the axis.
    taps
        Kernel positions.
    origin, step
        ``output(q) = origin + step * q``.
    """

    inputs: np.ndarray
    taps: np.ndarray
    origin: int
    step: int

    def output(self, q: np.ndarray) -> np.ndarray:
        """Output positions for differences `q`; may lie outside the axis."""
        return self.origin + self.step * q


def axis_phases(size: int, kernel: int, shape: ConvolutionShape) -> list[Phase]:
    """Split a convolution along one axis into stride-1 convolutions."""
    phases = []
    for residue in range(shape.stride):
        offsets = np.arange(kernel) * shape.dilation - shape.padding - residue
        taps = np.flatnonzero(offsets % shape.stride == 0)
        if not len(taps):
            continue
        shifts = offsets[taps] // shape.stride
        step = int(shifts[1] - shifts[0]) if len(taps) > 1 else 1
        units = np.arange(residue, size, shape.stride)
        for start in range(min(step, len(units))):
            phases.append(Phase(units[start::step], taps, start - int(shifts[0]), step))
    return phases


def _split(count: int, most: int) -> list[np.ndarray]:
    return np.array_split(np.arange(count), -(-count // most)) if count else []


class _Mapper:
    """Collects the streams and blocks of one program."""

    def __init__(self, config: SnapConfig) -> None:
        self.config = config
        self.weights = [StreamBuilder() for _ in range(config.core_columns)]
        self.activations = [StreamBuilder() for _ in range(config.core_rows)]
        self.blocks: list[tuple[bool, int, int]] = []
        self.targets: list[np.ndarray] = []

    def windows(self, parts: list[list[Part]]) -> list[list[Item]]:
        """Cut every column's entries, by receiver, into equally many windows of equal size."""
        longest = max((len(part[1]) for column in parts for part in column), default=0)
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

    def group(self, windows: list[list[Item]], tiles: list[list[tuple[Item, int, int]]], *, keep: bool, block_last: bool) -> None:
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
        modes, slots, ports = (np.array(column) for column in zip(*self.blocks, strict=True))
        return CoreProgram(
            [stream.build() for stream in self.weights], [stream.build() for stream in self.activations],
            modes.astype(bool), slots, ports, self.targets,
        )  # fmt: skip

    def keeps(self, tiles: int) -> bool:
        """Whether `tiles` tiles fit the IA RF even if dense."""
        return tiles * self.config.tile_beats <= self.config.activation_beats and tiles <= self.config.activation_tiles


def map_convolution(
    config: SnapConfig,
    activations: np.ndarray,
    weights: np.ndarray,
    shape: ConvolutionShape = ConvolutionShape(),  # noqa: B008 (frozen)
    *,
    kernels: int | None = None,
) -> CoreProgram:
    """Program of a convolution on one core.

    Parameters
    ----------
    config
        The core.
    activations
        ``[H, W, C]`` integers of `data_bits`.
    weights
        ``[R, S, C / groups, K]`` integers of `data_bits`.
    shape
        Stride, padding, dilation, groups.
    kernels
        Kernels of a psum block; default: an eighth of the psum slots.

    Returns
    -------
    CoreProgram
        Its targets index the flat output ``[X, Y, K]``.
    """
    height, width, channels = activations.shape
    rows, columns, depth, outputs = weights.shape
    check("groups", channels == depth * shape.groups and outputs % shape.groups == 0, "a divisor of C and K", shape.groups)
    size = shape.outputs(height, rows), shape.outputs(width, columns), outputs
    check("padding", min(size) > 0, "such that there is output", shape.padding)
    mapper = _Mapper(config)
    each = outputs // shape.groups
    for group in range(shape.groups):
        image = activations[:, :, group * depth : (group + 1) * depth]
        bank = weights[..., group * each : (group + 1) * each]
        layer = _Layer(mapper, image, bank, size, group * each, kernels or max(1, config.psum_slots // 8))
        for down in axis_phases(height, rows, shape):
            for across in axis_phases(width, columns, shape):
                if len(across.taps) > 1:
                    layer.diagonal(down, across)
                else:
                    layer.by_rows(down, across)
    if not mapper.blocks:
        raise ValueError("activations must reach at least one output, not none")
    return mapper.program()


class _Layer:
    """One group of a convolution: images and kernels to bundles."""

    def __init__(
        self, mapper: _Mapper, image: np.ndarray, bank: np.ndarray, size: tuple[int, int, int], first: int, kernels: int
    ) -> None:
        self.mapper, self.config = mapper, mapper.config
        self.image, self.bank, self.size, self.first, self.kernels = image, bank, size, first, kernels
        self.tiles = [
            slice(at, at + self.config.channel_tile) for at in range(0, image.shape[2], self.config.channel_tile)
        ]
        self.cache: dict[tuple, Item] = {}
        self.blank = cut(self.config, [])

    def tile(self, h: int, w: int, parts: tuple[tuple[int, int], ...]) -> Item:
        """Bundle of pixel (h, w): ``(mask, channel tile)`` for each part."""
        key = h, w, parts
        if key not in self.cache:
            pieces = []
            for mask, number in parts:
                values = self.image[h, w, self.tiles[number]]
                at = np.flatnonzero(values)
                pieces.append((mask, values[at], at))
            self.cache[key] = cut(self.config, pieces)
        return self.cache[key]

    def entries(self, taps: list[tuple[int, int, int, int]], tile: int, kernels: np.ndarray, span: int) -> Part:
        """Entries of a W bundle ordered by k, r, c; a tap is ``(r, s, psum offset, class)``."""
        values, indices, slots, classes = [], [], [], []
        for number, kernel in enumerate(kernels):
            for r, s, offset, kind in taps:
                column = self.bank[r, s, self.tiles[tile], kernel]
                at = np.flatnonzero(column)
                values.append(column[at])
                indices.append(at)
                slots.append(np.full(len(at), number * span + offset))
                classes.append(np.full(len(at), kind))
        everywhere = (1 << self.config.core_rows) - 1
        return (everywhere, *(np.concatenate(array) for array in (values, indices, slots, classes)))

    def flat(self, x: np.ndarray, y: np.ndarray, kernels: np.ndarray) -> np.ndarray:
        """Flat output index, -1 outside."""
        height, width, depth = self.size
        inside = (x >= 0) & (x < height) & (y >= 0) & (y < width)
        return np.where(inside, (x * width + y) * depth + self.first + kernels, -1)

    def diagonal(self, down: Phase, across: Phase) -> None:
        """Blocks of a stride-1 convolution in diagonal mode."""
        config = self.config
        most = max(1, config.psum_slots // 2)
        if len(down.taps) > most:
            for part in _split(len(down.taps), most):
                origin = down.origin - down.step * int(part[0])
                self.diagonal(Phase(down.inputs, down.taps[part], origin, down.step), across)
            return
        taps, n_rows, n_columns = len(down.taps), config.core_rows, config.core_columns
        kernels_most = max(1, min(self.kernels, config.psum_slots // (taps + 1)))
        tall = max(1, config.psum_slots // kernels_most - taps + 1)
        for s0 in range(0, len(across.taps), n_columns):
            columns = across.taps[s0 : s0 + n_columns]
            for q0 in range(0, len(across.inputs), n_rows):
                ports = across.output(np.arange(config.ports) - (n_columns - 1) + q0 - s0)
                if not ((ports >= 0) & (ports < self.size[1])).any():
                    continue
                for lines in _split(len(down.inputs), tall):
                    for kernels in _split(self.bank.shape[3], kernels_most):
                        self._diagonal_block(down, across, lines, q0, s0, columns, kernels, ports)

    def _diagonal_block(
        self, down: Phase, across: Phase, lines: np.ndarray, q0: int, s0: int, columns: np.ndarray,
        kernels: np.ndarray, ports: np.ndarray,
    ) -> None:  # fmt: skip
        config, mapper = self.config, self.mapper
        valid = self._valid_taps(down, lines)
        reached = [int(line) - t for line, taps in zip(lines, valid, strict=True) for t in taps]
        if not reached:
            return
        low, span = min(reached), max(reached) - min(reached) + 1
        parts = list(self._line_groups(lines, valid, config.classes))
        for number in range(len(self.tiles)):
            for part, (members, taps) in enumerate(parts):
                # A kernel column that is missing (the last sub-kernel) leaves its core column without weights.
                windows = mapper.windows(
                    [
                        [self.entries([(int(down.taps[t]), int(s), -t, kind) for t, kind in taps], number, kernels, span)]
                        for s in columns
                    ]
                    + [[]] * (config.core_columns - len(columns))
                )
                tiles = [
                    [
                        (self._masked(int(down.inputs[line]), across, q0 + i, s0, len(columns), number), line - low, meets)
                        for i in range(config.core_rows)
                    ]
                    for line, meets in members
                ]
                last = number == len(self.tiles) - 1 and part == len(parts) - 1
                mapper.group(windows, tiles, keep=mapper.keeps(len(tiles)), block_last=last)
        x = np.tile(down.output(np.arange(low, low + span)), len(kernels))
        mapper.block(False, self.flat(x[None], ports[:, None], np.repeat(kernels, span)[None]))

    def _valid_taps(self, down: Phase, lines: np.ndarray) -> list[tuple[int, ...]]:
        valid = []
        for line in lines:
            x = down.output(line - np.arange(len(down.taps)))
            valid.append(tuple(np.flatnonzero((x >= 0) & (x < self.size[0])).tolist()))
        return valid

    @staticmethod
    def _line_groups(
        lines: np.ndarray, valid: list[tuple[int, ...]], most: int
    ) -> Iterator[tuple[list[tuple[int, int]], list[tuple[int, int]]]]:
        """Group lines and sort their taps into at most `most` classes: ``(line, mask of classes)``, ``(tap, class)``.

        Taps that the same lines use are of one class; a tap that falls outside the output for a line costs nothing.
        """
        pending = [(int(line), taps) for line, taps in zip(lines, valid, strict=True) if taps]
        while pending:
            count = len(pending)
            while True:
                users: dict[tuple[int, ...], list[int]] = {}
                for tap in sorted({tap for _, taps in pending[:count] for tap in taps}):
                    users.setdefault(tuple(line for line, taps in pending[:count] if tap in taps), []).append(tap)
                if len(users) <= most:
                    break
                count -= 1
            members = [(line, sum((line in users_of) << kind for kind, users_of in enumerate(users))) for line, _ in pending[:count]]
            yield members, sorted((tap, kind) for kind, taps in enumerate(users.values()) for tap in taps)
            pending = pending[count:]

    def _masked(self, h: int, across: Phase, q: int, s0: int, columns: int, number: int) -> Item:
        if q >= len(across.inputs):
            return self.blank
        y = across.output(q - s0 - np.arange(columns))
        mask = int((((y >= 0) & (y < self.size[1])) << np.arange(columns)).sum())
        return self.tile(h, int(across.inputs[q]), ((mask, number),)) if mask else self.blank

    def by_rows(self, down: Phase, across: Phase) -> None:
        """Blocks in row mode: one kernel column, taps one by one; core columns take different channel tiles."""
        config, mapper = self.config, self.mapper
        each = min(config.activation_tiles, config.activation_beats // config.tile_beats)
        kernels_most = max(1, config.psum_slots // each)
        thirds = [range(at, min(at + config.core_columns, len(self.tiles))) for at in range(0, len(self.tiles), config.core_columns)]
        for t, r in enumerate(down.taps):
            x = down.output(np.arange(len(down.inputs)) - t)
            y = across.output(np.arange(len(across.inputs)))
            pixels = [
                (int(h), int(w), int(a), int(b))
                for h, a in zip(down.inputs, x, strict=True)
                for w, b in zip(across.inputs, y, strict=True)
                if 0 <= a < self.size[0] and 0 <= b < self.size[1]
            ]
            for members in _split(len(pixels), each * config.core_rows):
                grid = [[pixels[m] for m in members[i :: config.core_rows]] for i in range(config.core_rows)]
                depth = len(grid[0])
                for kernels in _split(self.bank.shape[3], kernels_most):
                    for third in thirds:
                        windows = mapper.windows(
                            [[self.entries([(int(r), int(across.taps[0]), 0, 0)], number, kernels, depth)] for number in third]
                            + [[]] * (config.core_columns - len(third))
                        )
                        parts = tuple((1 << column, number) for column, number in enumerate(third))
                        tiles = [
                            [
                                (self.tile(*row[p][:2], parts) if p < len(row) else self.blank, p, 1)
                                for row in grid
                            ]
                            for p in range(depth)
                        ]
                        mapper.group(windows, tiles, keep=True, block_last=third is thirds[-1])
                    self._row_targets(grid, depth, kernels)

    def _row_targets(self, grid: list[list[tuple[int, int, int, int]]], depth: int, kernels: np.ndarray) -> None:
        targets = np.full((self.config.ports, len(kernels), depth), -1)
        for i, row in enumerate(grid):
            for p, (_, _, x, y) in enumerate(row):
                targets[i, :, p] = self.flat(np.array(x), np.array(y), kernels)
        self.mapper.block(True, targets.reshape(self.config.ports, -1))


def map_fully_connected(config: SnapConfig, activations: np.ndarray, weights: np.ndarray) -> CoreProgram:
    """Program of a fully connected layer, batch 1: rows take different kernels, columns different channel tiles.

    Parameters
    ----------
    config
        The core.
    activations
        ``[C]`` integers of `data_bits`.
    weights
        ``[C, K]`` integers of `data_bits`.

    Returns
    -------
    CoreProgram
        Its targets index the output ``[K]``.
    """
    mapper, tile = _Mapper(config), config.channel_tile
    rows, columns, outputs = config.core_rows, config.core_columns, weights.shape[1]
    for block in _split(outputs, config.psum_slots * rows):
        owners = np.array_split(block, rows)
        for at in range(0, len(activations), tile * columns):
            parts, pieces = [], []
            for column in range(columns):
                begin = at + column * tile
                chunk = weights[begin : begin + tile]
                mine = []
                for row, own in enumerate(owners):
                    number, index = np.nonzero(chunk[:, own].T)
                    mine.append((1 << row, chunk[:, own].T[number, index], index, number, 0 * number))
                parts.append(mine)
                values = activations[begin : begin + tile]
                index = np.flatnonzero(values)
                pieces.append((1 << column, values[index], index))
            item = cut(config, pieces)
            final = at + tile * columns >= len(activations)
            mapper.group(mapper.windows(parts), [[(item, 0, 1)] * rows], keep=True, block_last=final)
        targets = np.full((config.ports, len(owners[0])), -1)
        for row, own in enumerate(owners):
            targets[row, : len(own)] = own
        mapper.block(True, targets)
    return mapper.program()
