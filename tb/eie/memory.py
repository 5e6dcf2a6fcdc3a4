"""The activation memory as testbenches play it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.eie.config import EieConfig

__all__ = ["Memory"]


class Memory:
    """Shows lines that are read a cycle later, and rubbish in cycles after those without a read."""

    def __init__(self, config: EieConfig, contents: np.ndarray, rng: np.random.Generator) -> None:
        self.config, self.contents, self.rng = config, contents, rng
        self.line: int | None = None

    def shown(self) -> dict[str, Any]:
        """Its output."""
        width, limit = self.config.line_activations, 1 << self.config.data_bits - 1
        if self.line is None:
            values = self.rng.integers(-limit, limit, width)
            return {"flags": int(self.rng.integers(1 << width)), "values": values.tolist()}
        values = self.contents[self.line]
        return {"flags": sum(1 << int(at) for at in np.flatnonzero(values)), "values": values.tolist()}

    def observe(self, outputs: Mapping[str, Any]) -> None:
        """A cycle passes."""
        self.line = outputs["o_line"] if outputs["o_read"] else None
