"""Multipliers with registers as ECP5's DSP blocks with the registers that are in them."""

from collections.abc import Mapping
from typing import Any

from ..hw.emit.rewriting import rewrite_modules

__all__ = ["DSP_REGISTERS", "with_dsp_registers"]

DSP_REGISTERS = 3
"""At the operands, in the multiplier, at the product."""

BITS = 18

REGISTERS = ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT")


def with_dsp_registers(verilog: Mapping[str, str], manifest: Mapping[str, Any]) -> dict[str, str]:
    """Put MULT18X18D blocks in place of emitted `Multiplier` modules of `DSP_REGISTERS` registers, where they fit.

    Yosys makes a DSP block of the multiplication alone and leaves the registers outside, from where the way to the
    block and back is as long as the multiplication. nextpnr knows the timing of the block's own registers.

    Parameters
    ----------
    verilog, manifest
        Of an emission: text by file name, and what is in it.
    """
    return rewrite_modules(verilog, manifest, "Multiplier", _with_registers)


def _with_registers(module: Mapping[str, Any], text: str) -> str:
    a_bits, b_bits, registers = module["config"]
    if registers != DSP_REGISTERS or max(a_bits, b_bits) > BITS:
        return text
    return _module(module["name"], a_bits, b_bits)


def _module(name: str, a_bits: int, b_bits: int) -> str:
    """A module of the same ports; operands are extended by their signs."""
    connections = [f".{port.upper()}{bit}({port}[{min(bit, width - 1)}])"
                   for port, width in (("a", a_bits), ("b", b_bits)) for bit in range(BITS)]  # fmt: skip
    connections += [f".P{bit}(o[{bit}])" for bit in range(a_bits + b_bits)]
    connections += [".SIGNEDA(1'b1)", ".SIGNEDB(1'b1)", ".SOURCEA(1'b0)", ".SOURCEB(1'b0)"]
    connections += [".CLK0(clk)", ".CE0(1'b1)", ".RST0(1'b0)"]
    parameters = ", ".join(f'.REG_{register}_CLK("CLK0")' for register in REGISTERS)
    return f"""\
module {name}(clk, rst, a, b, o);
  input clk, rst;
  input signed [{a_bits - 1}:0] a;
  input signed [{b_bits - 1}:0] b;
  output signed [{a_bits + b_bits - 1}:0] o;
  MULT18X18D #({parameters}) dsp ({", ".join(connections)});
endmodule
"""
