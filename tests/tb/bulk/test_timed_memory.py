"""The memory of testbenches and that of bulk simulation do the same in every cycle."""

import dataclasses

import numpy as np
import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.sim.memory_timing import CHANNELS, MemoryTiming
from tensorloom.tb.bulk.memory import ErrorRange, Memory, memory_ports
from tensorloom.tb.bulk.model import build
from tensorloom.tb.bulk.software import Wait, Write, write_register
from tensorloom.tb.bus.copy_engine import REGISTERS, CopyEngine
from tensorloom.tb.bus.parts import COPIER
from tensorloom.tb.bus.timed_memory import TimedMemory, TimedPort

CONFIG = COPIER.replace(address_bits=16)
BYTES, SIZE = CONFIG.bytes, 1 << 15  # the upper half isn't there


@pytest.fixture(scope="module", params=[False, True], ids=["one port", "two ports"])
def engine(request, cache):
    return build(emit(CopyEngine(CONFIG, split=request.param)), cache=cache)


def random_timing(rng):
    def maybe(low, high):
        return None if rng.random() < 0.5 else int(rng.integers(low, high))

    pace = {"pace": int(rng.integers(1, 20))} if rng.random() < 0.4 else {}
    return MemoryTiming(
        latency=int(rng.choice([1, 2, rng.integers(1, 60)])),
        write_latency=int(rng.choice([1, 2, rng.integers(1, 60)])),
        outstanding=int(rng.choice([1, 2, 8])),
        write_buffer=int(rng.choice([1, 2, 40])),
        stalls={channel: float(rng.choice([0, 0.1, 0.5, 0.9])) for channel in CHANNELS},
        seed=int(rng.integers(1000)),
        **(pace or {"read_pace": maybe(1, 20), "write_pace": maybe(1, 20)}),
        pace_cycles=int(rng.integers(1, 4)),
    )


def software(rng):
    writes = [("source", rng.integers(SIZE // BYTES // 2)), ("target", rng.integers(2000, 2 * SIZE // BYTES - 100))]
    fields = [(name, {"value": int(value)}) for name, value in [*writes, ("beats", rng.integers(1, 100))]]
    fields += [("interrupt_enable", {"done": 1}), ("control", {"start": 1})]
    return [step for name, values in fields for step in write_register(REGISTERS, name, **values)]


def played(model, memory, writes):
    """Channel by channel, the cycles of all transfers with a memory of testbenches; registers as bulk software does."""
    steps = model.steps()
    steps.step({"rst": 1})
    steps.step({"rst": 1})
    steps.step({"rst": 0}, edge=False)
    queue, owed, log = list(writes), {"aw", "w"}, {channel: [] for channel in CHANNELS}
    cycle = 0
    while True:
        inputs = memory.drive() | {"s_axil_bready": 1, "s_axil_rready": 1}
        inputs |= {f"s_axil_{name}valid": int(bool(queue) and name in owed) for name in ("aw", "w")}
        if queue:
            inputs |= {"s_axil_awaddr": queue[0].address, "s_axil_wdata": queue[0].data, "s_axil_wstrb": 15}
        outputs = steps.step(inputs)
        memory.observe(outputs)
        seen = inputs | outputs
        for port in model.manifest["ports"]:
            bus, _, pin = port["name"].rpartition("_")
            channel = pin.removesuffix("valid")
            if (
                bus.startswith("m_axi")
                and pin.endswith("valid")
                and seen[port["name"]]
                and seen[f"{bus}_{channel}ready"]
            ):
                log[channel].append(cycle)
        if outputs["o_interrupt"]:
            return log, cycle + 1
        owed -= {name for name in owed if outputs[f"s_axil_{name}ready"]} if queue else set()
        if queue and outputs["s_axil_bvalid"]:
            queue.pop(0)
            owed = {"aw", "w"}
        cycle += 1
        assert cycle < 20_000


@pytest.mark.parametrize("case", range(12))
def test_every_transfer_is_in_the_same_cycle(engine, case, seed):
    rng = np.random.default_rng([seed, case])
    timing, writes = random_timing(rng), software(rng)
    data = rng.integers(0, 256, SIZE, np.uint8)
    first = int(rng.integers(SIZE - 200))
    errors = [ErrorRange(first=first, end=first + 200, response=int(rng.choice([2, 3])))]
    names = memory_ports(engine.manifest)
    bulk = Memory(data=data.copy(), timing=timing, errors=errors)
    result = engine.run({}, {}, memories=dict.fromkeys(names, bulk), software=[*writes, Wait("o_interrupt")], log=True)
    ports = [TimedPort(name, BYTES, reads=name != "m_axi_write", writes=name != "m_axi_read") for name in names]
    memory = TimedMemory(data.copy(), ports, timing, errors)
    log, cycles = played(engine, memory, [step for step in writes if isinstance(step, Write)])
    for number, channel in enumerate(CHANNELS):
        theirs = result.transfers["cycle"][result.transfers["channel"] == number]
        assert theirs.tolist() == log[channel], (channel, dataclasses.asdict(timing))
    assert result.cycles == cycles and np.array_equal(bulk.data, memory.data) and memory.done
