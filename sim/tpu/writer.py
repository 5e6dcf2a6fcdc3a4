"""Writes the instructions of a network's program in an order in which no unit waits needlessly for another."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from ...hw.tpu.config import GRANULE_BYTES, QUEUES, TpuConfig
from ...hw.tpu.isa import KINDS, SET_REGISTERS, SWAPS, encode
from .layers import Layer, Network
from .tensors import Buffer, Layout, allocate
from .weights import Tile, WeightMemory, runs

__all__ = ["Writer"]

MOST_REPEAT = (1 << 12) - 1
"""Weight tiles of one ``matmul``."""


@dataclasses.dataclass(frozen=True)
class Product:
    """An N tile of a block of rows.

    Parameters
    ----------
    batch, layer, column
        Which batch, layer and N tile.
    block
        Its rows.
    tiles
        Weight tiles to go on with; none if the one in use is right.
    """

    batch: int
    layer: int
    column: int
    block: range
    tiles: list[Tile]


class Writer:
    """The program while it is written.

    Parameters
    ----------
    config, network, batches
        What it is made for and of.
    tensors
        Layouts of the input and of each layer's output.
    memory
        Weight memory.

    Attributes
    ----------
    words
        Instructions.
    counts
        How many of each, by name.
    ub_rows
        Rows of the unified buffer that are used.
    """

    def __init__(
        self, config: TpuConfig, network: Network, tensors: Sequence[Layout], memory: WeightMemory, batches: int
    ) -> None:
        self.config, self.network, self.tensors, self.batches = config, network, tensors, batches
        self.words: list[int] = []
        self.counts: Counter[str] = Counter()
        self.places, self.ub_rows = self._allocate()
        accumulators = config.matrix.accumulator_rows
        self.blocks = _blocks(network.rows, accumulators // 2)
        self.products = list(self._products(memory))
        self.block_rows = max(map(len, self.blocks))
        self.accumulator_places = accumulators // self.block_rows
        tiles = (tile for product in self.products for tile in product.tiles)
        self.weights = _WeightReads(self.emit, config, tiles)
        sets = sum(
            len(columns)
            for columns, layer in zip(memory.tiles, network.layers, strict=True)
            if isinstance(layer, Layer)
        )
        self.parameters = _ParameterReads(self.emit, config, memory.sets, sets, batches)
        self.plane_step = 0

    def emit(self, name: str, **fields: int) -> None:
        """Add an instruction."""
        self.words.append(encode(name, **fields))
        self.counts[name] += 1

    def write(self) -> None:
        """Write all of it."""
        self.weights.read(0)
        for number, product in enumerate(self.products):
            self.parameters.read()
            self._set_plane_step(product)
            self._multiply(number, product)
            self._activate(product)
            self._transfer(product)
        self.emit("halt")

    def _allocate(self) -> tuple[dict[tuple[int, int], int], int]:
        """First granule of each batch's tensors, and the rows that all take. A step is a layer's work on a batch."""
        layers, buffers = len(self.network.layers), {}
        for batch in range(self.batches):
            start = batch * layers
            for tensor, layout in enumerate(self.tensors):
                name, first, last = f"the output of layer {tensor - 1}", start + tensor - 1, start + tensor
                if tensor == 0:  # read while the batch before is worked on
                    name, first = "the input", max(0, start - layers)
                elif tensor == layers:  # written while the next batch is worked on
                    name, last = "the output", start + 2 * layers - 1
                buffers[batch, tensor] = Buffer(f"{name} of batch {batch}", layout.buffer_rows, first, last)
        buffers = dict(sorted(buffers.items(), key=lambda item: item[1].first))
        rows = allocate(self.config, list(buffers.values()))
        peak = max(row + buffer.rows for row, buffer in zip(rows, buffers.values(), strict=True))
        return {key: row * self.config.row_granules for key, row in zip(buffers, rows, strict=True)}, peak

    def _products(self, memory: WeightMemory) -> Iterator[Product]:
        """All of them in their order. A single K tile stays for all blocks of rows, several are read again for each."""
        for batch in range(self.batches):
            for layer, columns in enumerate(memory.tiles):
                for column, tiles in enumerate(columns):
                    for block in self.blocks:
                        again = block.start == 0 or len(tiles) > 1
                        yield Product(batch, layer, column, block, tiles if again else [])

    def _set_plane_step(self, product: Product) -> None:
        target = self.tensors[product.layer + 1]
        step = target.slices[product.column].plane
        if target.planes > 1 and step != self.plane_step:
            self.emit("set", index=SET_REGISTERS["plane_step"], value=step)
            self.plane_step = step

    def _multiply(self, number: int, product: Product) -> None:
        source = self.tensors[product.layer]
        place = self.places[product.batch, product.layer]
        for first, end in pairwise(self._cuts(number, product)):
            part, *others = source.slices[first:end]
            self.weights.read(end - first if product.tiles else 0)
            if number == 0:  # nothing to overlap with: each product waits for its own slice only
                self._read_host(0, part.offset, part.granules)
            swap = "none" if not product.tiles else "every" if others else "first"
            self.emit(
                "matmul",
                accumulate=first > 0,
                drain=end == len(source.slices),
                a_signed=source.dtype.kind == "i",
                w_signed=self.network.layers[product.layer].weights.dtype.kind == "i",
                swap=SWAPS.index(swap),
                ub=place + part.offset + product.block.start * part.pitch,
                rows=len(product.block),
                acc=number % self.accumulator_places * self.block_rows,
                repeat=end - first,
                step=others[0].offset - part.offset if others else 0,
                pitch=part.pitch,
            )

    def _cuts(self, number: int, product: Product) -> list[int]:
        """Where K tiles are cut into instructions: first K tile of each, and their number."""
        slices = self.tensors[product.layer].slices
        count = len(slices)
        cuts = {*range(0, count, MOST_REPEAT if number else 1), count}
        if product.column == 0 and product.block.start == 0:
            cuts.add(count - 1)  # so that only the last one waits for the last N tile of the layer before
        if slices[-1].columns < slices[0].columns:
            cuts.add(count - 1)
        return sorted(cuts)

    def _activate(self, product: Product) -> None:
        layer, target = self.network.layers[product.layer], self.tensors[product.layer + 1]
        part = target.slices[product.column]
        fields: dict[str, int] = {
            "ub": self.places[product.batch, product.layer + 1] + part.offset + product.block.start * part.pitch,
            "rows": len(product.block), "pitch": part.pitch, "used": part.pitch,
        }  # fmt: skip
        if isinstance(layer, Layer):
            fields |= {
                "kind": KINDS.index(layer.kind), "next": self.parameters.use(product.block.start == 0),
                "zero": layer.zero, "lo": layer.lowest, "hi": layer.highest,
            }  # fmt: skip
        else:
            fields |= {"kind": KINDS.index("raw"), "planes": target.planes.bit_length() - 1, "relu": layer.relu}
        self.emit("activate", **fields)

    def _transfer(self, product: Product) -> None:
        """Read the next batch's input behind a batch's first product, and write N tiles of its output that are done."""
        if (product.layer, product.column, product.block.start) == (0, 0, 0) and product.batch + 1 < self.batches:
            self._read_host(product.batch + 1, 0, self.tensors[0].granules)
        if product.layer == len(self.network.layers) - 1 and product.block.stop == self.network.rows:
            part = self.tensors[-1].slices[product.column]
            self._move("write_host", 1, (product.batch, product.layer + 1), part.offset, part.granules)

    def _read_host(self, batch: int, offset: int, granules: int) -> None:
        self._move("read_host", 0, (batch, 0), offset, granules)

    def _move(self, name: str, window: int, tensor: tuple[int, int], offset: int, granules: int) -> None:
        batch, number = tensor
        start = batch * self.tensors[number].size + offset * GRANULE_BYTES
        ub, host = self.places[tensor] + offset, start // self.config.bus_bytes
        self.emit(name, window=window, ub=ub, granules=granules, host=host)


def _blocks(rows: int, most: int) -> list[range]:
    """Rows in as few equal blocks as possible."""
    count = -(-rows // most)
    return [range(start, end) for start, end in pairwise(rows * block // count for block in range(count + 1))]


class _WeightReads:
    """Instructions that read weights: early, but never so many that their queue is full before it can move on.

    The instruction for tile t is written before the ``matmul`` with tile t - `ahead`. As every one reads a tile at
    least, the one eight before it, whose place in the queue it takes, then has tiles of older ``matmul`` only.
    """

    def __init__(self, emit: Callable[..., None], config: TpuConfig, tiles: Iterable[Tile]) -> None:
        self.emit, self.runs = emit, runs(tiles)[::-1]
        self.ahead = min(config.tiles_ahead + 1, QUEUES["weights"] - 1)
        self.tiles_read = self.tiles_used = 0

    def read(self, tiles: int) -> None:
        """Read what comes next, before a ``matmul`` that uses so many new tiles."""
        self.tiles_used += tiles
        while self.runs and self.tiles_read < self.tiles_used + self.ahead:
            run = self.runs.pop()
            self.tiles_read += len(run)
            self.emit(
                "read_weights", tiles=len(run), rows=run[0].rows, chunks=run[0].chunks, address=run[0].address
            )  # fmt: skip


class _ParameterReads:
    """Instructions that read parameter sets, half of those that may wait at a time; the same ones for each batch."""

    def __init__(self, emit: Callable[..., None], config: TpuConfig, address: int, sets: int, batches: int) -> None:
        self.emit, self.config, self.address, self.sets = emit, config, address, sets
        self.total, self.sets_read, self.sets_used = sets * batches, 0, 0

    def read(self) -> None:
        """Read as many as there is room for."""
        room, half = self.config.parameter_sets, max(1, self.config.parameter_sets // 2)
        while self.sets_read < self.total:
            index = self.sets_read % self.sets
            count = min(half, self.sets - index)
            if self.sets_read - self.sets_used + count > room:
                break
            self.emit("read_parameters", count=count, address=self.address + index * self.config.set_beats)
            self.sets_read += count

    def use(self, following: bool) -> bool:
        """Note that an ``activate`` goes on with the following set, if it does."""
        self.sets_used += following
        return following
