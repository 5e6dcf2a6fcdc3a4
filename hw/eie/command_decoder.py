"""What words of the input stream say."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..emit.shared import shared
from .command import Kind, addresses
from .config import EieConfig
from .job_check import JobCheck
from .machine_layouts import command_layout, job_layout

__all__ = ["CommandDecoder"]


class CommandDecoder(wiring.Component):
    """Takes a word a cycle and says in the next one what is to be done; waits while the machine is at work.

    So words take effect in their order: memories are never written, and lines never read, while jobs run.

    Attributes
    ----------
    i_commands
        Stream of `command_layout`.
    i_busy
        The machine is at work, from the cycle on after the word that says so.
    o_kinds
        By `Kind`: a legal word of it is here.
    o_address, o_data
        The word's.
    o_job
        The data as `job_layout`.
    o_last
        The data as a number: of the last job or line.
    o_wrong_command, o_wrong_job
        An illegal word is here, which says nothing else; see `error_layout`.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        layout = command_layout(config)
        super().__init__(
            {
                "i_commands": In(stream.Signature(layout)),
                "i_busy": In(1),
                "o_kinds": Out(len(Kind)),
                "o_address": Out(layout["address"].shape),
                "o_data": Out(8 * config.word_bytes),
                "o_job": Out(job_layout(config)),
                "o_last": Out(range(max(config.jobs, config.activation_lines))),
                "o_wrong_command": Out(1),
                "o_wrong_job": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, commands = self.config, self.i_commands
        m.submodules.check = shared(check := JobCheck(config))
        here, word = Signal(), Signal(command_layout(config), reset_less=True)
        bits, number = Value.cast(word.data), Signal(16)
        with m.If(commands.valid & commands.ready):
            m.d.sync += word.eq(commands.payload)
        m.d.sync += here.eq(commands.valid & commands.ready)
        works = Cat(word.kind == kind for kind in (Kind.RUN, Kind.READ, Kind.CLEAR)).any()
        m.d.comb += [
            commands.ready.eq(~self.i_busy & ~(here & works)),
            self.o_address.eq(word.address),
            self.o_data.eq(bits),
            self.o_job.eq(bits),
            check.i_job.eq(self.o_job),
            number.eq(bits),
            self.o_last.eq(number),
        ]
        known, possible = Signal(), Signal(init=1)
        loaded = Signal(config.jobs)  # jobs that may be run
        spanned = Cat((word.address <= at) & (number > at - 1 if at else 1) for at in range(config.jobs))
        with m.Switch(word.kind):
            for kind, most in addresses(config).items():
                with m.Case(kind):
                    m.d.comb += known.eq(word.address < most)
                    if kind in (Kind.RUN, Kind.READ):
                        ready = (spanned & ~loaded) == 0 if kind == Kind.RUN else 1
                        m.d.comb += possible.eq((word.address <= number) & (number < most) & ready)
                    elif kind == Kind.JOB:
                        m.d.comb += possible.eq(check.o_possible)
                    m.d.comb += self.o_kinds[kind].eq(here & known & possible)
        is_job = word.kind == Kind.JOB
        m.d.comb += [
            self.o_wrong_job.eq(here & known & ~possible & is_job),
            self.o_wrong_command.eq(here & ~(known & (possible | is_job))),
        ]
        for at in range(config.jobs):
            with m.If(here & is_job & (word.address == at)):
                m.d.sync += loaded[at].eq(check.o_possible)
        return m
