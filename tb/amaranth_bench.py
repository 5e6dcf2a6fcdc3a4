"""Testbenches on Amaranth's own simulator."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from amaranth.hdl import ClockDomain, Module, Value
from amaranth.lib import wiring
from amaranth.sim import Simulator

from ..hw.emit.ports import port_name
from ..hw.emit.shape import describe_shape
from .bench import Bench

__all__ = ["AmaranthBench", "simulate"]


class AmaranthBench(Bench):
    """A component in a running simulation."""

    def __init__(self, context: Any, component: wiring.Component, reset: Any) -> None:
        shapes: dict[wiring.Flow, dict[str, Any]] = {wiring.In: {}, wiring.Out: {}}
        self._values = {}
        for path, member, port in component.signature.flatten(component):
            name = port_name(path)
            shapes[member.flow][name] = describe_shape(port.shape())
            self._values[name] = Value.cast(port).as_unsigned()
        super().__init__(shapes[wiring.In], shapes[wiring.Out])
        self._context, self._reset = context, reset
        self._sampled = [self._values[name] for name in self.outputs]

    async def _cycle(self, inputs: Mapping[str, int]) -> dict[str, int]:
        for name, bits in inputs.items():
            self._context.set(self._values[name], bits)
        _, _, *outputs = await self._context.tick().sample(*self._sampled)
        return dict(zip(self.outputs, outputs, strict=True))

    async def _peek(self, inputs: Mapping[str, int]) -> dict[str, int]:
        for name, bits in inputs.items():
            self._context.set(self._values[name], bits)
        return {name: self._context.get(self._values[name]) for name in self.outputs}

    async def _set_reset(self, level: int) -> None:
        self._context.set(self._reset, level)


def simulate(component: wiring.Component, check: Callable[[Bench], Awaitable[None]], *, vcd: Path | None = None) -> int:
    """Run a testbench on a component, after two cycles of reset; returns how many cycles it took.

    Waveforms of all that is in it go to the file `vcd`, which `tb.waves` reads.
    """
    m = Module()
    m.domains.sync = domain = ClockDomain()
    m.submodules.dut = component  # pyrefly: ignore[bad-argument-type]  # the stubs' Component has no elaborate
    cycles = 0

    async def process(context: Any) -> None:
        nonlocal cycles
        bench = AmaranthBench(context, component, domain.rst)  # pyrefly: ignore[missing-attribute]  # not in the stubs
        await bench.reset(2)
        await check(bench)
        cycles = bench.cycles

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(process)
    with simulator.write_vcd(str(vcd)) if vcd else contextlib.nullcontext():
        simulator.run()
    return cycles
