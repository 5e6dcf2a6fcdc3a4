"""Testbench of the scoreboard."""

import random
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from itertools import permutations, product
from typing import Any, NamedTuple

import numpy as np

from ...hw.tpu.config import QUEUES, TpuConfig
from ..bench import Bench
from ..bits import unpack_bits
from ..bus.transfers import numbers
from ..cocotb_bench import testbench
from .control_parts import PARTS

UNITS = list(QUEUES)
READERS, WRITERS = {"host_out", "matrix", "vector"}, {"host_in", "activation", "vector"}
"""Of the unified buffer."""


class Entry(NamedTuple):
    """An instruction of a unit, and the rows that it touches; of ``vector``, those that it writes and what it reads."""

    unit: str
    payload: dict[str, Any]
    rows: range
    a: range
    b: range

    @property
    def stretches(self) -> dict[str, tuple[range, bool]]:
        """Rows that it touches, and whether it writes them, by the name of the field."""
        if self.unit == "vector":
            return {"rows": (self.rows, True), "a": (self.a, False), "b": (self.b, False)}
        return {"rows": (self.rows, self.unit in WRITERS)} if self.unit in READERS | WRITERS else {}

    def conflicts(self, other: "Entry") -> bool:
        """Whether they touch a row in common, and one writes it."""
        pairs = product(self.stretches.values(), other.stretches.values())
        return any(
            max(one.start, two.start) < min(one.stop, two.stop) and (writes or also)
            for (one, writes), (two, also) in pairs
        )

    def at(self, **rows: Any) -> "Entry":
        """The same, but with other rows."""
        return self._replace(**rows)

    def inputs(self) -> dict[str, Any]:
        """What the scoreboard is told of it."""
        rows, a, b = ({"first": one.start, "last": one.stop - 1} for one in (self.rows, self.a, self.b))
        return {f"i_{self.unit}_payload": self.payload, "i_rows": rows, "i_reads": {"a": a, "b": b}}


class Machine:
    """What the scoreboard must show, from the order of the program alone.

    Attributes
    ----------
    under_way
        Instructions that have not completed, the oldest first.
    taken
        By unit: how many of these it has taken.
    waited
        How often the next instruction of a unit waited for another unit.
    """

    def __init__(self) -> None:
        self.under_way: list[Entry] = []
        self.taken = dict.fromkeys(UNITS, 0)
        self.waited: Counter[tuple[str, str]] = Counter()

    def of(self, unit: str) -> list[Entry]:
        """Those of a unit."""
        return [entry for entry in self.under_way if entry.unit == unit]

    def blockers(self, entry: Entry) -> set[str]:
        """Units that have older ones in conflict; a unit does its own in order."""
        at = next(place for place, other in enumerate(self.under_way) if other is entry)
        return {o.unit for o in self.under_way[:at] if o.unit != entry.unit and entry.conflicts(o)}

    def outputs(self) -> dict[str, Any]:
        """All outputs; a payload only where it counts."""
        shown: dict[str, Any] = {"o_busy": sum(1 << number for number, unit in enumerate(UNITS) if self.of(unit))}
        for unit in UNITS:
            early = unit == "activation"  # shown before it may begin
            mine = self.of(unit)
            entry = next(iter(mine[self.taken[unit] :]), None)
            blockers = self.blockers(entry) if entry else set()
            valid = entry is not None and (early or not blockers)
            shown |= {f"i_{unit}_ready": int(len(mine) < QUEUES[unit]), f"o_{unit}_valid": int(valid)}
            if entry and valid:
                shown[f"o_{unit}_payload"] = entry.payload
            if unit == "matrix":
                shown["o_waits"] = bool(blockers & {"activation", "vector"}) | ("host_in" in blockers) << 1
            if early:
                shown["o_go"] = int(entry is not None and not blockers)
            self.waited.update((unit, other) for other in blockers)
        return shown


def last_row(bench: Bench) -> int:
    """Of the largest unified buffer that rows can be numbered in."""
    return (1 << bench.inputs["i_rows"]["fields"]["first"]["shape"]["width"]) - 1


def random_entry(bench: Bench, rng: random.Random, unit: str, rows: int, places: Sequence[int] = ()) -> Entry:
    """One on rows right behind one of some places, or on the first or last few: mostly a few rows, sometimes all."""
    shape, most = bench.inputs[f"i_{unit}_payload"], last_row(bench)

    def some() -> range:
        first = rng.choice(places or [0, most - rows]) + rng.randrange(rows)
        last = min(first + rng.choice([0, 0, 1, 2, rows]), most)
        return range(most + 1) if rng.random() < 0.05 else range(first, last + 1)

    return Entry(unit, unpack_bits(rng.getrandbits(shape["width"]), shape), some(), some(), some())


def check_outputs(outputs: Mapping[str, Any], wanted: Mapping[str, Any], cycle: int) -> None:
    """Compare all that is promised."""
    for name, value in wanted.items():
        assert outputs[name] == value, f"{name} must be {value} in cycle {cycle}, not {outputs[name]}"


async def execute(
    bench: Bench,
    rng: random.Random,
    entries: list[Entry],
    *,
    dispatch: float,
    take: float,
    done: float,
    slow: str = "",
    last: str = "",
) -> Machine:
    """Dispatch instructions one by one, let units take and complete them, and compare all outputs in each cycle.

    Parameters
    ----------
    dispatch, take, done
        Probabilities of that in a cycle. A unit may complete what it takes at once.
    slow
        A unit that completes nothing before all is dispatched.
    last
        A unit that completes nothing before all is taken.
    """
    machine, waiting = Machine(), deque(entries)
    offered = False
    while waiting or machine.under_way:
        wanted = machine.outputs()
        offered = bool(waiting) and (offered or rng.random() < dispatch)
        inputs: dict[str, Any] = {f"i_{unit}_valid": 0 for unit in UNITS}
        coming = waiting[0] if offered else None
        rubbish = coming or rng.choice(entries)
        inputs |= rubbish.inputs()
        if coming:
            inputs[f"i_{coming.unit}_valid"] = 1
        ready = {unit: rng.random() < take for unit in UNITS}
        ready["activation"] = ready["activation"] and bool(wanted["o_go"])  # it takes what it begins
        takes = {unit: bool(wanted[f"o_{unit}_valid"]) and ready[unit] for unit in UNITS}
        waits = {slow: bool(waiting), last: bool(waiting or sum(machine.taken.values()) < len(machine.under_way))}
        may = {unit: not waits.get(unit) for unit in UNITS}
        ends = [u for u in UNITS if may[u] and machine.taken[u] + takes[u] > 0 and rng.random() < done]
        inputs |= {f"o_{unit}_ready": int(ready[unit]) for unit in UNITS}
        inputs["i_done"] = sum(1 << UNITS.index(unit) for unit in ends)
        check_outputs(await bench.cycle(inputs), wanted, bench.cycles)
        for unit in UNITS:
            machine.taken[unit] += takes[unit] - (unit in ends)
        if coming and wanted[f"i_{coming.unit}_ready"]:
            machine.under_way.append(waiting.popleft())
            offered = False
        for unit in ends:
            machine.under_way.remove(machine.of(unit)[0])
    check_outputs(await bench.cycle({f"i_{unit}_valid": 0 for unit in UNITS} | {"i_done": 0}), machine.outputs(), 0)
    return machine


@testbench(PARTS["scoreboard"])
async def random_instructions(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Streams of all units full of hazards, with units that are fast and slow: no output differs in any cycle."""
    some, waited = numbers(rng), Counter()
    for dispatch, take, done in ((1, 1, 1), (1, 1, 0.2), (0.5, 0.3, 0.5), (1, 0.5, 0.1), (0.2, 1, 0.3)):
        units = some.choices(UNITS, [some.choice([1, 1, 4]) for _ in UNITS], k=80)
        entries = [random_entry(bench, some, unit, 4) for unit in units]
        waited += (await execute(bench, some, entries, dispatch=dispatch, take=take, done=done)).waited
    pairs = {(one, other) for one in UNITS for other in UNITS if one != other and {one, other} & WRITERS}
    assert set(waited) == {pair for pair in pairs if set(pair) <= READERS | WRITERS}


@testbench(PARTS["scoreboard"])
async def full_queues(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Each queue takes as many as it has room for, also while others are full, and a reset empties all."""
    some, outputs = numbers(rng), {}
    for unit, depth in QUEUES.items():
        for number in range(depth):
            entry = random_entry(bench, some, unit, 4)
            inputs = {f"i_{unit}_valid": 1, "i_done": 0} | entry.inputs()
            outputs = await bench.cycle(inputs | {f"o_{u}_ready": 0 for u in UNITS})
            assert outputs[f"i_{unit}_ready"], f"{unit} has no room for instruction {number}"
        outputs = await bench.cycle({f"i_{unit}_valid": 0})
        assert not outputs[f"i_{unit}_ready"] and outputs["o_busy"] >> UNITS.index(unit) & 1
    assert outputs["o_busy"] == (1 << len(UNITS)) - 1
    await bench.reset()
    assert (await bench.cycle())["o_busy"] == 0


@testbench(PARTS["scoreboard"])
async def all_taken(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """A unit takes as many as its queue holds before it completes the first, each from its place."""
    some = numbers(rng)
    for unit, depth in QUEUES.items():
        entries = [random_entry(bench, some, unit, 4) for _ in range(depth)]
        await execute(bench, some, entries, dispatch=1, take=1, done=0.5, last=unit)


@testbench(PARTS["scoreboard"])
async def many_younger(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """What waits for one instruction goes on when that has completed, however many younger ones of its unit have."""
    some = numbers(rng)
    units = ["host_out", "host_in", "activation", "activation", *["host_in"] * 3 * QUEUES["host_in"]]
    rows = [1, 2, 1, 2, *[3] * 3 * QUEUES["host_in"]]  # the first activation waits for host_out, the second behind it
    entries = [
        random_entry(bench, some, unit, 4)._replace(rows=range(row, row + 1))
        for unit, row in zip(units, rows, strict=True)
    ]
    machine = await execute(bench, some, entries, dispatch=1, take=1, done=0.4, slow="host_out")
    assert machine.waited["activation", "host_out"] > 2 * QUEUES["host_in"]


@testbench(PARTS["scoreboard"])
async def each_pair(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """An instruction waits for an older one with which it has rows in common in any one way, if one writes them."""
    some, waited = numbers(rng), Counter()
    apart = {"rows": range(1), "a": range(2, 3), "b": range(4, 5)}
    for unit, other in permutations(sorted(READERS | WRITERS), 2):
        younger = random_entry(bench, some, unit, 4).at(**apart)
        older = random_entry(bench, some, other, 4).at(
            **{name: range(row + 1, row + 2) for name, (row, *_) in apart.items()}
        )
        for mine, theirs in product(younger.stretches, older.stretches):
            entries = [older.at(**{theirs: getattr(younger, mine)}), younger]
            waited += (await execute(bench, some, entries, dispatch=1, take=1, done=0.3, slow=other)).waited
    assert not waited["matrix", "host_out"] and waited["vector", "host_out"] and waited["vector", "host_in"]


@testbench(PARTS["scoreboard"])
async def anywhere(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Rows right beside each other and in common, anywhere in the unified buffer, in queues that are full mostly.

    Those before a row and from there on differ in each bit of their numbers as often as in any other.
    """
    some, most = numbers(rng), last_row(bench)
    bits = most.bit_length()

    def place() -> int:
        row = ((some.getrandbits(bits) | 1) << some.randrange(bits)) % (most + 1)
        return max(min(row - 2, most - 4), 0)

    for _ in range(6):
        entries: list[Entry] = []
        for _ in range(3):  # where most are moves on
            places = [place() for _ in range(2)]
            units = some.choices(sorted(READERS | WRITERS), [some.choice([1, 1, 4]) for _ in range(5)], k=20)
            entries += [random_entry(bench, some, unit, 4, places) for unit in units]
        await execute(bench, some, entries, dispatch=1, take=1, done=0.25)


@testbench(PARTS["scoreboard"])
async def each_place(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """What comes to each place of a queue waits for each place of another in each way, and is shown when it is next."""
    some, free = numbers(rng), dict.fromkeys(("rows", "a", "b"), range(1))
    for unit, other in permutations(sorted(READERS | WRITERS), 2):
        if not {unit, other} & WRITERS:
            continue
        places = [range(row, row + 1) for row in range(2, 2 + QUEUES[other])]
        ways = 3 if unit == "vector" and other in WRITERS else 1
        offset = some.randrange(QUEUES[unit])
        for number in range(max(QUEUES[unit], len(places) * ways)):
            older = [random_entry(bench, some, other, 4).at(**dict.fromkeys(free, place)) for place in places]
            begun = (number + offset) % QUEUES[unit]  # nothing keeps these
            entries = [random_entry(bench, some, unit, 4).at(**free) for _ in range(begun)]
            blocker, one = older[number % len(older)], random_entry(bench, some, unit, 4)
            found = [one.at(**free | {name: blocker.rows}) for name in one.stretches]
            found = [way for way in found if way.conflicts(blocker)]
            waits = found[number // len(older) % len(found)]
            await execute(bench, some, [*older, *entries, waits], dispatch=1, take=1, done=1, slow=other, last=unit)
        for _ in range(3):  # it goes on to another place while what it waits for completes
            blocker = random_entry(bench, some, other, 4).at(**dict.fromkeys(free, places[0]))
            entries = [random_entry(bench, some, unit, 4).at(**free) for _ in range(QUEUES[unit] - 1)]
            waits = random_entry(bench, some, unit, 4).at(**dict.fromkeys(free, blocker.rows))
            await execute(bench, some, [blocker, *entries, waits], dispatch=1, take=1, done=0.5, slow=other)
