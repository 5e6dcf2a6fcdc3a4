"""What the machine around the clusters is given and gives: the one place that defines it."""

from amaranth.hdl import signed
from amaranth.lib import data

from .command import addresses
from .config import EieConfig
from .layouts import COUNTER_BITS, cluster_counters, cluster_errors

__all__ = [
    "MACHINE_COUNTERS", "activation_line", "command_layout", "counter_layout", "error_layout", "job_layout",
    "part_layout",
]  # fmt: skip

MACHINE_COUNTERS = ("cycles", "scan_cycles", "readout_cycles", "broadcasts", "full", "source_empty")
"""Counters of all clusters together, with the names and meanings of `sim.eie.counters.EieCounters`."""


def command_layout(config: EieConfig) -> data.StructLayout:
    """A word of the input stream: its `Kind`, where it goes, and bits from the lowest one of the data on."""
    most = max(addresses(config).values())
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
