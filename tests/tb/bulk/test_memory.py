"""Memories behind a design's ports, with an engine that copies."""

import random

import numpy as np
import pytest

from tensorloom.hw.bus.axi import Response
from tensorloom.hw.emit.emitter import emit
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.tb.bulk.memory import DECERR, SLVERR, ErrorRange, Memory
from tensorloom.tb.bulk.model import SimulationError, WatchdogError, build
from tensorloom.tb.bulk.software import (
    Poll,
    Read,
    Wait,
    Write,
    read_register,
    write_register,
    write_some_bytes,
    wrong_accesses,
)
from tensorloom.tb.bus.copy_engine import REGISTERS, CopyEngine
from tensorloom.tb.bus.memory import bursts_of
from tensorloom.tb.bus.parts import COPIER

CONFIG = COPIER.replace(address_bits=16)
BYTES, BEATS = CONFIG.bytes, (1 << 16) // CONFIG.bytes
HALF = BEATS // 2


@pytest.fixture(scope="module")
def engine(cache):
    return build(emit(CopyEngine(CONFIG)), assertions=True, cache=cache)


@pytest.fixture(scope="module")
def split(cache):
    return build(emit(CopyEngine(CONFIG, split=True)), assertions=True, cache=cache)


def filled(rng, timing=None, errors=()):
    return Memory(data=rng.integers(0, 256, BEATS * BYTES, np.uint8), timing=timing or MemoryTiming(), errors=errors)


def write(name, **fields):
    return write_register(REGISTERS, name, **fields)


def copy(source, target, beats, wait=True):
    """Steps of one copy."""
    steps = [*write("source", value=source), *write("target", value=target), *write("beats", value=beats)]
    steps += [*write("interrupt_enable", done=1), *write("control", start=1)]
    return steps + ([Wait("o_interrupt"), *write("interrupt_pending", done=1)] if wait else [])


RESULTS = [
    *write("counter_control", snapshot=1),
    *(read_register(REGISTERS, name) for name in ("count_busy", "read_error", "write_error")),
]


def requests(rng, count):
    """From the lower half of memory to places of the upper half that don't overlap, at borders of pages."""
    part, page = HALF // count, 4096 // BYTES
    targets = [HALF + number * part + int(rng.integers(part // 2)) for number in range(count)]
    sources = [int(page * rng.integers(1, HALF // page) - rng.integers(0, 20)) for _ in range(count)]
    beats = [int(rng.choice([1, 2, CONFIG.max_burst, rng.integers(1, part // 2)])) for _ in range(count)]
    return list(zip(sources, targets, beats, strict=True))


def copied(data, copies):
    after = data.copy()
    for source, target, beats in copies:
        after[target * BYTES : (target + beats) * BYTES] = data[source * BYTES : (source + beats) * BYTES]
    return after


TIMINGS = {
    "fast": MemoryTiming(),
    "slow": MemoryTiming(latency=40, write_latency=15, read_pace=3, write_pace=5),
    "shared": MemoryTiming(latency=3, pace=11, outstanding=2, write_buffer=3),
    "single": MemoryTiming(latency=7, write_latency=7, outstanding=1, write_buffer=1),
    "stalls": MemoryTiming(stalls=0.4, latency=5),
} | {name: MemoryTiming(stalls={name: 0.9}, latency=2) for name in ("ar", "r", "aw", "w", "b")}


@pytest.mark.parametrize("timing", TIMINGS)
def test_copies(engine, split, timing, seed):
    rng = np.random.default_rng(seed)
    for model in (engine, split):
        memory, copies = filled(rng, TIMINGS[timing]), requests(rng, 5)
        before, ports = memory.data.copy(), ("m_axi",) if model is engine else ("m_axi_read", "m_axi_write")
        steps = [step for each in copies for step in copy(*each)] + RESULTS
        result = model.run({}, {}, memories=dict.fromkeys(ports, memory), software=steps, idle_cycles=50)
        assert np.array_equal(memory.data, copied(before, copies))
        total = sum(beats for *_, beats in copies)
        assert result.beats == {f"{ports[0]}_r": total, f"{ports[-1]}_w": total}
        assert total < result.counters["count_busy"] < result.cycles
        assert result.counters["read_error"] == result.counters["write_error"] == result.counters["o_interrupt"] == 0


@pytest.mark.parametrize("side", ["read", "write"])
@pytest.mark.parametrize("place", [0, 7, -1])
@pytest.mark.parametrize("response", [SLVERR, DECERR])
def test_errors(engine, side, place, response, seed):
    """On the first, a middle and the last beat of the second burst, and on all of the third in another way."""
    rng = np.random.default_rng(seed)
    source, target, beats = 21, HALF + 7, 60
    bursts = bursts_of(CONFIG, source if side == "read" else target, beats)
    failing = bursts[1].rows[place] * BYTES + 3
    later = bursts[2].address * BYTES
    errors = (
        ErrorRange(first=failing, end=failing + 1, response=response),
        ErrorRange(first=later, end=later + BYTES * bursts[2].beats, response=response ^ 1),
    )
    memory = filled(rng, MemoryTiming(stalls=0.3, latency=9), errors)
    before = memory.data.copy()
    result = engine.run(
        {}, {}, memories={"m_axi": memory}, software=copy(source, target, beats) + RESULTS, idle_cycles=50
    )
    other = "write" if side == "read" else "read"
    assert result.counters[f"{other}_error"] == 0
    error = REGISTERS[f"{side}_error"].unpack(result.counters[f"{side}_error"])
    assert error == {"valid": 1, "decode": response & 1, "address": bursts[1].address * BYTES}
    wrong = memory.data != copied(before, [(source, target, beats)])
    rows = {index // BYTES - target for index in np.flatnonzero(wrong)}
    first = bursts[0].address
    assert rows == {bursts[1].rows[place] - first, *(row - first for row in bursts[2].rows)}
    if side == "write":  # what fails changes nothing
        assert np.array_equal(memory.data[wrong], before[wrong])


@pytest.mark.parametrize("origin", [0, HALF + 500])
def test_before_and_beyond(engine, origin, seed):
    """Memory begins at a beat, and has 40 of them."""
    data = filled(np.random.default_rng(seed)).data[: 40 * BYTES]
    memory, before, end = Memory(data=data, origin=origin * BYTES), data.copy(), origin + 40
    outside = [("read", end - 2), ("write", end + 960)] + ([("read", origin - 2), ("write", 0)] if origin else [])
    for side, first in outside:
        places = (first, origin + 10) if side == "read" else (origin + 2, first)
        result = engine.run({}, {}, memories={"m_axi": memory}, software=copy(*places, 4) + RESULTS)
        error = REGISTERS[f"{side}_error"].unpack(result.counters[f"{side}_error"])
        assert error == {"valid": 1, "decode": 1, "address": first * BYTES}
    data[:] = before
    engine.run({}, {}, memories={"m_axi": memory}, software=copy(origin + 5, origin + 20, 15) + RESULTS)
    assert np.array_equal(data, copied(before, [(5, 20, 15)]))


def test_memory_that_never_answers(engine, seed):
    rng = np.random.default_rng(seed)
    text = r"no transfer for 300 cycles \(cycle \d+\): software waits in Wait\(port='o_interrupt'\), m_axi owes "
    for timing, debts in (
        (MemoryTiming(latency=1 << 16), "answers to 2 reads and 0 writes, and holds 0 beats of data"),
        (MemoryTiming(write_latency=1 << 16), "answers to 0 reads and 4 writes, and holds 0 beats of data"),
    ):
        with pytest.raises(WatchdogError, match=text + debts):
            engine.run({}, {}, memories={"m_axi": filled(rng, timing)}, software=copy(0, HALF, 100), watchdog=300)
    with pytest.raises(WatchdogError, match="not done after 70 cycles: software waits in Wait"):
        engine.run({}, {}, memories={"m_axi": filled(rng)}, software=copy(0, HALF, 100), limit=70)


def test_runs_in_a_row(engine, seed):
    """Without a reset between them the counter goes on, with it it begins anew."""
    rng, counts, totals = np.random.default_rng(seed), [], []
    for number, (fresh, reset) in enumerate([(True, True), (False, False), (False, True)]):
        memory = filled(rng, MemoryTiming(latency=4 + number, stalls=0.2, seed=number))
        before, copies = memory.data.copy(), requests(rng, 3)
        totals.append(sum(beats for *_, beats in copies))
        steps = [step for each in copies for step in copy(*each)] + RESULTS
        result = engine.run({}, {}, memories={"m_axi": memory}, software=steps, fresh=fresh, reset=reset, idle_cycles=3)
        assert np.array_equal(memory.data, copied(before, copies))
        counts.append((result.counters["count_busy"], result.cycles))
    assert counts[0][0] < counts[0][1] and counts[2][0] < counts[2][1]
    assert counts[1][0] > counts[0][0] + totals[1]


def test_registers_keep_the_last_run_without_a_reset(engine, seed):
    memory = filled(np.random.default_rng(seed))
    engine.run({}, {}, memories={"m_axi": memory}, software=[Write(REGISTERS["source"].offset, 0xCAFE)])
    read = [read_register(REGISTERS, "source")]
    again = engine.run({}, {}, memories={"m_axi": memory}, software=read, fresh=False, reset=False)
    anew = engine.run({}, {}, memories={"m_axi": memory}, software=read, fresh=False)
    assert (again.counters["source"], anew.counters["source"]) == (0xCAFE, 0)


def test_polling(engine, seed):
    rng = np.random.default_rng(seed)
    memory = filled(rng, MemoryTiming(latency=30))
    before, busy = memory.data.copy(), REGISTERS["control"].pack(busy=1)
    steps = [*copy(3, HALF, 70, wait=False), Poll(REGISTERS["control"].offset, busy, 0)]
    result = engine.run({}, {}, memories={"m_axi": memory}, software=steps, idle_cycles=30)
    assert np.array_equal(memory.data, copied(before, [(3, HALF, 70)])) and result.cycles > 100
    never = Poll(REGISTERS["control"].offset, busy, busy)
    with pytest.raises(WatchdogError, match=r"no transfer for 99 cycles .* Poll\(address=0, mask=4, value=4\)"):
        engine.run({}, {}, memories={"m_axi": filled(rng)}, software=[never], watchdog=99)


def test_accesses_after_the_end(engine, seed):
    memory = filled(np.random.default_rng(seed))
    with pytest.raises(SimulationError, match=r"memory was accessed after the end of the job \(cycle \d+\)"):
        engine.run({}, {}, memories={"m_axi": memory}, software=copy(0, HALF, 9, wait=False), idle_cycles=50)


def test_registers_that_do_not_exist(engine, seed):
    memories = {"m_axi": filled(np.random.default_rng(seed))}
    with pytest.raises(SimulationError, match=r"s_axil: reading register 0x28 was answered with error 2 at cycle"):
        engine.run({}, {}, memories=memories, software=[Read("none", 0x28)])
    with pytest.raises(SimulationError, match=r"s_axil: writing register 0x10 was answered with error 2 at cycle"):
        engine.run({}, {}, memories=memories, software=[Write(0x10, 1)])
    engine.run({}, {}, memories=memories, software=wrong_accesses(REGISTERS))


def test_an_error_that_does_not_come(engine, seed):
    memories, there = {"m_axi": filled(np.random.default_rng(seed))}, REGISTERS["source"].offset
    for step in (Read("there", there, response=Response.SLVERR), Write(there, 1, response=Response.SLVERR)):
        with pytest.raises(SimulationError, match=rf"register {there:#x} was answered with no error at cycle"):
            engine.run({}, {}, memories=memories, software=[step])


def test_some_bytes_of_a_register(engine, seed):
    memories, some = {"m_axi": filled(np.random.default_rng(seed))}, random.Random(seed)
    for _ in range(4):
        before = some.getrandbits(REGISTERS["source"].bits)
        steps, after = write_some_bytes(REGISTERS, "source", before, some)
        steps = [*write_register(REGISTERS, "source", value=before), *steps, read_register(REGISTERS, "source")]
        assert engine.run({}, {}, memories=memories, software=steps).counters["source"] == after


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"memories": {}}, "memories must be those of ports m_axi, not of "),
        ({"memories": {"m_axi": None, "other": None}}, "memories must be those of ports m_axi, not of m_axi, other"),
        ({"software": [Wait("i_none")]}, "port must be an output of no more than 64 bits, not 'i_none'"),
        ({"software": [Write(2, 0)]}, "address must be a multiple of 4 below 0x40, not 2"),
        ({"software": [Read("far", 0x1000)]}, "address must be a multiple of 4 below 0x40, not 4096"),
        ({"software": [Read("half", 0x3C, 64)]}, "address must be a multiple of 4 below 0x40, not 64"),
        ({"software": [Read("odd", 0, 48)]}, "bits must be 32 or 64, not 48"),
        ({"software": [Write(0, 1 << 32)]}, "data must be 32 bits, not 4294967296"),
        ({"software": [Write(0, 1, 16)]}, "strobes must be from 0 to 15, not 16"),
        ({"software": [Poll(0, 1, 2)]}, "value must be bits of a mask of 32 bits, not 0x2 of 0x1"),
        ({"software": [Read("x", 0)], "registers": "s_other"}, "registers must be an AXI4-Lite port of the design"),
    ],
)
def test_what_does_not_fit_is_refused(engine, changes, text):
    memory = Memory(data=np.zeros(64, np.uint8))
    with pytest.raises(ValueError, match=text):
        engine.run({}, {}, **({"memories": {"m_axi": memory}} | changes))


@pytest.mark.parametrize(
    "data", [np.zeros(8, np.int8), bytes(8), np.zeros((2, 4), np.uint8), np.zeros(8, np.uint8)[::2]]
)
def test_memory_of_a_wrong_kind(data):
    with pytest.raises((TypeError, ValueError), match="data must be "):
        Memory(data=data)


def test_origin_leaves_room():
    with pytest.raises(ValueError, match="origin must leave room for 8 bytes below"):
        Memory(data=np.zeros(8, np.uint8), origin=(1 << 64) - 7)


@pytest.mark.parametrize("bad", [{"response": 1}, {"end": 4}, {"first": -1}])
def test_wrong_ranges(bad):
    with pytest.raises(ValueError, match=" must be "):
        ErrorRange(**({"first": 4, "end": 8} | bad))


def test_waveforms_show_the_bus(engine, seed, tmp_path):
    memory = filled(np.random.default_rng(seed))
    before = memory.data.copy()
    file = tmp_path / "copy.vcd"
    engine.run({}, {}, memories={"m_axi": memory}, software=copy(0, HALF, 20), vcd=file, window=(0, 100))
    assert np.array_equal(memory.data, copied(before, [(0, HALF, 20)]))
    assert "m_axi_rdata" in file.read_text()
