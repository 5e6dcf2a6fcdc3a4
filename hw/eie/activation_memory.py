"""Memory of activations."""

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..common.ram import Ram
from ..emit.shared import shared
from .config import EieConfig
from .machine_layouts import activation_line

__all__ = ["ActivationMemory"]


class ActivationMemory(wiring.Component):
    """Lines of activations, with a flag for each that is not zero, found when it is written.

    Attributes
    ----------
    i_write, i_write_line, i_values
        Parts of the line that are written, a bit each, and all its activations.
    i_read, i_read_line, o_line
        A line to read, and what it holds a cycle later, `activation_line`. In other cycles the output may be anything.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        line = activation_line(config)
        super().__init__(
            {
                "i_write": In(config.line_parts),
                "i_write_line": In(range(config.activation_lines)),
                "i_values": In(line["values"].shape),
                "i_read": In(1),
                "i_read_line": In(range(config.activation_lines)),
                "o_line": Out(line),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        size, bits = config.part_activations, config.data_bits
        part = data.StructLayout({"values": size * bits, "flags": size})
        ram = Ram(config.line_parts * part.size, config.activation_lines, config.line_parts)
        m.submodules.ram = shared(ram)
        values = Value.cast(self.i_values)
        written = data.View(data.ArrayLayout(part, config.line_parts), ram.i_write_data)
        read = data.View(data.ArrayLayout(part, config.line_parts), ram.o_read_data)
        for number in range(config.line_parts):
            m.d.comb += [
                written[number].values.eq(values.word_select(number, size * bits)),
                written[number].flags.eq(
                    Cat(self.i_values[at] != 0 for at in range(number * size, (number + 1) * size))
                ),
            ]
        m.d.comb += [
            ram.i_write_enable.eq(self.i_write),
            ram.i_write_address.eq(self.i_write_line),
            ram.i_read_enable.eq(self.i_read),
            ram.i_read_address.eq(self.i_read_line),
            self.o_line.values.eq(Cat(one.values for one in read)),
            self.o_line.flags.eq(Cat(one.flags for one in read)),
        ]
        return m
