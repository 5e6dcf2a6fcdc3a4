"""Channel indices of a PE's windows and tiles, as the AIM takes them."""

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .config import SnapConfig
from .index_file import IndexFile
from .layouts import activation_beat, tile_tag, weight_beat, window_tag
from .list_layouts import AimMode, tile_lane, weight_lane
from .ring import item_layout

__all__ = ["AimPort", "aim_operands"]


def aim_operands(config: SnapConfig) -> data.StructLayout:
    """What a PE gives the AIM: the inputs of `Aim` by name."""
    return data.StructLayout(
        {
            "weights": data.ArrayLayout(weight_lane(config), config.window_entries),
            "tile": data.ArrayLayout(tile_lane(config), config.aim_entries),
            "classes": data.ArrayLayout(config.classes, 2),
            "mode": 2,
            "half": 1,
        }
    )


class AimPort(wiring.Component):
    """Stores the channel indices beside the operands, and shows those of a window and of one or two tiles.

    An item that is longer than allowed, in a malformed stream, shows its first beats.

    Latency: a beat shows in the cycle after its store.

    Attributes
    ----------
    i_weights, i_weights_store, i_weights_beat, i_activations, i_activations_store, i_activations_beat
        Beats, whether to store them, and where in the ring.
    i_window, i_tiles
        The window, the tile and the tile after it, by `item_layout`.
    i_mode, i_half
        As in `Aim`.
    o_operands
        `aim_operands`.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        tile = item_layout(config.activation_beats, tile_tag(config).size)
        super().__init__(
            {
                "i_weights": In(weight_beat(config)),
                "i_weights_store": In(1),
                "i_weights_beat": In(range(config.weight_beats)),
                "i_activations": In(activation_beat(config)),
                "i_activations_store": In(1),
                "i_activations_beat": In(range(config.activation_beats)),
                "i_window": In(item_layout(config.weight_beats, window_tag().size)),
                "i_tiles": In(tile).array(2),
                "i_mode": In(2),
                "i_half": In(1),
                "o_operands": Out(aim_operands(config)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, operands = self.config, self.o_operands
        m.d.comb += [operands.mode.eq(self.i_mode), operands.half.eq(self.i_half)]
        for number, item in enumerate(self.i_tiles):
            m.d.comb += operands.classes[number].eq(data.View(tile_tag(config), item.tag).classes)
        self._weights(m)
        self._activations(m)
        return m

    def _weights(self, m: Module) -> None:
        config, width, span = self.config, self.config.beat_entries, self.config.window_beats
        file = IndexFile(config.weight_beats, span, data.ArrayLayout(weight_lane(config), width))
        m.submodules.weight_indices = file
        m.d.comb += [
            file.i_store.eq(self.i_weights_store),
            file.i_address.eq(self.i_weights_beat),
            file.i_start.eq(self.i_window.start),
        ]
        for lane in range(width):
            entry, target = self.i_weights.entries[lane], file.i_beat[lane]
            m.d.comb += [
                target.valid.eq(self.i_weights.count > lane),
                target.index.eq(entry.index),
                target.kind.eq(entry.kind),
            ]
        inside = _inside(m, "window", self.i_window.start, self.i_window.end, span)
        # Whole beats, not bits of lanes: a simulation is faster and its code shorter.
        valid_bits = sum(1 << lane * weight_lane(config).size for lane in range(width))
        targets = data.View(data.ArrayLayout(len(file.i_beat.as_value()), span), self.o_operands.weights.as_value())
        for place in range(span):
            keeps = inside[place].replicate(len(file.i_beat.as_value())) | ~Const(valid_bits, len(targets[place]))
            m.d.comb += targets[place].eq(file.o_beats[place].as_value() & keeps)

    def _activations(self, m: Module) -> None:
        config, width, span = self.config, self.config.beat_entries, self.config.tile_beats
        entry_layout = data.StructLayout({"valid": 1, "index": config.index_bits})
        file = IndexFile(config.activation_beats, span, data.ArrayLayout(entry_layout, width))
        m.submodules.activation_indices = file
        m.d.comb += [
            file.i_store.eq(self.i_activations_store),
            file.i_address.eq(self.i_activations_beat),
            file.i_start.eq(self.i_tiles[0].start),
        ]
        for lane in range(width):
            m.d.comb += [
                file.i_beat[lane].valid.eq(self.i_activations.count > lane),
                file.i_beat[lane].index.eq(self.i_activations.entries[lane].index),
            ]
        inside = [_inside(m, f"tile_{number}", item.start, item.end, span) for number, item in enumerate(self.i_tiles)]
        both = self.i_mode == AimMode.QUARTER
        for place in range(span):
            for lane in range(width):
                entry, target = file.o_beats[place][lane], self.o_operands.tile[place * width + lane]
                m.d.comb += [
                    target.first.eq(entry.valid & inside[0][place]),
                    target.second.eq(entry.valid & inside[1][place] & both),
                    target.index.eq(entry.index),
                ]


def _inside(m: Module, name: str, start: Value, end: Value, span: int) -> Value:
    """Which of `span` places hold a beat of the item from beat `start` up to and without `end`."""
    size, inside = Signal.like(end, name=f"{name}_size"), Signal(span, name=f"{name}_inside")
    m.d.comb += size.eq(end - start)
    for place in range(span):
        offset = Signal(range(span), name=f"{name}_offset_{place}")
        m.d.comb += [offset.eq(place - start), inside[place].eq(offset < size)]
    return inside
