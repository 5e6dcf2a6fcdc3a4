"""The clock and the reset of a board."""

from amaranth.hdl import ClockSignal, Const, Elaboratable, Instance, Module, Signal
from amaranth.lib import io
from amaranth.lib.cdc import ResetSynchronizer

from .plls import Pll

__all__ = ["Clocking"]


class Clocking(Elaboratable):
    """Drives the domain ``sync``, which the parent defines, from a board's clock input through a PLL.

    The reset is released two clock edges after the PLL has locked and `reset` is low.

    Parameters
    ----------
    clock
        Name of the board's clock resource.
    pll
        Settings.
    reset
        Signal of a reset button, high while pressed.
    """

    def __init__(self, clock: str, pll: Pll, reset: Signal):
        self._clock, self._pll, self._reset = clock, pll, reset

    def elaborate(self, platform) -> Module:
        m = Module()
        pin = platform.request(self._clock, 0, dir="-")
        locked = Signal()
        clock = Signal(name="pll_clock", attrs={"keep": 1})
        if self._pll.kind == "SB_PLL40_PAD":
            reference = pin.io  # this PLL sits in the pad itself
        else:
            m.submodules.buffer = buffer = io.Buffer(io.Direction.Input, pin)
            reference = buffer.i
        m.submodules.pll = getattr(self, f"_{self._pll.kind.lower()}")(m, platform, reference, clock, locked)
        platform.add_clock_constraint(clock, self._pll.output_hz)
        m.d.comb += ClockSignal().eq(clock)
        m.submodules.reset_synchronizer = ResetSynchronizer(~locked | self._reset)
        return m

    def _ehxplll(self, m: Module, platform, reference, clock: Signal, locked: Signal) -> Instance:
        return Instance(
            "EHXPLLL",
            a_FREQUENCY_PIN_CLKI=f"{self._pll.input_hz / 1e6:g}",
            a_FREQUENCY_PIN_CLKOP=f"{self._pll.output_hz / 1e6:g}",
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            p_PLLRST_ENA="DISABLED",
            p_INTFB_WAKE="DISABLED",
            p_STDBY_ENABLE="DISABLED",
            p_DPHASE_SOURCE="DISABLED",
            p_OUTDIVIDER_MUXA="DIVA",
            p_OUTDIVIDER_MUXB="DIVB",
            p_OUTDIVIDER_MUXC="DIVC",
            p_OUTDIVIDER_MUXD="DIVD",
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_FPHASE=0,
            p_FEEDBK_PATH="CLKOP",
            **{f"p_{name}": value for name, value in self._pll.parameters.items()},
            i_RST=Const(0),
            i_STDBY=Const(0),
            i_CLKI=reference,
            i_CLKFB=clock,
            i_PHASESEL0=Const(0),
            i_PHASESEL1=Const(0),
            i_PHASEDIR=Const(1),
            i_PHASESTEP=Const(1),
            i_PHASELOADREG=Const(1),
            i_PLLWAKESYNC=Const(0),
            i_ENCLKOP=Const(0),
            o_CLKOP=clock,
            o_LOCK=locked,
        )

    def _sb_pll40_pad(self, m: Module, platform, reference, clock: Signal, locked: Signal) -> Instance:
        return Instance(
            "SB_PLL40_PAD",
            p_FEEDBACK_PATH="SIMPLE",
            p_PLLOUT_SELECT="GENCLK",
            **{f"p_{name}": value for name, value in self._pll.parameters.items()},
            io_PACKAGEPIN=reference,
            i_RESETB=Const(1),
            i_BYPASS=Const(0),
            o_PLLOUTGLOBAL=clock,
            o_LOCK=locked,
        )

    def _rpll(self, m: Module, platform, reference, clock: Signal, locked: Signal) -> Instance:
        return Instance(
            "rPLL",
            p_DEVICE=platform.family,
            p_FCLKIN=f"{self._pll.input_hz / 1e6:g}",
            p_CLKFB_SEL="internal",
            p_DYN_IDIV_SEL="false",
            p_DYN_FBDIV_SEL="false",
            p_DYN_ODIV_SEL="false",
            p_DYN_DA_EN="false",
            p_PSDA_SEL="0000",
            p_DUTYDA_SEL="1000",
            p_CLKOUT_FT_DIR=1,
            p_CLKOUTP_FT_DIR=1,
            p_CLKOUT_DLY_STEP=0,
            p_CLKOUTP_DLY_STEP=0,
            p_CLKOUT_BYPASS="false",
            p_CLKOUTP_BYPASS="false",
            p_CLKOUTD_BYPASS="false",
            p_CLKOUTD_SRC="CLKOUT",
            p_CLKOUTD3_SRC="CLKOUT",
            p_DYN_SDIV_SEL=2,
            **{f"p_{name}": value for name, value in self._pll.parameters.items()},
            i_CLKIN=reference,
            i_CLKFB=Const(0),
            i_RESET=Const(0),
            i_RESET_P=Const(0),
            i_FBDSEL=Const(0, 6),
            i_IDSEL=Const(0, 6),
            i_ODSEL=Const(0, 6),
            i_PSDA=Const(0, 4),
            i_DUTYDA=Const(0, 4),
            i_FDLY=Const(0, 4),
            o_CLKOUT=clock,
            o_LOCK=locked,
        )

    def _plle2_base(self, m: Module, platform, reference, clock: Signal, locked: Signal) -> Instance:
        feedback, output = Signal(), Signal()
        m.submodules.clock_buffer = Instance("BUFG", i_I=output, o_O=clock)
        return Instance(
            "PLLE2_BASE",
            p_CLKIN1_PERIOD=1e9 / self._pll.input_hz,
            **{f"p_{name}": value for name, value in self._pll.parameters.items()},
            i_CLKIN1=reference,
            i_CLKFBIN=feedback,
            i_RST=Const(0),
            i_PWRDWN=Const(0),
            o_CLKFBOUT=feedback,
            o_CLKOUT0=output,
            o_LOCKED=locked,
        )
