"""A register for the reset in front of each instance of a module."""

import re
from collections.abc import Mapping
from typing import Any

from ..hw.emit.rewriting import rewrite_modules

__all__ = ["with_reset_registers"]

PORT = "  wire rst;\n"

REGISTER = """\
  reg rst_register;
  always @(posedge clk) rst_register <= rst;
"""


def with_reset_registers(verilog: Mapping[str, str], manifest: Mapping[str, Any], name: str) -> dict[str, str]:
    """Reset all that is in an emitted module, with its submodules, from a register of its own, one cycle later.

    One net to thousands of flip-flops all over a device is slow, and in the way of others. The reset must last at least
    two cycles, and what is connected to such a module must not need it in the cycle after the reset.

    Parameters
    ----------
    verilog, manifest
        Of an emission: text by file name, and what is in it.
    name
        Class of the modules.
    """
    return rewrite_modules(verilog, manifest, name, _delayed)


def _delayed(module: Mapping[str, Any], text: str) -> str:
    ports, declaration, body = text.partition(PORT)
    return ports + declaration + REGISTER + re.sub(r"(?<!\.)\brst\b", "rst_register", body)
