"""The array of tiles, built from blocks so that no level has more than a few dozen instances."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..emit.shared import shared
from .config import SystolicConfig
from .tile import Tile, activation_bus, control_bus, psum_bus, weight_bus

__all__ = ["Block", "Mesh"]


class Block(wiring.Component):
    """A few tiles by a few tiles: a level of hierarchy between tile and mesh.

    It exists for the tools: Verilator compiles a block of 32x32 PEs once, and 64 of them simulate half
    as fast again as 256 tiles do, because values cross fewer borders.

    Ports are those of the mesh as plain bits, one bus a tile row or tile column.
    """

    def __init__(self, config: SystolicConfig):
        self.config = config
        down, across = config.block_tiles
        super().__init__(
            {
                "i_activations": In(activation_bus(config).size).array(down),
                "i_controls": In(control_bus(config).size).array(down),
                "i_weights": In(weight_bus(config).size).array(across),
                "i_psums": In(psum_bus(config).size).array(across),
                "o_activations": Out(activation_bus(config).size).array(down),
                "o_controls": Out(control_bus(config).size).array(down),
                "o_weights": Out(weight_bus(config).size).array(across),
                "o_psums": Out(psum_bus(config).size).array(across),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        down, across = self.config.block_tiles
        activations, controls = list(self.i_activations), list(self.i_controls)
        weights, psums = list(self.i_weights), list(self.i_psums)
        for row in range(down):
            for column in range(across):
                tile = Tile(self.config)
                # The neighbour's output is this tile's input: one signal, not an assignment of two.
                tile.i_activations, tile.i_controls = activations[row], controls[row]
                tile.i_weights, tile.i_psums = weights[column], psums[column]
                m.submodules[f"tile_{row}_{column}"] = shared(tile)
                activations[row], controls[row] = tile.o_activations, tile.o_controls
                weights[column], psums[column] = tile.o_weights, tile.o_psums
        for row in range(down):
            m.d.comb += [self.o_activations[row].eq(activations[row]), self.o_controls[row].eq(controls[row])]
        for column in range(across):
            m.d.comb += [self.o_weights[column].eq(weights[column]), self.o_psums[column].eq(psums[column])]
        return m


class Mesh(wiring.Component):
    """``rows`` x ``columns`` PEs (lecture, systolic array Y = WX).

    Everything at the border is skewed: row r's activations and controls come r cycles after row
    0's, column c's weights and psums c cycles after column 0's. For the activation that enters row
    0 in cycle t, the psum of column c is at the bottom in cycle t + rows + 1 + c
    (+ ``multiplier_registers``). A weight that
    row r shall load in cycle t + c of column c is on the bus of column c at the top in cycle
    t + c - r // tile_rows.

    Attributes
    ----------
    i_activations, i_controls
        One bus a tile row, top to bottom.
    i_weights, o_psums
        One bus a tile column, left to right.
    """

    def __init__(self, config: SystolicConfig):
        self.config = config
        down, across = config.tile_grid
        super().__init__(
            {
                "i_activations": In(activation_bus(config)).array(down),
                "i_controls": In(control_bus(config)).array(down),
                "i_weights": In(weight_bus(config)).array(across),
                "o_psums": Out(psum_bus(config)).array(across),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        (down, across), (tall, wide) = self.config.tile_grid, self.config.block_tiles
        activations = [bus.as_value() for bus in self.i_activations]
        controls = [bus.as_value() for bus in self.i_controls]
        weights = [bus.as_value() for bus in self.i_weights]
        psums = [Signal(psum_bus(self.config).size, name=f"no_psum_{column}") for column in range(across)]
        for row in range(0, down, tall):
            rows = slice(row, row + tall)
            for column in range(0, across, wide):
                columns = slice(column, column + wide)
                block = Block(self.config)
                block.i_activations, block.i_controls = activations[rows], controls[rows]
                block.i_weights, block.i_psums = weights[columns], psums[columns]
                m.submodules[f"block_{row // tall}_{column // wide}"] = shared(block, hier_block=True)
                activations[rows], controls[rows] = block.o_activations, block.o_controls
                weights[columns], psums[columns] = block.o_weights, block.o_psums
        for column, psum in enumerate(psums):
            m.d.comb += self.o_psums[column].eq(psum)
        return m
