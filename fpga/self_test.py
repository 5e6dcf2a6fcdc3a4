"""The top that tests an engine for ever and shows on LEDs what it finds."""

import dataclasses

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..hw.emit.shared import shared
from .signature import Signature
from .stream_register import StreamRegister

__all__ = ["LEDS", "Expected", "SelfTest", "Stimulus"]

LEDS = data.StructLayout({"running": 1, "passed": 1, "failed": 1, "heartbeat": 1})
"""``running``: the test runs, not in reset. ``passed``: every pass so far agreed, at least one. ``failed``: one did
not; stays until reset. ``heartbeat``: blinks with the engine's clock."""

START_CYCLES = 8
"""Cycles at a pass's start for which what is known of its end is still the last pass's."""

SETTLE_CYCLES = 64
"""`START_CYCLES`, and cycles after the last expected beat in which none may follow."""

WATCHDOG_CYCLES = 1 << 16
"""Cycles without a beat after which a pass is given up."""

STALL_SEED = 0xACE1
STALL_TAPS = 0xB400
"""Galois shift register of 16 bits and full length that stalls the outputs in every second pass."""


@dataclasses.dataclass(frozen=True)
class Expected:
    """What a pass must bring on one output stream.

    Parameters
    ----------
    beats, signature
        Number of beats, and their `sim.golden.signature.signature`.
    """

    beats: int
    signature: int


class Stimulus(wiring.Component):
    """Base of what feeds an engine: a pass after each start, with or without a fault in an operand.

    Its streams are called like the engine's inputs, with ``o_`` for ``i_``, and carry plain bits.
    """

    def __init__(self, streams: dict[str, int]):
        outputs = {name: Out(stream.Signature(width)) for name, width in streams.items()}
        super().__init__({"i_start": In(1), "i_fault": In(1)} | outputs)


def engine_streams(engine: wiring.Component) -> tuple[dict[str, wiring.PureInterface], dict[str, wiring.PureInterface]]:
    """Input and output streams of an engine by name, those of arrays with their index: ``i_weights_0``."""
    inputs, outputs = {}, {}
    for name, member in engine.signature.members.items():
        if not member.is_signature:
            continue
        found = inputs if name.startswith("i_") else outputs
        interface = getattr(engine, name)
        if member.dimensions:
            found |= {f"{name}_{index}": part for index, part in enumerate(interface)}
        else:
            found[name] = interface
    return inputs, outputs


class SelfTest(wiring.Component):
    """Runs a stimulus through an engine, pass after pass, and compares each output stream's signature.

    Every second pass stalls the outputs at random. A pass fails if a signature or a number of beats differs, if the
    engine raises an error, or if no beat comes for `WATCHDOG_CYCLES`. Between engine and test there are registers on
    every bus, so that the engine is what limits the clock.

    Parameters
    ----------
    engine
        A component with streams ``i_*`` and ``o_*`` and error outputs ``o_error*``.
    stimulus
        What feeds it.
    expected
        By output stream; see `engine_streams`.
    heartbeat_bits
        The heartbeat LED changes every 2 ** `heartbeat_bits` cycles.

    Attributes
    ----------
    i_button
        Asynchronous. When it goes up, the next pass has one bit of one operand turned over.
    o_leds
        `LEDS`.
    """

    def __init__(
        self, engine: wiring.Component, stimulus: Stimulus, expected: dict[str, Expected], *, heartbeat_bits: int = 24
    ):
        self.config = getattr(engine, "config", None)
        self._engine, self._stimulus, self._expected = engine, stimulus, expected
        self._heartbeat_bits = heartbeat_bits
        super().__init__({"i_button": In(1), "o_leds": Out(LEDS)})

    def elaborate(self, platform) -> Module:
        m = Module()
        engine, stimulus = self._engine, self._stimulus
        m.submodules.engine = shared(engine, hier_block=True)
        m.submodules.stimulus = stimulus  # pyrefly: ignore[bad-argument-type]  # its subclasses have elaborate
        inputs, outputs = engine_streams(engine)
        for name, target in inputs.items():
            source = getattr(stimulus, f"o_{name[2:]}")
            register = StreamRegister(len(source.payload))
            m.submodules[f"{name}_register"] = shared(register)
            wiring.connect(m, source, register.i)
            m.d.comb += [
                Value.cast(target.payload).eq(register.o.payload),
                target.valid.eq(register.o.valid),
                register.o.ready.eq(target.ready),
            ]
        start, clear, check, stalling = (Signal(name=name) for name in ("start", "clear", "check", "stalling"))
        ready = self._ready(m, stalling)
        good, complete, takes = [], [], []
        # One more than is expected can be counted too.
        count_bits = (max(expected.beats for expected in self._expected.values()) + 1).bit_length()
        for name, source in outputs.items():
            take, same, done = (Signal(name=f"{name}_{what}") for what in ("take", "same", "done"))
            expected = self._expected[name]
            compress = Signature(len(Value.cast(source.payload)), count_bits)
            m.submodules[f"{name}_signature"] = shared(compress)
            m.d.comb += [
                source.ready.eq(ready),
                take.eq(source.valid & ready),
                compress.i_payload.eq(source.payload),
                compress.i_take.eq(take),
                compress.i_clear.eq(clear),
            ]
            m.d.sync += [
                done.eq(compress.o_beats == expected.beats),
                same.eq(compress.o_state == expected.signature),
            ]
            good.append(done & same)
            complete.append(done)
            takes.append(take)
        errors = [Value.cast(getattr(engine, name)) for name in engine.signature.members if name.startswith("o_error")]
        ok, taken, finished = Signal(), Signal(), Signal()
        m.d.sync += [
            ok.eq(Cat(good).all() & ~Cat(errors).any()),
            taken.eq(Cat(takes).any()),
            finished.eq(Cat(complete).all()),
        ]
        fault = self._button(m, start)
        m.d.comb += [stimulus.i_start.eq(start), stimulus.i_fault.eq(fault)]
        self._control(m, start, clear, check, stalling, taken, finished)
        self._leds(m, check, ok)
        return m

    @staticmethod
    def _ready(m: Module, stalling: Signal) -> Signal:
        """The outputs' ready: always, or half of the time."""
        noise, ready = Signal(16, init=STALL_SEED), Signal()
        m.d.sync += [
            noise.eq(noise[1:] ^ (noise[0].replicate(16) & STALL_TAPS)),
            ready.eq(~stalling | noise[0]),
        ]
        return ready

    def _button(self, m: Module, start: Signal) -> Signal:
        """Whether a fault is due: one a press, taken by the next start."""
        # Two registers against metastability, a third to see the edge. Bounces only make more faults.
        history, fault = Signal(3), Signal()
        m.d.sync += history.eq(Cat(self.i_button, history))
        with m.If(history[1] & ~history[2]):
            m.d.sync += fault.eq(1)
        with m.Elif(start):
            m.d.sync += fault.eq(0)
        return fault

    def _control(
        self,
        m: Module,
        start: Signal,
        clear: Signal,
        check: Signal,
        stalling: Signal,
        taken: Signal,
        finished: Signal,
    ) -> None:
        """Start, run until all beats are there or none comes any more, settle, check."""
        patience, settle = Signal(range(WATCHDOG_CYCLES)), Signal(range(SETTLE_CYCLES))
        with m.FSM():
            with m.State("start"):
                m.d.comb += [start.eq(1), clear.eq(1)]
                m.d.sync += [patience.eq(0), settle.eq(0)]
                m.next = "run"
            with m.State("run"):
                m.d.sync += patience.eq(patience + 1)
                with m.If(taken):
                    m.d.sync += patience.eq(0)
                with m.If(settle != START_CYCLES):
                    m.d.sync += settle.eq(settle + 1)
                with m.Elif(finished | patience.all()):
                    m.next = "settle"
            with m.State("settle"):
                m.d.sync += settle.eq(settle + 1)
                with m.If(settle.all()):
                    m.next = "check"
            with m.State("check"):
                m.d.comb += check.eq(1)
                m.d.sync += stalling.eq(~stalling)
                m.next = "start"

    def _leds(self, m: Module, check: Signal, ok: Signal) -> None:
        """What the LEDs show."""
        passed, failed, running, time = Signal(), Signal(), Signal(), Signal(self._heartbeat_bits + 1)
        m.d.sync += [running.eq(1), time.eq(time + 1)]
        with m.If(check):
            m.d.sync += [passed.eq(ok & ~failed), failed.eq(failed | ~ok)]
        m.d.comb += [
            self.o_leds.running.eq(running),
            self.o_leds.passed.eq(passed),
            self.o_leds.failed.eq(failed),
            self.o_leds.heartbeat.eq(time[-1]),
        ]
