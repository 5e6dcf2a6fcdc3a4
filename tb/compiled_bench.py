"""Testbenches on emitted Verilog without cocotb: a compiled simulation, one call a cycle.

Little is spent around the simulation itself, so it is the quickest way to run one testbench many times.
"""

from collections.abc import Awaitable, Callable, Mapping

from .bench import Bench
from .bulk.model import Model
from .mutation.mutants import SELECT

__all__ = ["CompiledBench", "run_compiled"]


class CompiledBench(Bench):
    """A design in a compiled simulation. The port that chooses a planted fault is none of a testbench's business.

    Parameters
    ----------
    model
        The simulation.
    limit
        Cycles after which the testbench fails, or None.
    """

    def __init__(self, model: Model, limit: int | None = None) -> None:
        shapes = {
            direction: {
                port["name"]: port["shape"]
                for port in model.manifest["ports"]
                if port["direction"] == direction and port["name"] not in ("clk", "rst", SELECT)
            }
            for direction in ("in", "out")
        }
        super().__init__(shapes["in"], shapes["out"])
        self._steps, self._limit = model.steps(), limit
        self._resettable = any(port["name"] == "rst" for port in model.manifest["ports"])

    async def _cycle(self, inputs: Mapping[str, int]) -> dict[str, int]:
        assert self._limit is None or self.cycles < self._limit, (
            f"the testbench has not ended after {self._limit} cycles"
        )
        return self._steps.step(inputs)

    async def _peek(self, inputs: Mapping[str, int]) -> dict[str, int]:
        return self._steps.step(inputs, edge=False)

    async def _set_reset(self, level: int) -> None:
        if self._resettable:
            self._steps.step({"rst": level}, edge=False)


def run_compiled(model: Model, check: Callable[[Bench], Awaitable[None]], *, limit: int | None = None) -> int:
    """Run a testbench on a design, after two cycles of reset; returns how many cycles it took."""
    bench = CompiledBench(model, limit)

    async def whole() -> None:
        await bench.reset(2)
        await check(bench)

    try:
        whole().send(None)
    except StopIteration:
        return bench.cycles
    raise RuntimeError("a testbench must wait for nothing but its bench")
