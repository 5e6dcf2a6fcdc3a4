"""What a job of a bulk simulation has beside streams: memories, and software on registers."""

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .job import TRANSFER
from .memory import Memory, attach, memory_ports
from .software import Script, Step

__all__ = ["Surroundings", "bus_ports"]


def bus_ports(manifest: Mapping[str, Any]) -> set[str]:
    """Names of all ports that belong to an AXI4 port, or an AXI4-Lite port of registers."""
    inputs = [port["name"] for port in manifest["ports"] if port["direction"] == "in"]
    buses = [*memory_ports(manifest), *(name.removesuffix("_wstrb") for name in inputs if name.endswith("_wstrb"))]
    starts = tuple(f"{bus}_" for bus in buses)
    return {port["name"] for port in manifest["ports"] if port["name"].startswith(starts)}


class Surroundings:
    """Memories and software of one job: see `Model.run`."""

    def __init__(
        self,
        manifest: Mapping[str, Any],
        ports: Mapping[str, tuple[int, dict[str, Any]]],
        memories: Mapping[str, Memory],
        software: Sequence[Step],
        registers: str,
    ) -> None:
        self._memories = attach(manifest, {name: number for name, (number, _) in ports.items()}, memories)
        self._script = Script(software, registers, ports)
        self._library: Any = None
        self._instance: Any = None
        self.works = bool(software)

    def attach(self, library: ctypes.CDLL, instance: Any, *, log: bool) -> None:
        """Put them around an instance of the design."""
        self._library, self._instance = library, instance
        software = ctypes.byref(self._script.description) if self.works else None
        library.tl_attach(instance, self._memories.descriptions, self._memories.count, software, log)

    def read(self) -> dict[str, int]:
        """What software read, by name."""
        return self._script.results()

    def beats(self) -> dict[str, int]:
        """Beats of memories by data channel."""
        return self._memories.beats()

    def transfers(self) -> np.ndarray:
        """The log: a copy."""
        start = ctypes.c_void_p()
        count = self._library.tl_log(self._instance, ctypes.byref(start))
        return np.frombuffer(ctypes.string_at(start, count * TRANSFER.itemsize), TRANSFER) if count else _NOTHING

    def waiting(self) -> list[str]:
        """Who has not finished, in words."""
        debts = self._library.tl_debts(self._instance).decode()
        return [text for text in (self._script.doing if self.works else "", debts) if text]


_NOTHING = np.zeros(0, TRANSFER)
