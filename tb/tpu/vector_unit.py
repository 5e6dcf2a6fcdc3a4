"""Testbench of the vector unit."""

import random
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...hw.tpu.config import TpuConfig
from ...hw.tpu.unified_buffer import ROW_LATENCY
from ..bench import Bench, Source, run
from ..cocotb_bench import testbench
from .vector_entries import OPERATIONS, any_bytes, bits_of, pool, vector
from .vector_parts import PARTS
from .vector_reference import Entry, execute

STALLS = (
    {"entries": 0, "fetch": 0, "store": 0, "after_valid": False},
    {"entries": 0.7, "fetch": 0.6, "store": 0, "after_valid": False},
    {"entries": 0, "fetch": 0, "store": 0.7, "after_valid": True},
    {"entries": 0, "fetch": 0.3, "store": 0.4, "after_valid": False},
    {"entries": 0, "fetch": 0.1, "store": 0, "after_valid": True},
)
"""Probabilities that nothing is offered, read, stored; and whether a store is only taken when it was offered before."""


class Buffer:
    """The unified buffer: answers fetches, takes stores, and sees that all are those of the entries, in order.

    Parameters
    ----------
    memory
        Contents, which change.
    source
        Of the entries (`vector_entry`); it is driven before.
    stalls
        One of `STALLS`.
    rng
        Decides when.

    Attributes
    ----------
    inputs
        By cycle: whether an entry was offered, and it was ready for a fetch and for a store.
    outputs
        By cycle: rows to be fetched and to be stored (-1: none), whether an entry was taken and one was done.
    entries_done
        How many.
    """

    def __init__(
        self, config: TpuConfig, memory: np.ndarray, source: Source, stalls: Mapping[str, Any], rng: random.Random
    ) -> None:  # fmt: skip
        self.config, self.memory, self.stalls, self.rng = config, memory, stalls, rng
        copy, made = memory.copy(), []
        for entry in source.beats:
            made.append(execute(config, copy, entry))
        self.fetches = [(row, number) for number, (rows, _) in enumerate(made) for row in rows]
        self.stores = [store for _, stores in made for store in stores]
        self.fetched = self.stored = 0
        self.inputs, self.outputs = list[tuple[int, ...]](), list[tuple[int, ...]]()
        self.entries_done = 0
        self._source = source
        self._answers: deque[int | None] = deque([None] * ROW_LATENCY)
        self._store_waits = None
        self._fetch_waits: Mapping[str, int] | None = None

    @property
    def done(self) -> bool:
        """All was stored."""
        return self.stored == len(self.stores)

    def drive(self) -> dict[str, Any]:
        """Whether it is ready, and a row that was fetched, or rubbish."""
        fetch = self.rng.random() >= self.stalls["fetch"]
        store = self.rng.random() >= self.stalls["store"]
        store &= not self.stalls["after_valid"] or self._store_waits is not None
        self.inputs.append((int(self._source._offered), int(fetch), int(store)))
        row = self._answers.popleft()
        data = self.rng.getrandbits(8 * self.config.row_bytes) if row is None else row
        return {"i_fetch_ready": int(fetch), "o_store_ready": int(store), "i_row": data}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Look at what is asked for and what is stored in this cycle."""
        taken, stores = self._fetch(outputs["o_fetch"]), outputs["o_store_valid"] and self.inputs[-1][2]
        payload = outputs["o_store_payload"]
        assert self._store_waits in (None, payload) and (outputs["o_store_valid"] or self._store_waits is None)
        self._store_waits = payload if outputs["o_store_valid"] and not stores else None
        done = False
        if stores:
            assert not self.done, "a store too many"
            self._store(payload)
            done = self.stores[self.stored - 1].last
            self.entries_done += done
        assert outputs["o_done"] == done, f"done with store {self.stored - 1}"
        rows = outputs["o_fetch"], {"valid": outputs["o_store_valid"], "row": payload["row"]}
        moves = bool(self.inputs[-1][0] and outputs["i_entries_ready"]), done
        self.outputs.append((*(one["row"] if one["valid"] else -1 for one in rows), *moves))
        return taken or bool(stores)

    def _fetch(self, fetch: Mapping[str, int]) -> bool:
        assert self._fetch_waits in (None, fetch), "a fetch that waited was withdrawn or changed"
        if fetch["valid"]:
            assert self.fetched < len(self.fetches), "a fetch too many"
            row, number = self.fetches[self.fetched]
            assert fetch["row"] == row, f"fetch {self.fetched}, of entry {number}: row {fetch['row']}, not {row}"
            assert number == self.entries_done, "a fetch before its entry"
        taken = bool(fetch["valid"] and self.inputs[-1][1])
        self._answers.append(int.from_bytes(self.memory[fetch["row"]].tobytes(), "little") if taken else None)
        self._fetch_waits = fetch if fetch["valid"] and not taken else None
        self.fetched += taken
        return taken

    def _store(self, payload: Mapping[str, int]) -> None:
        wanted, size = self.stores[self.stored], self.config.row_bytes
        assert (payload["row"], payload["mask"]) == (wanted.row, wanted.mask), f"store {self.stored}"
        data = np.frombuffer(payload["data"].to_bytes(size, "little"), np.uint8)
        counts = np.repeat([wanted.mask >> at & 1 == 1 for at in range(size // 4)], 4)
        np.testing.assert_array_equal(data[counts], wanted.data[counts], f"store {self.stored}")
        self.memory[wanted.row, counts] = data[counts]
        self.stored += 1


async def check_entries(
    bench: Bench, config: TpuConfig, entries: Sequence[Entry], stalls: Mapping[str, Any], rng: np.random.Generator
) -> Buffer:
    """Execute entries, see that nothing comes afterwards, and that the cycle model does the same in every cycle."""
    from .vector_replay import replay  # numba takes long to load

    some = random.Random(int(rng.integers(1 << 32)))
    memory = any_bytes((config.ub_rows, config.row_bytes), rng)
    source = Source("i_entries", entries, stalls["entries"], some)
    buffer = Buffer(config, memory, source, stalls, some)
    await run(bench, [source, buffer], lambda: buffer.done, watchdog=2000)  # large kernels without input
    end = bench.cycles + 6
    await run(bench, [source, buffer], lambda: bench.cycles == end)
    assert source.done and buffer.fetched == len(buffer.fetches)
    model = replay(config, entries, buffer.inputs)
    np.testing.assert_array_equal(buffer.outputs, model, "fetch, store, taken, done")
    return buffer


@testbench(PARTS["vector_unit"])
async def vectors(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """All operations, whoever stalls; results right beside those that lie in the middle of two integers."""
    some = random.Random(int(rng.integers(1 << 32)))
    for stalls in STALLS:
        entries = [vector(config, some, name) for name in some.sample(OPERATIONS, 4)]
        await check_entries(bench, config, entries, stalls, rng)
    entries = []
    ends = {"signed": 0, "lo": 0, "hi": 255, "factor_a": bits_of(0), "factor_b": bits_of(0)}
    for name in ("add", "multiply") * 3:
        middle, end = (np.float32(some.choice(choices)) for choices in ((0.5, 2.5, 4.5, 16.5, 64.5, 126.5), (0, 1000)))
        ends["addend"] = bits_of(np.nextafter(middle, end))
        entries.append(vector(config, some, name, rows=1) | ends)
    await check_entries(bench, config, entries, STALLS[0], rng)


@testbench(PARTS["vector_unit"])
async def pools(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Kernels of all sizes, over images and beyond them, whoever stalls."""
    some = random.Random(int(rng.integers(1 << 32)))
    for stalls in STALLS:
        entries = [pool(config, some) for _ in range(6)]
        await check_entries(bench, config, entries, stalls, rng)
    large = [pool(config, some, kernel=kernel, rows=1) for kernel in ((31, 31), (1, 31), (31, 31), (31, 1))]
    for entry, signed, pad in ((large[0], 0, 255), (large[2], 1, 128)):  # the greatest and the least sum
        entry |= {"average": 1, "signed": signed, "factor_a": bits_of(1 / 961), "addend": 0}
        entry["geometry"] |= {"height": 0, "pad": pad}
    await check_entries(bench, config, large, STALLS[0], rng)


@testbench(PARTS["vector_unit"])
async def edges(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Taps at all granules around both ends of lines, and of the rows that belong to the input."""
    some, size, entries = random.Random(int(rng.integers(1 << 32))), config.row_granules, []
    for _ in range(30):
        entry = pool(
            config, some, kernel=(1, some.randint(1, 2)), rows=2 * size, width=some.randint(-(-size // 2), size)
        )
        geometry = entry["geometry"]
        row = some.choice([geometry["window_first"], geometry["window_last"]]) + some.randint(-2, 1)
        line, height = some.choice([1, size, 2 * size, 9 * size]), some.choice([1, 1, 0, some.getrandbits(12)])
        geometry |= {"line": line, "height": height, "columns": 4000, "column_step": 1}
        entry |= {
            "x": some.randint(-size - 1, 1),
            "y": some.choice([0, 0, 0, 0, -1, 1]),
            "tap_step": some.randint(-1, size) % (1 << 24),
        }
        entries.append(entry | {"ub": (row * size + some.randrange(size)) % (1 << 24)})
    await check_entries(bench, config, entries, STALLS[0], rng)


@testbench(PARTS["vector_unit"])
async def wild(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Registers with any value."""
    some = random.Random(int(rng.integers(1 << 32)))
    for share in (0.05, 0.1, 0.2, 0.5, 1.0):
        entries = [pool(config, some, wild=share) for _ in range(4)]
        await check_entries(bench, config, entries, STALLS[0 if share < 0.2 else 3], rng)


@testbench(PARTS["vector_unit"])
async def reset(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Nothing is left of what was under way: fetches, taps, sums, results."""
    some = random.Random(int(rng.integers(1 << 32)))
    for name, cycles in (("add", 17), ("table", 40), ("table", 72), ("max", 8), ("pool", 6), ("pool", 13)):
        whole = {"kernel": (2, 2), "rows": 6, "width": config.row_granules}
        entry = pool(config, some, **whole) if name == "pool" else vector(config, some, name, rows=6)
        ready = {"i_fetch_ready": 1, "o_store_ready": int(some.random() < 0.5), "i_row": 0}
        await bench.cycle({"i_entries_valid": 1, "i_entries_payload": entry, **ready})
        for _ in range(cycles):
            await bench.cycle({"i_entries_valid": 0})
        await bench.reset()
        await check_entries(
            bench, config, [vector(config, some, some.choice(OPERATIONS)), pool(config, some)], STALLS[0], rng
        )


def _plain_pool(config: TpuConfig, some: random.Random, rows: int, *, odd: int, average: int) -> Entry:
    """Kernels of 2 x 2 over whole rows, one tap beside the other, or over those that lie in two rows if `odd` is 1."""
    size = config.row_granules
    far = dict.fromkeys(("columns", "lines", "height"), 2000)
    geometry = {
        **far, "column_step": size, "line_step": 0, "image_step": 0, "kernel_step": size, "line": 1 << 20, "stride": 1,
        "dilation": 1, "pad": 0, "window_first": 0, "window_last": config.ub_rows // 2,
    }  # fmt: skip
    entry = pool(config, some, kernel=(2, 2), rows=rows, width=size) | {"geometry": geometry, "tap_step": size}
    dst = config.ub_granules - rows * size - odd
    return entry | {"ub": odd, "x": 0, "y": 0, "dst": dst, "average": average, "pool_pitch": size}


@testbench(PARTS["vector_unit"])
async def cycles(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Without stalls: the cycles from that in which an entry is taken to that in which it is done."""
    some, rows = random.Random(int(rng.integers(1 << 32))), 7
    in_two = config.row_granules > 1
    wanted = [
        (vector(config, some, "max", rows=rows), 8 + 2 * rows),
        (vector(config, some, "add", rows=rows), 18 + 4 * rows),
        (vector(config, some, "multiply", rows=1), 18 + 4),
        (vector(config, some, "table", rows=rows), 76 + 4 * rows),
        (_plain_pool(config, some, rows, odd=0, average=0), 8 + 4 * rows),
        (_plain_pool(config, some, rows, odd=0, average=1), 20 + 4 * rows),
        # Taps of two rows take two cycles; the last result's second store, one more.
        (_plain_pool(config, some, rows, odd=1, average=0), 9 + 8 * rows if in_two else 8 + 4 * rows),
        (_plain_pool(config, some, 1, odd=1, average=1), 21 + 8 if in_two else 20 + 4),
    ]
    buffer = await check_entries(bench, config, [entry for entry, _ in wanted], STALLS[0], rng)
    taken, done = ([cycle for cycle, seen in enumerate(buffer.outputs) if seen[column]] for column in (2, 3))
    assert [end - start for start, end in zip(taken, done, strict=True)] == [count for _, count in wanted]
    assert taken[1:] == [end + 1 for end in done[:-1]]
