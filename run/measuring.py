"""What the benchmarks of all engines share: clocks, and goals."""

import dataclasses
import os
import time
from typing import Any

__all__ = ["Clocks", "goal"]


@dataclasses.dataclass(frozen=True)
class Clocks:
    """Seconds that passed, and those of the processor.

    The latter are user and system time of this process and of those that it started and waited for.
    """

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> "Clocks":
        """The clocks' present state."""
        return cls(time.monotonic(), sum(os.times()[:4]))

    def since(self) -> "Clocks":
        """What passed since then."""
        now = self.now()
        return Clocks(now.wall - self.wall, now.cpu - self.cpu)


def goal(value: float, relation: str, limit: float) -> dict[str, Any]:
    """A figure beside its goal: `relation` is ``<=`` or ``>=``."""
    met = value <= limit if relation == "<=" else value >= limit
    return {"value": value, "goal": f"{relation} {limit:g}", "met": met}
