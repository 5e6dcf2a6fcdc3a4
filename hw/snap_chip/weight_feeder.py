"""Weights from the format in memory to beats for a core."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from ..emit.shared import shared
from ..snap.layouts import weight_beat
from .bit_picker import BitPicker
from .byte_unpacker import ByteUnpacker
from .config import WINDOWS, WORD_BYTES, End, SnapChipConfig
from .weight_layouts import ring_control, weight_block

__all__ = ["WeightFeeder"]


def _window() -> data.StructLayout:
    """A byte of a group's header."""
    return data.StructLayout({"entries": 7, "more": 1})


class WeightFeeder(wiring.Component):
    """Reads the groups of each block from words of a `WeightRing`, and makes windows of them.

    A beat holds up to E weights of the current kernel and the next one; when the current kernel has none left, the next
    one becomes the current one, once a cycle. A window without weights is one blank beat.

    A group takes a cycle for its header, one for the bitmap of each kernel, one a beat (and one for each kernel that is
    passed without a beat), and one to go on to the next word. Two more cycles pass at the end of a block. A beat is
    offered a cycle after its bytes were taken.

    Attributes
    ----------
    i_blocks
        Stream of blocks (`weight_block`). One is taken when its last beat is ready to go.
    i_words, o_control
        From and to the ring.
    o_beats
        Stream of a core's column (`weight_beat`).
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_blocks": In(stream.Signature(weight_block(config))),
                "i_words": In(stream.Signature(8 * WORD_BYTES)),
                "o_control": Out(ring_control()),
                "o_beats": Out(stream.Signature(weight_beat(config.core))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, block, control = self.config, self.i_blocks, self.o_control
        unpacker = ByteUnpacker(WORD_BYTES)
        most = config.core.beat_entries
        picker = BitPicker(2 * config.tile_channels, most)
        m.submodules.unpacker, m.submodules.picker = shared(unpacker), shared(picker)
        connect(m, flipped(self.i_words), unpacker.i_words)
        windows = Signal(data.ArrayLayout(_window(), WINDOWS))  # the current one first
        bitmaps = Signal(data.ArrayLayout(config.tile_channels, config.core_kernels))  # the current kernel's first
        kernel = Signal(range(config.core_kernels))  # the current one; while bitmaps come, theirs
        group = Signal.like(block.payload.weight_groups)
        last_group, goes, last = Signal(), Signal(), Signal()
        m.d.comb += [
            last_group.eq(group + 1 == block.payload.weight_groups),
            picker.i_bits.eq(Cat(bitmaps[0], bitmaps[1]) if config.core_kernels > 1 else bitmaps[0]),
            picker.i_most.eq(Mux(windows[0].entries < most, windows[0].entries, most)),
            last.eq(picker.o_taken == windows[0].entries),
            unpacker.i_clear.eq(control.restart),
            control.used.eq(unpacker.o_used),
            control.final.eq(block.payload.end != End.BLOCK),
            control.again.eq(block.payload.again),
            control.region.eq(block.payload.end == End.REGION),
        ]
        with m.FSM():
            with m.State("header"):
                with m.If(block.valid & (unpacker.o_count >= WINDOWS)):
                    m.d.comb += unpacker.i_take.eq(WINDOWS)
                    m.d.sync += [windows.eq(unpacker.o_bytes), kernel.eq(0)]
                    m.next = "bitmaps"
            with m.State("bitmaps"):
                with m.If(unpacker.o_count >= config.bitmap_bytes):
                    m.d.comb += unpacker.i_take.eq(config.bitmap_bytes)
                    self._enter(m, bitmaps, unpacker.o_bytes)
                    m.d.sync += kernel.eq(kernel + 1)
                    with m.If(kernel + 1 == block.payload.kernels):
                        m.d.sync += kernel.eq(0)
                        m.next = "beats"
            with m.State("beats"):
                ready = ~self.o_beats.valid | self.o_beats.ready
                m.d.comb += goes.eq(ready & (unpacker.o_count >= picker.o_taken) & (last | (picker.o_taken != 0)))
                with m.If(goes):
                    m.d.comb += unpacker.i_take.eq(picker.o_taken)
                    m.d.sync += windows[0].entries.eq(windows[0].entries - picker.o_taken)
                    with m.If(last):
                        m.d.sync += windows.eq(windows.as_value() >> len(windows[0].as_value()))
                        with m.If(~windows[0].more):
                            m.next = "align"
                with m.If(goes | (picker.o_taken == 0)):
                    self._step(m, bitmaps, kernel, picker.o_rest)
            with m.State("align"):
                m.d.comb += [unpacker.i_skip.eq(1), control.restart.eq(last_group), block.ready.eq(last_group)]
                m.d.sync += group.eq(Mux(last_group, 0, group + 1))
                m.next = "header"
        ends = Cat(last, last & ~windows[0].more, last & ~windows[0].more & last_group)
        self._send(m, goes, Cat(picker.o_taken, ends), unpacker.o_bytes, picker.o_places, kernel)
        return m

    def _enter(self, m: Module, bitmaps, bitmap) -> None:
        """A bitmap comes in where the first one will arrive at the front when the last one has come."""
        m.d.sync += bitmaps.eq(bitmaps.as_value() >> self.config.tile_channels)
        with m.Switch(self.i_blocks.payload.kernels):
            for exponent in range(bits_for(self.config.core_kernels)):
                with m.Case(1 << exponent):
                    m.d.sync += bitmaps[(1 << exponent) - 1].eq(bitmap)

    def _step(self, m: Module, bitmaps, kernel: Signal, rest) -> None:
        """What is left of the bitmaps, without the current kernel's if it has nothing left."""
        current, following = rest[: self.config.tile_channels], rest[self.config.tile_channels :]
        with m.If(current.any()):
            m.d.sync += bitmaps[0].eq(current)
        with m.Else():
            m.d.sync += [
                bitmaps.eq(bitmaps.as_value() >> self.config.tile_channels),
                bitmaps[0].eq(following),
                kernel.eq(kernel + 1),
            ]

    def _send(self, m: Module, goes: Signal, head, values, places, kernel: Signal) -> None:
        """Register a beat, and give it the form that the core takes."""
        core, out = self.config.core, self.o_beats
        count = core.beat_entries
        late = {}
        for name, value in {
            "head": head,
            "values": values[: 8 * count],
            "places": places.as_value(),
            "kernel": kernel,
        }.items():
            late[name] = Signal(len(value), name=f"late_{name}", reset_less=True)
            with m.If(goes):
                m.d.sync += late[name].eq(value)
        with m.If(~out.valid | out.ready):
            m.d.sync += out.valid.eq(goes)
        beat = out.payload
        m.d.comb += [
            Cat(beat.count, beat.last, beat.group_last, beat.block_last).eq(late["head"]),
            beat.mask.eq(beat.count.any().replicate(core.core_rows)),
        ]
        following = Signal(core.slot_bits)
        m.d.comb += following.eq(late["kernel"] + 1)
        for lane, entry in enumerate(beat.entries):
            place = late["places"].word_select(lane, core.index_bits + 1)
            m.d.comb += [
                entry.value.eq(late["values"].word_select(lane, 8).as_signed()),
                entry.index.eq(place[:-1]),
                entry.slot.eq(Mux(place[-1], following, late["kernel"])),
                entry.kind.eq(0),
            ]
