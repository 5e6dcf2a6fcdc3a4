"""Rules that instructions of the TPU keep each for itself: of their fields, and of registers as they were set.

Where the table of instructions leaves it open, it is decided here:

- ``convolve`` never reaches outside the buffer, as what lies outside the rows of the window registers is no input.
- ``pool`` writes up to granule ``dst + (rows - 1) * pool_pitch + width``: where the next result would begin does not
  count. All rows from the first to the last that it writes must be outside those of the window registers, whatever it
  reads.
- ``vector`` reads `table_rows` rows of a table. Its results may lie exactly where a or b is; they may touch the rows of
  neither in another way, and no row of a table.
- A register that an instruction doesn't use may hold anything that it may be set to.
"""

from collections.abc import Iterator, Mapping

from ...hw.tpu.config import TpuConfig
from ...hw.tpu.isa import FLOATS, OPERATIONS, REGISTERS

__all__ = [
    "RANGES",
    "REGISTER_NAMES",
    "TABLE",
    "TABLE_BYTES",
    "Rule",
    "Values",
    "in_buffer",
    "pitch_rule",
    "pool_rules",
    "set_rules",
    "table_rows",
    "vector_rules",
    "window_rules",
]

Values = Mapping[str, int]
"""Fields of an instruction by name."""

Rule = tuple[bool, str, str]
"""Whether a rule is kept; the error otherwise, and its reason."""

RANGES = {0: (-128, 127), 1: (0, 255)}
"""Values of 8 bits, by kind of ``activate``: int8, uint8."""

REGISTER_NAMES = {register.index: name for name, register in REGISTERS.items()}
"""Names of registers by their indices."""

TABLE = OPERATIONS.index("table")

TABLE_BYTES = 256

LEAST_EXPONENT, END_EXPONENT = 1, 127 + 31
"""Of float32 that a register may hold: of a normal number, and of one that is too large."""


def in_buffer(config: TpuConfig, end: int) -> Rule:
    """An instruction reaches up to this granule (exclusive)."""
    size = config.ub_granules
    return end <= size, "buffer", f"up to granule {end} of the unified buffer, which has {size}"


def pitch_rule(config: TpuConfig, name: str, pitch: int) -> Rule:
    """A field says how many granules of a row count."""
    most = config.row_granules
    return 1 <= pitch <= most, "value", f"{name} of {pitch}, not from 1 to {most}"


def table_rows(config: TpuConfig) -> int:
    """Rows of the unified buffer that a table takes."""
    return TABLE_BYTES // config.row_bytes


def set_rules(config: TpuConfig, v: Values) -> Iterator[Rule]:
    """Of a ``set`` of a register that exists."""
    name, value = REGISTER_NAMES[v["index"]], v["value"]
    bits = REGISTERS[name].bits
    yield value < 1 << bits, "value", f"{name} of {value:#x}, which has more than {bits} bits"
    ends = {
        "window_first": config.ub_rows,
        "window_last": config.ub_rows,
        "plane_step": config.ub_granules,
        "pool_pitch": config.row_granules + 1,
    }
    end = ends.get(name, 1 << bits)
    yield value < end, "value", f"{name} of {value}, not below {end}"
    if name in FLOATS:
        zero = value & 0x7FFFFFFF == 0
        legal = zero or LEAST_EXPONENT <= value >> 23 & 0xFF < END_EXPONENT
        yield legal, "value", f"{name} of {value:#010x}, neither 0 nor a normal float32 of a magnitude below 2**31"


def window_rules(config: TpuConfig, registers: Values, v: Values) -> Iterator[Rule]:
    """Of what ``convolve`` and ``pool`` share."""
    yield pitch_rule(config, "width", v["width"])
    for name in ("columns", "lines"):
        yield registers[name] > 0, "value", f"the register {name} is 0"
    first, last = registers["window_first"], registers["window_last"]
    yield first <= last, "value", f"window_first of {first}, above window_last of {last}"


def pool_rules(config: TpuConfig, registers: Values, v: Values) -> Iterator[Rule]:
    """Of a ``pool``."""
    for name in ("rows", "kernel_rows", "kernel_columns"):
        yield v[name] > 0, "value", f"{name} of 0"
    yield from window_rules(config, registers, v)
    pitch, size = registers["pool_pitch"], config.row_granules
    yield pitch >= v["width"], "value", f"pool_pitch of {pitch}, less than the width of {v['width']}"
    end = v["dst"] + (v["rows"] - 1) * pitch + v["width"]
    yield in_buffer(config, end)
    read = range(registers["window_first"], registers["window_last"] + 1)
    yield _apart(range(v["dst"] // size, (end - 1) // size + 1), read, "of the input")


def vector_rules(config: TpuConfig, v: Values) -> Iterator[Rule]:
    """Of a ``vector``."""
    table = v["operation"] == TABLE
    yield v["operation"] < len(OPERATIONS), "value", f"operation of {v['operation']}"
    yield v["rows"] > 0, "value", "rows of 0"
    low, high = (0, 0) if table else RANGES[0 if v["signed"] else 1]
    for name in ("lo", "hi"):
        yield low <= v[name] <= high, "value", f"{name} of {v[name]}, not from {low} to {high}"
    yield v["lo"] <= v["hi"], "value", f"lo of {v['lo']}, above hi of {v['hi']}"
    size, rows = config.row_granules, {}
    for name in ("a", "b", "dst"):
        yield v[name] % size == 0, "buffer", f"{name} of {v[name]}; rows are of {size} granules"
    for name in ("a", "b", "dst"):
        count = table_rows(config) if table and name == "b" else v["rows"]
        rows[name] = range(v[name] // size, v[name] // size + count)
        yield in_buffer(config, rows[name].stop * size)
    for name in ("a", "b"):
        same = rows[name].start == rows["dst"].start and not (table and name == "b")
        yield (True, "", "") if same else _apart(rows["dst"], rows[name], f"of {name}")


def _apart(results: range, read: range, what: str) -> Rule:
    apart = results.stop <= read.start or read.stop <= results.start
    return apart, "overlap", f"results in rows {_text(results)}, over rows {_text(read)} {what}"


def _text(rows: range) -> str:
    return f"{rows.start} to {rows.stop - 1}"
