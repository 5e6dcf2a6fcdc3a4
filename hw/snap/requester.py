"""Which window and tile a PE wants matched next, in which mode, and what the list will be."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, exact_log2

from .config import SnapConfig
from .layouts import tile_tag, window_tag
from .list_layouts import AimMode, list_head
from .ring import item_layout

__all__ = ["Requester"]


class Requester(wiring.Component):
    """Walks through a PE's jobs, each window of a group with each of its tiles, and asks the AIM for their lists.

    A job takes one AIM operation, or two if its tile fills more than half of ``aim_entries`` and the window lies on
    both sides of the middle of the lanes. Two tiles of at most a quarter share an operation.

    Attributes
    ----------
    o_window, i_window_complete, i_window
        Number of the window wanted, and the ring's answer.
    o_tiles, i_tiles_complete, i_tiles
        The same of the tile wanted and the one after it.
    o_request, i_grant
        The job can be matched; the AIM takes it in this cycle.
    o_mode, o_half
        `AimMode`, and the half of the window's lanes that ``FULL`` compares.
    o_made
        Lists that the operation completes: 0 to 2.
    o_in_flight
        Lists granted and not yet popped.
    i_popped
        Lists popped in this cycle.
    o_write, o_begin, o_end, o_both, o_heads
        In the cycle after a grant: for the list queue.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        window = item_layout(config.weight_beats, window_tag().size)
        tile = item_layout(config.activation_beats, tile_tag(config).size)
        super().__init__(
            {
                "o_window": Out(range(2 * config.weight_windows)),
                "i_window_complete": In(1),
                "i_window": In(window),
                "o_tiles": Out(range(2 * config.activation_tiles)).array(2),
                "i_tiles_complete": In(1).array(2),
                "i_tiles": In(tile).array(2),
                "o_request": Out(1),
                "i_grant": In(1),
                "o_mode": Out(2),
                "o_half": Out(1),
                "o_made": Out(range(3)),
                "o_in_flight": Out(bits_for(config.list_depth)),
                "i_popped": In(range(3)),
                "o_write": Out(1),
                "o_begin": Out(1),
                "o_end": Out(1),
                "o_both": Out(1),
                "o_heads": Out(data.ArrayLayout(list_head(config), 2)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, depth = self.config, self.config.list_depth
        tiles = [data.View(tile_tag(config), tile.tag) for tile in self.i_tiles]
        second, straddles, both = Signal(), self._straddles(m), Signal()
        sizes = [Signal(range(2 * config.activation_beats), name=f"size_{i}") for i in range(2)]
        quarter = [size <= config.tile_beats // 4 for size in sizes]
        two, completes = Signal(), Signal()
        m.d.comb += [
            *(size.eq(tile.end - tile.start) for size, tile in zip(sizes, self.i_tiles, strict=True)),
            self.o_request.eq(self.i_window_complete & self.i_tiles_complete[0] & (self.o_in_flight < depth)),
            both.eq(
                quarter[0] & quarter[1] & (tiles[0].group_last == 0) & self.i_tiles_complete[1]
                & (self.o_in_flight < depth - 1)
            ),
            two.eq((sizes[0] > config.tile_beats // 2) & straddles),
            completes.eq(~two | second),
            self.o_half.eq(Mux(two, second, self.i_window.start[exact_log2(config.window_beats) - 1])),
            self.o_made.eq(Mux(completes, 1 + both, 0)),
        ]  # fmt: skip
        with m.If(both):
            m.d.comb += self.o_mode.eq(AimMode.QUARTER)
        with m.Elif(sizes[0] <= config.tile_beats // 2):
            m.d.comb += self.o_mode.eq(AimMode.HALF)
        with m.Else():
            m.d.comb += self.o_mode.eq(AimMode.FULL)
        granted = Mux(self.i_grant, self.o_made, 0)
        m.d.sync += self.o_in_flight.eq(self.o_in_flight + granted - self.i_popped)
        with m.If(self.i_grant):
            m.d.sync += second.eq(~completes)
        with m.If(self.i_grant & completes):
            self._advance(m, Mux(both, tiles[1].group_last, tiles[0].group_last), both)
        self._write(m, second, completes, both)
        return m

    def _straddles(self, m: Module) -> Signal:
        """Whether the window, which wraps around the lanes once at most, has lanes in both halves."""
        span = self.config.window_beats
        start, end, straddles = self.i_window.start, self.i_window.end[: exact_log2(span)], Signal()
        wraps = (start ^ self.i_window.end)[exact_log2(span)]
        m.d.comb += straddles.eq(Mux(start[exact_log2(span) - 1], wraps & (end != 0), wraps | (end > span // 2)))
        return straddles

    def _advance(self, m: Module, group_last: Value, both: Signal) -> None:
        """Go on to the next job."""
        window, tile, first = self.o_window, self.o_tiles[0], Signal.like(self.o_tiles[0], name="first_tile")
        after = Signal.like(tile)
        m.d.comb += after.eq(tile + 1 + both)
        with m.If(group_last):
            m.d.sync += window.eq(window + 1)
            with m.If(data.View(window_tag(), self.i_window.tag).group_last):
                m.d.sync += [first.eq(after), tile.eq(after)]
            with m.Else():
                m.d.sync += tile.eq(first)
        with m.Else():
            m.d.sync += tile.eq(after)

    def _write(self, m: Module, second: Signal, completes: Signal, both: Signal) -> None:
        """Keep what belongs to the AIM's result until it is there."""
        window = data.View(window_tag(), self.i_window.tag)
        m.d.comb += self.o_tiles[1].eq(self.o_tiles[0] + 1)
        m.d.sync += [
            self.o_write.eq(self.i_grant),
            self.o_begin.eq(~second),
            self.o_end.eq(completes),
            self.o_both.eq(both),
        ]
        for index, item in enumerate(self.i_tiles):
            head = self.o_heads[index]
            tile = data.View(tile_tag(self.config), item.tag)
            m.d.sync += [
                head.weight_start.eq(self.i_window.start),
                head.tile_start.eq(item.start),
                head.mode.eq(self.o_mode),
                head.slot.eq(tile.slot),
                head.frees_window.eq(tile.group_last),
                head.frees_tile.eq(window.group_last),
                head.ends_block.eq(Cat(window.block_last, tile.group_last).all()),
            ]
