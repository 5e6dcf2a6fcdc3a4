"""What the machine around the clusters is given and gives: the one place that defines it."""

import enum

from amaranth.hdl import signed
from amaranth.lib import data

from .config import EieConfig
from .layouts import COUNTER_BITS, cluster_counters, cluster_errors

__all__ = [
    "MACHINE_COUNTERS", "Clear", "Kind", "activation_line", "address_values", "command_layout", "counter_layout",
    "error_layout", "job_layout", "part_layout",
]  # fmt: skip

MACHINE_COUNTERS = ("cycles", "scan_cycles", "readout_cycles", "broadcasts", "full", "source_empty")
"""Counters of all clusters together, with the names and meanings of `sim.eie.counters.EieCounters`."""


class Kind(enum.IntEnum):
    """What a word is. The address of one for the clusters' memories is ``place * word_groups + group``.

    ``MATRIX``: a line of each cluster of the group. ``POINTERS``: a word of their pointers. ``CODEBOOK``: weights of a
    quarter of its codes; address 4 * codebook + quarter. ``ACTIVATIONS``: a part of a line of them; address
    ``line * line_parts + part``. ``JOB``: `job_layout`, at its number. ``RUN``: jobs from the address to the number in
    the data. ``READ``: give the lines from the address to the number in the data. ``CLEAR``: `Clear` in the data.
    """

    MATRIX = 0
    POINTERS = 1
    CODEBOOK = 2
    ACTIVATIONS = 3
    JOB = 4
    RUN = 5
    READ = 6
    CLEAR = 7


class Clear(enum.IntFlag):
    """What is set to 0: counters, errors, the sums that a job has kept."""

    COUNTERS = 1
    ERRORS = 2
    SUMS = 4


def address_values(config: EieConfig) -> dict[Kind, int]:
    """Number of addresses that a word of each kind may have."""
    lines = config.entries // config.line_entries
    return {
        Kind.MATRIX: lines * config.word_groups,
        Kind.POINTERS: config.pointers * config.word_groups,
        Kind.CODEBOOK: 4 * config.codebooks,
        Kind.ACTIVATIONS: config.activation_lines * config.line_parts,
        Kind.JOB: config.jobs,
        Kind.RUN: config.jobs,
        Kind.READ: config.activation_lines,
        Kind.CLEAR: 1,
    }


def command_layout(config: EieConfig) -> data.StructLayout:
    """A word of the input stream: its kind, where it goes, and bits from the lowest one of the data on."""
    most = max(address_values(config).values())
    return data.StructLayout({"kind": 3, "address": range(most), "data": data.ArrayLayout(8, config.word_bytes)})


def part_layout(config: EieConfig) -> data.ArrayLayout:
    """A part of a line of activations: a beat of the output stream."""
    return data.ArrayLayout(signed(config.data_bits), config.part_activations)


def activation_line(config: EieConfig) -> data.StructLayout:
    """A line of the activation memory: activations, and which of them are not zero."""
    width = config.line_activations
    return data.StructLayout({"flags": width, "values": data.ArrayLayout(signed(config.data_bits), width)})


def job_layout(config: EieConfig) -> data.StructLayout:
    """A job of the list; fields as those of `sim.eie.program.Job`."""
    return data.StructLayout(config.job_fields)


def counter_layout(config: EieConfig) -> data.StructLayout:
    """Counters of the machine, and of each cluster its own with ``full_by``."""
    cluster = data.StructLayout({"full_by": COUNTER_BITS, **cluster_counters().members})
    clusters = data.ArrayLayout(cluster, config.clusters)
    return data.StructLayout({**dict.fromkeys(MACHINE_COUNTERS, COUNTER_BITS), "clusters": clusters})


def error_layout(config: EieConfig) -> data.StructLayout:
    """Sticky errors.

    ``command``: a word with an address that there is not, or a run of a job that was not loaded; it does nothing.
    ``job``: a job that the machine can't do, which is not loaded. ``clusters``: by cluster.
    """
    return data.StructLayout({"command": 1, "job": 1, "clusters": data.ArrayLayout(cluster_errors(), config.clusters)})
