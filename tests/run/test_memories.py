"""An engine that works on memory alone, from job to outcome: it copies, so that it multiplies by the unit matrix."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.bus.config import PortConfig
from tensorloom.hw.config import Config
from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.errors import FailureError
from tensorloom.run.contract import Engine, Image
from tensorloom.run.execution import Simulator, predict
from tensorloom.run.jobs import Job, golden
from tensorloom.run.memories import make_memories, wrong_bytes
from tensorloom.run.registry import Design
from tensorloom.run.speed import compare_speeds
from tensorloom.sim.counters import Counters
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.tb.bulk.software import Step, Wait, read_register, write_register
from tensorloom.tb.bus.copy_engine import REGISTERS, CopyEngine

PORT = PortConfig(data_bits=64, address_bits=16, beats_bits=8)
SOURCE, TARGET, SIZE = 0x100, 0x3000, 0x4000


@dataclasses.dataclass(frozen=True, kw_only=True)
class CopyConfig(Config):
    """Nothing to choose."""

    @property
    def multipliers(self) -> int:
        return 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class CopyCounters(Counters):
    """The engine's only counter is the cycles that it is busy."""

    def where_cycles_went(self) -> dict[str, float]:
        return {"copying": 1.0}


@dataclasses.dataclass(frozen=True)
class CopyProgram:
    """Copies `beats`."""

    a: np.ndarray
    target: int = TARGET
    flaw: int = 0

    @property
    def beats(self) -> int:
        return -(-self.a.size // PORT.bytes)

    def inputs(self) -> dict[str, Any]:
        return {}

    def outputs(self) -> dict[str, int]:
        return {}

    def memories(self) -> dict[str, Image]:
        contents = self.a.tobytes()
        after = bytes([contents[0] ^ self.flaw]) + contents[1:]
        image = Image(before={SOURCE: contents}, after={SOURCE: contents, self.target: after}, size=SIZE)
        return {"m_axi_read": image, "m_axi_write": image}

    def software(self) -> list[Step]:
        def write(name: str, **fields: int) -> list[Step]:
            return [*write_register(REGISTERS, name, **fields)]

        return [
            *write("source", value=SOURCE // PORT.bytes),
            *write("target", value=self.target // PORT.bytes),
            *write("beats", value=self.beats),
            *write("interrupt_enable", done=1),
            *write("control", start=1),
            Wait("o_interrupt"),
            *write("counter_control", snapshot=1),
            *(read_register(REGISTERS, name) for name in ("count_busy", "read_error", "write_error")),
        ]

    def assemble(self, outputs: Any) -> np.ndarray:
        found = outputs["m_axi_read"][self.target : self.target + self.a.size]
        return found.view(np.int8).reshape(self.a.shape).astype(np.int64)

    def golden(self) -> np.ndarray:
        return self.a.astype(np.int64)


class CopyingEngine(Engine[CopyConfig, CopyProgram, CopyCounters]):
    """Descriptor."""

    name, title, position, config_class = "copying", "copies", 99, CopyConfig
    presets = {"copying": CopyConfig()}

    def summary(self, config):
        return "copies"

    def figures(self, config):
        return {"multipliers": 1}

    def component(self, config):
        return CopyEngine(PORT, split=True)

    def map(self, config, job):
        assert np.array_equal(job.b, np.eye(len(job.b)))
        return CopyProgram(job.a)

    def predict(self, config, program, timing=None):
        """A single burst: see the latencies of reader and writer."""
        timing = timing or MemoryTiming()
        assert program.beats <= PORT.max_burst and timing.read_pace is None and timing.write_pace is None
        asked, through, written = 1 + 2, 2, 2
        return CopyCounters(
            cycles=asked + timing.latency + through + program.beats - 1 + written + program.beats + timing.write_latency
        )

    def read_counters(self, ports):
        return CopyCounters(cycles=ports["count_busy"])

    def complaint(self, ports, *, wraps):
        return " and ".join(name for name in ("read_error", "write_error") if ports[name])

    def data_bits(self, config):
        return 8

    def sum_bits(self, config):
        return 8

    def macs(self, program, counters):
        return program.a.size

    def demonstrate(self, simulator):
        raise NotImplementedError

    def benchmark(self, stages, *, quick):
        raise NotImplementedError


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    engine = CopyingEngine()
    design = Design(engine=engine, name="copying", config=CopyConfig())
    return Simulator(design, emit(engine.component(design.config)))  # not remembered: it is no part of the hardware


def job(seed: int, rows: int = 5, columns: int = 9) -> Job:
    a = np.random.default_rng(seed).integers(-128, 128, (rows, columns), np.int8)
    return Job(name="copy", a=a, b=np.eye(columns, dtype=np.int8))


@pytest.mark.parametrize("timing", [None, MemoryTiming(latency=30, write_latency=7)])
@pytest.mark.parametrize("rows", [1, 5, 14])
def test_result_memory_and_counters(simulator: Simulator, timing: MemoryTiming | None, rows: int, seed: int) -> None:
    one = job(seed, rows)
    outcome = simulator.run(one, timing=timing)
    assert outcome.complaint == "" and outcome.passed and np.array_equal(outcome.output, golden(one))
    assert outcome.predicted is not None and outcome.predicted.cycles == outcome.cycles
    assert predict(simulator.design, one, timing=timing).cycles == outcome.cycles


def test_stalls(simulator: Simulator, seed: int) -> None:
    one = job(seed, 100)
    outcomes = [simulator.run(one, stall=0.5, seed=seed + number) for number in range(4)]
    assert all(outcome.passed and outcome.predicted is None for outcome in outcomes)
    assert len({outcome.cycles for outcome in outcomes}) > 1
    assert simulator.run(one, timing=MemoryTiming(stalls={"r": 0.5})).predicted is None


def test_wrong_bytes_are_noticed(simulator: Simulator, seed: int) -> None:
    one = job(seed)
    outcome = simulator.run(one, CopyProgram(one.a, flaw=1))
    assert (outcome.mismatches, outcome.wrong_bytes, outcome.passed) == (0, 1, False)
    assert outcome.complaint == "1 bytes of memory are not what they must be after the run"


def test_errors_of_memory_are_the_engines_complaint(simulator: Simulator, seed: int) -> None:
    one = job(seed)
    program = CopyProgram(one.a)
    image = program.memories()["m_axi_read"]
    small = dataclasses.replace(image, size=TARGET, after={})

    class Small(CopyProgram):
        def memories(self) -> dict[str, Image]:
            return {"m_axi_read": small, "m_axi_write": small}

    with pytest.raises(FailureError, match="^write_error$"):
        simulator.run(one, Small(one.a))


def test_speeds(simulator: Simulator, seed: int) -> None:
    program = simulator.design.engine.map(simulator.design.config, job(seed))
    assert compare_speeds(simulator, program, rounds=1).verilog > 0


def test_images_become_memories() -> None:
    shared = Image(before={0: b"one", 40: b"two"}, after={38: b"xx"}, size=64)
    memories = make_memories({"a": shared, "b": shared, "c": Image(before={}, after={}, size=1000)}, MemoryTiming())
    assert memories["a"] is memories["b"] is not memories["c"]
    data = memories["a"].data
    assert (bytes(data[:3]), bytes(data[40:43])) == (b"one", b"two")
    assert len(set(memories["c"].data.tolist())) > 200
    data[38:40] = list(b"xy")
    assert wrong_bytes({"a": shared, "b": shared}, {"a": memories["a"], "b": memories["b"]}) == 1
    with pytest.raises(ValueError, match="bytes of an image must lie below 0x40, not 4 from 0x3d on"):
        make_memories({"a": Image(before={61: b"long"}, after={}, size=64)}, MemoryTiming())
