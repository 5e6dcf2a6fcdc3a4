"""Compiler for the TPU: a network's layers and a number of batches become a program and what lies in memory."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ...hw.config import check, check_int
from ...hw.tpu.config import INSTRUCTION_BYTES, TpuConfig
from .layers import Network
from .tensors import Layout
from .weights import WeightMemory
from .writer import Writer

__all__ = ["Compiled", "compile_network"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Compiled:
    """A program and what it works on. The host's window 0 holds the inputs, window 1 the outputs, batch after batch.

    Parameters
    ----------
    config, network
        What it was made for and of.
    batches
        Inputs, one after the other.
    program
        Its instructions' bytes.
    weights
        Contents of weight memory, uint8.
    input, output
        Layouts of both tensors.
    instructions
        How many of each there are, by name.
    ub_rows
        Rows of the unified buffer that are used: its peak.
    """

    config: TpuConfig
    network: Network
    batches: int
    program: bytes
    weights: np.ndarray
    input: Layout
    output: Layout
    instructions: dict[str, int]
    ub_rows: int

    @property
    def window_bytes(self) -> tuple[int, int]:
        """Sizes of the host's two windows."""
        return self.batches * self.input.size, self.batches * self.output.size

    def pack_inputs(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Contents of window 0, uint8, from an input a batch (rows x columns).

        Raises
        ------
        WrongTypeError, ConfigError
            If there are more or fewer, or one has another type or shape.
        """
        check("inputs", len(inputs) == self.batches, f"{self.batches}, one a batch", len(inputs))
        checked = [self.network.check_input(f"inputs[{number}]", values) for number, values in enumerate(inputs)]
        return np.concatenate([self.input.pack(values) for values in checked])

    def unpack_outputs(self, window: np.ndarray) -> list[np.ndarray]:
        """Outputs, one a batch (rows x columns), from the contents of window 1 (uint8)."""
        size = self.output.size
        check("window", len(window) == self.batches * size, f"of {self.batches * size} bytes", len(window))
        return [self.output.unpack(window[start : start + size]) for start in range(0, len(window), size)]


def compile_network(config: TpuConfig, network: Network, batches: int = 1) -> Compiled:
    """Compile a network.

    A layer is worked on N tile by N tile, each for all rows at once or, if they are more than half the accumulators,
    in blocks whose sums alternate in them. Weights are fetched as they are used, and fetched again for each block
    of rows unless the N tile has a single K tile. The input of the next batch is read, and the output of the one
    before written, while a batch is worked on.

    Parameters
    ----------
    config
        The TPU.
    network
        Its layers.
    batches
        How many inputs the program works on.

    Raises
    ------
    ConfigError
        If the unified buffer or a memory is too small: which, for what, and by how much.
    """
    check_int("batches", batches, 1, 1 << 16)
    kinds = [(network.columns, network.dtype)]
    kinds += [(layer.weights.shape[1], layer.dtype) for layer in network.layers]
    tensors = [Layout(config, network.rows, *kind) for kind in kinds]
    most = min(1 << config.address_bits, config.bus_bytes << 32)
    for field, layout in (("inputs", tensors[0]), ("outputs", tensors[-1])):
        check(field, batches * layout.size <= most, f"of at most {most:,} bytes in all", batches * layout.size)
    memory = WeightMemory.of(config, network)
    writer = Writer(config, network, tensors, memory, batches)
    writer.write()
    return Compiled(
        config=config, network=network, batches=batches,
        program=b"".join(word.to_bytes(INSTRUCTION_BYTES, "little") for word in writer.words),
        weights=memory.image, input=tensors[0], output=tensors[-1],
        instructions=dict(writer.counts), ub_rows=writer.ub_rows,
    )  # fmt: skip
