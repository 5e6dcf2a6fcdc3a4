"""Memory behind the chip's ports as `MemoryTiming` says, and the software that runs a list."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ...hw.snap_chip.register_map import COUNTED, REGISTERS
from ...sim.memory_timing import MemoryTiming
from ..bench import Bench, run
from ..bus.lite import Access, Software

__all__ = ["TimedMemory", "run_list"]

MOST_CYCLES = 100_000


class TimedMemory:
    """Memory of one chip, without random stalls.

    Parameters
    ----------
    config
        The chip.
    memory
        Bytes.
    timing
        What it takes.
    """

    def __init__(self, config: SnapChipConfig, memory: np.ndarray, timing: MemoryTiming) -> None:
        self.memory, self.timing, self.size = memory, timing, config.bus.bytes
        self.cycle, self.write_ready = 0, False
        self.reads: list[tuple[int, bool, int]] = []
        self.beat: tuple[int, bool, int] | None = None
        self.data: list[int] = []
        self.bursts: list[list[int]] = []
        self.answers: list[int] = []
        self.paces = [timing.pace or timing.read_pace, timing.write_pace]
        self.most = [(pace or 0) + self.size - 1 for pace in self.paces]
        self.credits, self.order = list(self.most), ["read", "write"]

    def drive(self) -> dict[str, Any]:
        """What the ports see."""
        timing = self.timing
        self.write_ready = len(self.data) < timing.write_buffer
        wants = {
            "read": bool(self.reads) and self.reads[0][2] <= self.cycle,
            "write": bool(self.data) and bool(self.bursts),
        }
        served = self._serve(wants)
        self.beat = self.reads[0] if "read" in served else None
        answer = bool(self.answers) and self.answers[0] <= self.cycle
        if answer:
            self.answers.pop(0)
        inputs = {
            "m_axi_read_arready": 1, "m_axi_write_awready": 1, "m_axi_write_wready": int(self.write_ready),
            "m_axi_read_rvalid": int(self.beat is not None), "m_axi_read_rresp": 0, "m_axi_read_rid": 0,
            "m_axi_write_bvalid": int(answer), "m_axi_write_bresp": 0, "m_axi_write_bid": 0,
        }  # fmt: skip
        if self.beat is not None:
            start = self.beat[0] * self.size
            data = int.from_bytes(self.memory[start : start + self.size].tobytes(), "little")
            inputs |= {"m_axi_read_rdata": data, "m_axi_read_rlast": int(self.beat[1])}
        return inputs

    def _serve(self, wants: Mapping[str, bool]) -> list[str]:
        served = []
        shared = self.timing.pace is not None
        for pool, pace in enumerate(self.paces):
            self.credits[pool] = min(self.credits[pool] + (pace or 0), self.most[pool])
        for side in list(self.order):
            pool = 0 if shared or side == "read" else 1
            if not wants[side]:
                continue
            if self.paces[pool]:
                if self.credits[pool] < self.size:
                    if shared:
                        break
                    continue
                self.credits[pool] -= self.size
            served.append(side)
            if side == "write":
                self._write()
        if shared and len(served) == 1:
            self.order.remove(served[0])
            self.order.append(served[0])
        return served

    def _write(self) -> None:
        burst, data = self.bursts[0], self.data.pop(0)
        start = burst[0] * self.size
        self.memory[start : start + self.size] = np.frombuffer(data.to_bytes(self.size, "little"), np.uint8)
        burst[0] += 1
        burst[1] -= 1
        if not burst[1]:
            self.bursts.pop(0)
            self.answers.append(self.cycle - 1 + self.timing.write_latency)

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """What the ports do; something always may go on."""
        if self.beat is not None:
            self.reads.pop(0)
        if outputs["m_axi_read_arvalid"]:
            first, beats = outputs["m_axi_read_araddr"] // self.size, outputs["m_axi_read_arlen"] + 1
            due = self.cycle + self.timing.latency
            self.reads += [(first + n, n == beats - 1, due) for n in range(beats)]
        if outputs["m_axi_write_awvalid"]:
            self.bursts.append([outputs["m_axi_write_awaddr"] // self.size, outputs["m_axi_write_awlen"] + 1])
        if outputs["m_axi_write_wvalid"] and self.write_ready:
            self.data.append(outputs["m_axi_write_wdata"])
        self.cycle += 1
        return True


async def run_list(
    bench: Bench, config: SnapChipConfig, address: int, memory: np.ndarray, timing: MemoryTiming
) -> dict[str, int]:
    """Run the list at the beat `address` of `memory`, and return all counters; it must end without an error."""
    peer, rng = TimedMemory(config, memory, timing), random.Random(1)
    calm: dict[str, float] = dict.fromkeys(("aw", "w", "b", "ar", "r"), 0.0)

    async def access(name: str, data: int | None = None, high: int = 0) -> int:
        software = Software(Access(REGISTERS[name].offset + high, data), calm, rng)
        await run(bench, [software, peer], lambda: software.done)
        assert software.access.answer is not None
        return software.access.answer[1]

    await access("list", address * config.bus.bytes)
    await access("list", 0, 4)
    await access("interrupt_enable", 1)
    await access("counter_control", 3)
    await access("control", 1)
    for _ in range(MOST_CYCLES):
        outputs = await bench.cycle(peer.drive())
        peer.observe(outputs)
        if outputs["o_interrupt"]:
            break
    else:
        status = {name: await access(name) for name in ("status", "errors", "interrupt_pending", "interrupt_enable")}
        await access("counter_control", 1)
        counts = {name: await access(f"count_{name}") for name in COUNTED}
        raise AssertionError(f"the list must end: {status}, {counts}, memory owes {len(peer.reads)} beats")
    await access("counter_control", 1)
    assert await access("errors") == 0
    return {name: await access(f"count_{name}") for name in COUNTED}
