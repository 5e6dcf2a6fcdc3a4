"""Processing element of the weight-stationary array: one multiply-accumulate and two weight registers."""

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..common.multiplier import Multiplier
from ..emit.shared import shared
from .config import SystolicConfig

__all__ = ["PE", "ControlLayout"]

ControlLayout = data.StructLayout({"swap": 1, "weights_signed": 1, "load": 1})
"""Control that travels along a row with the activations.

``swap``: from this activation on, work with the weight in the shadow register.
``weights_signed``: with ``swap``, whether that weight's top bit is a sign.
``load``: take the weight on the column's bus into the shadow register.
"""


class PE(wiring.Component):
    """One multiply-accumulate: a psum passes down, an activation and its control pass right.

    The weight in use and the next one (shadow) are separate registers, so a tile is loaded while
    the previous one works, and the swap travels with the data (TPU, Jouppi et al. 2017, section 2:
    one tile of weights plus one for double buffering).

    Latency: 1 cycle for activations and control, 2 from ``i_activation`` to ``o_psum`` and
    ``multiplier_registers`` more, 1 from ``i_psum``. One product a cycle. Data registers have no
    reset: control that is reset keeps them from being used before they are written.

    Parameters
    ----------
    config
        Operand and psum widths.

    Attributes
    ----------
    i_activation, o_activation
        Signed, ``operand_bits`` wide: a byte plane extended by its sign or by zero.
    i_control, o_control
        `ControlLayout`.
    i_weight
        The column's weight bus, one byte plane.
    i_psum, o_psum
        Signed, ``psum_bits`` wide.
    """

    def __init__(self, config: SystolicConfig):
        self.config = config
        operand = signed(config.operand_bits)
        psum = signed(config.psum_bits)
        super().__init__(
            {
                "i_activation": In(operand),
                "i_control": In(ControlLayout),
                "i_weight": In(config.data_bits),
                "i_psum": In(psum),
                "o_activation": Out(operand),
                "o_control": Out(ControlLayout),
                "o_psum": Out(psum),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        activation = Signal(self.i_activation.shape(), reset_less=True)
        control = Signal(ControlLayout, reset_less=True)
        psum = Signal(self.i_psum.shape(), reset_less=True)
        shadow = Signal(self.config.data_bits, reset_less=True)
        weight = Signal(signed(self.config.operand_bits), reset_less=True)
        product = activation * weight
        if self.config.multiplier_registers:
            multiplier = Multiplier(len(activation), len(weight), self.config.multiplier_registers)
            m.submodules.multiplier = shared(multiplier)
            m.d.comb += [multiplier.a.eq(activation), multiplier.b.eq(weight)]
            product = multiplier.o
        m.d.sync += [
            activation.eq(self.i_activation),
            control.eq(self.i_control),
            psum.eq(self.i_psum + product),
        ]
        with m.If(self.i_control.swap):
            m.d.sync += weight.eq(Cat(shadow, shadow[-1] & self.i_control.weights_signed).as_signed())
        with m.If(self.i_control.load):
            m.d.sync += shadow.eq(self.i_weight)
        m.d.comb += [self.o_activation.eq(activation), self.o_control.eq(control), self.o_psum.eq(psum)]
        return m
