"""Networks of LSTM cells as large as those that the first TPU was measured with.

All tensors are int8: sums before their functions of scale 1/16, cell states of 1/32, what lies between -1 and 1 of
1/127. A cell is one time step of a batch; its state stays in the unified buffer from batch to batch.
"""

from collections.abc import Iterator

import numpy as np

from ...hw.config import check_int
from .graph import Combine, Graph, Lookup, Node, Product, Tensor
from .layers import Layer

__all__ = ["lstm", "lstm0", "lstm1"]

BEFORE, STATE, UNIT = 1 / 16, 1 / 32, 1 / 127
"""Scales."""

SPREAD = 32
"""Of sums before their functions, in steps: standard deviation."""

WEIGHT_SPREAD, VALUE_SPREAD = 73, 50
"""Of random weights, and about of hidden states, in steps."""

INT8 = np.dtype(np.int8)


def lstm0(scale: int = 1, seed: int = 0) -> Graph:
    """Batch of 64; five cells of 1,024; then four layers of 1,024 x 2,560; all divided by `scale`."""
    return lstm(64, 5, 1024, 1024, [2560] * 4, scale, seed)


def lstm1(scale: int = 1, seed: int = 0) -> Graph:
    """Batch of 96; nine cells of 600; then a layer of 600 x 13,500; all divided by `scale`."""
    return lstm(96, 9, 600, 600, [13500], scale, seed)


def lstm(rows: int, cells: int, inputs: int, hidden: int, outputs: list[int], scale: int = 1, seed: int = 0) -> Graph:
    """Make LSTM cells one above the other, and layers that read what the last one gives.

    Hidden states are tensors of 256 columns each (divided by `scale`), so that the work of a cell's functions overlaps
    with the products for its next columns.

    Parameters
    ----------
    rows
        Of a batch.
    cells
        How many.
    inputs, hidden
        Columns of the first cell's input, and of each cell's state.
    outputs
        Columns of each layer behind them.
    scale
        Divides all of these, which are rounded to integers.
    seed
        Of the weights.
    """
    check_int("scale", scale, 1)
    rows, inputs, hidden, *outputs = (max(1, round(size / scale)) for size in (rows, inputs, hidden, *outputs))
    rng, width = np.random.default_rng(seed), 256 // scale
    widths = list(_cut(hidden, width))
    tensors = {f"x.{part}": _tensor(rows, size) for part, size in enumerate(_cut(inputs, width))}
    read, nodes, recurrent = tuple(tensors), {}, {}
    for cell in range(cells):
        for part, size in enumerate(widths):
            for name in ("h", "c"):
                tensors[f"{name}{cell}.{part} before"] = _tensor(rows, size)
                recurrent[f"{name}{cell}.{part} before"] = f"{name}{cell}.{part}"
        before = tuple(f"h{cell}.{part} before" for part in range(len(widths)))
        columns = hidden + (inputs if cell == 0 else hidden)
        for part, size in enumerate(widths):
            nodes |= _cell(rng, f"{cell}.{part}", before + read, columns, size)
        read = tuple(f"h{cell}.{part}" for part in range(len(widths)))
    last = tuple(f"output {number}" for number in range(len(outputs)))
    for name, size in zip(last, outputs, strict=True):
        nodes[name] = Product(sources=read, layer=_layer(rng, hidden, size))
    return Graph(inputs=tensors, nodes=nodes, outputs=last, recurrent=recurrent)


def _cut(columns: int, width: int) -> Iterator[int]:
    return (min(width, columns - start) for start in range(0, columns, width))


def _tensor(rows: int, columns: int) -> Tensor:
    return Tensor(images=rows, channels=columns, dtype=INT8)


def _layer(rng: np.random.Generator, rows: int, columns: int) -> Layer:
    factor = SPREAD / (WEIGHT_SPREAD * VALUE_SPREAD * np.sqrt(rows))
    return Layer(
        weights=rng.integers(-127, 128, (rows, columns), np.int8), bias=np.zeros(columns, np.int32),
        factors=np.full(columns, factor, np.float32), kind="int8",
    )  # fmt: skip


def _cell(rng: np.random.Generator, key: str, sources: tuple[str, ...], rows: int, columns: int) -> dict[str, Node]:
    """Some columns of a cell: ``c = f * c + i * g``, ``h = o * tanh(c)``.

    The output gate comes last: only its function and a product lie between the last weights and the next cell's input.
    """

    def gate(name: str, scale: float, function: str) -> dict[str, Node]:
        return {
            f"{name}{key} sums": Product(sources=sources, layer=_layer(rng, rows, columns)),
            f"{name}{key}": Lookup(sources=(f"{name}{key} sums",), table=_table(function, scale)),
        }

    def multiply(a: str, b: str, scale: float) -> Combine:
        return Combine(operation="multiply", sources=(a, b), factor_a=scale)

    return {
        **gate("i", BEFORE, "sigmoid"),
        **gate("g", BEFORE, "tanh"),
        f"i{key} * g{key}": multiply(f"i{key}", f"g{key}", UNIT * UNIT / STATE),
        **gate("f", BEFORE, "sigmoid"),
        f"f{key} * c{key}": multiply(f"f{key}", f"c{key} before", UNIT),
        f"c{key}": Combine(
            operation="add", sources=(f"f{key} * c{key}", f"i{key} * g{key}"), factor_a=1.0, factor_b=1.0
        ),
        f"tanh c{key}": Lookup(sources=(f"c{key}",), table=_table("tanh", STATE)),
        **gate("o", BEFORE, "sigmoid"),
        f"h{key}": multiply(f"o{key}", f"tanh c{key}", UNIT),
    }


def _table(function: str, scale: float) -> np.ndarray:
    """By byte: a function of values of a scale, in steps of `UNIT`."""
    values = np.arange(256, dtype=np.uint8).view(np.int8) * scale
    results = np.tanh(values) if function == "tanh" else 1 / (1 + np.exp(-values))
    return np.rint(results / UNIT).astype(np.int8)
