"""Where a network's tensors lie in the unified buffer and in the host's windows."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ...hw.config import check
from ...hw.tpu.config import TpuConfig
from .field_rules import TABLE_BYTES, table_rows
from .graph import Combine, Graph, Join, Lookup, Pool
from .tensors import Buffer, allocate
from .tiling import View

__all__ = ["Placement", "Table", "place", "table_bytes"]


class Table(NamedTuple):
    """Where a table lies: its first granule in the unified buffer, its first byte in the host's window 0."""

    ub: int
    host: int


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Placement:
    """All places.

    Parameters
    ----------
    ub
        By batch and name: the first granule of the layout in which the tensor lies.
    host
        By batch and name, of inputs and outputs: their first byte in their window.
    tables
        By name of the node that uses them.
    rows
        Rows of the unified buffer that are used.
    window_bytes
        Sizes of the windows.
    """

    ub: Mapping[tuple[int, str], int]
    host: Mapping[tuple[int, str], int]
    tables: Mapping[str, Table]
    rows: int
    window_bytes: tuple[int, int]


def place(config: TpuConfig, graph: Graph, views: Mapping[str, View], batches: int) -> Placement:
    """Find a place for everything.

    Raises
    ------
    ConfigError
        If the unified buffer or a window is too small: for what, and by how much.
    """
    tables = _tables(graph)
    buffers: dict[tuple[int, str], Buffer] = {
        (number, "table of all batches"): Buffer("a table", table_rows(config), 0, batches * len(graph.nodes))
        for number in range(len(tables))
    }
    spans = _spans(graph, views, batches)
    for (batch, name), (first, last) in sorted(spans.items(), key=lambda item: item[1][0]):
        text = f"the output of {name}" if name in graph.nodes else f"the {name}"
        buffers[batch, name] = Buffer(f"{text} of batch {batch}", views[name].layout.buffer_rows, first, last)
    rows = dict(zip(buffers, allocate(config, list(buffers.values())), strict=True))
    peak = max(rows[key] + buffer.rows for key, buffer in buffers.items())

    ub = {
        (batch, name): rows[_home(graph, views, batch, name)] * config.row_granules
        for batch in range(batches)
        for name in graph.tensors
    }
    host, sizes = _windows(config, graph, views, batches, len(tables) * TABLE_BYTES)
    found = {}
    for name, node in graph.nodes.items():
        if isinstance(node, Lookup):
            number = tables.index(node.table.tobytes())
            found[name] = Table(rows[number, "table of all batches"] * config.row_granules, number * TABLE_BYTES)
    return Placement(ub=ub, host=host, tables=found, rows=peak, window_bytes=sizes)


def _tables(graph: Graph) -> list[bytes]:
    """Each table once."""
    return list(dict.fromkeys(node.table.tobytes() for node in graph.nodes.values() if isinstance(node, Lookup)))


def table_bytes(graph: Graph) -> np.ndarray:
    """All tables, uint8, as they lie in the host's window 0."""
    return np.frombuffer(b"".join(_tables(graph)), np.uint8)


def _home(graph: Graph, views: Mapping[str, View], batch: int, name: str) -> tuple[int, str]:
    """The batch in which a tensor is made, and the one in whose layout it lies."""
    if batch and name in graph.recurrent:
        batch, name = batch - 1, graph.recurrent[name]
    return batch, views[name].buffer


def _spans(graph: Graph, views: Mapping[str, View], batches: int) -> dict[tuple[int, str], tuple[int, int]]:
    """First and last step in which each layout is in use. A step is a node's work on a batch."""
    nodes, order = len(graph.nodes), list(graph.nodes)
    spans: dict[tuple[int, str], tuple[int, int]] = {}
    done = _done(graph)

    def use(batch: int, name: str, first: int, last: int) -> None:
        key = _home(graph, views, batch, name)
        before = spans.get(key, (first, last))
        spans[key] = min(before[0], first), max(before[1], last)

    for batch in range(batches):
        start = batch * nodes
        for name in graph.inputs:
            if batch == 0 or name not in graph.recurrent:
                begin = start - nodes if graph.reads_before(name) else start
                if name in graph.read_behind:
                    begin += order.index(graph.read_behind[name])
                use(batch, name, max(0, begin), max(0, begin))
        for number, (name, node) in enumerate(graph.nodes.items(), start):
            use(batch, name, number, number)
            # The vector unit may be far behind the matrix unit: what it reads stays until what it makes is wanted.
            for source in node.sources:
                use(batch, source, number, start + done[name] if name in done else number)
        for name in graph.outputs:  # written while the next batch is worked on
            use(batch, name, start + nodes - 1, start + 2 * nodes - 1)
    return spans


def _done(graph: Graph) -> dict[str, int]:
    """By node of the vector unit: the first one that reads what it makes, or what the unit makes later."""
    wanted = dict.fromkeys(graph.nodes, len(graph.nodes) - 1)
    done, latest = {}, len(graph.nodes) - 1
    for number, (name, node) in reversed(list(enumerate(graph.nodes.items()))):
        at = wanted[name] if isinstance(node, Join) else number
        for source in node.sources:
            if source in wanted:
                wanted[source] = min(wanted[source], at)
        if isinstance(node, Pool | Combine | Lookup):
            done[name] = latest = min(latest, wanted[name])
    return done


def _windows(
    config: TpuConfig, graph: Graph, views: Mapping[str, View], batches: int, tables: int
) -> tuple[dict[tuple[int, str], int], tuple[int, int]]:
    """Places in the host's windows: tables, then inputs batch by batch; outputs batch by batch."""
    places, sizes = {}, [-(-tables // config.row_bytes) * config.row_bytes, 0]
    for batch in range(batches):
        inputs = [name for name in graph.inputs if batch == 0 or name not in graph.recurrent]
        for window, names in enumerate((inputs, graph.outputs)):
            for name in names:
                places[batch, name] = sizes[window]
                sizes[window] += views[name].layout.size
    most = min(1 << config.address_bits, config.bus_bytes << 32)
    for field, size in zip(("inputs", "outputs"), sizes, strict=True):
        check(field, size <= most, f"of at most {most:,} bytes in all", size)
    return places, (sizes[0], sizes[1])
