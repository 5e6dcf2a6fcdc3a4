"""Mapping of one group of a convolution onto a SNAP core, in diagonal and in row mode."""

from collections.abc import Iterator

import numpy as np

from .mapper import Mapper, split
from .phases import Phase
from .program import Item, Part, cut

__all__ = ["ConvolutionLayer"]


class ConvolutionLayer:
    """One group of a convolution: images and kernels to bundles."""

    def __init__(
        self, mapper: Mapper, image: np.ndarray, bank: np.ndarray, size: tuple[int, int, int], first: int,
        kernels: int | None,
    ) -> None:  # fmt: skip
        self.mapper, self.config = mapper, mapper.config
        self.image, self.bank, self.size, self.first, self.kernels = image, bank, size, first, kernels
        self.tiles: list[slice] = []
        self.cache: dict[tuple, Item] = {}
        self.blank = cut(self.config, [])

    def split_channels(self, multiple: int) -> None:
        """Cut the channels into a `multiple` of equal channel tiles, so that as many core columns get equal work."""
        channels = self.image.shape[2]
        count = min(channels, -(-channels // (self.config.channel_tile * multiple)) * multiple)
        self.tiles = [slice(int(part[0]), int(part[-1]) + 1) for part in np.array_split(np.arange(channels), count)]
        self.cache.clear()

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
            for part in split(len(down.taps), most):
                origin = down.origin - down.step * int(part[0])
                self.diagonal(Phase(down.inputs, down.taps[part], origin, down.step), across)
            return
        taps, n_rows, n_columns = len(down.taps), config.core_rows, config.core_columns
        kernels_most = max(1, min(self.kernels or config.psum_slots // 8, config.psum_slots // (taps + 1)))
        bands = self._bands(down, config.psum_slots // kernels_most)
        for s0 in range(0, len(across.taps), n_columns):
            columns = across.taps[s0 : s0 + n_columns]
            for q0 in range(0, len(across.inputs), n_rows):
                ports = across.output(np.arange(config.ports) - (n_columns - 1) + q0 - s0)
                if not ((ports >= 0) & (ports < self.size[1])).any():
                    continue
                for lines, span in bands:
                    # Slots that an image's edge or a low band leaves are worth more kernels.
                    for kernels in split(
                        self.bank.shape[3], kernels_most if self.kernels else config.psum_slots // span
                    ):
                        self._diagonal_block(down, across, lines, q0, s0, columns, kernels, ports)

    def _bands(self, down: Phase, most: int) -> list[tuple[np.ndarray, int]]:
        """Cut lines into as few bands of at most `most` output lines as there must be: ``(lines, output lines)``.

        Of all ways to do so, one whose longest band is shortest: the weights are sent once a band, however low it is.
        """
        valid = self._valid_taps(down, np.arange(len(down.inputs)))
        reached = [(line, line - taps[-1], line - taps[0]) for line, taps in enumerate(valid) if taps]

        def cut(longest: int) -> list[list[tuple[int, int, int]]]:
            bands: list[list[tuple[int, int, int]]] = []
            for entry in reached:
                if bands and len(bands[-1]) < longest and entry[2] - bands[-1][0][1] < most:
                    bands[-1].append(entry)
                else:
                    bands.append([entry])
            return bands

        fewest = len(cut(len(reached)))
        bands = next(bands for bands in map(cut, range(1, len(reached) + 1)) if len(bands) == fewest) if fewest else []
        return [(np.array([line for line, *_ in band]), band[-1][2] - band[0][1] + 1) for band in bands]

    def _diagonal_block(
        self, down: Phase, across: Phase, lines: np.ndarray, q0: int, s0: int, columns: np.ndarray,
        kernels: np.ndarray, ports: np.ndarray,
    ) -> None:  # fmt: skip
        config, mapper = self.config, self.mapper
        valid = self._valid_taps(down, lines)
        reached = [int(line) - t for line, taps in zip(lines, valid, strict=True) for t in taps]
        low, span = min(reached), max(reached) - min(reached) + 1
        parts = list(self._line_groups(lines, valid, config.classes))
        for number in range(len(self.tiles)):
            for part, (members, taps) in enumerate(parts):
                # A kernel column that is missing (the last sub-kernel) leaves its core column without weights.
                windows = mapper.windows(
                    [
                        [
                            self.entries(
                                [(int(down.taps[t]), int(s), -t, kind) for t, kind in taps], number, kernels, span
                            )
                        ]
                        for s in columns
                    ]
                    + [[]] * (config.core_columns - len(columns))
                )
                tiles = [
                    [
                        (
                            self._masked(int(down.inputs[line]), across, q0 + i, s0, len(columns), number),
                            line - low,
                            meets,
                        )
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
            members = [
                (line, sum((line in users_of) << kind for kind, users_of in enumerate(users)))
                for line, _ in pending[:count]
            ]
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
        each = self._pixels_kept()
        kernels_most = max(1, config.psum_slots // each)
        thirds = [
            range(at, min(at + config.core_columns, len(self.tiles)))
            for at in range(0, len(self.tiles), config.core_columns)
        ]
        for t, r in enumerate(down.taps):
            x = down.output(np.arange(len(down.inputs)) - t)
            y = across.output(np.arange(len(across.inputs)))
            pixels = [
                (int(h), int(w), int(a), int(b))
                for h, a in zip(down.inputs, x, strict=True)
                for w, b in zip(across.inputs, y, strict=True)
                if 0 <= a < self.size[0] and 0 <= b < self.size[1]
            ]
            # Blocks of whole rows of pixels, so that only the last row of the last block has PEs without one.
            for places in split(-(-len(pixels) // config.core_rows), each):
                first, depth = int(places[0]) * config.core_rows, len(places)
                grid = [
                    pixels[first + i : first + depth * config.core_rows : config.core_rows]
                    for i in range(config.core_rows)
                ]
                for kernels in split(self.bank.shape[3], kernels_most):
                    for third in thirds:
                        windows = mapper.windows(
                            [
                                [self.entries([(int(r), int(across.taps[0]), 0, 0)], number, kernels, depth)]
                                for number in third
                            ]
                            + [[]] * (config.core_columns - len(third))
                        )
                        parts = tuple((1 << column, number) for column, number in enumerate(third))
                        tiles = [
                            [
                                (self.tile(row[p][0], row[p][1], parts) if p < len(row) else self.blank, p, 1)
                                for row in grid
                            ]
                            for p in range(depth)
                        ]
                        mapper.group(windows, tiles, keep=True, block_last=third is thirds[-1])
                    self._row_targets(grid, depth, kernels)

    def _pixels_kept(self) -> int:
        """Pixels a row of a block: what the IA RF holds if dense, fewer if that makes windows too small."""
        config = self.config
        each = min(config.activation_tiles, config.activation_beats // config.tile_beats, config.psum_slots)
        density = np.count_nonzero(self.bank) / self.bank.size
        channels = self.tiles[0].stop
        while each > 1 and config.psum_slots // each * channels * density < config.aim_entries:
            each //= 2
        return each

    def _row_targets(self, grid: list[list[tuple[int, int, int, int]]], depth: int, kernels: np.ndarray) -> None:
        targets = np.full((self.config.ports, len(kernels), depth), -1)
        for i, row in enumerate(grid):
            for p, (_, _, x, y) in enumerate(row):
                targets[i, :, p] = self.flat(np.array(x), np.array(y), kernels)
        self.mapper.block(True, targets.reshape(self.config.ports, -1))
