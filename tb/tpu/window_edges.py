"""Short programs whose last instruction is just legal, or just not: of registers, windows and vectors."""

from collections.abc import Iterator

from ...hw.tpu.config import TpuConfig
from ...hw.tpu.isa import FLOATS, OPERATIONS, REGISTERS, SET_REGISTERS, encode
from .edge_programs import Program

__all__ = ["window_edges"]

TABLE = OPERATIONS.index("table")
FARTHEST = (1 << 24) - 1
GOOD_FLOATS = (0, 1 << 31, 1 << 23, 1 << 31 | 1 << 23, 0x3F800001, 0x4EFFFFFF, 0xCEFFFFFF)
"""Zeros, the smallest normal numbers, and the largest below 2**31."""
BAD_FLOATS = (1, (1 << 23) - 1, 1 << 31 | 1, 0x4F000000, 0xCF000000, 0x7F800000, 0xFF800000, 0x7FC00000)
"""Subnormal numbers, 2**31, infinities, one that is none."""

Case = tuple[str, dict[str, int], dict[str, int]]
"""Error, registers and fields that are not as in the legal instruction."""


def window_edges(config: TpuConfig) -> Iterator[Program]:
    """Return them. Weight memory has a tile at least."""
    yield from _registers(config)
    tile = encode("read_weights", tiles=1, rows=1, chunks=1)
    position = {"columns": 1, "lines": 1}
    convolve = {"rows": 1, "repeat": 1, "width": 1, "swap": 1}
    for error, registers, fields in _convolves(config):
        yield [tile, *_set(position | registers), encode("convolve", **convolve | fields)], error
    yield from _bundles([tile, *_set(position)], convolve)
    pool = {"rows": 1, "kernel_rows": 1, "kernel_columns": 1, "width": 1, "dst": config.row_granules}
    for error, registers, fields in _pools(config):
        yield [*_set(position | {"pool_pitch": 1} | registers), encode("pool", **pool | fields)], error
    for error, fields in _vectors(config):
        yield [encode("vector", **{"rows": 1} | fields)], error


def _set(registers: dict[str, int]) -> list[int]:
    return [encode("set", index=SET_REGISTERS[name], value=value) for name, value in registers.items()]


def _limits(config: TpuConfig) -> dict[str, int]:
    """By register: the first value that is none of it."""
    limits = {name: 1 << one.bits for name, one in REGISTERS.items()}
    limits |= dict.fromkeys(("window_first", "window_last"), config.ub_rows)
    return limits | {"pool_pitch": config.row_granules + 1, "plane_step": config.ub_granules}


def _registers(config: TpuConfig) -> Iterator[Program]:
    """What they can hold, whether each reaches the units that use it, and whether the next program finds all at 0."""
    limits = _limits(config)
    legal = {name: GOOD_FLOATS if name in FLOATS else (limit - 1,) for name, limit in limits.items()}
    yield [word for name, values in legal.items() for value in values for word in _set({name: value})], "end"
    for name, limit in limits.items():
        for value in (limit, limit | 1 << 32, 1 << 63, *(BAD_FLOATS if name in FLOATS else ())):
            yield _set({name: value}), "value"
    indices = {number ^ 1 << bit for number in (0x10, 0x24, 0x50) for bit in range(8)} | {0, 0x1F, 0xFF}
    for index in sorted(indices - {*SET_REGISTERS.values()}):
        yield [encode("set", index=index)], "reserved"
    users = [
        encode("read_weights", tiles=1, rows=1, chunks=1), encode("convolve", rows=1, repeat=1, width=1, swap=1),
        encode("vector", rows=1),
    ]  # fmt: skip
    most = {name: values[-1] - number * (name in FLOATS) for number, (name, values) in enumerate(legal.items())}
    pool = encode("pool", rows=1, kernel_rows=31, kernel_columns=31, width=config.row_granules)
    yield [*_set(most), *users, pool, *_set({"window_first": 0}), users[1]], "no_tile"
    yield [*_set({"columns": 1, "lines": 1}), *users], "end"
    for name in most:  # each by itself, and what it was before: 0
        yield [*_set({"columns": 1, "lines": 1, "window_last": config.ub_rows - 1, name: most[name]}), *users], "end"


def _windows(config: TpuConfig) -> Iterator[Case]:
    """Of ``convolve`` and ``pool``."""
    width, last = config.row_granules, config.ub_rows - 1
    yield from (("value", {}, {"width": 0}), ("value", {"pool_pitch": width}, {"width": width + 1}))
    yield from (("value", {}, {"width": 127}), ("end", {"pool_pitch": width}, {"width": width}))
    yield from (("value", {"columns": 0}, {}), ("value", {"lines": 0}, {}), ("value", {"window_first": 1}, {}))
    yield "value", {"window_first": last, "window_last": last - 1}, {}
    yield "end", {"window_first": last, "window_last": last}, {}
    for y, x in ((-(1 << 11), -(1 << 15)), ((1 << 11) - 1, (1 << 15) - 1)):
        yield "end", {}, {"ub": FARTHEST, "y": y, "x": x}


def _convolves(config: TpuConfig) -> Iterator[Case]:
    most, last = config.matrix.accumulator_rows, config.ub_rows - 1
    yield from _windows(config)
    yield from (("value", {}, {"swap": 3}), ("value", {}, {"repeat": 0}), ("accumulators", {}, {"rows": 0}))
    yield from (("end", {}, {"acc": most - 1}), ("accumulators", {}, {"acc": most}))
    yield from (("end", {}, {"rows": most}), ("accumulators", {}, {"rows": most + 1}))
    yield from (("accumulators", {}, {"acc": 1, "rows": most}), ("accumulators", {}, {"acc": 65535, "rows": 8191}))
    yield from (("no_tile", {}, {"swap": 0}), ("no_tile", {}, {"swap": 2, "repeat": 2}), ("end", {}, {"repeat": 4095}))
    yield "end", {"window_last": last}, {"ub": FARTHEST}
    yield from (("value", {}, {"width": 0, "rows": 0}), ("accumulators", {}, {"rows": 0, "swap": 0}))


def _bundles(before: list[int], fields: dict[str, int]) -> Iterator[Program]:
    """One that drains, and what may come behind it."""
    first = [*before, encode("convolve", **fields, drain=1)]
    second = {"kind": 2, "rows": 1, "pitch": 1, "used": 1}
    yield [*first, encode("activate", **second)], "end"
    yield first, "bundle"
    for word in (
        encode("activate", **second | {"rows": 2}), encode("set", index=SET_REGISTERS["columns"], value=1),
        encode("convolve", **fields), encode("pool"), encode("vector", rows=1),
    ):  # fmt: skip
        yield [*first, word], "bundle"
    yield [*first, encode("activate", **second), encode("activate", **second)], "bundle"
    wider = [*before, *_set({"window_last": 1}), encode("convolve", **fields, drain=1), encode("activate", **second)]
    yield wider, "end"


def _pools(config: TpuConfig) -> Iterator[Case]:
    width, size, last = config.row_granules, config.ub_granules, config.ub_rows - 1
    for error, registers, fields in _windows(config):
        yield error, registers, {"dst": width} | fields
    for name in ("rows", "kernel_rows", "kernel_columns"):
        yield "value", {}, {name: 0}
    if width > 1:
        yield from (("value", {"pool_pitch": width - 1}, {"width": width}), ("end", {"pool_pitch": 2}, {"width": 1}))
    yield from (("value", {"pool_pitch": 0}, {}), ("end", {}, {"dst": size - 1}), ("buffer", {}, {"dst": size}))
    yield from (("buffer", {}, {"dst": FARTHEST}), ("buffer", {}, {"dst": FARTHEST, "rows": 65535}))
    rows = min(size // width - 1, 65535)
    for wide in {1, width}:
        end = {"rows": rows, "width": wide, "dst": size - (rows - 1) * width - wide}
        yield "end", {"pool_pitch": width}, end
        yield "buffer", {"pool_pitch": width}, end | {"dst": end["dst"] + 1}
    # Results in rows 2 to 3: they may be made of what lies right before and right behind.
    results = {"dst": 3 * width - 1, "rows": 2 if width == 1 else 3, "width": 1}
    for error, first, end in (
        ("end", 0, 1), ("overlap", 0, 2), ("overlap", 2, 2), ("overlap", 3, 3), ("end", 4, last), ("overlap", 3, last),
        ("overlap", 0, last), ("end", 4, 4),
    ):  # fmt: skip
        yield error, {"window_first": first, "window_last": end}, results
    yield "buffer", {"window_last": last}, {"dst": size}
    yield "value", {"window_last": last, "columns": 0}, {"dst": size}


def _vectors(config: TpuConfig) -> Iterator[tuple[str, dict[str, int]]]:
    row, rows = config.row_granules, config.ub_rows
    yield from (("value", {"rows": 0}), *(("value", {"operation": number}) for number in range(4, 8)))
    for operation in range(TABLE):
        for signed, low, high in ((0, 0, 255), (1, -128, 127)):
            legal = {"operation": operation, "signed": signed}
            yield from (("end", legal | {"lo": low, "hi": high}), ("end", legal | {"lo": high, "hi": high}))
            yield from (("value", legal | {"lo": low - 1, "hi": high}), ("value", legal | {"lo": high, "hi": low}))
            yield from (("value", legal | {"lo": -256, "hi": high}), ("value", legal | {"lo": low, "hi": -256}))
            if signed:
                yield from (("value", legal | {"hi": high + 1}), ("value", legal | {"lo": 255, "hi": 255}))
    most = rows - 3
    for name in ("a", "b", "dst"):
        for off in {1, row // 2} if row > 1 else ():
            yield "buffer", {name: off}
        yield from (("end", {name: (rows - 1) * row}), ("buffer", {name: rows * row}))
        yield from (("buffer", {name: FARTHEST - FARTHEST % row, "rows": (1 << 17) - 1}),)
    yield from (("end", {"rows": min(rows, (1 << 17) - 1)}), ("buffer", {"rows": most, **dict.fromkeys("ab", 4 * row)}))
    end = {"rows": most, **dict.fromkeys(("a", "b", "dst"), 3 * row)}
    yield "end", end
    for name in ("a", "b", "dst"):
        yield "buffer", end | {name: 4 * row}
    for signed in (0, 1):
        for name in ("a", "b"):  # rows 4 and 5 of results
            results = {"rows": 2, "a": 4 * row, "b": 4 * row, "dst": 4 * row, "signed": signed}
            for error, at in (("end", 4), ("overlap", 3), ("overlap", 5), ("end", 2), ("end", 6), ("end", 0)):
                yield error, results | {name: at * row}
    yield from _tables(config)


def _tables(config: TpuConfig) -> Iterator[tuple[str, dict[str, int]]]:
    row, rows, size = config.row_granules, config.ub_rows, 256 // config.row_bytes
    legal = {"operation": TABLE, "b": 2 * row, "a": 0, "dst": 0}
    for name in ("lo", "hi"):
        yield from (("value", legal | {name: 1}), ("value", legal | {name: -1}))
    if size + 2 > rows:
        yield "buffer", legal
        return
    for signed in (0, 1):
        yield "end", legal | {"signed": signed}
    last = (rows - size) * row
    yield from (
        ("end", legal | {"b": last}),
        ("buffer", legal | {"b": last + row}),
        ("buffer", legal | {"b": FARTHEST}),
    )
    behind = {"rows": 2, "a": 0, "b": 4 * row}
    yield from (("end", legal | behind | {"dst": 2 * row}), ("overlap", legal | behind | {"dst": 3 * row}))
    for at in (0, size - 1):
        yield "overlap", legal | behind | {"dst": (4 + at) * row}
    yield "end", legal | behind | {"dst": (4 + size) * row}
    yield "overlap", legal | {"rows": 1, "b": 0}
    yield "overlap", legal | {"rows": 2, "dst": row}
    for error, count in (("end", rows - size - 1), ("overlap", rows - size)):
        yield error, legal | {"rows": count, "a": row, "dst": row, "b": last}
    if row > 1:
        yield "buffer", legal | {"b": 2 * row + 1}
