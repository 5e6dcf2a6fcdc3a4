"""Testbenches on emitted Verilog: `Bench` for cocotb, and the decorator that makes one a cocotb test."""

import functools
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly, Timer

from .bench import Bench
from .runner import job_data
from .streams import reset

__all__ = ["CocotbBench", "random_generator", "testbench"]


class CocotbBench(Bench):
    """A design, or the ports of it that begin with a prefix.

    Inputs change at falling edges; outputs are read when they have settled, before the rising edge.
    """

    def __init__(self, dut: Any, manifest: Mapping[str, Any], prefix: str = "") -> None:
        shapes: dict[str, dict[str, Any]] = {"in": {}, "out": {}}
        for port in manifest["ports"]:
            if port["name"].startswith(prefix) and port["name"] not in ("clk", "rst"):
                shapes[port["direction"]][port["name"].removeprefix(prefix)] = port["shape"]
        super().__init__(shapes["in"], shapes["out"])
        self._clk, self._rst = dut.clk, getattr(dut, "rst", None)
        self._handles = {name: getattr(dut, prefix + name) for name in [*self.inputs, *self.outputs]}

    async def _cycle(self, inputs: Mapping[str, int]) -> dict[str, int]:
        for name, bits in inputs.items():
            self._handles[name].value = bits
        await ReadOnly()
        outputs = {name: int(self._handles[name].value) for name in self.outputs}
        await FallingEdge(self._clk)
        return outputs

    async def _peek(self, inputs: Mapping[str, int]) -> dict[str, int]:
        for name, bits in inputs.items():
            self._handles[name].value = bits
        await ReadOnly()
        outputs = {name: int(self._handles[name].value) for name in self.outputs}
        await Timer(1, unit="ns")
        return outputs

    async def _set_reset(self, level: int) -> None:
        if self._rst is not None:
            self._rst.value = level


def random_generator(seed: int, *names: str) -> np.random.Generator:
    """The random numbers of one testbench on one part, the same in both simulators."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def testbench(parts: Mapping[str, Any]) -> Callable[[Callable[..., Awaitable[None]]], Any]:
    """Make ``async def check(bench, config, rng)`` a cocotb test for each part.

    Parameters
    ----------
    parts
        Configuration by name. The design's ports of a part are those that begin with its name, or all of
        them if none do.

    The result's ``check`` and ``parts`` are what other simulators run.
    """

    def mark(check: Callable[..., Awaitable[None]]) -> Any:
        @cocotb.test()
        @cocotb.parametrize(part=[cocotb.Param(value=part, name=part) for part in parts])
        @functools.wraps(check)
        async def on_verilog(dut: Any, part: str) -> None:
            job = job_data()
            await reset(dut, job["manifest"])
            prefix = f"{part}_"
            alone = not any(port["name"].startswith(prefix) for port in job["manifest"]["ports"])
            bench = CocotbBench(dut, job["manifest"], "" if alone else prefix)
            await check(bench, parts[part], random_generator(job["seed"], check.__name__, part))

        vars(on_verilog).update(check=check, parts=parts)
        return on_verilog

    return mark


vars(testbench)["__test__"] = False  # pytest
