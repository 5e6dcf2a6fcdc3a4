"""Testbench of the fetcher of rows that taps lie in."""

import random
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ...hw.tpu.config import TpuConfig
from ...hw.tpu.unified_buffer import ROW_LATENCY
from ..bench import Bench
from ..cocotb_bench import testbench
from .near import any_number, beside
from .vector_parts import PARTS
from .windows import MODULO, granules_at, signed

TAPS = 300
"""Until a reset."""


class Step(NamedTuple):
    """What a step fetches (None: nothing) and says; granules are those of the tap's width."""

    row: int | None
    at: int
    covers: list[int]
    input: list[int]
    first: int
    last: int
    fill: int


def steps_of(config: TpuConfig, tap: Mapping[str, int]) -> list[Step]:
    """Steps of a tap, given all that is said of it while it is offered."""
    size, width = config.row_granules, tap["width"]
    base, at = divmod(tap["address"], size)
    bounds = {"height": tap["height"], "line": tap["line"], "window_first": tap["first_row"]}
    bounds |= {"window_last": tap["last_row"]}
    granules: list[int | None] = [(tap["address"] + j) % MODULO for j in range(width)]
    if not tap["everything"]:
        granules = granules_at(config, bounds, tap["address"], tap["x"], tap["y"], width)
    rows = [None if granule is None else granule // size for granule in granules]
    needed = [row for row in (base, (base + 1) % (MODULO // size)) if row in rows]
    both, steps = len(needed) == 2, []
    for row in needed or [None]:
        second = both and row == needed[1]
        covers = [int(not both or (at + j >= size) == second) for j in range(width)]
        is_input = [int(row is not None and place == row) for place in rows]
        last = int(tap["last"] and (second or not both))
        steps.append(Step(row, at, covers, is_input, tap["first"], last, tap["fill"]))
    return steps


def any_tap(config: TpuConfig, some: random.Random) -> dict[str, int]:
    """A tap at the end of a line, of an image, of the rows that belong to it: a power of two away, or close to it."""
    size, rows = config.row_granules, config.ub_rows
    tap = {name: some.getrandbits(1) for name in ("first", "last", "fill")}
    first, last = sorted(some.choice([any_number(17, some) % rows, some.randrange(rows)]) for _ in range(2))
    tap |= {"width": some.choice([size, some.randint(1, size)]), "first_row": first, "last_row": last}
    tap |= {"everything": int(some.random() < 0.1), "line": any_number(24, some), "height": any_number(12, some)}
    tap["row"] = some.randint(first, last)
    if tap["everything"]:
        tap |= {"row": some.randrange(rows - 1), "x": signed(some.getrandbits(24)), "y": signed(some.getrandbits(24))}
    else:
        edges = some.choice([("x",), ("y",), ("row",), ("row",), ("x", "row")])
        _edges(tap, edges, size, some)
    tap["address"] = (tap.pop("row") * size + some.randrange(size)) % MODULO
    return tap


def _edges(tap: dict[str, int], edges: tuple[str, ...], size: int, some: random.Random) -> None:
    """Place a tap so that only these edges decide, each bit of a number alone; `row` is the row where it begins."""
    if "x" in edges:
        tap["x"] = signed(beside(some.choice([tap["line"], 0]), size, 24, some))
    else:
        tap |= {"line": max(tap["line"], 3 * size), "x": some.randrange(2 * size)}
    if "y" in edges:
        tap["y"] = signed(beside(some.choice([tap["height"], 0]), 2, 24, some))
    else:
        tap |= {"height": max(tap["height"], 1)}
        tap["y"] = some.choice([0, tap["height"] - 1, some.randrange(tap["height"])])
    if "row" in edges:
        row_bits = 24 - (size.bit_length() - 1)
        edge = some.choice([tap["first_row"], tap["last_row"], tap["row"]])
        tap |= {
            "row": beside(edge, 1, row_bits, some) % (1 << row_bits),
            "width": some.choice([tap["width"], size, size]),
        }


class Taps:
    """Taps that are offered, and what the fetcher must do in each cycle, as whoever takes rows is willing.

    Attributes
    ----------
    left
        Taps that weren't taken.
    """

    def __init__(self, config: TpuConfig, taps: list[dict[str, int]], stalls: float, some: random.Random) -> None:
        self.config, self.left, self.stalls, self.some = config, deque(taps), stalls, some
        self._steps, self._late = deque[Step](), deque[Step | None]([None] * ROW_LATENCY)
        self._may_end, self._offered, self._inputs = 0, False, dict[str, Any]()

    @property
    def done(self) -> bool:
        """All was taken, made and shown."""
        return not self.left and not self._steps and not any(self._late)

    def drive(self) -> dict[str, Any]:
        """A tap or rubbish; what is said of the offered one; whether a row is read and a window may end."""
        self._offered = bool(self.left) and (self._offered or self.some.random() >= self.stalls)
        self._may_end = self._may_end or int(self.some.random() >= self.stalls)
        tap = self.left[0] if self._offered else any_tap(self.config, self.some)
        names = {"i_width": "width", "i_fill": "fill", "i_everything": "everything", "i_line": "line"}
        names |= {"i_height": "height", "i_first": "first_row", "i_last": "last_row"}
        payload = {name: tap[name] for name in ("address", "x", "y", "first", "last")}
        self._inputs = {
            "i_taps_valid": int(self._offered), "i_taps_payload": payload | {"final": 0}, "i_may_end": self._may_end,
            "i_fetch_ready": int(self.some.random() >= self.stalls),
        } | {port: tap[name] for port, name in names.items()}  # fmt: skip
        return self._inputs

    def observe(self, outputs: Mapping[str, Any]) -> None:
        """Compare a cycle."""
        step = self._steps[0] if self._steps else None
        may_go = step if step and (self._may_end or not step.last) else None
        wants = may_go is not None and may_go.row is not None
        assert outputs["o_fetch"]["valid"] == wants
        goes = may_go if self._inputs["i_fetch_ready"] or not wants else None
        assert not (may_go and wants) or outputs["o_fetch"]["row"] == may_go.row
        assert outputs["o_ends"] == (goes is not None and goes.last and not goes.fill)
        assert outputs["i_taps_ready"] == (step is None or (goes is not None and len(self._steps) == 1))
        self._compare(self._late.popleft(), outputs)
        self._late.append(goes)
        if goes:
            self._steps.popleft()
            self._may_end &= not goes.last
        if self._offered and outputs["i_taps_ready"]:
            self._steps.extend(steps_of(self.config, self.left.popleft()))
            self._offered = False

    def _compare(self, wanted: Step | None, outputs: Mapping[str, Any]) -> None:
        got = outputs["o_step"]
        assert outputs["o_valid"] == (wanted is not None)
        if wanted is not None:
            for name in ("covers", "input"):
                bits = [got[name] >> j & 1 for j in range(len(getattr(wanted, name)))]
                assert bits == getattr(wanted, name), f"{name}: {bits}, not {wanted}"
            for name in ("at", "first", "last", "fill"):
                assert got[name] == getattr(wanted, name), f"{name}: {got[name]}, not {wanted}"


@testbench(PARTS["tap_rows"])
async def taps_at_edges(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Every step of every tap in its cycle, whoever stalls; nothing is left behind a reset."""
    some = random.Random(int(rng.integers(1 << 32)))
    for stalls in (0, 0.3, 0, 0.6):
        taps = Taps(config, [any_tap(config, some) for _ in range(TAPS)], stalls, some)
        kept = some.choice([0, 0, 3])  # before the end, while taps are under way
        while not taps.done and len(taps.left) >= kept:
            taps.observe(await bench.cycle(taps.drive()))
        await bench.cycle({"i_taps_valid": 0})
        await bench.reset()
