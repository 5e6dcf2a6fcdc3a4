"""Checks of what enters the core: a malformed stream must not give a wrong sum without a sign."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from .config import SnapConfig
from .layouts import activation_beat, weight_beat

__all__ = ["ActivationCheck", "WeightCheck"]


def _size_errors(m: Module, beat, taken, span: int) -> list:
    """Errors of either kind of stream: too many entries, a stored zero, an item too long for a receiver."""
    lanes = range(len(beat.entries))
    errors = [beat.count > len(beat.entries)] if len(beat.entries) > 1 else []  # one bit counts one entry
    errors += [(beat.count > lane) & (beat.entries[lane].value == 0) & beat.mask.any() for lane in lanes]
    for receiver in range(len(beat.mask)):
        beats = Signal(range(span + 1), name=f"beats_{receiver}")
        errors.append(beat.mask[receiver] & (beats == span))
        with m.If(taken):
            m.d.sync += beats.eq(beats + beat.mask[receiver])
            with m.If(beat.last):
                m.d.sync += beats.eq(0)
    return errors


class WeightCheck(wiring.Component):
    """Sticky error of a weight stream.

    It is raised by a beat that claims more entries than there are or stores a zero, by a window longer than
    ``window_beats`` for a PE, and by the end of a block that isn't that of a group.

    Attributes
    ----------
    i_beat, i_valid, i_taken
        A beat, when it is offered (which is enough for an error: one too many might never be taken), when it is taken.
    o_error
        Sticky.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        super().__init__({"i_beat": In(weight_beat(config)), "i_valid": In(1), "i_taken": In(1), "o_error": Out(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        beat = self.i_beat
        errors = _size_errors(m, beat, self.i_taken, self.config.window_beats)
        errors.append(beat.last & beat.block_last & ~beat.group_last)
        with m.If(self.i_valid & Cat(errors).any()):
            m.d.sync += self.o_error.eq(1)
        return m


class ActivationCheck(wiring.Component):
    """Sticky error of an activation stream.

    It is raised by a beat that claims more entries than there are or stores a zero, by a tile longer than
    ``tile_beats`` for a PE, by channel indices that don't increase within a PE's tile, and by a group of several
    windows whose tiles a PE can't keep.

    Attributes
    ----------
    i_beat, i_valid, i_taken
        A beat, when it is offered (which is enough for an error: one too many might never be taken), when it is taken.
    i_stuck
        A PE that has no room for the beat needs a further tile to get some.
    o_error
        Sticky.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        super().__init__(
            {
                "i_beat": In(activation_beat(config)),
                "i_valid": In(1),
                "i_taken": In(1),
                "i_stuck": In(1),
                "o_error": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, beat = self.config, self.i_beat
        errors = [self.i_stuck, *_size_errors(m, beat, self.i_taken, config.tile_beats)]
        indices = [beat.entries[lane].index for lane in range(config.beat_entries)]
        for lane in range(1, config.beat_entries):
            errors.append((beat.count > lane) & (indices[lane] <= indices[lane - 1]) & beat.mask.any())
        newest = Signal(config.index_bits)
        m.d.comb += newest.eq(indices[0])
        for lane in range(1, config.beat_entries):
            with m.If(beat.count > lane):
                m.d.comb += newest.eq(indices[lane])
        for receiver in range(config.core_columns):
            least = Signal(bits_for(config.channel_tile), name=f"least_{receiver}")
            stores = beat.mask[receiver] & (beat.count != 0)
            errors.append(stores & (indices[0] < least))
            with m.If(self.i_taken):
                with m.If(beat.last):
                    m.d.sync += least.eq(0)
                with m.Elif(stores):
                    m.d.sync += least.eq(newest + 1)
        with m.If(self.i_valid & Cat(errors).any()):
            m.d.sync += self.o_error.eq(1)
        return m
