"""Adds a residual to output pixels."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..common.residual_add import ResidualAdd
from ..common.spread import Spread
from ..emit.shared import shared
from .config import SnapChipConfig
from .layer import layer_fields
from .tile_packer import output_pixel
from .tile_parser import WORD_BITS, TileParser

__all__ = ["ResidualStage"]


class ResidualStage(wiring.Component):
    """Takes a stored tile of the residual for each output pixel, and adds them, `residual_lanes` channels a cycle.

    A pixel takes as many cycles as its channels need, or as the residual's tile has pairs of words, if that is more.
    Without a residual pixels pass through.

    Attributes
    ----------
    i_layer
        Of the command.
    i_pixels, o_pixels
        Streams of `output_pixel`.
    i_beats
        Segments of the residual, in order.
    o_idle
        Nothing is left of what was taken.
    """

    fields = (
        "residual", "sum_low", "signed_residual", "residual_zero", "sum_factor", "residual_factor", "residual_offset",
        "residual_low", "residual_high",
    )  # fmt: skip

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_layer": In(layer_fields(*self.fields)),
                "i_pixels": In(stream.Signature(output_pixel(config))),
                "i_beats": In(stream.Signature(config.data_bits)),
                "o_pixels": Out(stream.Signature(output_pixel(config))),
                "o_idle": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, layer, pixels, out = self.config, self.i_layer, self.i_pixels, self.o_pixels
        channels, count = config.tile_channels, config.residual_lanes
        steps = channels // count

        # A pixel, the residual's values beside it, and which of them are added next.
        sums, added = Signal(8 * channels, reset_less=True), Signal(8 * channels, reset_less=True)
        busy, final, step, last_step = Signal(), Signal(reset_less=True), Signal(range(steps)), Signal()
        lanes = [ResidualAdd(2 if number == 0 else 0) for number in range(count)]
        go, free, gathered = Signal(), Signal(), self._gather(m)
        m.d.comb += [
            last_step.eq(step == steps - 1),
            go.eq(busy & lanes[0].i.ready),
            free.eq(~busy | (go & last_step)),
        ]
        takes = Signal()
        m.d.comb += takes.eq(gathered.valid & free)
        with m.If(free):
            m.d.sync += busy.eq(takes)
        with m.If(go):
            m.d.sync += [
                step.eq(Mux(last_step, 0, step + 1)),
                sums.eq(sums >> 8 * count),
                added.eq(added >> 8 * count),
            ]
        with m.If(takes):
            m.d.sync += [sums.eq(pixels.payload.values), added.eq(gathered.payload), final.eq(pixels.payload.last)]

        # What the lanes give comes in at the top, and is a pixel after so many steps.
        result, full, last, accepts = Signal(8 * channels, reset_less=True), Signal(), Signal(reset_less=True), Signal()
        m.d.comb += accepts.eq(~full | out.ready)
        signed_sums = layer.sum_low < 0
        for number, lane in enumerate(lanes):
            m.submodules[f"lane_{number}"] = shared(lane)
            a, b = (word[8 * number : 8 * number + 8] for word in (sums, added))
            m.d.comb += [
                lane.i.valid.eq(busy),
                lane.i.payload.a.eq(Cat(a, a[-1] & signed_sums)),
                lane.i.payload.b.eq(Cat(b, b[-1] & layer.signed_residual)),
                lane.i_a_factor.eq(layer.sum_factor),
                lane.i_b_factor.eq(layer.residual_factor),
                lane.i_constant.eq(layer.residual_offset),
                lane.i_low.eq(layer.residual_low),
                lane.i_high.eq(layer.residual_high),
                lane.o.ready.eq(accepts),
            ]
        first = lanes[0]
        comes = Signal()
        m.d.comb += [
            first.i.payload.tag.eq(Cat(last_step, final)),
            comes.eq(first.o.valid & accepts),
            out.valid.eq(Mux(layer.residual, full, pixels.valid)),
            out.payload.values.eq(Mux(layer.residual, result, pixels.payload.values)),
            out.payload.last.eq(Mux(layer.residual, last, pixels.payload.last)),
            pixels.ready.eq(Mux(layer.residual, takes, out.ready)),
            gathered.ready.eq(free),
        ]
        with m.If(accepts):
            m.d.sync += full.eq(comes & first.o.payload.tag[0])
        with m.If(comes):
            values = Cat(lane.o.payload.value[:8] for lane in lanes)
            m.d.sync += [result.eq(Cat(result, values)[8 * count :]), last.eq(first.o.payload.tag[1])]
        under_way, more = Signal(range(16)), go & last_step
        m.d.sync += under_way.eq(under_way + more - (comes & first.o.payload.tag[0]))
        m.d.comb += self.o_idle.eq(~busy & (under_way == 0) & ~full)
        return m

    def _gather(self, m: Module) -> stream.Interface:
        """The residual's values for the pixel that waits: a stream of all channels' bytes."""
        config, layer, pixels = self.config, self.i_layer, self.i_pixels
        parser, spread = TileParser(config), Spread(config.tile_channels, 8)
        m.submodules.parser, m.submodules.spread = shared(parser), shared(spread)
        connect(m, flipped(self.i_beats), parser.i_beats)
        gathered = stream.Signature(8 * config.tile_channels).create()
        runs, parts, run_bits = parser.o_runs, -(-config.tile_words // config.run_words), config.run_words * WORD_BITS
        earlier, words = Signal(parts * run_bits, reset_less=True), Signal(parts * run_bits)
        part, waits = Signal(range(parts + 1)), Signal()
        m.d.comb += [words.eq(earlier)]
        with m.Switch(part):
            for number in range(parts):
                with m.Case(number):
                    m.d.comb += words.word_select(number, run_bits).eq(runs.payload.data)
        m.d.comb += [
            waits.eq(pixels.valid & layer.residual),
            parser.i_final.eq(pixels.payload.last),
            runs.ready.eq(waits & (~runs.payload.last | gathered.ready)),
            gathered.valid.eq(waits & runs.valid & runs.payload.last),
            spread.i_flags.eq(words),
            spread.i_values.eq(words[config.tile_channels :]),
            spread.i_fill.eq(layer.residual_zero),
            gathered.payload.eq(spread.o_values),
        ]
        with m.If(runs.valid & runs.ready):
            m.d.sync += [earlier.eq(words), part.eq(Mux(runs.payload.last, 0, part + 1))]
        return gathered
