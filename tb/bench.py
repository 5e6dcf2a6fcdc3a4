"""Testbenches that are written once and run in two simulators.

A testbench is a coroutine that plays a design cycle by cycle through a `Bench`. `cocotb_bench` runs it on the emitted
Verilog, `amaranth_bench` on the component itself, with the same random numbers.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from .bits import pack_bits, unpack_bits

__all__ = ["Actor", "Bench", "Sink", "Source", "play", "run"]


class Bench(ABC):
    """A design under test: inputs are set, a clock cycle passes, outputs are what they were at its end.

    Parameters
    ----------
    inputs, outputs
        Manifest shapes of the ports by name, without clock and reset. Values are those of `pack_bits`.
    """

    def __init__(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        self.inputs, self.outputs = dict(inputs), dict(outputs)
        self.cycles = 0

    async def cycle(self, inputs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Set some inputs (the others stay), and return the outputs right before the clock edge, which follows."""
        outputs = await self._cycle(self._pack(inputs or {}))
        self.cycles += 1
        return self._unpack(outputs)

    async def peek(self, inputs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Set some inputs and return the outputs that follow from them, without a clock edge."""
        return self._unpack(await self._peek(self._pack(inputs or {})))

    async def reset(self, cycles: int = 1) -> None:
        """Hold reset for some cycles; the inputs stay as they are."""
        for level in [1] * cycles + [0]:
            await self._set_reset(level)
            if level:
                await self._cycle({})

    def _pack(self, values: Mapping[str, Any]) -> dict[str, int]:
        return {name: pack_bits(value, self.inputs[name]) for name, value in values.items()}

    def _unpack(self, bits: Mapping[str, int]) -> dict[str, Any]:
        return {name: unpack_bits(value, self.outputs[name]) for name, value in bits.items()}

    @abstractmethod
    async def _cycle(self, inputs: Mapping[str, int]) -> dict[str, int]: ...

    @abstractmethod
    async def _peek(self, inputs: Mapping[str, int]) -> dict[str, int]: ...

    @abstractmethod
    async def _set_reset(self, level: int) -> None: ...


class Actor(Protocol):
    """Something that takes part in every cycle of a testbench."""

    def drive(self) -> dict[str, Any]:
        """Inputs of the coming cycle."""
        ...

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Look at the outputs of the cycle; whether there was progress."""
        ...


class Source:
    """Offers beats on an input stream; once offered, a beat stays until it is taken.

    Parameters
    ----------
    name
        The stream.
    beats
        Values of the payload's shape.
    stall
        Probability that a new beat isn't offered in a cycle.
    rng
        Decides that.
    """

    def __init__(self, name: str, beats: Iterable[Any], stall: float, rng: random.Random) -> None:
        self.name, self.beats, self.stall, self.rng = name, list(beats), stall, rng
        self.sent, self._offered = 0, False

    @property
    def done(self) -> bool:
        """All beats were taken."""
        return self.sent == len(self.beats)

    def drive(self) -> dict[str, Any]:
        """Valid and payload, which is a wrong beat while nothing is offered."""
        self._offered = not self.done and (self._offered or self.rng.random() >= self.stall)
        inputs: dict[str, Any] = {f"{self.name}_valid": int(self._offered)}
        if self.beats:
            inputs[f"{self.name}_payload"] = self.beats[self.sent] if self._offered else self.rng.choice(self.beats)
        return inputs

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Whether the beat was taken."""
        taken = self._offered and bool(outputs[f"{self.name}_ready"])
        self.sent += taken
        self._offered &= not taken
        return taken


class Sink:
    """Takes beats from an output stream, and checks that one that waits stays as it is, and that there are no more.

    Parameters
    ----------
    name
        The stream.
    most
        Beats that may come; one more fails at once.
    stall
        Probability of not being ready in a cycle.
    rng
        Decides that.
    after_valid
        Be ready only in a cycle after one in which a beat was offered and not taken. A stream whose valid waits for
        ready gets stuck.

    Attributes
    ----------
    beats
        Everything taken so far.
    """

    def __init__(self, name: str, most: int, stall: float, rng: random.Random, *, after_valid: bool = False) -> None:
        self.name, self.most, self.stall, self.rng, self.after_valid = name, most, stall, rng, after_valid
        self.beats: list[Any] = []
        self._ready, self._waiting = False, None

    @property
    def done(self) -> bool:
        """All beats came."""
        return len(self.beats) == self.most

    def drive(self) -> dict[str, Any]:
        """Ready."""
        self._ready = self.rng.random() >= self.stall and not (self.after_valid and self._waiting is None)
        return {f"{self.name}_ready": int(self._ready)}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Whether a beat came."""
        valid, payload = outputs[f"{self.name}_valid"], outputs[f"{self.name}_payload"]
        if self._waiting is not None:
            assert valid and payload == self._waiting, f"{self.name} withdrew or changed a beat that waited"
        self._waiting = payload if valid and not self._ready else None
        if valid and self._ready:
            assert not self.done, f"{self.name} gave more than {self.most} beats"
            self.beats.append(payload)
        return bool(valid and self._ready)


async def run(
    bench: Bench, actors: Sequence[Actor], done: Callable[[], bool], *, watchdog: int = 500
) -> dict[str, Any]:
    """Run actors until `done`; returns the outputs of the last cycle.

    Raises
    ------
    AssertionError
        If no actor makes progress for `watchdog` cycles.
    """
    quiet, outputs = 0, {}
    while not done():
        outputs = await bench.cycle({name: value for actor in actors for name, value in actor.drive().items()})
        moved = [actor.observe(outputs) for actor in actors]
        quiet = 0 if any(moved) else quiet + 1
        assert quiet < watchdog, f"nothing moved for {watchdog} cycles, up to cycle {bench.cycles}"
    return outputs


async def play(
    bench: Bench, inputs: Mapping[str, Sequence[Any]], expected: Mapping[str, Sequence[Any]]
) -> dict[str, list[Any]]:
    """Apply inputs cycle by cycle and compare outputs; an expected value of None may be anything.

    Returns
    -------
    dict
        The values of all outputs, by port, one a cycle.

    Raises
    ------
    AssertionError
        Naming cycle, port and both values.
    """
    outputs: dict[str, list[Any]] = {name: [] for name in bench.outputs}
    for values in zip(*inputs.values(), strict=True):
        for name, value in (await bench.cycle(dict(zip(inputs, values, strict=True)))).items():
            outputs[name].append(value)
    for name, values in expected.items():
        assert any(value is not None for value in values), f"{name} is never compared"
        for cycle, (got, wanted) in enumerate(zip(outputs[name], values, strict=True)):
            assert wanted is None or got == wanted, f"{name} must be {wanted} in cycle {cycle}, not {got}"
    return outputs
