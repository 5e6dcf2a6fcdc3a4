"""Layers mapped onto EIE, as the contract wants it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.eie.config import EieConfig
from ...sim.eie.beats import output_parts, outputs_of, program_words
from ...sim.eie.counters import EieCounters, total
from ...sim.eie.cycles import simulate
from ...sim.eie.golden import run
from ...sim.eie.program import EieProgram
from ..contract import Image

__all__ = ["LayersProgram", "complaint"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class LayersProgram:
    """See `run.contract.Program`.

    Parameters
    ----------
    config, layers
        The machine, and its memories and jobs.
    vectors
        ``[vectors, inputs]``: what the layers are done for, one after the other.
    shape
        The result's, if it is not ``[vectors, outputs]``.
    """

    config: EieConfig
    layers: EieProgram
    vectors: np.ndarray
    shape: tuple[int, ...] | None = None

    def inputs(self) -> dict[str, Any]:
        """Words of the one input stream."""
        return {"i_commands": program_words(self.config, self.layers, self.vectors)}

    def outputs(self) -> dict[str, int]:
        """Parts of the lines with the last layer's outputs."""
        return {"o_lines": len(self.vectors) * output_parts(self.config, self.layers)}

    def memories(self) -> dict[str, Image]:
        """None: the machine has streams alone."""
        return {}

    def software(self) -> tuple[()]:
        """None: there are no registers."""
        return ()

    def assemble(self, outputs: Mapping[str, Any]) -> np.ndarray:
        """Outputs from the lines."""
        return self._shaped(outputs_of(self.config, self.layers, outputs["o_lines"]))

    def golden(self) -> np.ndarray:
        """The outputs that memories and jobs stand for."""
        states = (run(self.config, self.layers, one)[-1] for one in self.vectors)
        return self._shaped(np.array([self.layers.outputs(self.config, memory) for memory in states]))

    def _shaped(self, outputs: np.ndarray) -> np.ndarray:
        return outputs if self.shape is None else outputs.reshape(self.shape)

    def predict(self) -> EieCounters:
        """Counters of the cycle model."""
        return total([simulate(self.config, self.layers, one) for one in self.vectors])


def complaint(errors: Mapping[str, Any]) -> str:
    """What the values of ``o_errors`` say; empty if nothing is wrong."""
    texts = {"command": "it refused a word of its input", "job": "it refused a job"}
    said = [text for name, text in texts.items() if errors[name]]
    for name, values in errors["clusters"].items():
        said += [f"cluster {cluster} met malformed {name}" for cluster in np.flatnonzero(values)[:1].tolist()]
    return f"the machine raised an error: {', '.join(said)}" if said else ""
