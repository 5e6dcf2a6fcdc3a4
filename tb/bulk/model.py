"""A compiled simulation, driven with numpy arrays."""

import contextlib
import ctypes
import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...sim.stalls import random_state
from ..sources import EmissionLike, Sources
from .build import Options, Progress, compile_library, ordered_ports
from .cache import Cache
from .job import Result, SimulationError, WatchdogError, check_outputs, check_streams, first, stall_probabilities
from .library import DONE, FAULT, PROTOCOL, SURPLUS, WATCHDOG, Job, Stream, load
from .memory import Memory
from .pack import pack, port_bytes, unpack
from .software import Step
from .steps import Steps
from .surroundings import Surroundings, bus_ports

__all__ = ["Model", "Result", "SimulationError", "WatchdogError", "build"]

RESET_CYCLES = 2


def build(
    source: Sources | EmissionLike | Path | str,
    *,
    assertions: bool = False,
    trace: bool = False,
    threads: int = 1,
    flags: Sequence[str] = (),
    cache: Cache | None = None,
    progress: Progress | None = None,
) -> "Model":
    """Compile an emitted design (or take it from the cache) and load it.

    Parameters
    ----------
    source
        An emission, the folder it was written to, or its manifest.
    assertions, trace, threads, flags
        See `Options`.
    cache
        Where compiled designs are kept; by default the user's cache folder.
    progress
        Called with what is being done, in a few words; not called if the design is in the cache.
    """
    options = Options(assertions=assertions, trace=trace, threads=threads, flags=tuple(flags))
    return Model(Sources.load(source), options, cache=cache or Cache(), progress=progress)


class Model:
    """A compiled design: see `build`.

    Every job starts on a fresh instance of the design, so that it doesn't depend on the jobs before it; with
    ``fresh=False`` it goes on with the last one, from a reset.

    Attributes
    ----------
    manifest
        The design's manifest.
    meta
        ``build_seconds``, ``bytes``, ``cached`` and how it was built.
    """

    def __init__(self, sources: Sources, options: Options, *, cache: Cache, progress: Progress | None = None) -> None:
        path, self.meta = compile_library(sources, options, cache=cache, progress=progress)
        self.manifest = sources.manifest
        self._sources, self._options, self._cache, self._progress = sources, options, cache, progress
        self._library = load(path)
        self._instance: int | None = None
        self._traced: Model | None = None
        self._window: tuple[bytes, int, int] | None = None
        self._held: dict[int, np.ndarray] = {}
        self._ports = {port["name"]: (index, port) for index, port in enumerate(ordered_ports(self.manifest))}
        self._streams = {stream["name"]: stream for stream in self.manifest["streams"]}

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Free the design's memory; the next job starts a new instance."""
        if getattr(self, "_instance", None):
            if self._process == os.getpid():  # a forked process has none of the threads that this would wait for
                self._library.tl_destroy(self._instance)
            self._instance = None

    def hold(self, port: str, value: int) -> None:
        """Keep an input port, which belongs to no stream, at a value in all jobs to come, resets included."""
        index, description = self._ports[port]
        self._held[index] = pack(port, np.array([value]), description["shape"])
        self.close()

    def steps(self) -> "Steps":
        """A fresh instance of the design, played cycle by cycle; no other job may run meanwhile."""
        self._start(fresh=True, reset=False)
        return Steps(self._library, self._instance, self._ports)

    def run(
        self,
        inputs: Mapping[str, Any],
        outputs: Mapping[str, int],
        *,
        stalls: float | Mapping[str, float] = 0.0,
        seed: int = 0,
        after_valid: bool = False,
        watchdog: int = 100_000,
        limit: int | None = None,
        idle_cycles: int = 0,
        memories: Mapping[str, Memory] | None = None,
        software: Sequence[Step] = (),
        registers: str = "s_axil",
        log: bool = False,
        fresh: bool = True,
        reset: bool = True,
        vcd: Path | str | None = None,
        window: tuple[int, int] = (0, 1000),
        progress: Callable[[int, float | None], None] | None = None,
    ) -> Result:
        """Reset, offer beats on the input streams from the first cycle on, and collect the outputs.

        Software takes its steps meanwhile. The job ends when all beats have moved, software has done its last step,
        and no memory owes an answer.

        Parameters
        ----------
        inputs
            Beats by stream: arrays of shape (beats, ...), for structs dicts of them or structured arrays.
        outputs
            Number of beats that each output stream must give; one that isn't named must give none.
        stalls
            Probability that a stream pauses in a cycle: one number, or numbers by stream.
        seed
            Of the stalls.
        after_valid
            Be ready for an output stream only in a cycle after one in which it offered a beat that wasn't taken. One
            whose valid waits for ready gets stuck.
        watchdog
            Cycles without any transfer after which to give up. Software that polls moves nothing.
        limit
            Cycles in all after which to give up.
        idle_cycles
            Cycles to run on afterwards to look for extra beats, and accesses to memory.
        memories
            What lies behind each AXI4 port, by name: ``m_axi`` is that with ``m_axi_araddr``. Changed in place.
        software, registers
            What is done one behind the other with the registers behind an AXI4-Lite port, and its name. When a wait
            ends, all that was written must have been answered.
        log
            Keep all transfers with memories.
        fresh
            Start on a new instance, not only from a reset.
        reset
            Reset first; without it, which goes with ``fresh=False``, the design goes on where its last job ended.
        vcd, window
            Write waveforms of the cycles from ``window[0]`` up to and without ``window[1]`` (the first after reset
            is 0) to this file, with a build of its own unless this one has `trace`.
        progress
            Called about once a second with the cycles so far, and which fraction of all streams' beats has moved, None
            if there are none.

        Raises
        ------
        WatchdogError
            Saying which streams wait and how many beats they still have, what memories owe, and what software does.
        SimulationError
            For a failed assertion, an extra beat, an output that is withdrawn or changed while it waits, a broken rule
            of AXI, and a register that answers with an error.
        TypeError, ValueError
            For beats of a wrong type, shape or range, unknown streams, streams that are always valid or ready, memory
            ports without a memory, and steps that software can't take.
        """
        if vcd is not None:
            with self._tracing(vcd, window, fresh) as model:
                return model.run(
                    inputs, outputs, stalls=stalls, seed=seed, after_valid=after_valid, watchdog=watchdog, limit=limit,
                    idle_cycles=idle_cycles, memories=memories, software=software, registers=registers, log=log,
                    progress=progress,
                )  # fmt: skip
        for name, stream in self._streams.items():
            if not {"valid", "ready"} <= set(stream["ports"]):
                raise ValueError(f"{name} must have ports for valid and ready, not {', '.join(stream['ports'])} alone")
        check_streams(self.manifest["streams"], inputs, "in")
        check_streams(self.manifest["streams"], outputs, "out")
        check_outputs(outputs)
        probabilities = stall_probabilities(list(self._streams), stalls)
        beats = {name: pack(name, value, self._streams[name]["payload"]) for name, value in inputs.items()}
        for name, stream in self._streams.items():
            if name not in beats:
                count = int(outputs.get(name, 0))
                beats[name] = np.zeros((count, port_bytes(stream["width"])), np.uint8)
        held = {name: np.zeros(array.shape[1], np.uint8) for name, array in beats.items()}
        streams = (Stream * max(len(self._streams), 1))()
        for index, (name, stream) in enumerate(self._streams.items()):
            streams[index] = Stream(
                payload=self._index(stream["ports"].get("payload")),
                valid=self._index(stream["ports"]["valid"]),
                ready=self._index(stream["ports"]["ready"]),
                output=stream["direction"] == "out",
                data=beats[name].ctypes.data,
                beats=len(beats[name]),
                random=random_state(seed, index),
                stall=int(probabilities[name] * 2**32),
                held=held[name].ctypes.data,
                after_valid=after_valid,
            )
        around = Surroundings(self.manifest, self._ports, memories or {}, software, registers)
        job = Job(watchdog=watchdog)
        self._start(fresh, reset=reset or self._instance is None)
        around.attach(self._library, self._instance, log=log)
        self._advance(job, streams, around, limit, progress)
        counters, cycles = self._counters() | around.read(), job.cycles(any(outputs.values()))
        if idle_cycles:
            end = job.last_transfer
            for index in range(len(self._streams)):
                streams[index].stall = 0
            status = self._library.tl_run(self._instance, job, streams, len(self._streams), idle_cycles, False)
            self._check(status, job, streams)
            if job.last_transfer != end:
                raise SimulationError(f"memory was accessed after the end of the job (cycle {job.last_transfer})")
        return Result(
            outputs={name: unpack(beats[name], self._streams[name]["payload"]) for name in outputs},
            cycles=cycles,
            counters=counters,
            beats={name: state.done for name, state in zip(self._streams, streams, strict=False)} | around.beats(),
            transfers=around.transfers(),
        )

    def cycles(
        self,
        inputs: Mapping[str, Any],
        outputs: Sequence[str],
        *,
        reset: bool = True,
        fresh: bool = True,
        vcd: Path | str | None = None,
        window: tuple[int, int] = (0, 1000),
    ) -> dict[str, Any]:
        """Apply values to input ports cycle by cycle and sample output ports just before each rising edge.

        Parameters
        ----------
        inputs
            Values by port: arrays of shape (cycles, ...), all equally long. Ports that aren't named stay 0.
        outputs
            Ports to sample.
        reset
            Reset first (not with ``fresh=False, reset=False``, which goes on where the last call ended).
        fresh, vcd, window
            See `run`.

        Returns
        -------
        dict
            Arrays of shape (cycles, ...) by port, for structs dicts of them.
        """
        if vcd is not None:
            with self._tracing(vcd, window, fresh) as model:
                return model.cycles(inputs, outputs, reset=reset)
        for names, direction in ((inputs, "in"), (outputs, "out")):
            known = [n for n, (_, port) in self._ports.items() if port["direction"] == direction and n != "clk"]
            for name in names:
                if name not in known:
                    raise ValueError(f"port must be one of {', '.join(known)}, not {name!r}")
        values = [pack(name, value, self._ports[name][1]["shape"]) for name, value in inputs.items()]
        lengths = {name: len(value) for name, value in zip(inputs, values, strict=True)}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"inputs must be given for equally many cycles, not {lengths}")
        count = next(iter(lengths.values()))
        samples = [np.zeros((count, port_bytes(self._ports[name][1]["width"])), np.uint8) for name in outputs]
        self._start(fresh, reset=reset)
        status = self._library.tl_cycles(
            self._instance, count, True, *self._table(inputs, values), *self._table(outputs, samples)
        )
        self._check(status, Job())
        return {
            name: unpack(sample, self._ports[name][1]["shape"]) for name, sample in zip(outputs, samples, strict=True)
        }

    def bench(self, cycles: int, seed: int = 1) -> float:
        """Seconds for a number of cycles with pseudo-random values on all inputs, without Python in the loop."""
        self._start(fresh=True)
        start = time.perf_counter()
        status = self._library.tl_bench(self._instance, cycles, random_state(seed, 0))
        seconds = time.perf_counter() - start
        self._check(status, Job())
        return seconds

    def _advance(
        self,
        job: Job,
        streams: Any,
        around: Surroundings,
        limit: int | None,
        progress: Callable[[int, float | None], None] | None,
    ) -> None:
        """Run to the end in chunks of about a quarter second, so that an interrupt is served in between."""
        chunk, told = 256, time.perf_counter()
        beats = sum(state.beats for state in streams)
        if not beats and not around.works:
            return
        while limit is None or job.cycle < limit:
            start = time.perf_counter()
            part = chunk if limit is None else min(chunk, limit - job.cycle)
            status = self._library.tl_run(self._instance, job, streams, len(self._streams), part, True)
            now = time.perf_counter()
            if status == DONE:
                return
            if status == WATCHDOG:
                waiting = self._waiting(streams, around)
                raise WatchdogError(f"no transfer for {job.watchdog} cycles (cycle {job.cycle}): {waiting}")
            self._check(status, job, streams)
            chunk = max(1, min(1 << 30, int(chunk * min(4.0, 0.25 / max(now - start, 1e-6)))))
            if progress and now - told >= 1:
                told = now
                progress(int(job.cycle), sum(state.done for state in streams) / beats if beats else None)
        raise WatchdogError(f"not done after {limit} cycles: {self._waiting(streams, around)}")

    def _waiting(self, streams: Any, around: Surroundings) -> str:
        """Who has not finished."""
        waiting = [
            f"{name} {'gave' if state.output else 'took'} {state.done} of {state.beats} beats"
            for name, state in zip(self._streams, streams, strict=False)
            if state.done < state.beats
        ]
        return ", ".join(waiting + around.waiting())

    def _check(self, status: int, job: Job, streams: Any = ()) -> None:
        if status == FAULT:
            at = f" at cycle {job.cycle}" if job.cycle else ""
            raise SimulationError(self._library.tl_fault().decode() + at)
        if status == PROTOCOL:
            name = list(self._streams)[job.stream]
            raise SimulationError(f"{name} withdrew or changed a beat that waited (cycle {job.cycle})")
        if status == SURPLUS:
            name, most = list(self._streams)[job.stream], streams[job.stream].beats
            raise SimulationError(f"{name} gave more than the {most} beats expected (cycle {job.cycle})")

    def _start(self, fresh: bool, *, reset: bool = True) -> None:
        if fresh or self._instance is None:
            self.close()
            self._instance, self._process = self._library.tl_create(), os.getpid()
            if not self._instance:
                raise SimulationError(self._library.tl_fault().decode())
            for index, value in self._held.items():
                self._library.tl_hold(self._instance, index, value.ctypes.data)
        if self._window:
            self._library.tl_trace(self._instance, *self._window)
        if reset:
            self._check(self._library.tl_reset(self._instance, RESET_CYCLES), Job())

    @contextlib.contextmanager
    def _tracing(self, vcd: Path | str, window: tuple[int, int], fresh: bool) -> "Iterator[Model]":
        """The same design built with waveforms, set to write this window in its next job."""
        start, stop = window
        if not 0 <= start < stop:
            raise ValueError(f"window must be (start, stop) with 0 <= start < stop, not {window!r}")
        if not fresh:
            raise ValueError("fresh must be True with vcd: waveforms come from a build of their own")
        with open(vcd, "wb"):  # fail early where the file can't be written
            pass
        if self._traced is None and not self._options.trace:
            options = dataclasses.replace(self._options, trace=True)
            self._traced = Model(self._sources, options, cache=self._cache, progress=self._progress)
        traced = self._traced or self
        traced._window = (str(Path(vcd).absolute()).encode(), start, stop)
        try:
            yield traced
        finally:
            traced._window = None
            traced.close()  # flushes the file

    def _index(self, port: str | None) -> int:
        """The harness's number of a port, -1 for None (a payload of no bits)."""
        return -1 if port is None else self._ports[port][0]

    def _table(self, names: Mapping[str, Any] | Sequence[str], arrays: Sequence[np.ndarray]) -> tuple[int, Any, Any]:
        """Number of ports, their indices, and pointers to their values."""
        indices = (ctypes.c_int32 * max(len(arrays), 1))(*(self._index(name) for name in names))
        pointers = (ctypes.c_void_p * max(len(arrays), 1))(*(array.ctypes.data for array in arrays))
        return len(arrays), indices, pointers

    def _counters(self) -> dict[str, Any]:
        """Present values of the output ports outside streams and buses, as Python numbers where they are numbers."""
        members = {name for stream in self._streams.values() for name in stream["ports"].values()}
        members |= bus_ports(self.manifest)
        values = {}
        for name, (index, port) in self._ports.items():
            if port["direction"] == "out" and name not in members:
                packed = np.zeros((1, port_bytes(port["width"])), np.uint8)
                self._library.tl_peek(self._instance, index, packed.ctypes.data)
                values[name] = first(unpack(packed, port["shape"]))
        return values
