"""Data set-up around the mesh: skew of activations and weights, de-skew of psums."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config import check_int
from .config import SystolicConfig
from .tile import activation_bus, control_bus

__all__ = ["LeftEdge", "Triangle"]


class Triangle(wiring.Component):
    """Lane j of a bus is delayed by j cycles, or by ``lanes - 1 - j`` if ``reverse``.

    Parameters
    ----------
    lanes, width
        Lanes of the bus; bits of a lane.
    reverse
        De-skew (the last lane passes at once) instead of skew (the first lane does).
    """

    def __init__(self, lanes: int, width: int, reverse: bool = False):
        check_int("lanes", lanes, 1)
        check_int("width", width, 1)
        self.config = (lanes, width, reverse)
        super().__init__({"i": In(lanes * width), "o": Out(lanes * width)})

    def elaborate(self, platform) -> Module:
        m = Module()
        lanes, width, reverse = self.config
        for lane in range(lanes):
            value = self.i[lane * width : (lane + 1) * width]
            for cycle in range(lanes - 1 - lane if reverse else lane):
                stage = Signal(width, name=f"lane_{lane}_{cycle}", reset_less=True)
                m.d.sync += stage.eq(value)
                value = stage
            m.d.comb += self.o[lane * width : (lane + 1) * width].eq(value)
        return m


class LeftEdge(wiring.Component):
    """Left border of one tile row: skews activations and control, and extends the activations.

    Row j of the tile gets its activation and ``swap`` j cycles after row 0. ``load`` reaches row j
    j cycles after row 0 too, but leaves for the next tile row a cycle later than ``swap`` does,
    because the weight bus has a register between tiles.

    Attributes
    ----------
    i_activations
        ``tile_rows`` byte planes that belong to one activation row.
    i_swap, i_weights_signed, i_activations_signed
        Control of that activation row.
    i_load
        The weight row on the bus is for row 0 of this tile row.
    o_activations, o_controls
        Buses into the mesh.
    o_swap, o_weights_signed, o_activations_signed, o_load
        The same control for the next tile row, ``tile_rows`` cycles later (``o_load`` one more).
    """

    def __init__(self, config: SystolicConfig):
        self.config = config
        super().__init__(
            {
                "i_activations": In(config.tile_rows * config.data_bits),
                "i_swap": In(1),
                "i_weights_signed": In(1),
                "i_activations_signed": In(1),
                "i_load": In(1),
                "o_activations": Out(activation_bus(config).size),
                "o_controls": Out(control_bus(config).size),
                "o_swap": Out(1),
                "o_weights_signed": Out(1),
                "o_activations_signed": Out(1),
                "o_load": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        m.submodules.skew = skew = Triangle(config.tile_rows, config.data_bits)
        m.d.comb += skew.i.eq(self.i_activations)

        def taps(name: str, source, extra: int = 0) -> list:
            """The signal now and after 1, 2, ... cycles; reset, so that no stale control survives."""
            stages = Signal(config.tile_rows + extra, name=name)
            m.d.sync += stages.eq(Cat(source, stages))
            return [source, *stages]

        swap = taps("swap", self.i_swap)
        weights_signed = taps("weights_signed", self.i_weights_signed)
        activations_signed = taps("activations_signed", self.i_activations_signed)
        load = taps("load", self.i_load, extra=1)
        controls = data.View(control_bus(config), self.o_controls)
        operands = data.View(activation_bus(config), self.o_activations)
        for row in range(config.tile_rows):
            byte = skew.o.word_select(row, config.data_bits)
            m.d.comb += [
                controls[row].swap.eq(swap[row]),
                controls[row].weights_signed.eq(weights_signed[row]),
                controls[row].load.eq(load[row]),
                operands[row].eq(Cat(byte, byte[-1] & activations_signed[row])),
            ]
        m.d.comb += [
            self.o_swap.eq(swap[-1]),
            self.o_weights_signed.eq(weights_signed[-1]),
            self.o_activations_signed.eq(activations_signed[-1]),
            self.o_load.eq(load[-1]),
        ]
        return m
