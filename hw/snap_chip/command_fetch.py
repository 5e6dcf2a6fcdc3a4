"""Fetches commands from memory, and begins a layer when the one before it is over."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..bus.axi import request_layout
from .command import COMMAND_BYTES, COMMAND_WORDS, OPERATIONS, RING_FIELDS, RING_WORD, fields_of
from .config import SnapChipConfig
from .layer import layer_layout
from .weight_layouts import weight_job

__all__ = ["CommandFetch"]


class CommandFetch(wiring.Component):
    """Works a list of commands off, one after the other, each fetched while the layer before it is at work.

    A layer's weights are asked for as soon as its command is there, so that they are loaded ahead; everything else
    begins when the layer before has been written to memory.

    Attributes
    ----------
    i_start, i_address
        Begin a list, at this beat of memory; only if not ``o_busy``.
    o_requests, i_valid, i_data
        To and from memory: beats must be taken at once.
    o_jobs
        By weight buffer: stream of `weight_job`.
    o_layer, o_begin
        The layer at work; it begins with this cycle.
    i_written
        The layer's output is in memory.
    i_idle
        Nothing of the layer is left anywhere.
    o_busy
        A list is at work.
    o_done
        For a cycle: the list is over.
    o_interrupt
        For a cycle: a layer that asked for it is complete.
    o_illegal
        For a cycle: the operation of a command is none. The list ends.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_start": In(1),
                "i_address": In(config.bus.beat_address_bits),
                "o_requests": Out(stream.Signature(request_layout(config.bus))),
                "i_valid": In(1),
                "i_data": In(config.data_bits),
                "o_jobs": Out(stream.Signature(weight_job(config))).array(config.rings),
                "o_layer": Out(layer_layout(config)),
                "o_begin": Out(1),
                "i_written": In(1),
                "i_idle": In(1),
                "o_busy": Out(1),
                "o_done": Out(1),
                "o_interrupt": Out(1),
                "o_illegal": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, requests = self.config, self.o_requests
        beats = 8 * COMMAND_BYTES // config.data_bits
        bits, received = Signal(32 * COMMAND_WORDS, reset_less=True), Signal(range(beats + 1))
        command = {field.name: bits[32 * field.word + field.low :][: field.bits] for field in fields_of(config)}
        waiting, running = Signal(config.rings), Signal()
        address = Signal.like(self.i_address)
        with m.If(self.i_valid):
            m.d.sync += [bits.eq(Cat(bits, self.i_data)[config.data_bits :]), received.eq(received + 1)]
        for number, job in enumerate(self.o_jobs):
            base = 32 * (RING_WORD + 2 * number)
            m.d.comb += job.valid.eq(waiting[number])
            for name, field in zip(("address", "beats"), RING_FIELDS, strict=True):
                m.d.comb += job.payload[name].eq(bits[base + 32 * field.word :][: field.bits])
            m.d.comb += job.payload.passes.eq(command["passes"])
            with m.If(job.ready):
                m.d.sync += waiting[number].eq(0)
        m.d.comb += [
            requests.payload.address.eq(address),
            requests.payload.beats.eq(beats),
            self.o_interrupt.eq(running & self.i_written & self.o_layer.interrupt),
        ]
        with m.If(self.i_written):
            m.d.sync += running.eq(0)

        with m.FSM() as fsm:
            m.d.comb += self.o_busy.eq(~fsm.ongoing("idle"))
            with m.State("idle"):
                with m.If(self.i_start):
                    m.d.sync += address.eq(self.i_address)
                    m.next = "ask"
            with m.State("ask"):
                m.d.comb += requests.valid.eq(1)
                m.d.sync += received.eq(0)
                with m.If(requests.ready):
                    m.next = "receive"
            with m.State("receive"):
                with m.If(received == beats):
                    m.d.sync += address.eq(address + beats)
                    m.next = "wait"
                    with m.If(command["operation"] == OPERATIONS["convolve"]):
                        m.d.sync += waiting.eq(~0)
            with m.State("wait"):
                with m.If(~running & self.i_idle & (waiting == 0)):
                    m.next = "begin"
            with m.State("begin"):
                m.next = "idle"
                with m.Switch(command["operation"]):
                    with m.Case(OPERATIONS["stop"]):
                        m.d.comb += self.o_done.eq(1)
                    with m.Case(OPERATIONS["convolve"], OPERATIONS["pool"]):
                        m.d.sync += [self.o_layer.eq(Cat(command.values())), running.eq(1)]
                        m.next = "run"
                    with m.Default():
                        m.d.comb += self.o_illegal.eq(1)
            with m.State("run"):  # The layer's fields are there.
                m.d.comb += self.o_begin.eq(1)
                m.next = "ask"
        return m
