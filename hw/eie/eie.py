"""The whole machine."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from ..emit.shared import shared
from .activation_memory import ActivationMemory
from .cluster import Cluster
from .codebooks import Codebooks
from .command import Clear, Kind
from .command_decoder import CommandDecoder
from .config import EieConfig
from .control import Control
from .credits import Credits
from .layouts import COUNTERS
from .line_port import LinePort
from .machine_counters import MachineCounters
from .machine_layouts import MACHINE_COUNTERS, command_layout, counter_layout, error_layout, part_layout
from .source import Source

__all__ = ["Eie"]


class Eie(wiring.Component):
    """Computes fully connected layers from compressed weights (Han et al., ISCA 2016).

    Words of `i_commands` fill memories and the list of jobs, run jobs, and ask for lines of activations. They take
    effect one after the other: while jobs run, or lines are given out, the next word waits. `sim.eie.cycles` says what
    happens in each cycle of a job.

    Attributes
    ----------
    i_commands
        Stream of `command_layout`; a word a cycle while no jobs run.
    o_lines
        Stream of `part_layout`: the lines that were asked for, the lowest part first.
    o_counters, o_errors
        `counter_layout`, `error_layout`. They stay until they are cleared by a word.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        super().__init__(
            {
                "i_commands": In(stream.Signature(command_layout(config))),
                "o_lines": Out(stream.Signature(part_layout(config))),
                "o_counters": Out(counter_layout(config)),
                "o_errors": Out(error_layout(config)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        m.submodules.decoder = shared(decoder := CommandDecoder(config))
        m.submodules.control = shared(control := Control(config))
        m.submodules.codebooks = shared(codebooks := Codebooks(config))
        m.submodules.memory = shared(memory := ActivationMemory(config))
        m.submodules.port = shared(port := LinePort(config))
        m.submodules.source = shared(source := Source(config))
        m.submodules.credits = shared(credits := Credits(config))
        m.submodules.counters = shared(counters := MachineCounters(config))
        clusters = [Cluster(config) for _ in range(config.clusters)]
        for number, cluster in enumerate(clusters):
            m.submodules[f"cluster_{number}"] = shared(cluster, hier_block=True)
        connect(m, flipped(self.i_commands), decoder.i_commands)
        connect(m, port.o_parts, flipped(self.o_lines))
        clears = decoder.o_kinds[Kind.CLEAR]
        clear = {kind: clears & decoder.o_data.bit_select(kind.bit_length() - 1, 1) for kind in Clear}
        m.d.comb += [
            decoder.i_busy.eq(control.o_busy | port.o_busy),
            control.i_write.eq(decoder.o_kinds[Kind.JOB]),
            control.i_number.eq(decoder.o_address),
            control.i_job.eq(decoder.o_job),
            control.i_run.eq(decoder.o_kinds[Kind.RUN]),
            control.i_first.eq(decoder.o_address),
            control.i_last.eq(decoder.o_last),
            control.i_clear.eq(clear[Clear.SUMS]),
            control.i_done.eq(Cat(cluster.o_idle for cluster in clusters).all()),
            codebooks.i_write.eq(decoder.o_kinds[Kind.CODEBOOK]),
            codebooks.i_address.eq(decoder.o_address),
            codebooks.i_data.eq(decoder.o_data),
            codebooks.i_begin.eq(control.o_begin),
            codebooks.i_codebook.eq(control.o_job.codebook),
            port.i_start.eq(decoder.o_kinds[Kind.READ]),
            port.i_first.eq(decoder.o_address),
            port.i_last.eq(decoder.o_last),
            source.i_start.eq(control.o_start),
            source.i_job.eq(control.o_next),
            source.i_credit.eq(credits.o_all),
            credits.i_sent.eq(source.o_sent),
            credits.i_returned.eq(Cat(cluster.o_returned for cluster in clusters)),
        ]
        self._memory(m, decoder, control, memory, [source, port], clusters)
        for number, cluster in enumerate(clusters):
            self._cluster(m, cluster, number // config.word_clusters, number % config.word_clusters, decoder)
            m.d.comb += [
                cluster.i_broadcast.eq(source.o_broadcast),
                cluster.i_begin.eq(control.o_begin),
                cluster.i_scanning.eq(control.o_scanning),
                cluster.i_reading_out.eq(control.o_reading_out),
                cluster.i_read.eq(control.o_read),
                cluster.i_shift.eq(control.o_job.shift),
                cluster.i_relu.eq(control.o_job.relu),
                cluster.i_clear.eq(control.o_clear),
                cluster.i_codebook.eq(codebooks.o_quarter),
                cluster.i_clear_counters.eq(clear[Clear.COUNTERS]),
                cluster.i_clear_errors.eq(clear[Clear.ERRORS]),
            ]
        self._say(m, decoder, control, source, credits, counters, clusters, clear)
        return m

    def _memory(
        self,
        m: Module,
        decoder: CommandDecoder,
        control: Control,
        memory: ActivationMemory,
        readers: list[Source | LinePort],
        clusters: list[Cluster],
    ) -> None:
        """What is written to the activation memory, a word's part or a line of the read-out, and who reads it."""
        config = self.config
        bits = config.part_activations * config.data_bits
        part, line = Signal(range(config.line_parts)), Signal.like(memory.i_write_line)
        shift = exact_log2(config.line_parts)
        m.d.comb += [part.eq(decoder.o_address), line.eq(decoder.o_address >> shift)]
        with m.If(control.o_write):
            m.d.comb += [
                memory.i_write.eq(-1),
                memory.i_write_line.eq(control.o_line),
                memory.i_values.eq(Cat(cluster.o_activations for cluster in clusters)),
            ]
        with m.Else():
            loads = decoder.o_kinds[Kind.ACTIVATIONS]
            m.d.comb += [
                memory.i_write.eq(loads << part),
                memory.i_write_line.eq(line),
                memory.i_values.eq(decoder.o_data[:bits].replicate(config.line_parts)),
            ]
        for reader in readers:
            m.d.comb += reader.i_line.eq(memory.o_line)
            with m.If(reader.o_read):
                m.d.comb += [memory.i_read.eq(1), memory.i_read_line.eq(reader.o_line)]

    def _cluster(self, m: Module, cluster: Cluster, group: int, place: int, decoder: CommandDecoder) -> None:
        """What of a word goes to a cluster's memories."""
        config, write = self.config, cluster.i_write
        shift = exact_log2(config.word_groups)
        address = decoder.o_address >> shift
        mine = decoder.o_address[:shift] == group
        matrix, pointers = write.matrix, write.pointers
        m.d.comb += [
            matrix.enable.eq(decoder.o_kinds[Kind.MATRIX] & mine),
            matrix.address.eq(address),
            matrix.data.eq(decoder.o_data.word_select(place, config.line_entries * config.entry_bits)),
            pointers.enable.eq(decoder.o_kinds[Kind.POINTERS] & mine),
            pointers.bank.eq(address),
            pointers.address.eq(address >> 1),
            pointers.data.eq(decoder.o_data.word_select(place, config.pointer_bits)),
        ]

    def _say(
        self,
        m: Module,
        decoder: CommandDecoder,
        control: Control,
        source: Source,
        credits: Credits,
        counters: MachineCounters,
        clusters: list[Cluster],
        clear: dict[Clear, Value],
    ) -> None:
        """Counters and errors."""
        errors, counts = self.o_errors, self.o_counters
        m.d.comb += [
            counters.i_scanning.eq(control.o_scanning),
            counters.i_reading_out.eq(control.o_reading_out),
            counters.i_offered.eq(source.o_offered),
            counters.i_sent.eq(source.o_sent),
            counters.i_empty.eq(source.o_empty),
            counters.i_none.eq(credits.o_none),
            counters.i_clear.eq(clear[Clear.COUNTERS]),
            *(counts[name].eq(counters.o_counters[name]) for name in MACHINE_COUNTERS),
        ]
        for number, cluster in enumerate(clusters):
            m.d.comb += [
                counts.clusters[number].full_by.eq(counters.o_full_by[number]),
                *(counts.clusters[number][name].eq(cluster.o_counters[name]) for name in COUNTERS),
                errors.clusters[number].eq(cluster.o_errors),
            ]
        with m.If(clear[Clear.ERRORS]):
            m.d.sync += [errors.command.eq(0), errors.job.eq(0)]
        with m.Else():
            m.d.sync += [
                errors.command.eq(errors.command | decoder.o_wrong_command),
                errors.job.eq(errors.job | decoder.o_wrong_job),
            ]
