"""Testbench of the register file."""

import random
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...hw.bus.register_map import WORD_BITS, Field, Register, RegisterMap
from ..bench import Bench, run
from ..cocotb_bench import testbench
from .lite import OKAY, SLVERR, Access, Software
from .parts import PARTS
from .transfers import numbers

QUIET = {f"s_axil_{name}valid": 0 for name in ("aw", "w", "ar")} | {"s_axil_bready": 0, "s_axil_rready": 0}


class Model:
    """What registers hold, and what hardware shows and sees, from the description and its words.

    Attributes
    ----------
    held
        By register and field, what software wrote (``rw``) or hardware has set (``w1c``).
    shown
        What hardware shows now.
    """

    def __init__(self, registers: RegisterMap) -> None:
        self.registers = registers
        self.held = {(r.name, f.name): f.reset for r in registers.registers for f in r.fields}
        self.shown: dict[tuple[str, str], int] = {}
        self.pulses: dict[tuple[str, str], int] = {}

    def fields(self) -> list[tuple[Register, Field]]:
        """All of them."""
        return [(register, field) for register in self.registers.registers for field in register.fields]

    def word(self, address: int) -> tuple[Register, int] | None:
        """Register and first bit of the word that an address is in."""
        words = {place: (register, low) for register in self.registers.registers for place, low in register.words()}
        return words.get(address & ~3)

    def read(self, address: int) -> tuple[int, int]:
        """Response and word."""
        if (found := self.word(address)) is None:
            return SLVERR, 0
        register, low = found
        value = 0
        for field in register.fields:
            key = register.name, field.name
            part = {"ro": self.shown.get(key, 0), "pulse": 0}.get(field.access, self.held[key])
            value |= part << field.low
        return OKAY, value >> low & 0xFFFF_FFFF

    def write(self, address: int, data: int, strobe: int) -> int:
        """Change what is held, and note the pulses; returns the response."""
        self.pulses = {}
        if (found := self.word(address)) is None:
            return SLVERR
        register, low = found
        bits = sum(1 << low + bit for bit in range(32) if strobe >> bit // 8 & 1)
        touched = [f for f in register.fields if f.access != "ro" and f.mask >> low & 0xFFFF_FFFF]
        for field in touched:
            key, mask = (register.name, field.name), (bits & field.mask) >> field.low
            new = (data << low) >> field.low & mask
            if field.access == "rw":
                self.held[key] = self.held[key] & ~mask | new
            elif field.access == "w1c":
                self.held[key] &= ~new
            else:
                self.pulses[key] = new
        return OKAY if touched else SLVERR


class Hardware:
    """Sees what the register file shows to it in every cycle of an access.

    Parameters
    ----------
    before
        What is held before the access.
    """

    def __init__(self, model: Model, before: dict[tuple[str, str], int]) -> None:
        self.model, self.before = model, before
        self.pulses: dict[tuple[str, str], list[int]] = {}

    def drive(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def observe(self, outputs: Any) -> bool:
        """What is written is as it was or as it shall be; pulses are noted."""
        for register in self.model.registers.own:
            for field in register.fields:
                key = register.name, field.name
                if field.access == "rw":
                    value = outputs[f"o_{register.name}"][field.name]
                    assert value in (self.before[key], self.model.held[key]), key
                elif field.access == "pulse":
                    value = outputs[f"o_{register.name}"][field.name]
                    self.pulses.setdefault(key, []).extend([value] if value else [])
        return False


async def do(
    bench: Bench, model: Model, access: Access, rng: random.Random, stalls: Sequence[float] = (0, 0.5, 0.9)
) -> None:
    """Carry out an access and compare answer, what hardware sees, and pulses."""
    before = dict(model.held)
    if access.data is None:
        model.pulses = {}
        wanted = model.read(access.address)
    else:
        wanted = model.write(access.address, access.data, access.strobe), 0
    software = Software(access, {name: rng.choice(stalls) for name in ("aw", "w", "b", "ar", "r")}, rng)
    hardware = Hardware(model, before)
    await run(bench, [software, hardware], lambda: software.done, watchdog=200)
    assert access.answer is not None
    assert access.answer[0] == wanted[0], hex(access.address)
    assert wanted[0] == SLVERR or access.answer[1] == wanted[1], hex(access.address)
    hardware.observe(await bench.cycle(QUIET))
    outputs = await bench.cycle(QUIET)
    hardware.observe(outputs)
    for key, values in hardware.pulses.items():
        assert values == ([model.pulses[key]] if model.pulses.get(key) else []), key
    for register in model.registers.own:
        for field in register.fields:
            if field.access == "rw":
                assert outputs[f"o_{register.name}"][field.name] == model.held[register.name, field.name]
    if model.registers.interrupts:
        wants = [
            model.held["interrupt_pending", e.name] & model.held["interrupt_enable", e.name]
            for e in model.registers.interrupts
        ]
        assert outputs["o_interrupt"] == int(any(wants))


async def show(bench: Bench, model: Model, rng: random.Random, events: float = 0.3) -> None:
    """Hardware shows other values, and sets bits and events for one cycle."""
    inputs: dict[str, dict[str, int]] = {}
    idle: dict[str, dict[str, int]] = {}
    for register in model.registers.own:
        for field in register.fields:
            port, key = f"i_{register.name}", (register.name, field.name)
            if field.access == "ro":
                model.shown[key] = value = rng.getrandbits(field.bits)
                inputs.setdefault(port, {})[field.name] = idle.setdefault(port, {})[field.name] = value
            elif field.access == "w1c":
                value = rng.getrandbits(field.bits) if rng.random() < events else 0
                model.held[key] |= value
                inputs.setdefault(port, {})[field.name] = value
                idle.setdefault(port, {})[field.name] = 0
    if model.registers.interrupts:
        inputs["i_interrupts"] = {e.name: int(rng.random() < events) for e in model.registers.interrupts}
        idle["i_interrupts"] = dict.fromkeys(inputs["i_interrupts"], 0)
        for name, value in inputs["i_interrupts"].items():
            model.held["interrupt_pending", name] |= value
    if model.registers.counters:
        idle["i_counts"] = {e.name: 0 for e in model.registers.counters}
    await bench.cycle(QUIET | idle | inputs)
    await bench.cycle(QUIET | idle)


def random_access(registers: RegisterMap, rng: random.Random) -> Access:
    """Any word, half of the time one to write; sometimes an address that is none; any bytes of it, or none."""
    places = [
        (register.writable >> low, address) for register in registers.registers for address, low in register.words()
    ]
    writable = [address for fields, address in places if fields & 0xFFFF_FFFF]
    address = rng.choice(rng.choice([writable, [address for _, address in places]]))
    if rng.random() < 0.15:
        address = rng.choice([address + rng.randint(1, 3), rng.randrange(1 << registers.address_bits)])
    strobe = rng.choice([15, 15, rng.getrandbits(4)])
    return Access(address, rng.choice([None, rng.getrandbits(32), 0xFFFF_FFFF, 0]), strobe)


@testbench(PARTS["registers"])
async def random_accesses(bench: Bench, config: RegisterMap, rng: np.random.Generator) -> None:
    """Reads and writes of all that there is and of what there isn't, while hardware shows other values."""
    some, model = numbers(rng), Model(config)
    await show(bench, model, some, 0)
    for register in config.registers:
        for address, _ in register.words():
            await do(bench, model, Access(address), some)  # values after reset
    for _ in range(150):
        await show(bench, model, some)
        access = random_access(config, some)
        if config.counters and access.address & ~3 == config["counter_control"].offset:
            access.data = None  # their snapshots have a test of their own
        await do(bench, model, access, some)
    await bench.cycle(QUIET)
    await bench.reset()
    fresh = Model(config)
    await show(bench, fresh, some, 0)
    for register in config.registers:
        for address, _ in register.words():
            await do(bench, fresh, Access(address), some)


async def ahead(
    bench: Bench, channels: dict[str, list[dict[str, int]]], answers: str, stall: float, rng: random.Random
) -> list[tuple[int, int]]:
    """Offer beats on each channel as early as can be, whatever the others do; returns answers, and what was read."""
    left, offered = {name: deque(beats) for name, beats in channels.items()}, set[str]()
    found: list[tuple[int, int]] = []
    count = max(map(len, channels.values()))
    for _ in range(40 * count):
        if len(found) == count:
            break
        offered |= {name for name in left if left[name] and rng.random() >= stall}
        ready, inputs = rng.random() >= stall, dict(QUIET)
        for name in offered:
            beat = {f"{name}valid": 1, **left[name][0]}
            inputs |= {f"s_axil_{field}": value for field, value in beat.items()}
        outputs = await bench.cycle(inputs | {f"s_axil_{answers}ready": int(ready)})
        if ready and outputs[f"s_axil_{answers}valid"]:
            found.append((outputs[f"s_axil_{answers}resp"], outputs["s_axil_rdata"]))
        taken = {name for name in offered if outputs[f"s_axil_{name}ready"]}
        for name in taken:
            left[name].popleft()
        offered -= taken
    assert not any(left.values()), "something was not taken"
    return found


@testbench(PARTS["registers"])
async def one_behind_the_other(bench: Bench, config: RegisterMap, rng: np.random.Generator) -> None:
    """Each channel offers what comes next before all of an access has come: nothing is lost, nor done without address.

    All words are read then, and what lies between registers.
    """
    some, model = numbers(rng), Model(config)
    await show(bench, model, some, 0)
    words = [address for register in config.registers for address, _ in register.words()]
    none = [address for address in range(0, 1 << config.address_bits, 4) if address not in words]
    none = some.sample(none, min(len(none), 8))
    others = [address for address in words if not (config.counters and address == config["counter_control"].offset)]
    kept = [
        address
        for register in config.registers
        if any(field.access == "rw" for field in register.fields)
        for address, _ in register.words()
        if address in others
    ]
    rest = [*(address for address in others if address not in kept), *none]
    for stall in (0.5, 0.5, 0.5, 0.0):
        # What is kept is written once, so that a wrong value is seen.
        places = [*kept, *some.sample(rest, min(len(rest), 16))]
        writes = [(address, some.getrandbits(32)) for address in places]
        some.shuffle(writes)
        wanted = [model.write(address, value, 15) for address, value in writes]
        beats = [{"awaddr": address} for address, _ in writes], [{"wdata": value, "wstrb": 15} for _, value in writes]
        found = await ahead(bench, dict(zip(("aw", "w"), beats, strict=True)), "b", stall, some)
        assert [response for response, _ in found] == wanted
        reads = some.sample([*words, *none], len(words) + len(none))
        found = await ahead(bench, {"ar": [{"araddr": address} for address in reads]}, "r", stall, some)
        for address, (response, value) in zip(reads, found, strict=True):
            wanted_response, wanted_value = model.read(address)
            assert response == wanted_response, hex(address)
            assert response == SLVERR or value == wanted_value, hex(address)


@testbench({"registers_everything": PARTS["registers"]["registers_everything"]})
async def set_wins(bench: Bench, config: RegisterMap, rng: np.random.Generator) -> None:
    """A bit that hardware sets while software clears it stays set."""
    some, model = numbers(rng), Model(config)
    await show(bench, model, some, 0)
    pending = config["interrupt_pending"].offset
    await do(bench, model, Access(config["interrupt_enable"].offset, 1), some)
    first, *others = (event.name for event in config.interrupts)
    await bench.cycle(QUIET | {"i_interrupts": {first: 1, **dict.fromkeys(others, 0)}})
    model.held["interrupt_pending", first] = 1
    access = Access(pending, 3)
    software = Software(access, dict.fromkeys(("aw", "w", "b", "ar", "r"), 0.0), some)
    while not software.done:
        outputs = await bench.cycle(software.drive())
        software.observe(outputs)
        assert outputs["o_interrupt"] == 1, "a bit went away while it was being set"
        assert bench.cycles < 1000
    await bench.cycle(QUIET | {"i_interrupts": dict.fromkeys((first, *others), 0)})
    await do(bench, model, Access(pending), some)
    await do(bench, model, Access(pending, 1), some)
    await do(bench, model, Access(pending), some)


@testbench({"registers_everything": PARTS["registers"]["registers_everything"]})
async def interrupts(bench: Bench, config: RegisterMap, rng: np.random.Generator) -> None:
    """Each event asks for an interrupt if it is pending and enabled, whatever others are."""
    some, model = numbers(rng), Model(config)
    await show(bench, model, some, 0)
    pending, enable = config["interrupt_pending"], config["interrupt_enable"]
    names, every = [event.name for event in config.interrupts], pending.writable
    alone = [1 << number for number in range(len(names))]
    for events in [0, *alone, every, *(every ^ one for one in alone)]:
        happened = {name: events >> number & 1 for number, name in enumerate(names)}
        await bench.cycle(QUIET | {"i_interrupts": happened})
        await bench.cycle(QUIET | {"i_interrupts": dict.fromkeys(names, 0)})
        for name, value in happened.items():
            model.held["interrupt_pending", name] |= value
        await do(bench, model, Access(pending.offset), some)
        for enabled in some.sample([0, *alone, every, *(every ^ one for one in alone)], 2) + alone:
            await do(bench, model, Access(enable.offset, enabled), some, stalls=(0, 0.5))
        await do(bench, model, Access(pending.offset, every), some)


class Counting:
    """Events in any cycle, counted."""

    def __init__(self, names: list[str], rng: random.Random) -> None:
        self.totals, self.rng, self.on = dict.fromkeys(names, 0), rng, True

    def drive(self) -> dict[str, Any]:
        """Events of this cycle."""
        now = {name: int(self.on and self.rng.random() < 0.6) for name in self.totals}
        for name, value in now.items():
            self.totals[name] += value
        return {"i_counts": now}

    def observe(self, outputs: Any) -> bool:
        """Nothing."""
        return False


@testbench({"registers_everything": PARTS["registers"]["registers_everything"]})
async def counters_lose_nothing(bench: Bench, config: RegisterMap, rng: np.random.Generator) -> None:
    """Snapshots that begin anew add up to all that was counted; others show the sum since then."""
    some = numbers(rng)
    await show(bench, Model(config), some, 0)
    counting = Counting([event.name for event in config.counters], some)
    control, sums = config["counter_control"], dict.fromkeys(counting.totals, 0)

    async def carry_out(access: Access) -> int:
        software = Software(access, dict.fromkeys(("aw", "w", "b", "ar", "r"), 0.5), some)
        await run(bench, [software, counting], lambda: software.done)
        assert access.answer is not None and access.answer[0] == OKAY
        return access.answer[1]

    async def counts() -> dict[str, int]:
        values = {}
        for name in counting.totals:
            low, high = (address for address, _ in config[f"count_{name}"].words())
            values[name] = await carry_out(Access(low)) | await carry_out(Access(high)) << 32
        return values

    for round_ in range(8):
        counting.on = round_ < 7
        if not counting.on:
            await bench.cycle(QUIET | counting.drive())
        before = dict(counting.totals)
        await carry_out(Access(control.offset, control.pack(snapshot=1)))
        between = dict(counting.totals)
        seen = await counts()
        assert all(before[n] - sums[n] <= seen[n] <= between[n] - sums[n] for n in seen)
        assert seen == await counts(), "a snapshot doesn't move"
        await carry_out(Access(control.offset, control.pack(snapshot=1, clear=1)))
        sums = {name: sums[name] + value for name, value in (await counts()).items()}
    assert sums == counting.totals and min(sums.values()) > 100
    await carry_out(Access(control.offset, control.pack(clear=1)))
    await carry_out(Access(control.offset, control.pack(snapshot=1)))
    assert not any((await counts()).values())


@testbench(PARTS["registers"])
async def latency_of_accesses(bench: Bench, config: RegisterMap, rng: np.random.Generator) -> None:
    """An answer two cycles after all has come, whether address or data came first; then what was written is seen."""
    some, model = numbers(rng), Model(config)
    await show(bench, model, some, 0)
    register = next(one for one in config.own if one.fields[0].access == "rw" and one.fields[0].bits >= WORD_BITS)
    names = ("awaddr", "araddr", "wdata", "wstrb", "awprot", "arprot")
    values = dict.fromkeys((f"s_axil_{name}" for name in names), 0) | {"s_axil_wstrb": 15}
    for order in (("aw", "w"), ("w", "aw"), ("aw w",), ("ar",)):
        values |= {"s_axil_awaddr": register.offset, "s_axil_araddr": register.offset}
        values["s_axil_wdata"] = data = some.getrandbits(32)
        waits = QUIET | values | {"s_axil_bready": 1, "s_axil_rready": 1}
        for channels in order:
            outputs = await bench.cycle(waits | {f"s_axil_{name}valid": 1 for name in channels.split()})
            assert all(outputs[f"s_axil_{name}ready"] for name in channels.split())
        answers = []
        for _ in range(3):
            outputs = await bench.cycle(waits)
            answers.append(outputs["s_axil_rvalid" if order == ("ar",) else "s_axil_bvalid"])
            held = outputs[f"o_{register.name}"][register.fields[0].name] & 0xFFFF_FFFF
            assert order == ("ar",) or (held == data) == (len(answers) >= 2)
        assert answers == [0, 1, 0]
