"""Which jobs the machine can do."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from .config import EieConfig
from .machine_layouts import job_layout

__all__ = ["JobCheck"]


class JobCheck(wiring.Component):
    """Whether a job stays within the memories, and writes none of the lines that it reads. No latency.

    The rules are those of `sim.eie.program.check_jobs` for a job alone.

    Attributes
    ----------
    i_job
        `job_layout`.
    o_possible
        The machine can do it.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        super().__init__({"i_job": In(job_layout(config)), "o_possible": Out(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        config, job = self.config, self.i_job
        lines = config.activation_lines
        read = (job.columns + config.line_activations - 1) >> exact_log2(config.line_activations)
        written = (job.slots + config.readout_rows - 1) >> exact_log2(config.readout_rows)
        after_read = Signal(range(lines + 2 * config.pointers))
        after_written = Signal(range(lines + 2 * config.rows))
        m.d.comb += [
            after_read.eq(job.source + read),
            after_written.eq(job.destination + Mux(job.keep, 0, written)),
        ]
        rules = [
            job.columns != 0,
            after_read <= lines,
            job.pointers + job.columns < config.pointers,
            ~job.pointers[0],
            (job.slots != 0) & (job.slots <= config.rows),
            job.codebook < config.codebooks,
            job.shift < config.psum_bits,
            after_written <= lines,
            job.keep | (job.destination >= after_read) | (after_written <= job.source),
        ]
        m.d.comb += self.o_possible.eq(Cat(rules).all())
        return m
