"""Broadcasts, loads, counters and errors of a cluster: the one place that defines them."""

from amaranth.hdl import signed
from amaranth.lib import data
from amaranth.utils import bits_for, exact_log2

from .config import EieConfig

__all__ = [
    "COUNTERS", "COUNTER_BITS", "activation_group", "broadcast_layout", "cluster_counters", "cluster_errors",
    "codebook_quarter", "column_layout", "entry_layout", "line_address", "line_layout", "line_number", "load_layout",
    "operand_layout", "queued_column", "read_layout", "sums_layout", "taken_layout",
]  # fmt: skip

COUNTER_BITS = 32
"""Performance counters wrap around at this width."""

COUNTERS = (
    "entries", "products", "empty_columns", "lines", "highest", "busy", "line_wait", "starved", "empty", "drained",
    "readout", "idle_line", "idle_columns", "idle_queue",
)  # fmt: skip
"""Counters of a cluster, with the names and meanings of `sim.eie.counters.EieCounters`."""


def broadcast_layout(config: EieConfig) -> data.StructLayout:
    """What all clusters get in a cycle.

    ``valid``: an activation that is not zero, and the address of the first of the two words that point to its column.
    ``scan_end``: instead of one, the job has no more.
    """
    return data.StructLayout(
        {"valid": 1, "scan_end": 1, "pointer": range(config.pointers), "activation": signed(config.data_bits)}
    )


def entry_layout(config: EieConfig) -> data.StructLayout:
    """An entry of the matrix memory, as `sim.formats.packed.pack_lines` packs them."""
    return data.StructLayout({"code": config.code_bits, "index": config.index_bits})


def line_layout(config: EieConfig) -> data.ArrayLayout:
    """A line of the matrix memory."""
    return data.ArrayLayout(entry_layout(config), config.line_entries)


def line_address(config: EieConfig) -> range:
    """Address of a line of the matrix memory."""
    return range(config.entries // config.line_entries)


def load_layout(config: EieConfig) -> data.StructLayout:
    """Writes to a cluster's memories: a line of the matrix, a pointer in bank 0 (even words) or 1."""
    matrix = {"enable": 1, "address": line_address(config), "data": line_layout(config)}
    pointers = {"enable": 1, "bank": 1, "address": range(config.pointers // 2), "data": config.pointer_bits}
    return data.StructLayout({"matrix": data.StructLayout(matrix), "pointers": data.StructLayout(pointers)})


def codebook_quarter(config: EieConfig) -> data.StructLayout:
    """A quarter of a codebook: weights of the codes from ``quarter * codes / 4`` on."""
    return data.StructLayout(
        {"valid": 1, "quarter": 2, "weights": data.ArrayLayout(signed(config.data_bits), config.codes // 4)}
    )


def read_layout(config: EieConfig) -> data.StructLayout:
    """Rows to read out or to clear: those from ``group * readout_rows`` on."""
    return data.StructLayout({"valid": 1, "group": range(config.rows // config.readout_rows)})


def activation_group(config: EieConfig) -> data.ArrayLayout:
    """What a cluster gives in a cycle of the read-out."""
    return data.ArrayLayout(signed(config.data_bits), config.readout_rows)


def column_layout(config: EieConfig) -> data.StructLayout:
    """A column on its way to the multipliers: its activation, the address of its first entry, how many it has."""
    return data.StructLayout(
        {"activation": signed(config.data_bits), "start": range(config.entries), "count": bits_for(config.rows)}
    )


def line_number(config: EieConfig) -> int:
    """Width of the number of a line in the order in which a cluster reads them, modulo twice as many as it keeps."""
    return exact_log2(2 * config.line_buffer)


def queued_column(config: EieConfig) -> data.StructLayout:
    """A column, and the number of the line that it begins in (if it is empty: of any that was read before)."""
    return data.StructLayout({"column": column_layout(config), "slot": line_number(config)})


def taken_layout(config: EieConfig) -> data.StructLayout:
    """The entries of a cycle by lane, from lane 0 on.

    ``second``: of the second column. ``places``: where they are in the ring of lines. ``activations``: of both columns.
    ``first``: that of lane 0 is its column's first.
    """
    places = exact_log2(config.line_buffer * config.line_entries)
    return data.StructLayout(
        {
            "valid": config.lanes,
            "second": config.lanes,
            "places": data.ArrayLayout(places, config.lanes),
            "activations": data.ArrayLayout(signed(config.data_bits), 2),
            "first": 1,
        }
    )


def operand_layout(config: EieConfig) -> data.StructLayout:
    """What a lane multiplies, and the row that it adds the product to."""
    number = signed(config.data_bits)
    return data.StructLayout({"valid": 1, "row": range(config.rows), "weight": number, "activation": number})


def sums_layout(config: EieConfig) -> data.ArrayLayout:
    """Sums of the rows that are read out in a cycle."""
    return data.ArrayLayout(signed(config.psum_bits), config.readout_rows)


def cluster_counters() -> data.StructLayout:
    """`COUNTERS`."""
    return data.StructLayout(dict.fromkeys(COUNTERS, COUNTER_BITS))


def cluster_errors() -> data.StructLayout:
    """Sticky errors.

    ``pointers``: a column's pointers fall, span more entries than a cluster has rows, or lead beyond the memory; it
    counts as empty. ``row``: an entry of a row that there is none of. ``filler``: where indices are relative, code 0
    with an index that is not the largest. Such an entry gives no product.
    """
    return data.StructLayout({"pointers": 1, "row": 1, "filler": 1})
