"""A program of the TPU whose windows lie far apart, so that each bit of what places them counts."""

from collections.abc import Iterator

import numpy as np

from ...hw.tpu.config import TpuConfig
from ...hw.tpu.isa import GEOMETRY
from .random_programs import Author, Scenario
from .random_windows import Part
from .rules import RAW
from .windows import ADDRESS_BITS, MODULUS

__all__ = ["far_program"]

X, Y, COUNT_BITS = 1 << 15, 1 << 11, 12
"""How far to the left or above a window may begin, and bits of registers that count lines and columns."""

ROWS = 2
"""Of the unified buffer, that hold the input."""

POSITIONS = 4
"""Windows of an instruction, at most."""


def far_program(config: TpuConfig, seed: int) -> Scenario:
    """Return a legal program of ``convolve`` and ``pool`` in which the windows that matter are far from the first ones.

    Of each register that says how far, or when the next line or image begins, each bit changes results. They all add
    to the same accumulators, so that none is lost.

    Parameters
    ----------
    config, seed
        As of `random_program`.
    """
    author, size = Author(config, np.random.default_rng(seed)), config.row_granules
    author.start(sets=False)
    first = author.base
    author.base, author.area = first + ROWS * size, author.area - ROWS * size
    sums = {"rows": POSITIONS, "pitch": 1, "repeat": 1}
    _add(author, ("matmul", {"ub": first, "swap": 1, **sums}))
    for registers, fields in _cases(author):
        for part in _windows(author, first, registers, fields):
            _add(author, *author.sets(_registers(author, first) | registers), *part)
    _add(author, *author.sets({"plane_step": POSITIONS * size}))
    raw = {"ub": author.base, "rows": POSITIONS, "pitch": size, "used": size, "kind": RAW, "planes": 2}
    _add(author, ("matmul", {"ub": first, "accumulate": 1, "drain": 1, **sums}), ("activate", raw))
    return author.ended()


def _add(author: Author, *parts: Part) -> None:
    if not author.add(*parts):
        raise AssertionError(f"{parts} is not legal")


def _cases(author: Author) -> Iterator[tuple[dict[str, int], dict[str, int]]]:
    """Registers that are not as by default, and fields that aren't: ``rows``, sizes of the kernel, ``x`` and ``y``."""
    number, half = author.upto(MODULUS - 1), author.upto(MODULUS // 2 - 1)
    for step in (number, MODULUS - 1 - number):
        yield {"image_step": step}, {"rows": 2}
        yield {"line_step": step, "lines": 2}, {"rows": 2}
        yield {"kernel_step": step}, {"rows": 1, "kernel_rows": 2}
    left, above = 1 + author.upto(X - 2), 1 + author.upto(Y - 2)
    for step, x in ((half, 0), (MODULUS // 2 - 1 - half, 0), (-left, left)):
        yield {"column_step": step % MODULUS, "columns": 2}, {"rows": 2, "x": x}
        yield {"tap_step": step % MODULUS}, {"rows": 1, "kernel_columns": 2, "x": x}
    for lines in (above, Y - 1 - above, Y):
        yield {"stride": lines, "lines": 2, "height": 1}, {"rows": 2, "y": -lines}
        yield {"dilation": lines, "height": 1}, {"rows": 1, "kernel_rows": 2, "y": -lines}
    for bit in range(COUNT_BITS):
        count = 1 << bit
        yield {"columns": count, "column_step": 1, "line_step": 2}, {"rows": POSITIONS}
        yield {"columns": 2 | count, "column_step": 1, "line_step": 2}, {"rows": POSITIONS}
        yield {"lines": count, "line_step": 1, "image_step": 2}, {"rows": POSITIONS}
        yield {"lines": 2 | count, "line_step": 1, "image_step": 2}, {"rows": POSITIONS}
        yield {"height": count, "lines": 2, "stride": 1}, {"rows": 2, "y": min(count, Y) - 1}
    for bit in range(ADDRESS_BITS):  # the second window lies at the end of the line or beyond
        end = (1 << bit) + author.upto((1 << bit) - 1)
        for step in (min(end, MODULUS // 2) - 1, end):
            yield {"line": end, "column_step": step, "columns": 2}, {"rows": 2}


def _registers(author: Author, first: int) -> dict[str, int]:
    row, steps = first // author.config.row_granules, [name for name in GEOMETRY if name.endswith("_step")]
    values = {"columns": 1, "lines": 1, "line": MODULUS - 1, "height": Y, "stride": 0, "dilation": 0, "pad": 0}
    return {"pool_pitch": 1, "window_first": row, "window_last": row + ROWS - 1, **dict.fromkeys(steps, 0), **values}


def _windows(
    author: Author, first: int, registers: dict[str, int], fields: dict[str, int]
) -> Iterator[tuple[Part, ...]]:
    """A product, and a pool whose results are multiplied: of windows of which the last ones lie from `first` on."""
    far = sum(step for name, step in registers.items() if name.endswith("_step") and step > POSITIONS)
    values = {"ub": (first - far) % MODULUS, "x": 0, "y": 0, "width": 1, **fields}
    kernel = {name: values.pop(name, 1) for name in ("kernel_rows", "kernel_columns")}
    yield (("convolve", {**values, "repeat": kernel["kernel_rows"], "accumulate": 1}),)
    dst, rows = author.base + author.upto(author.area - POSITIONS), values["rows"]
    product = {"ub": dst, "rows": rows, "pitch": 1, "repeat": 1, "accumulate": 1}
    yield ("pool", {**values, **kernel, "dst": dst}), ("matmul", product)
