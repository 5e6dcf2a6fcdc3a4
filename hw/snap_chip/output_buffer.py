"""Output buffer: the ports of all cores, and what they share."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..common.fifo import Fifo
from ..emit.shared import shared
from ..snap.layouts import sum_layout
from .config import OA_SLOTS, SnapChipConfig
from .layer import diagonal_fields, layer_fields, pick_fields
from .oa_port import OaPort
from .output_scan import TILE_COUNT_BITS
from .scale_table import ScaleTable

__all__ = ["OutputBuffer"]


class OutputBuffer(wiring.Component):
    """Takes sums or pooled pixels, and keeps `OA_SLOTS` stored tiles of outputs until they have been read.

    Attributes
    ----------
    i_start
        A layer begins.
    i_layer
        Of the command.
    i_sums
        By core and port (core * ports + port): stream of `sum_layout`, see `CoreArray`. Those of ports behind the rows'
        are kept until a row's port is at the same column.
    i_words
        By row: stream of all bytes of an entry in a stored tile, for a layer whose outputs are no sums.
    i_scales
        Stream of beats, as those of `ScaleTable`.
    i_tiles, o_finished
        Stored tiles that were read, modulo 2**`TILE_COUNT_BITS`; the next one is complete.
    i_read, i_port, i_address, o_data
        Read an entry of a row: it comes in the next cycle.
    o_overflow
        For a cycle: a sum with its bias needed more than 32 bits.
    """

    own_fields = ("out_lines", "region_lines", "out_tiles", "column_groups")
    fields = tuple(dict.fromkeys((*own_fields, *OaPort.fields, *ScaleTable.fields)))

    def __init__(self, config: SnapChipConfig):
        self.config = config
        word = data.ArrayLayout(8, config.tile_channels)
        super().__init__(
            {
                "i_start": In(1),
                "i_layer": In(layer_fields(*self.fields, *diagonal_fields(config, "diagonal"))),
                "i_sums": In(stream.Signature(sum_layout(config.core))).array(config.cores * config.sum_ports),
                "i_words": In(stream.Signature(word)).array(config.banks),
                "i_scales": In(stream.Signature(config.data_bits)),
                "i_tiles": In(TILE_COUNT_BITS),
                "o_finished": Out(1),
                "i_read": In(1),
                "i_port": In(range(config.banks)),
                "i_address": In(range(OA_SLOTS * config.region_pixels)),
                "o_data": Out(word),
                "o_overflow": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, layer = self.config, self.i_layer
        table = ScaleTable(config)
        m.submodules.table = shared(table)
        connect(m, flipped(self.i_scales), table.i_beats)
        m.d.comb += [
            table.i_start.eq(self.i_start),
            table.i_layer.eq(pick_fields(layer, table.i_layer.shape())),
        ]
        given, by_slot = self._slots(m)
        ports = [OaPort(config, row < config.carries) for _ in range(config.cores) for row in range(config.banks)]
        shown = Signal.like(self.i_port)
        with m.If(self.i_read):
            m.d.sync += shown.eq(self.i_port)
        for number, port in enumerate(ports):
            core, row = divmod(number, config.banks)
            m.submodules[f"port_{core}_{row}"] = shared(port)
            connect(m, flipped(self.i_sums[core * config.sum_ports + row]), port.i_sums)
            if row < config.carries:
                self._carry(m, f"carried_{core}_{row}", self.i_sums[core * config.sum_ports + config.banks + row], port)
            m.d.comb += [
                port.i_start.eq(self.i_start),
                port.i_layer.eq(pick_fields(layer, port.i_layer.shape())),
                port.i_tiles.eq(given),
                *(getattr(port, f"i_{name}").eq(entries) for name, entries in by_slot.items()),
                port.i_rounds.eq(table.o_rounds),
                table.i_rounds[number].eq(port.o_round),
                table.i_kernels[number].eq(port.o_kernel),
                port.i_scale.eq(table.o_scales[number]),
                # A row's ports of all cores are at the same place.
                port.i_words.valid.eq(self.i_words[row].valid),
                port.i_words.payload.eq(
                    self.i_words[row].payload.as_value().word_select(core, 8 * config.core_kernels)
                ),
                port.i_read.eq(self.i_read & (self.i_port == row)),
                port.i_address.eq(self.i_address),
            ]
        for row, words in enumerate(self.i_words):
            m.d.comb += words.ready.eq(ports[row].i_words.ready)
        with m.Switch(shown):
            for row in range(config.banks):
                with m.Case(row):
                    m.d.comb += self.o_data.eq(Cat(port.o_data for port in ports[row :: config.banks]))
        m.d.comb += [
            self.o_finished.eq(Cat(port.o_tiles != self.i_tiles for port in ports).all()),
            self.o_overflow.eq(Cat(port.o_overflow for port in ports).any()),
        ]
        return m

    def _carry(self, m: Module, name: str, sums, port: OaPort) -> None:
        """Keep sums for a port of the next column group. There is always room, see `SnapChipConfig.carried_sums`."""
        fifo = Fifo(self.config.core.psum_bits, self.config.carried_sums)
        m.submodules[name] = shared(fifo)
        m.d.comb += [
            fifo.i.valid.eq(sums.valid),
            fifo.i.payload.eq(sums.payload.value),
            sums.ready.eq(fifo.i.ready),
            port.i_carried.valid.eq(fifo.o.valid),
            port.i_carried.payload.eq(fifo.o.payload),
            fifo.o.ready.eq(port.i_carried.ready),
        ]

    def _slots(self, m: Module) -> tuple[Signal, dict[str, data.View]]:
        """Give slots to the layer's stored tiles, as they become free: how many have one, entries by name and slot."""
        config, layer = self.config, self.i_layer
        given, slot = Signal(TILE_COUNT_BITS), Signal(range(OA_SLOTS))
        left, lines, tile, gives = Signal(12), Signal(8), Signal(12), Signal()
        entries = Signal(range(config.region_pixels + 1))
        layout = data.ArrayLayout(range(config.region_pixels), OA_SLOTS)
        by_slot = {"last_entries": Signal(layout, name="last_entries")}
        values = {"last_entries": entries - 1}
        sums, behind = entries, 0
        if config.global_accumulator:
            sums, behind = Signal.like(entries, name="sums"), Mux(layer.diagonal, lines, 0)
            by_slot |= {name: Signal(layout, name=name) for name in ("lines", "last_sums")}
            values |= {"lines": lines, "last_sums": sums - 1}
        m.d.comb += [
            lines.eq(Mux(left < layer.region_lines, left, layer.region_lines)),
            sums.eq(lines[: len(entries)] * layer.column_groups[: len(entries)]),
            gives.eq((left != 0) & ((given - self.i_tiles)[:TILE_COUNT_BITS] != OA_SLOTS)),
        ]
        if sums is not entries:
            m.d.comb += entries.eq(sums + behind)
        with m.If(gives):
            m.d.sync += [
                *(by_slot[name][slot].eq(value) for name, value in values.items()),
                given.eq(given + 1),
                slot.eq(Mux(slot == OA_SLOTS - 1, 0, slot + 1)),
                tile.eq(tile + 1),
            ]
            with m.If(tile + 1 == layer.out_tiles):
                m.d.sync += [tile.eq(0), left.eq(left - lines)]
        with m.If(self.i_start):
            m.d.sync += [left.eq(layer.out_lines), given.eq(0), slot.eq(0)]
        return given, by_slot  # pyrefly: ignore[bad-return]  # a signal of a layout is a view
