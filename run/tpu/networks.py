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

__all__ = ["BATCHES", "CLOCK", "GOALS", "PUBLISHED", "TIMING", "app_figures", "app_program", "scaled_timing"]

CLOCK = 700e6
"""Hz of the TPU v1."""

BATCHES = 3
"""Steady state is what the batches after the first add."""

TIMING = MemoryTiming(latency=100, read_pace=340, pace_cycles=7)
"""Of weight memory, 34 GB/s at `CLOCK`; the host's memory is taken for as fast."""

PUBLISHED: Mapping[str, dict[str, float]] = {
    "MLP0": {"active": 0.127, "useful": 0.125, "weight_stall": 0.539, "weight_shift": 0.159, "non_matrix": 0.175,
             "raw": 0.033, "input": 0.061, "tops": 12.3, "weight_uses": 200},
    "MLP1": {"active": 0.106, "useful": 0.094, "weight_stall": 0.442, "weight_shift": 0.134, "non_matrix": 0.319,
             "raw": 0.084, "input": 0.088, "tops": 9.7, "weight_uses": 168},
    "LSTM0": {"active": 0.082, "useful": 0.082, "weight_stall": 0.581, "weight_shift": 0.158, "non_matrix": 0.179,
              "raw": 0.146, "input": 0.051, "tops": 3.7, "weight_uses": 64},
    "LSTM1": {"active": 0.105, "useful": 0.063, "weight_stall": 0.621, "weight_shift": 0.171, "non_matrix": 0.103,
              "raw": 0.106, "input": 0.024, "tops": 2.8, "weight_uses": 96},
    "CNN0": {"active": 0.782, "useful": 0.782, "weight_stall": 0.0, "weight_shift": 0.0, "non_matrix": 0.218,
             "raw": 0.035, "input": 0.034, "tops": 86.0, "weight_uses": 2888},
    "CNN1": {"active": 0.462, "useful": 0.225, "weight_stall": 0.281, "weight_shift": 0.07, "non_matrix": 0.187,
             "raw": 0.228, "input": 0.006, "tops": 14.1, "weight_uses": 1750},
}  # fmt: skip
"""Jouppi et al. 2017, table 3: shares of cycles, and tera operations a second; table 1: uses of each weight."""

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
