import dataclasses

import pytest

from tensorloom.hw.systolic.config import PRESETS, SystolicConfig
from tensorloom.sim.systolic.cycles import predict
from tensorloom.tb.bulk.model import Model, build
from tensorloom.tb.memories import with_bare_memories
from tensorloom.tb.systolic.parts import ARRAYS

from ...designs import emitted
from ...marks import slow

UNITS = {
    "tiny": PRESETS["tiny"],
    "rectangular": SystolicConfig(
        rows=6, columns=4, tile_rows=3, tile_columns=1, accumulator_rows=16, weight_fifo_tiles=2, drain_queue=2
    ),
    **{name: ARRAYS[name] for name in ("one", "tall", "wide")},
    "bare": SystolicConfig(rows=8, columns=10, tile_rows=2, tile_columns=2, accumulator_rows=16, weight_fifo_tiles=3),
}
"""``bare``: with delay lines in memories, and with memories in which only that holds which an SRAM macro promises."""


@dataclasses.dataclass(frozen=True)
class Unit:
    """A compiled matrix unit."""

    config: SystolicConfig
    model: Model
    bare: bool = False

    def run(self, program, sums, **options):
        """Run a program; without stalls the counters must be those of the cycle model."""
        streams = {"i_weights": program.weights, "i_activations": program.activations, "i_commands": program.commands}
        result = self.model.run(streams, {"o_sums": sums}, **options)
        if not options.get("stalls"):
            predicted = dataclasses.asdict(predict(self.config, program.commands))
            assert {name: int(value) for name, value in result.counters["o_counters"].items()} == predicted
            assert result.cycles == predicted["cycles"]
        return result


SLOW = ("rectangular", "tall", "wide", "one")
"""Other shapes of what ``tiny`` and ``bare`` hold; the testbenches of the blocks have them too."""


@pytest.fixture(scope="session", params=slow(UNITS, SLOW.__contains__))
def unit(request) -> Unit:
    config = UNITS[request.param]
    emission = emitted("systolic", config)
    if request.param != "bare":
        return Unit(config, build(emission, assertions=True))
    lines = [module["config"] for module in emission.manifest["modules"] if module["class"] == "DelayLine"]
    assert {cycles for _, cycles in lines} > {2, 4, 6, 8}
    return Unit(config, build(with_bare_memories(emission), assertions=True), bare=True)
