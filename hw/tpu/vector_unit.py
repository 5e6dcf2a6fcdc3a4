"""Executes ``pool`` and ``vector``: rows of the unified buffer become other rows of it."""

from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import TpuConfig
from .layouts import store_layout, ub_row, vector_entry

__all__ = ["VectorUnit"]


class VectorUnit(wiring.Component):
    """Executes ``pool`` and ``vector`` (`isa`), one entry after the other.

    Attributes
    ----------
    i_entries
        Stream of `vector_entry`.
    o_fetch, i_fetch_ready
        A row to read (``valid``, ``row``), and that it is read.
    i_row
        It, `ROW_LATENCY` cycles later.
    o_store
        Stream of what to write (`store_layout`).
    o_done
        The last store of an entry is taken.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        super().__init__(
            {
                "i_entries": In(stream.Signature(vector_entry(config))),
                "o_fetch": Out(data.StructLayout({"valid": 1, "row": ub_row(config)})),
                "i_fetch_ready": In(1),
                "i_row": In(8 * config.row_bytes),
                "o_store": Out(stream.Signature(store_layout(config))),
                "o_done": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        return Module()
