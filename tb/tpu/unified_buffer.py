"""Testbench of the unified buffer."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ...hw.tpu.unified_buffer import ROW_LATENCY, WINDOW_LATENCY
from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS

__all__ = ["granules_of"]

GRANULE_BITS = 8 * GRANULE_BYTES

QUIET = {f"{port}_valid": 0 for port in ("i_window", "i_fetch", "i_put", "i_store")}


def granules_of(word: int, count: int) -> list[int]:
    """Take bytes apart: granules, the first one's lowest."""
    return [word >> GRANULE_BITS * number & (1 << GRANULE_BITS) - 1 for number in range(count)]


class BufferModel:
    """What the buffer must do, cycle by cycle: memory, and who must wait.

    Bytes that the buffer promises nothing about, as they were never written, or their row was in the same cycle, are
    None.
    """

    def __init__(self, config: TpuConfig) -> None:
        self.config = config
        self.memory: list[int | None] = [None] * config.ub_granules
        self.cycle = 0
        self.due: dict[tuple[str, int], list[int | None]] = {}
        self.refused: set[tuple[str, int]] = set()
        self._held: list[int | None] = [None, None]  # by half, the row that a window has read last
        self._put: Mapping[str, Any] | None = None

    def rows_to_read(self, window: Mapping[str, Any] | None) -> set[int]:
        """Rows in which something of a window counts, but those that were read last in their half."""
        if window is None:
            return set()
        granules = range(window["address"] + window["first"], window["address"] + window["end"])
        rows = {granule // self.config.row_granules for granule in granules}
        return {row for row in rows if self._held[row % 2] != row}

    def step(self, requests: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        """Compare a cycle's outputs, given what was requested in it: payloads by port, without those that are not."""
        size, banks = self.config.row_granules, self.config.ub_banks
        window, fetch, store = (requests.get(name) for name in ("i_window", "i_fetch", "i_store"))
        reads = self.rows_to_read(window)
        writes: dict[int, int] = {}
        stored = set()
        if self._put is not None:
            values = granules_of(self._put["data"], self._put["used"])
            writes = {self._put["address"] + number: value for number, value in enumerate(values)}
        # Who must wait.
        if fetch is not None:
            free = all(row % banks != fetch % banks for row in reads)
            assert outputs["o_fetch_ready"] == free, f"fetch of row {fetch} beside {window}, cycle {self.cycle}"
            if not free:
                self.refused.add(("fetch", fetch % banks))
        if store is not None:
            free = all(granule // size % banks != store["row"] % banks for granule in writes)
            assert outputs["i_store_ready"] == free, f"store to row {store['row']} beside {self._put}"
            if free:
                stored = {store["row"]}
                values = granules_of(store["data"], size)
                writes |= {
                    store["row"] * size + number: value
                    for number, value in enumerate(values)
                    if store["mask"] >> number & 1
                }
            else:
                self.refused.add(("store", store["row"] % banks))
        # What is read comes later.
        unsure = {granule // size for granule in writes} | stored
        seen = [None if granule // size in unsure else value for granule, value in enumerate(self.memory)]
        if window is not None:
            wanted: list[int | None] = [0] * size
            for number in range(window["first"], window["end"]):
                wanted[number] = seen[window["address"] + number]
            self.due["o_window", self.cycle + WINDOW_LATENCY] = wanted
        if fetch is not None and outputs["o_fetch_ready"]:
            self.due["o_row", self.cycle + ROW_LATENCY] = seen[fetch * size : fetch * size + size]
        for port in ("o_window", "o_row"):
            due = self.due.pop((port, self.cycle), None)
            got = granules_of(outputs[port], size)
            assert due is None or all(want in (None, one) for want, one in zip(due, got, strict=True)), (
                f"{port} must be {due} in cycle {self.cycle}, not {got}"
            )
        # What is written is seen from the next cycle on.
        for row in reads:
            self._held[row % 2] = row
        self._held = [None if row in unsure else row for row in self._held]
        for granule, value in writes.items():
            self.memory[granule] = value
        self._put = requests.get("i_put")
        self.cycle += 1


class Traffic:
    """A buffer and its model side by side; requests that must wait stay."""

    def __init__(self, bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
        self.bench, self.config, self.model = bench, config, BufferModel(config)
        self.some = random.Random(int(rng.integers(1 << 32)))

    async def cycle(self, **requests: Any) -> Mapping[str, Any]:
        """A cycle with these requests, by port: payloads. What isn't requested has a wrong payload."""
        wrong = {"i_window": self.window(), "i_fetch": self.row(), "i_put": self.put(), "i_store": self.store()}
        inputs: dict[str, Any] = dict(QUIET)
        for port, payload in (wrong | requests).items():
            inputs[f"{port}_{'row' if port == 'i_fetch' else 'payload'}"] = payload
        inputs |= {f"{port}_valid": 1 for port in requests}
        outputs = await self.bench.cycle(inputs)
        self.model.step(requests, outputs)
        return outputs

    async def settle(self) -> None:
        """Wait until everything that was requested has come."""
        for _ in range(WINDOW_LATENCY + 1):
            await self.cycle()
        assert not self.model.due

    async def fill(self) -> None:
        """Store every row."""
        for row in range(self.config.ub_rows):
            every = (1 << self.config.row_granules) - 1
            outputs = await self.cycle(i_store=self.store(row=row, mask=every))
            assert outputs["i_store_ready"]

    def row(self, near: int | None = None) -> int:
        """Any row, or one of a few from `near` on."""
        rows = self.config.ub_rows
        return self.some.randrange(rows) if near is None else (near + self.some.randrange(4)) % rows

    def window(self, near: int | None = None) -> dict[str, int]:
        """A window of which what counts is in the buffer."""
        size, rest = self.config.row_granules, 0
        address = self.row(near) * size + self.some.randrange(size)
        rest = min(size, self.config.ub_granules - address)
        first, end = self.some.choice([(0, rest), (self.some.randint(0, rest), self.some.randint(0, rest))])
        return {"address": address, "first": first, "end": end}

    def put(self, near: int | None = None) -> dict[str, int]:
        """Any put."""
        size = self.config.row_granules
        address = self.row(near) * size + self.some.randrange(size)
        used = self.some.randint(1, min(size, self.config.ub_granules - address))
        return {"address": address, "used": used, "data": self.some.getrandbits(8 * self.config.row_bytes)}

    def store(self, near: int | None = None, **fields: int) -> dict[str, int]:
        """Any store."""
        mask, width = self.some.getrandbits(self.config.row_granules), 8 * self.config.row_bytes
        return {"row": self.row(near), "mask": mask, "data": self.some.getrandbits(width)} | fields


@testbench(PARTS["unified_buffer"])
async def random_traffic(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Everything at once, in few rows and in all, often and seldom."""
    traffic = Traffic(bench, config, rng)
    some = traffic.some
    await traffic.fill()
    for rates in ((0.9, 0.9, 0.1, 0.1), (0.5, 0.5, 0.5, 0.5), (0.9, 0.9, 0.9, 0.9), (0.3, 0.1, 0.9, 0.9)):
        waiting: dict[str, Any] = {}
        near = None
        for cycle in range(150):
            if cycle % 25 == 0:
                near = some.choice([None, traffic.row()])
            makers = {
                "i_window": traffic.window,
                "i_fetch": traffic.row,
                "i_put": traffic.put,
                "i_store": traffic.store,
            }
            for (port, make), rate in zip(makers.items(), rates, strict=True):
                if port not in waiting and some.random() < rate:
                    waiting[port] = make(near)
            outputs = await traffic.cycle(**waiting)
            ready = {
                "i_window": 1,
                "i_put": 1,
                "i_fetch": outputs["o_fetch_ready"],
                "i_store": outputs["i_store_ready"],
            }
            waiting = {port: payload for port, payload in waiting.items() if not ready[port]}
        await traffic.settle()
    for row in range(config.ub_rows):
        await traffic.cycle(i_fetch=row)
    await traffic.settle()


@testbench(PARTS["unified_buffer"])
async def every_offset(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Puts of any length at every granule, and windows at every granule with any first and end."""
    traffic = Traffic(bench, config, rng)
    size = config.row_granules
    await traffic.fill()
    for address in range(config.ub_granules):
        for used in {size, traffic.some.randint(1, size)}:
            if address + used <= config.ub_granules:
                await traffic.cycle(i_put=traffic.put() | {"address": address, "used": used})
    await traffic.cycle()
    for address in range(config.ub_granules):
        rest = min(size, config.ub_granules - address)
        await traffic.cycle(i_window={"address": address, "first": 0, "end": rest})
    row = config.ub_rows - 2
    for at in range(size):
        for end in range(size + 1):
            for first in {0, *(traffic.some.randint(0, size) for _ in range(3))}:
                await traffic.cycle(i_window={"address": row * size + at, "first": first, "end": end})
    await traffic.settle()


@testbench(PARTS["unified_buffer"])
async def conflicts(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """In every bank: fetch waits for a window that reads there, store for a put; all others do not."""
    traffic = Traffic(bench, config, rng)
    size, banks = config.row_granules, config.ub_banks
    await traffic.fill()
    for bank in range(banks):
        for other in {bank, bank ^ 1, (bank + 2) % banks, traffic.some.randrange(banks)}:
            row, fetched = bank + banks, other + banks * traffic.some.randrange(2)
            window = {"address": row * size, "first": 0, "end": size}
            await traffic.cycle(i_window=window | {"address": (row + 2) % config.ub_rows * size})  # row isn't held
            outputs = await traffic.cycle(i_window=window, i_fetch=fetched)
            assert outputs["o_fetch_ready"] == (bank != other)
            outputs = await traffic.cycle(i_window=window, i_fetch=fetched)  # held: not read again
            assert outputs["o_fetch_ready"]
            store, other_window = traffic.store(row=fetched), window | {"address": fetched * size}
            await traffic.cycle(i_put=traffic.put() | {"address": row * size}, i_window=other_window)
            outputs = await traffic.cycle(i_store=store)
            assert outputs["i_store_ready"] == (bank != other)
            # A row is held while a write to it waits.
            outputs = await traffic.cycle(i_store=store, i_window=other_window, i_fetch=fetched)
            assert outputs["i_store_ready"] and outputs["o_fetch_ready"] == (bank == other and row != fetched)
    assert traffic.model.refused == {(what, bank) for what in ("fetch", "store") for bank in range(banks)}
    await traffic.settle()


@testbench(PARTS["unified_buffer"])
async def read_after_write(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """A window sees a put of two cycles before and a store of the cycle before, also of rows that are held."""
    traffic = Traffic(bench, config, rng)
    size = config.row_granules
    await traffic.fill()
    for row in range(config.ub_rows - 1):
        at = traffic.some.randrange(size)
        window = {"address": row * size + at, "first": 0, "end": size}
        every = {"address": row * size + at, "used": size}
        for held in (False, True):
            for early in (False, True):  # the window before is requested while the bytes are written
                if held:
                    await traffic.cycle(i_window=window)
                await traffic.cycle(i_put=traffic.put() | every)
                await traffic.cycle(**({"i_window": window} if early else {}))
                await traffic.cycle(i_window=window)
                assert None not in traffic.model.due["o_window", traffic.model.cycle - 1 + WINDOW_LATENCY]
                later = {"i_store": traffic.store(row=row + (at > 0), mask=(1 << size) - 1)}
                await traffic.cycle(**later, **({"i_window": window} if early else {}))
                await traffic.cycle(i_window=window)
                assert None not in traffic.model.due["o_window", traffic.model.cycle - 1 + WINDOW_LATENCY]
    await traffic.settle()


@testbench(PARTS["unified_buffer"])
async def reset(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """After a reset no row is held, and memory is as it was."""
    traffic = Traffic(bench, config, rng)
    size = config.row_granules
    await traffic.fill()
    window = {"address": size, "first": 0, "end": size}
    await traffic.cycle(i_window=window)
    await traffic.settle()
    every = {"address": size, "used": size}
    before, after = (traffic.put() | every for _ in range(2))
    await bench.cycle(QUIET | {"i_put_valid": 1, "i_put_payload": before})
    await bench.cycle(QUIET | {"i_window_valid": 1, "i_window_payload": window})
    await bench.cycle(QUIET | {"i_window_valid": 1, "i_window_payload": window})
    await bench.reset()
    await bench.cycle(QUIET | {"i_put_payload": after})
    outputs = await bench.cycle(QUIET | {"i_window_valid": 1, "i_window_payload": window, "i_fetch_row": 1})
    assert not outputs["o_fetch_ready"]
    for _ in range(WINDOW_LATENCY):
        outputs = await bench.cycle(QUIET)
    assert outputs["o_window"] == before["data"]
