"""The top of a board: clock, pins, and the self-test as emitted Verilog."""

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Instance, Module, ResetSignal, Signal
from amaranth.lib import io
from amaranth.lib.io import Direction

from .boards import Board
from .clocking import Clocking
from .plls import Pll

__all__ = ["BoardTop"]


class BoardTop(Elaboratable):
    """Connects a `SelfTest` that was emitted as `module` to a board's clock, LEDs and buttons."""

    def __init__(self, board: Board, pll: Pll, module: str):
        self._board, self._pll, self._module = board, pll, module

    def elaborate(self, platform) -> Module:
        m = Module()
        m.domains += ClockDomain("sync")
        board = self._board
        reset, fault, leds = Signal(), Signal(), Signal(len(board.leds))
        if board.reset_button is not None:
            m.submodules.reset_button = button = io.Buffer(
                Direction.Input, platform.request(*board.reset_button, dir="-")
            )
            m.d.comb += reset.eq(button.i)
        m.submodules.clocking = Clocking(board.clock, self._pll, reset)
        m.submodules.fault_button = button = io.Buffer(Direction.Input, platform.request(*board.fault_button, dir="-"))
        m.d.comb += fault.eq(button.i)
        for index, (name, pin) in enumerate(board.leds.items()):
            m.submodules[f"led_{name}"] = led = io.Buffer(Direction.Output, platform.request(*pin, dir="-"))
            m.d.comb += led.o.eq(leds[index])
        m.submodules.self_test = Instance(
            self._module, i_clk=ClockSignal(), i_rst=ResetSignal(), i_i_button=fault, o_o_leds=leds
        )
        return m
