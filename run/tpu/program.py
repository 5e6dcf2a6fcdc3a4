"""Programs of the TPU with all that lies in memory, as the contract wants them."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ...hw.bus.config import PAGE_BYTES
from ...hw.tpu.config import INSTRUCTION_BYTES, TpuConfig
from ...hw.tpu.register_map import COUNTED, REGISTERS
from ...sim.memory_timing import MemoryTiming
from ...sim.tpu.cycles import Stretch, TpuCycles, predict
from ...sim.tpu.golden import Outcome, run
from ...tb.bulk.software import Step, Wait, read_register, write_register
from ..contract import Image

__all__ = ["HOST_PORTS", "WEIGHT_PORT", "TpuProgram"]

HOST_PORTS = ("m_host_read", "m_host_write")
WEIGHT_PORT = "m_weights"


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class TpuProgram:
    """See `run.contract.Program`. The TPU has no streams: program and data lie in memory, an interrupt tells the end.

    Parameters
    ----------
    config
        The machine.
    program
        Instructions' bytes.
    host
        uint8: contents of the host's two windows.
    weights
        uint8: contents of weight memory.
    macs
        Multiply-accumulates that are useful.
    """

    config: TpuConfig
    program: bytes
    host: Sequence[np.ndarray]
    weights: np.ndarray
    macs: int = 0

    def inputs(self) -> dict[str, Any]:
        """None: the TPU has no streams."""
        return {}

    def outputs(self) -> dict[str, int]:
        """None: the TPU has no streams."""
        return {}

    def memories(self) -> dict[str, Image]:
        """The host's memory, with the program and both windows, and weight memory."""
        before = {0: self.program} | self._windows(self.host)
        host = Image(before=before, after={0: self.program} | self._windows(self.outcome.host), size=self._places[-1])
        weights = self.weights.tobytes()
        image = Image(before={0: weights}, after={0: weights}, size=max(PAGE_BYTES, self._whole(len(weights))))
        return dict.fromkeys(HOST_PORTS, host) | {WEIGHT_PORT: image}

    def software(self) -> list[Step]:
        """Set up, start, wait for the interrupt; then read errors and counters."""
        windows = [
            step
            for number, (place, window) in enumerate(zip(self._places, self.host, strict=False))
            for step in (
                *write_register(REGISTERS, f"host_{number}", address=place),
                *write_register(REGISTERS, f"host_{number}_size", bytes=len(window)),
            )
        ]
        return [
            *windows,
            *write_register(REGISTERS, "weights", address=0),
            *write_register(REGISTERS, "weights_size", bytes=len(self.weights)),
            *write_register(REGISTERS, "program", address=0),
            *write_register(REGISTERS, "program_size", instructions=len(self.program) // INSTRUCTION_BYTES),
            *write_register(REGISTERS, "interrupt_pending", done=1, tag=1, error=1),
            *write_register(REGISTERS, "interrupt_enable", done=1, error=1),
            *write_register(REGISTERS, "counter_control", clear=1),
            *write_register(REGISTERS, "control", start=1),
            Wait("o_interrupt"),
            *write_register(REGISTERS, "counter_control", snapshot=1),
            *(read_register(REGISTERS, name) for name in ("error", "error_pc", "tag")),
            *(read_register(REGISTERS, f"count_{name}") for name in COUNTED),
        ]

    @cached_property
    def outcome(self) -> Outcome:
        """What the program leaves, by the golden interpreter."""
        return run(self.config, self.program, host=self.host, weights=self.weights)

    def predict(self, timing: MemoryTiming) -> TpuCycles:
        """What the counters show after the program, which must halt, by the cycle model."""
        places = zip(self._places, self.host, strict=False)
        return predict(
            self.config, self.program, host=[Stretch(place, len(window)) for place, window in places],
            weights=Stretch(0, len(self.weights)), timing=timing,
        )  # fmt: skip

    def golden(self) -> np.ndarray:
        """Both windows after the program, one behind the other."""
        return np.concatenate(self.outcome.host).astype(np.int64)

    def assemble(self, outputs: Mapping[str, Any]) -> np.ndarray:
        """Both windows, one behind the other."""
        memory = outputs[HOST_PORTS[0]]
        windows = [memory[place : place + len(window)] for place, window in zip(self._places, self.host, strict=False)]
        return np.concatenate(windows).astype(np.int64)

    @cached_property
    def _places(self) -> tuple[int, int, int]:
        """Where the windows begin in the host's memory, and where that ends."""
        first = self._whole(len(self.program))
        second = first + self._whole(len(self.host[0]))
        return first, second, second + self._whole(len(self.host[1]))

    def _windows(self, host: Sequence[np.ndarray]) -> dict[int, bytes]:
        return {place: window.tobytes() for place, window in zip(self._places, host, strict=False)}

    @staticmethod
    def _whole(size: int) -> int:
        """Whole pages, one at least."""
        return max(1, -(-size // PAGE_BYTES)) * PAGE_BYTES
