"""What an engine's part of ``tensorloom demo`` gives."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..hw.errors import FailureError

if TYPE_CHECKING:
    from .execution import Outcome

__all__ = ["Demonstration", "layer_figures", "load"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Demonstration:
    """Layers that ran on the Verilog.

    Attributes
    ----------
    layers
        Figures of each, for JSON.
    images, accuracy
        Digits that were read, and the share of them that was read correctly.
    columns, rows, note
        Table of the layers, and a line under it.
    """

    layers: list[dict[str, Any]]
    images: int
    accuracy: float
    columns: list[str]
    rows: list[list[object]]
    note: str


def load(source: Callable[[], Any]) -> Any:
    """Load images; a missing package is a `FailureError`."""
    try:
        return source()
    except ImportError as error:
        hint = "pip install scikit-learn pillow, or use scripts/demo"
        raise FailureError(f"the demo's images need the package {error.name or 'scikit-learn'}", hint) from error


def layer_figures(name: str, size: str, outcome: "Outcome[Any]") -> dict[str, Any]:
    """Figures of a layer that ran."""
    return {"name": name, "size": size} | outcome.figures() | {"passed": outcome.passed}
