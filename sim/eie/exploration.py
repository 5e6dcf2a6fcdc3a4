"""Exploration of EIE with its cycle model: the paper's Figs. 8, 12 and 13, and its Table IV.

All of it on random tensors with the densities of the paper's nine layers.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...hw.eie.config import PRESETS, EieConfig
from ..formats.coded import CodedMatrix
from ..formats.csc import InterleavedColumns, interleaved_rows
from ..workloads.compressed import COMPRESSED_LAYERS, CompressedLayer, random_compressed
from .counters import EieCounters, total
from .cycles import simulate_job
from .golden import Layer
from .mapping import map_layers
from .program import EieProgram

__all__ = ["balance", "fillers", "published", "queue_depths"]

SEED = 0

CLOCK_MHZ = 800
"""The paper's clock."""

DEPTHS = (1, 2, 4, 8, 16, 32, 64)

PES = (16, 32, 64, 128, 256)
"""Machines of so many; the paper draws 1 to 256."""

FILLER_PES = (1, 8, 32, 64, 128, 256)

Progress = Callable[[str], None]


def published(
    layers: Sequence[CompressedLayer] = COMPRESSED_LAYERS, progress: Progress = lambda _: None, seed: int = SEED
) -> dict[str, Any]:
    """The layers on the paper's machine and on the preset with lanes, beside the paper's Table IV.

    Returns
    -------
    dict
        ``layers``, and by machine a list of a dict for each: ``cycles``, ``us`` at the paper's clock, ``over_ideal``
        and ``scan_over_ideal`` (cycles by those of the products of two non-zeros alone, without and with read-out),
        and where cycles went. ``paper`` has its ``us`` and ``over_ideal``. Then ``means``: the geometric means.
    """
    presets = {name: PRESETS[name] for name in ("eie-64", "eie-16x4")}
    table: dict[str, list[dict[str, Any]]] = {
        "paper": [{"us": layer.actual_us, "over_ideal": layer.actual_over_ideal} for layer in layers],
        **{name: [] for name in presets},
    }
    for layer in layers:
        matrix, inputs = random_compressed(layer, seed)
        for name, config in presets.items():
            progress(f"{layer.name} on {name}")
            counters = _simulate(config, _program(config, matrix), inputs)
            table[name].append(
                {
                    "cycles": counters.cycles, "us": counters.cycles / CLOCK_MHZ, "over_ideal": counters.over_ideal,
                    "scan_over_ideal": counters.scan_cycles / counters.ideal_cycles,
                    **counters.where_cycles_went(),
                }
            )  # fmt: skip
    means = {name: _geometric_mean([row["over_ideal"] for row in rows]) for name, rows in table.items()}
    return {"layers": [layer.name for layer in layers], **table, "means": means}


def queue_depths(
    layers: Sequence[CompressedLayer] = COMPRESSED_LAYERS, progress: Progress = lambda _: None, seed: int = SEED
) -> dict[str, Any]:
    """Share of busy PEs of the paper's machine for several depths of its queues (Fig. 8).

    Returns
    -------
    dict
        ``depths``, ``layers``, and ``efficiency``: for each layer a list by depth. Fillers count as work.
    """
    efficiency = []
    for layer in layers:
        matrix, inputs = random_compressed(layer, seed)
        program = _program(PRESETS["eie-64"], matrix)
        efficiency.append([])
        for depth in DEPTHS:
            progress(f"{layer.name}, queues of {depth}")
            config = PRESETS["eie-64"].replace(queue_depth=depth)
            efficiency[-1].append(_efficiency(_simulate(config, program, inputs)))
    return {"depths": list(DEPTHS), "layers": [layer.name for layer in layers], "efficiency": efficiency}


def balance(
    layers: Sequence[CompressedLayer] = COMPRESSED_LAYERS, progress: Progress = lambda _: None, seed: int = SEED
) -> dict[str, Any]:
    """Share of busy PEs of the paper's machine with more and fewer of them (Fig. 13).

    Returns
    -------
    dict
        ``pes``, ``layers``, and by layer lists by number of PEs: ``efficiency``, in which fillers count as work, and
        ``over_ideal``.
    """
    result: dict[str, list[list[float]]] = {"efficiency": [], "over_ideal": []}
    for layer in layers:
        matrix, inputs = random_compressed(layer, seed)
        for rows in result.values():
            rows.append([])
        for pes in PES:
            progress(f"{layer.name}, {pes} PEs")
            config = PRESETS["eie-64"].replace(
                clusters=pes, rows=PRESETS["eie-64"].total_rows // pes, entries=1 << 20, activation_lines=1 << 13
            )
            counters = _simulate(config, _program(config, matrix), inputs)
            result["efficiency"][-1].append(_efficiency(counters))
            result["over_ideal"][-1].append(counters.over_ideal)
    return {"pes": list(PES), "layers": [layer.name for layer in layers], **result}


def fillers(
    layers: Sequence[CompressedLayer] = COMPRESSED_LAYERS, progress: Progress = lambda _: None, seed: int = SEED
) -> dict[str, Any]:
    """Share of entries that are no fillers, by number of PEs (Fig. 12).

    Returns
    -------
    dict
        ``pes``, ``layers``, and ``real``: for each layer a list by number of PEs.
    """
    real = []
    for layer in layers:
        matrix, _ = random_compressed(layer, seed)
        real.append([])
        for pes in FILLER_PES:
            progress(f"{layer.name}, {pes} PEs")
            owners, places = interleaved_rows(matrix.rows, pes)
            columns = InterleavedColumns.encode(matrix, pes, owners, places, relative=True, index_bits=4)
            real[-1].append(len(matrix.codes) / len(columns.codes))
    return {"pes": list(FILLER_PES), "layers": [layer.name for layer in layers], "real": real}


def _program(config: EieConfig, matrix: CodedMatrix) -> EieProgram:
    return map_layers(config, [Layer(matrix=matrix, shift=0)])


def _simulate(config: EieConfig, program: EieProgram, inputs: np.ndarray) -> EieCounters:
    """Counters of a single layer: no job takes what another one gives, so there is nothing to compute."""
    memory = program.activations(config, inputs)
    return total([simulate_job(config, load, job, memory) for load in program.loads for job in load.jobs])


def _efficiency(counters: EieCounters) -> float:
    return float(counters.entries.sum()) / (counters.cycles * counters.lanes * len(counters.entries))


def _geometric_mean(values: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))
