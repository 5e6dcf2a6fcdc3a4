"""What must be shown of a stream of words, however many bytes are taken."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.snap_chip.byte_unpacker import ByteUnpacker
from ...formal import Assert, Assume, Cover

__all__ = ["ByteUnpackerSpec"]

BYTES = 128


class ByteUnpackerSpec(wiring.Component):
    """Bytes that are numbered are shown by their numbers: none twice, none left out but by skipping or clearing.

    Parameters
    ----------
    width
        The unpacker's.
    """

    def __init__(self, width: int):
        self.config = (width,)
        super().__init__({"valid": In(1), "take": In(range(width + 1)), "skip": In(1), "clear": In(1)})

    def elaborate(self, platform) -> Module:
        """Design, numbers, assertions."""
        m = Module()
        (width,) = self.config
        m.submodules.dut = dut = ByteUnpacker(width)
        came, at = Signal(range(BYTES)), Signal(range(BYTES))  # bytes that came, and the next one to be shown
        coming, end, following = Signal.like(came), Signal.like(at), Signal.like(at)
        m.d.comb += [
            dut.i_words.valid.eq(self.valid),
            dut.i_words.payload.eq(Cat((came + place)[:8] for place in range(width))),
            dut.i_take.eq(self.take),
            dut.i_skip.eq(self.skip),
            dut.i_clear.eq(self.clear),
            Assume(self.take <= dut.o_count),
            Assume(~self.skip | (self.take == 0)),
            coming.eq(came + Mux(dut.i_words.valid & dut.i_words.ready, width, 0)),
            end.eq(at + self.take),
            following.eq(at + width - 1),
            Assert(dut.o_count == Mux(came - at > width, width, came - at)),
            Assert(dut.o_used == Mux(self.skip, at % width != 0, at // width != end // width)),
            Cover((at > 2 * width) & (at % width == 1) & (dut.o_count == width)),
        ]
        for place in range(width):
            shown = dut.o_bytes.word_select(place, 8)
            m.d.comb += Assert((place >= dut.o_count) | (shown == at + place))
        m.d.sync += [
            came.eq(coming),
            at.eq(Mux(self.clear, coming, Mux(self.skip, following // width * width, end))),
        ]
        return m
