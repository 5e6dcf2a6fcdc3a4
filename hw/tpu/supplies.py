"""Supplies of weight tiles and parameter sets: what the program has read and not used, however far units are."""

from itertools import pairwise

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .config import QUEUES, TpuConfig
from .isa import INSTRUCTION_BITS, KINDS, SWAPS
from .word import take_apart

__all__ = ["Supplies", "lacks_layout"]

WEIGHTS = list(QUEUES).index("weights")


def lacks_layout() -> data.StructLayout:
    """Errors of an instruction that follow from what was read and used before it."""
    return data.StructLayout(dict.fromkeys(("no_tile", "no_parameters", "prefetch", "leftover"), 1))


class Supplies(wiring.Component):
    """Counts weight tiles and parameter sets that were read and not used, however far units are.

    Attributes
    ----------
    i_word
        An instruction.
    i_leaves
        It was found legal, and nothing keeps it any more.
    o_lacks
        Why the instruction is illegal, a bit for each reason (`lacks_layout`), in the same cycle.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        super().__init__({"i_word": In(INSTRUCTION_BITS), "i_leaves": In(1), "o_lacks": Out(lacks_layout())})

    def elaborate(self, platform) -> Module:
        m = Module()
        found, f = take_apart(m, self.i_word)
        config, lacks = self.config, self.o_lacks
        multiplies = found["matmul"] | found["convolve"]
        matmul = f["matmul"]  # what a convolve takes is said by the same bits
        uses = Signal(12, name="uses")
        with m.Switch(matmul["swap"]):
            with m.Case(SWAPS.index("first")):
                m.d.comb += uses.eq(1)
            with m.Case(SWAPS.index("every")):
                m.d.comb += uses.eq(matmul["repeat"])
        # A request needs room in the queue: up to the oldest one there, no more tiles are ahead than there is room for.
        depth, largest = QUEUES["weights"], (1 << len(f["read_weights"]["tiles"])) - 1
        ahead = Signal(range(config.tiles_ahead + depth * largest + 1), name="ahead")
        tile_in_use = Signal(name="tile_in_use")
        # By request in the queue, the newest first: tiles up to its last one that no matmul before uses.
        waiting = [ahead]
        for place in range(1, depth):
            tiles = range(-place * largest, config.tiles_ahead + (depth - place) * largest + 1)
            waiting.append(Signal(tiles, name=f"ahead_of_request_{place}"))
        with m.If(self.i_leaves & found["read_weights"]):
            m.d.sync += ahead.eq(ahead + f["read_weights"]["tiles"])
            m.d.sync += [one.eq(before) for before, one in pairwise(waiting)]
        with m.If(self.i_leaves & multiplies):
            m.d.sync += [*(one.eq(one - uses) for one in waiting), tile_in_use.eq(1)]  # or it wasn't legal

        sets, set_in_use = Signal(range(config.parameter_sets + 1), name="sets"), Signal(name="set_in_use")
        activate, count = f["activate"], f["read_parameters"]["count"]
        with m.If(self.i_leaves & found["read_parameters"]):
            m.d.sync += sets.eq(sets + count)
        with m.If(self.i_leaves & found["activate"] & activate["next"]):
            m.d.sync += [sets.eq(sets - 1), set_in_use.eq(1)]

        waits = (found["sync"] & f["sync"]["units"][WEIGHTS]) | (found["interrupt"] & f["interrupt"]["units"][WEIGHTS])
        raw = activate["kind"] == KINDS.index("raw")
        m.d.comb += [
            lacks.no_tile.eq(multiplies & ((uses > ahead) | ((uses == 0) & ~tile_in_use))),
            lacks.no_parameters.eq(found["activate"] & ~raw & Mux(activate["next"], sets == 0, ~set_in_use)),
            lacks.prefetch.eq(
                (found["read_parameters"] & (sets + count > config.parameter_sets))
                | (found["read_weights"] & (waiting[-1] > config.tiles_ahead))
                | (waits & (ahead > config.tiles_ahead))
            ),
            lacks.leftover.eq(found["halt"] & ((ahead != 0) | (sets != 0))),
        ]
        return m
