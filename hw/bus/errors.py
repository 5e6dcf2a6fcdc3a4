"""The register that keeps the first error of a memory port."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .axi import bus_error, byte_address, failed
from .config import PortConfig

__all__ = ["FirstError"]


class FirstError(wiring.Component):
    """Keeps the first answer that failed, until it is cleared. An error in the cycle of the clearing stays.

    Attributes
    ----------
    i_answer, i_response, i_address
        There is an answer; its code; its burst's first beat, counted in beats.
    i_clear
        Forget what was kept.
    o_error
        What is kept (`bus_error`), from the cycle after the answer on.
    """

    def __init__(self, config: PortConfig):
        self.config = config
        super().__init__(
            {
                "i_answer": In(1),
                "i_response": In(2),
                "i_address": In(config.beat_address_bits),
                "i_clear": In(1),
                "o_error": Out(bus_error(config)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        kept, error = self.o_error, Signal()
        m.d.comb += error.eq(self.i_answer & failed(self.i_response))
        with m.If(~kept.valid | self.i_clear):
            m.d.sync += kept.valid.eq(error)
            with m.If(error):
                m.d.sync += [
                    kept.decode.eq(self.i_response[0]),
                    kept.address.eq(byte_address(self.i_address, self.config)),
                ]
        return m
