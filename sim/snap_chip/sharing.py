"""What it costs that the cores of a SNAP chip share their activations."""

import dataclasses

from ...hw.config import check_int
from ...hw.snap_chip.config import SnapChipConfig
from ..memory_timing import MemoryTiming
from .cycles import simulate_chip
from .work import LayerWork

__all__ = ["Sharing", "alone", "share"]


@dataclasses.dataclass(frozen=True)
class Sharing:
    """A layer on all cores, and each core's part of it without the others.

    Parameters
    ----------
    shared
        Cycles of the layer.
    alone
        By core: cycles of its part at its own pace, see `alone`.
    """

    shared: int
    alone: list[int]

    @property
    def loss(self) -> float:
        """Cycles beyond those of the core that takes longest at its own pace, as a share."""
        return self.shared / max(self.alone) - 1


def alone(config: SnapChipConfig, work: LayerWork, core: int) -> LayerWork:
    """A layer in which every core has the weights of the core `core`.

    All cores take the same activations in the same cycles then, so that none waits for another: the layer takes as
    long as that core takes if the activations are sent to it alone. Outputs come as before, and as many weights, if
    the cores have equally many.
    """
    check_int("core", core, 0, config.cores - 1)
    columns = config.core.core_columns
    rings = [core * columns + ring % columns for ring in range(config.rings)]
    command = dict(work.command)
    for ring, other in enumerate(rings):
        for field in ("weight_address", "weight_beats"):
            command[f"{field}_{ring}"] = work.command[f"{field}_{other}"]
    return dataclasses.replace(work, command=command, weights=tuple(work.weights[ring] for ring in rings))


def share(config: SnapChipConfig, work: LayerWork, timing: MemoryTiming) -> Sharing:
    """Run a layer as it is, and each core's part without the others."""
    works = [work, *(alone(config, work, core) for core in range(config.cores))]
    shared, *others = (simulate_chip(config, [one], timing=timing).layers[0].cycles for one in works)
    return Sharing(shared, others)
