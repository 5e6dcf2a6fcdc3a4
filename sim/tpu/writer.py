"""Writes the instructions of a network's program in an order in which no unit waits needlessly for another."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np

from ...hw.config import check
from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ...hw.tpu.isa import KINDS, OPERATIONS, SET_REGISTERS, SWAPS, encode
from .field_rules import TABLE_BYTES
from .graph import Combine, Graph, Lookup, Pool, Product, Tensor
from .layers import Layer
from .memory_reads import ParameterReads, WeightReads
from .placement import Placement
from .tensors import Slice
from .tiling import Column, Piece, View, blocks, columns_of, is_dense, pieces_of, sources_of, windows
from .weights import Tile, WeightMemory
from .windows import MODULUS

__all__ = ["Writer"]

MOST_REPEAT = (1 << 12) - 1
"""Weight tiles of one ``matmul``."""


MOST_POSITIONS = (1 << 16) - 1
"""Results of one ``pool``."""


@dataclasses.dataclass(frozen=True)
class Work:
    """Part of a node's work on a batch: of a product an N tile of a block of positions, of others all of it.

    Parameters
    ----------
    batch, name
        Which batch, and which node.
    column, block
        N tile and positions.
    tiles
        By piece of the input: weight tiles to go on with; none if the one in use is right.
    """

    batch: int
    name: str
    column: int = 0
    block: range = range(0)
    tiles: tuple[tuple[Tile, ...], ...] = ()


class Writer:
    """The program while it is written.

    Parameters
    ----------
    config, graph, batches
        What it is made for and of.
    views
        Where tensors lie in what they share.
    memory
        Weight memory.
    placement
        Where what they share lies, in the unified buffer and in host memory.

    Attributes
    ----------
    words
        Instructions.
    counts
        How many of each, by name.
    ends
        By batch and node: how many entries of the matrix, activation and vector unit there are up to its last one.
    """

    def __init__(
        self, config: TpuConfig, graph: Graph, batches: int, views: Mapping[str, View], memory: WeightMemory,
        placement: Placement,
    ) -> None:  # fmt: skip
        self.config, self.graph, self.batches, self.views, self.placement = config, graph, batches, views, placement
        self.words: list[int] = []
        self.counts: Counter[str] = Counter()
        self.ends: dict[tuple[int, str], tuple[int, int, int]] = {}
        self.registers = dict.fromkeys(SET_REGISTERS, 0)
        self.read: set[tuple[int, str, int]] = set()
        self.products = {name: node for name, node in graph.nodes.items() if isinstance(node, Product)}
        self.columns = {name: columns_of(views[name], tensor.channels) for name, tensor in graph.tensors.items()}
        self.pieces, self.blocks = {}, {}
        for name, node in self.products.items():
            sources = sources_of(graph, node)
            self.pieces[name] = pieces_of(config, node, [views[source] for source in node.sources], sources)
            self.blocks[name] = blocks(config, name, graph.tensors[name], is_dense(node, sources))
        self.block_rows = max((len(block) for found in self.blocks.values() for block in found), default=1)
        self.accumulator_places = config.matrix.accumulator_rows // self.block_rows
        self.works = list(self._works(memory))
        tiles = (tile for work in self.works for piece in work.tiles for tile in piece)
        self.weights = WeightReads(self.emit, config, tiles)
        self.parameters = ParameterReads(self.emit, config, self._sets(memory))

    def emit(self, name: str, **fields: int) -> None:
        """Add an instruction."""
        self.words.append(encode(name, **fields))
        self.counts[name] += 1

    def write(self) -> None:
        """Write all of it."""
        self.weights.read(0)
        products = 0
        for number, work in enumerate(self.works):
            match node := self.graph.nodes[work.name]:
                case Product():
                    self._product(work, node, products)
                    products += 1
                case Pool():
                    self._pool(work, node)
                case Combine() | Lookup():
                    self._vector(work, node)
            self._transfer(number, work)
            done = self.counts
            self.ends[work.batch, work.name] = (
                done["matmul"] + done["convolve"], done["activate"], done["pool"] + done["vector"]
            )  # fmt: skip
        self.emit("halt")

    def _works(self, memory: WeightMemory) -> Iterator[Work]:
        """All of it, in order. A single weight tile stays for all blocks, several are read again for each."""
        for batch in range(self.batches):
            for name in self.graph.nodes:
                if name not in self.products:
                    yield Work(batch, name)
                    continue
                for column, pieces in enumerate(memory.layers[name].tiles):
                    for block in self.blocks[name]:
                        single = len(pieces) == len(pieces[0]) == 1
                        again = block.start == 0 or not single
                        tiles = tuple(map(tuple, pieces)) if again else ((),)
                        yield Work(batch, name, column, block, tiles)

    def _sets(self, memory: WeightMemory) -> list[int]:
        """Addresses of the parameter sets, in the order in which they are used."""
        batch = []
        for name in self.products:
            first = memory.layers[name].sets
            if first is not None:
                batch += [first + number * self.config.set_beats for number in range(len(self.columns[name]))]
        return batch * self.batches

    def set(self, **values: int) -> None:
        """Give registers values that they don't have."""
        for name, value in values.items():
            if self.registers[name] != value:
                self.emit("set", index=SET_REGISTERS[name], value=value)
                self.registers[name] = value

    def _product(self, work: Work, node: Product, number: int) -> None:
        self.parameters.read()
        column = self.columns[work.name][work.column]
        if isinstance(node.layer, Layer):
            fields = {
                "kind": KINDS.index(node.layer.kind), "next": self.parameters.use(work.block.start == 0),
                "zero": node.layer.zero, "lo": node.layer.lowest, "hi": node.layer.highest,
            }  # fmt: skip
        else:
            planes = node.layer.planes
            if planes > 1:
                self.set(plane_step=column.part.plane)
            fields = {"kind": KINDS.index("raw"), "planes": planes.bit_length() - 1, "relu": node.layer.relu}
        accumulators = number % self.accumulator_places * self.block_rows
        if is_dense(node, sources_of(self.graph, node)):
            self._multiply(work, node, accumulators, first=number == 0)
        else:
            self._convolve(work, node, accumulators)
        ub, part = self._granule(work.batch, work.name, column, work.block.start), column.part
        self.emit("activate", ub=ub, rows=len(work.block), pitch=part.pitch, used=column.granules, **fields)

    def _granule(self, batch: int, name: str, column: Column, position: int) -> int:
        """Where a column of a tensor lies in the unified buffer, from some position on."""
        place = self.placement.ub[batch, name] + column.part.offset + column.granule
        return place + (self.views[name].position + position) * column.part.pitch

    def _common(self, node: Product, source: str, accumulators: int, rows: int) -> dict[str, int]:
        return {
            "a_signed": self.graph.tensors[source].dtype.kind == "i", "w_signed": node.layer.weights.dtype.kind == "i",
            "acc": accumulators, "rows": rows,
        }  # fmt: skip

    def _multiply(self, work: Work, node: Product, accumulators: int, *, first: bool) -> None:
        """Products with rows of tensors: as many pieces in an instruction as lie in equal steps."""
        pieces = self.pieces[work.name]
        for start, end in pairwise(self._cuts(work, pieces, first)):
            piece, *others = pieces[start:end]
            source, part = node.sources[piece.source], piece.column.part
            tiles = work.tiles[0] and work.tiles[start:end]
            self.weights.read(len(tiles))
            self._read_first(work.batch, source, part if first else None)
            swap = "none" if not tiles else "every" if others else "first"
            self.emit(
                "matmul",
                **self._common(node, source, accumulators, len(work.block)),
                accumulate=start > 0,
                drain=end == len(pieces),
                swap=SWAPS.index(swap),
                ub=self._granule(work.batch, source, piece.column, work.block.start),
                repeat=end - start,
                step=others[0].column.part.offset - part.offset if others else 0,
                pitch=part.pitch,
            )

    def _cuts(self, work: Work, pieces: list[Piece], first: bool) -> list[int]:
        """Where pieces are cut into instructions: the first piece of each, and their number."""
        count, start = len(pieces), 0
        cuts = {0, count}
        for number, (one, other) in enumerate(pairwise(pieces), 1):
            same = one.source == other.source and one.column.count == other.column.count
            if first or not same or number - start == MOST_REPEAT:
                cuts.add(number)
                start = number
        if work.column == 0 and work.block.start == 0:
            cuts.add(count - 1)  # so that only the last one waits for the last N tile of the layer before
        return sorted(cuts)

    def _convolve(self, work: Work, node: Product, accumulators: int) -> None:
        """Products with windows: a piece an instruction, which goes through the rows of the kernel."""
        result, pieces = self.graph.tensors[work.name], self.pieces[work.name]
        for number, (piece, tiles) in enumerate(zip(pieces, work.tiles, strict=True)):
            source = node.sources[piece.source]
            self._read_first(work.batch, source, None)
            registers, fields = self._windows(work.batch, node, source, result, piece.column.part, work.block)
            self.set(**{name: value for name, value in registers.items() if name != "tap_step"})
            self.weights.read(len(tiles))
            self.emit(
                "convolve",
                **self._common(node, source, accumulators, len(work.block)),
                accumulate=number > 0,
                drain=number == len(pieces) - 1,
                swap=SWAPS.index("every" if tiles else "none"),
                repeat=node.kernel[0],
                ub=(fields["ub"] + piece.first) % MODULUS,
                x=fields["x"] + piece.first,
                y=fields["y"],
                width=piece.width,
            )

    def _windows(
        self, batch: int, node: Product | Pool, source: str, result: Tensor, part: Slice, block: range
    ) -> tuple[dict[str, int], dict[str, int]]:
        place = self.placement.ub[batch, source] + part.offset + self.views[source].position * part.pitch
        return windows(self.config, node, self.graph.tensors[source], result, part, place, block)

    def _pool(self, work: Work, node: Pool) -> None:
        """A pool: an instruction for channels that lie together before and after, and as many images as it can."""
        (source,) = node.sources
        tensor, result = self.graph.tensors[source], self.graph.tensors[work.name]
        self._read_first(work.batch, source, None)
        pad = tensor.zero if node.average else int(np.iinfo(tensor.dtype).min)
        if node.average:
            self.set(factor_a=_bits(node.factor), addend=_bits(node.addend))
        image = result.height * result.width
        check(f"positions of an image of {work.name}", image <= MOST_POSITIONS, f"at most {MOST_POSITIONS:,}", image)
        step = MOST_POSITIONS // image * image
        for at in range(0, result.positions, step):
            block = range(at, min(at + step, result.positions))
            for one, other in _meeting(self.columns[source], self.columns[work.name]):
                registers, fields = self._windows(work.batch, node, source, result, one.part, block)
                self.set(**registers | {"pad": pad & 0xFF}, pool_pitch=other.part.pitch)
                self.emit(
                    "pool",
                    average=node.average,
                    signed=tensor.dtype.kind == "i",
                    rows=len(block),
                    kernel_rows=node.kernel[0],
                    kernel_columns=node.kernel[1],
                    width=one.granules,
                    dst=self._granule(work.batch, work.name, other, at),
                    ub=(fields["ub"] + one.granule) % MODULUS,
                    x=fields["x"] + one.granule,
                    y=fields["y"],
                )

    def _vector(self, work: Work, node: Combine | Lookup) -> None:
        """Whole tensors, which lie alike."""
        tensors = [self.graph.tensors[source] for source in node.sources]
        for source in node.sources:
            self._read_first(work.batch, source, None)
        places = [self.placement.ub[work.batch, source] for source in node.sources]
        fields = {"lo": 0, "hi": 0}
        if isinstance(node, Lookup):
            self._read_table(work.name)
            places.append(self.placement.tables[work.name].ub)
            operation = "table"
        else:
            operation, limits = node.operation, np.iinfo(tensors[0].dtype)
            fields["lo"] = int(limits.min) if node.lo is None else node.lo
            fields["hi"] = int(limits.max) if node.hi is None else node.hi
            if operation != "max":
                self.set(factor_a=_bits(node.factor_a), addend=_bits(node.addend))
            if operation == "add":
                self.set(factor_b=_bits(node.factor_b))
            if operation == "multiply":
                self.set(zero_a=tensors[0].pad, zero_b=tensors[1].pad)
        self.emit(
            "vector",
            operation=OPERATIONS.index(operation),
            signed=tensors[0].dtype.kind == "i",
            a=places[0],
            b=places[1],
            dst=self.placement.ub[work.batch, work.name],
            rows=self.views[work.name].layout.buffer_rows,
            **fields,
        )

    def _transfer(self, number: int, work: Work) -> None:
        """Read the next batch's inputs behind a batch's first work, and write what is complete of outputs."""
        before = self.works[number - 1] if number else None
        starts = before is None or (before.batch, before.name) != (work.batch, work.name)
        first = before is None or before.batch != work.batch
        for name in self.graph.inputs if starts else ():
            batch = work.batch + self.graph.reads_before(name)
            behind = self.graph.read_behind.get(name)
            due = work.name == behind if behind else first
            if due and batch < self.batches and name not in self.graph.recurrent:
                self._read_host(batch, name, None)
        if work.name in self.graph.outputs:
            layout = self.views[work.name].layout
            parts = layout.slices
            if work.name in self.products:
                done = work.block.stop == self.graph.tensors[work.name].positions
                parts = [self.columns[work.name][work.column].part] if done else []
            for part in parts:
                self._move("write_host", 1, work.batch, work.name, part)

    def _read_first(self, batch: int, name: str, part: Slice | None) -> None:
        """Read an input of the first batch when it is needed: a slice of it, or what is missing of all."""
        if batch == 0 and name in self.graph.inputs:
            self._read_host(batch, name, part)

    def _read_host(self, batch: int, name: str, part: Slice | None) -> None:
        slices = self.views[name].layout.slices
        missing = [one for one in ([part] if part else slices) if (batch, name, one.offset) not in self.read]
        self.read |= {(batch, name, one.offset) for one in missing}
        if missing == slices:
            whole = self.views[name].layout.granules
            missing = [dataclasses.replace(slices[0], granules=whole)]
        for one in missing:
            self._move("read_host", 0, batch, name, one)

    def _move(self, instruction: str, window: int, batch: int, name: str, part: Slice) -> None:
        start = self.placement.host[batch, name] + part.offset * GRANULE_BYTES
        ub, host = self.placement.ub[batch, name] + part.offset, start // self.config.bus_bytes
        self.emit(instruction, window=window, ub=ub, granules=part.granules, host=host)

    def _read_table(self, name: str) -> None:
        """Read a table before it is used for the first time."""
        table = self.placement.tables[name]
        if (0, "table", table.ub) not in self.read:
            self.read.add((0, "table", table.ub))
            granules = TABLE_BYTES // GRANULE_BYTES
            self.emit("read_host", window=0, ub=table.ub, granules=granules, host=table.host // self.config.bus_bytes)


def _bits(value: float) -> int:
    """A float32's."""
    return int(np.float32(value).view(np.uint32))


def _meeting(columns: list[Column], others: list[Column]) -> Iterator[tuple[Column, Column]]:
    """Channels that lie in a column of both, as a part of each."""
    for one in columns:
        for other in others:
            start, end = max(one.start, other.start), min(one.start + one.count, other.start + other.count)
            if start < end:
                one_part, other_part = (
                    Column(start, end - start, each.part, each.granule + (start - each.start) // GRANULE_BYTES)
                    for each in (one, other)
                )
                yield one_part, other_part
