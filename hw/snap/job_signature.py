"""Signature of the jobs that a PE has done, by which the core sees whether its streams are cut alike."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .list_layouts import job_flags

__all__ = ["SIGNATURE_BITS", "JobSignature"]

SIGNATURE_BITS = 16
POLYNOMIAL = 0x1021
"""CRC-16 of CCITT: jobs that differ only within five that follow each other never have the same signature."""


class JobSignature(wiring.Component):
    """A CRC over what ends with each job of a PE, from reset on, as it was at the end of the block last read.

    Jobs are the pairs of a window and a tile. What ends with them (window, tile, block) says into which groups and
    blocks the PE's two streams are cut, so PEs have equal signatures if the streams are cut alike, and otherwise
    different ones but for one case in 2**16.

    Attributes
    ----------
    i_pop, i_flags
        Lists (jobs) that the sequence decoder has used up in this cycle, and what ends with them: `job_flags`.
    i_free, i_bank
        The reducer has read this psum bank.
    o_signature
        Signature at the end of the block that was read last. It is there in the cycle after `i_free`.
    """

    def __init__(self):
        self.config = ()
        super().__init__(
            {
                "i_pop": In(2),
                "i_flags": In(data.ArrayLayout(job_flags(), 2)),
                "i_free": In(1),
                "i_bank": In(1),
                "o_signature": Out(SIGNATURE_BITS),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        present, bank = Signal(SIGNATURE_BITS, init=1), Signal()
        before = present
        marks = [Signal(SIGNATURE_BITS, name=f"mark_{number}") for number in range(2)]
        for number, (pop, flags) in enumerate(zip(self.i_pop, self.i_flags, strict=True)):
            after = Signal(SIGNATURE_BITS, name=f"after_{number}")
            bits = Signal(SIGNATURE_BITS + job_flags().size, name=f"bits_{number}")
            at = bank ^ (self.i_pop[0] & self.i_flags[0].ends_block) if number else bank
            m.d.comb += [bits.eq(Cat(before, flags)), after.eq(Mux(pop, _step(bits), before))]
            with m.If(pop & flags.ends_block):
                for mark, selected in zip(marks, (~at, at), strict=True):
                    with m.If(selected):
                        m.d.sync += mark.eq(after)
            before = after
        ends = Cat(pop & flags.ends_block for pop, flags in zip(self.i_pop, self.i_flags, strict=True))
        m.d.sync += [present.eq(before), bank.eq(bank ^ ends.xor())]
        with m.If(self.i_free):
            m.d.sync += self.o_signature.eq(Mux(self.i_bank, marks[1], marks[0]))
        return m


def _step(bits: Signal) -> Value:
    """The CRC (low bits) after a job's flags (high bits). It is linear: each bit is the parity of some bits."""
    images = [_shifted(1 << place) for place in range(len(bits))]
    masks = [sum((image >> bit & 1) << place for place, image in enumerate(images)) for bit in range(SIGNATURE_BITS)]
    return Cat((bits & mask).xor() for mask in masks).as_unsigned()


def _shifted(bits: int) -> int:
    signature, flags = bits & (1 << SIGNATURE_BITS) - 1, bits >> SIGNATURE_BITS
    for place in range(job_flags().size):
        carry = signature >> SIGNATURE_BITS - 1 ^ flags >> place & 1
        signature = signature << 1 & (1 << SIGNATURE_BITS) - 1 ^ (POLYNOMIAL if carry else 0)
    return signature
