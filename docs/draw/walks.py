"""A product's way through the matrix unit, drawn from what it does in simulation, as ``tensorloom walk`` does."""

import dataclasses

from tensorloom.run.random_jobs import small_product
from tensorloom.run.registry import find_preset

__all__ = ["Walk"]

PRESET = "tiny"


@dataclasses.dataclass(frozen=True)
class Walk:
    """A picture.

    Parameters
    ----------
    sizes
        M, K, N of the product.
    changes
        Fields of the array's configuration.
    """

    sizes: tuple[int, int, int]
    changes: dict[str, int] = dataclasses.field(default_factory=dict)

    def draw(self) -> str:
        """Text of the picture."""
        design = find_preset(PRESET)
        if design is None:
            raise ValueError(f"preset must be one of the systolic presets, not {PRESET!r}")
        figures = design.engine.walk(design.config.replace(**self.changes), small_product(*self.sizes, seed=1))
        return design.engine.draw_walk(figures)
