"""From words to bytes: a window of two words, of which any number of bytes can be taken."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import check, check_int

__all__ = ["ByteUnpacker"]


class ByteUnpacker(wiring.Component):
    """Shows the next bytes of a stream of words; in each cycle all of them, some or none can be taken.

    Without stalls a word a cycle: all bytes that it shows are those of a word, as soon as two words came. A word that
    is taken in cycle t is shown from cycle t + 1 on.

    Parameters
    ----------
    width
        Bytes of a word, and bytes that are shown. A power of two.

    Attributes
    ----------
    i_words
        Stream of words.
    o_bytes, o_count
        The next bytes, and how many of them are there.
    i_take
        Bytes that are taken now, no more than there are.
    i_skip
        Go on at the next word, unless the next byte is the first of a word anyway. Nothing is taken in that cycle.
    i_clear
        Forget all words, the one that is taken now too.
    o_used
        The last byte of a word is taken or skipped now.
    """

    def __init__(self, width: int):
        check_int("width", width, 2)
        check("width", width.bit_count() == 1, "a power of two", width)
        self.config = (width,)
        super().__init__(
            {
                "i_words": In(stream.Signature(8 * width)),
                "o_bytes": Out(8 * width),
                "o_count": Out(range(width + 1)),
                "i_take": In(range(width + 1)),
                "i_skip": In(1),
                "i_clear": In(1),
                "o_used": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        (width,) = self.config
        low, high = (Signal(8 * width, name=name, reset_less=True) for name in ("low", "high"))
        offset = Signal(range(width))
        filled = Signal(2)  # low, high
        end, used, fits = Signal(range(2 * width)), Signal(), Signal()
        kept = Signal(2)
        m.d.comb += [
            self.o_bytes.eq(Cat(low, high) >> (offset << 3)),
            self.o_count.eq(Mux(filled[1], width, Mux(filled[0], width - offset, 0))),
            end.eq(offset + self.i_take),
            used.eq(Mux(self.i_skip, offset != 0, end >= width)),
            self.o_used.eq(used),
            kept.eq(Mux(used, filled[1], filled)),
            fits.eq(~kept[1]),
            self.i_words.ready.eq(fits),
        ]
        m.d.sync += [
            offset.eq(Mux(self.i_skip, 0, end)),
            filled.eq(Mux(self.i_words.valid & fits, Cat(1, kept[0]), kept)),
        ]
        with m.If(used):
            m.d.sync += low.eq(high)
        with m.If(self.i_words.valid & fits):
            with m.If(kept[0]):
                m.d.sync += high.eq(self.i_words.payload)
            with m.Else():
                m.d.sync += low.eq(self.i_words.payload)
        with m.If(self.i_clear):
            m.d.sync += [filled.eq(0), offset.eq(0)]
        return m
