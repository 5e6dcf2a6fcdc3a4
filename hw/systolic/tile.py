"""A block of PEs: the module that a big array is built from."""

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..emit.shared import shared
from .config import SystolicConfig
from .pe import PE, ControlLayout

__all__ = ["Tile", "activation_bus", "control_bus", "psum_bus", "weight_bus"]


def activation_bus(config: SystolicConfig) -> data.ArrayLayout:
    """Activations of one tile row, ``tile_rows`` operands."""
    return data.ArrayLayout(signed(config.operand_bits), config.tile_rows)


def control_bus(config: SystolicConfig) -> data.ArrayLayout:
    """Controls of one tile row, ``tile_rows`` of `ControlLayout`."""
    return data.ArrayLayout(ControlLayout, config.tile_rows)


def weight_bus(config: SystolicConfig) -> data.ArrayLayout:
    """Weights of one tile column, ``tile_columns`` byte planes."""
    return data.ArrayLayout(config.data_bits, config.tile_columns)


def psum_bus(config: SystolicConfig) -> data.ArrayLayout:
    """Partial sums of one tile column, ``tile_columns`` of ``psum_bits``."""
    return data.ArrayLayout(signed(config.psum_bits), config.tile_columns)


class Tile(wiring.Component):
    """``tile_rows`` x ``tile_columns`` PEs.

    Activations enter at the left and leave at the right ``tile_columns`` cycles later; psums enter
    at the top and leave at the bottom ``tile_rows`` cycles later. The weight bus reaches all rows of
    the tile in one cycle and leaves at the bottom one cycle later, so it never spans more than a tile.

    The ports are the buses of this file as plain bits: a big mesh has hundreds of them, and fields
    would make its emission several times slower.
    """

    def __init__(self, config: SystolicConfig):
        self.config = config
        super().__init__(
            {
                "i_activations": In(activation_bus(config).size),
                "i_controls": In(control_bus(config).size),
                "i_weights": In(weight_bus(config).size),
                "i_psums": In(psum_bus(config).size),
                "o_activations": Out(activation_bus(config).size),
                "o_controls": Out(control_bus(config).size),
                "o_weights": Out(weight_bus(config).size),
                "o_psums": Out(psum_bus(config).size),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        weights = Signal(len(self.i_weights), reset_less=True)
        m.d.sync += weights.eq(self.i_weights)
        m.d.comb += self.o_weights.eq(weights)

        activation_view = data.View(activation_bus(config), self.i_activations)
        control_view = data.View(control_bus(config), self.i_controls)
        psum_view = data.View(psum_bus(config), self.i_psums)
        activations = [activation_view[row] for row in range(config.tile_rows)]
        controls = [control_view[row] for row in range(config.tile_rows)]
        psums = [psum_view[column] for column in range(config.tile_columns)]
        bus = data.View(weight_bus(config), self.i_weights)
        for row in range(config.tile_rows):
            for column in range(config.tile_columns):
                pe = PE(config)
                m.submodules[f"pe_{row}_{column}"] = shared(pe)
                m.d.comb += [
                    pe.i_activation.eq(activations[row]),
                    pe.i_control.eq(controls[row]),
                    pe.i_weight.eq(bus[column]),
                    pe.i_psum.eq(psums[column]),
                ]
                activations[row], controls[row], psums[column] = pe.o_activation, pe.o_control, pe.o_psum
        m.d.comb += [
            self.o_activations.eq(Cat(activations)),
            self.o_controls.eq(Cat(map(Value.cast, controls))),
            self.o_psums.eq(Cat(psums)),
        ]
        return m
