"""Networks of published sizes: steady state, share of the roofline, and what was published of the TPU's own networks.

The roofline: as many operations a cycle as the array has, or as many as weights come in, each of them used for every
row of a batch (Jouppi et al. 2017, figure 5; lecture, TPU pages). What the published machine ran were other networks of
these sizes.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ...hw.tpu.config import TpuConfig
from ...sim.memory_timing import MemoryTiming
from ...sim.tpu.networks import NETWORKS, random_batches
from .program import NetworkProgram, map_graph

__all__ = ["BATCHES", "CLOCK", "GOALS", "TIMING", "app_figures", "app_program", "scaled_timing"]

CLOCK = 700e6
"""Hz of the TPU v1."""

BATCHES = 3
"""Steady state is what the batches after the first add."""

TIMING = MemoryTiming(latency=100, read_pace=340, pace_cycles=7)
"""Of weight memory, 34 GB/s at `CLOCK`; the host's memory is taken for as fast."""

GOALS = {"MLP0": 0.98, "MLP1": 0.97, "LSTM0": 0.99, "LSTM1": 0.93, "CNN0": 0.97, "CNN1": 0.2}
"""Share of the roofline at least."""

OTHER = ("accumulators", "raw", "input", "fill", "idle")
"""Cycles in which the array waits for something else than weights."""


def scaled_timing(config: TpuConfig) -> MemoryTiming:
    """`TIMING` for a machine with fewer columns: bytes a cycle in proportion."""
    return MemoryTiming(latency=100, read_pace=340, pace_cycles=7 * 256 // config.matrix.columns)


def app_program(config: TpuConfig, name: str, batches: int) -> NetworkProgram:
    """A network as small as the machine beside the TPU v1, for so many random batches."""
    graph = NETWORKS[name](256 // config.matrix.columns)
    return map_graph(config, graph, random_batches(graph, batches))


def app_figures(config: TpuConfig, name: str, count: Callable[[NetworkProgram], Mapping[str, int]]) -> dict[str, Any]:
    """Figures of a network in steady state.

    Parameters
    ----------
    config
        The machine.
    name
        One of `NETWORKS`.
    count
        Counters of a program by name: from the Verilog or the cycle model.
    """
    first, more = (count(app_program(config, name, batches)) for batches in (1, BATCHES))
    steady = {key: (more[key] - first[key]) / (BATCHES - 1) for key in more}
    graph = NETWORKS[name](256 // config.matrix.columns)
    macs, weights, cycles = graph.macs, graph.weights, steady["cycles"]
    timing = scaled_timing(config)
    pace = (timing.read_pace or 0) / timing.pace_cycles
    most = min(config.multipliers, macs / weights * pace)  # multiply-accumulates a cycle
    shares = {key: round(steady[key] / cycles, 4) for key in ("active", "weight_stall", "weight_shift", "raw", "input")}
    return {
        "name": name,
        "cycles": round(cycles, 1),
        "cycles_of_one_batch": first["cycles"],
        **shares,
        "useful": round(macs / (cycles * config.multipliers), 4),
        "weight_uses": round(macs / weights, 1),
        "non_matrix": round(sum(steady[key] for key in OTHER) / cycles, 4),
        "tops": round(2 * macs / cycles * CLOCK / 1e12, 3),
        "roofline_tops": round(2 * most * CLOCK / 1e12, 3),
        "roofline_share": round(macs / cycles / most, 4),
        "instructions": round(steady["instructions"], 1),
    }
