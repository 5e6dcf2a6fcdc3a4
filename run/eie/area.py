"""What the parts of a cluster take of its area, beside those of the paper's PE."""

from typing import Any

from ...hw.eie.config import EieConfig
from ...hw.emit.emitter import emit
from ...tb.area import AreaReport, measure_area
from ..progress import Stages, silent

__all__ = ["PAPER_UM2", "cluster_areas", "cluster_shares", "pe_table"]

PAPER_UM2 = {
    "activation_queue": 758, "pointer_read": 121_849, "matrix_read": 469_412, "arithmetic": 3_110, "sums": 18_934,
    "filler_cells": 23_961,
}  # fmt: skip
"""Area of a PE in TSMC 45 nm, by part, um2 (EIE, Table II). The paper's activations are read and written in registers
beside the arithmetic; here it is the sums that are."""


def cluster_areas(report: AreaReport) -> dict[str, float]:
    """Area of one cluster by part; together they are all of it.

    Returns
    -------
    dict
        ``activation_queue``: columns that wait. ``pointer_read``: pointer memories, and what is around them.
        ``matrix_read``: the matrix memory, fetch cursor, lines and taker. ``arithmetic``: decoder with codebooks,
        multipliers, adders with forwarding. ``sums``: their memories, and what makes activations of them.
        ``counters``: performance counters, which the paper's PE has none of. ``rest``.
    """
    area = {name: module.total for name, module in report.modules.items()}
    lane, cluster = report.modules["lane"], report.modules["cluster"]
    lanes = lane.instances // cluster.instances
    arithmetic = lane.own + area["multiplier"]
    parts = {
        "activation_queue": area["column_queue"],
        "pointer_read": area["pointer_unit"],
        "matrix_read": area["column_reader"] - area["column_queue"],
        "arithmetic": area["entry_decoder"] + lanes * arithmetic,
        "sums": lanes * (lane.total - arithmetic) + area["finisher"],
        "counters": area["cluster_counters"],
    }
    return parts | {"rest": cluster.total - sum(parts.values())}


def cluster_shares(report: AreaReport) -> dict[str, float]:
    """`cluster_areas` as shares, and ``source``: what sends activations to all clusters, by the clusters' area."""
    clusters = report.modules["cluster"].instances * report.modules["cluster"].total
    areas, cluster = cluster_areas(report), report.modules["cluster"].total
    shares = {name: round(area / cluster, 4) for name, area in areas.items()}
    return shares | {"source": round(report.modules["source"].total / clusters, 4)}


def pe_table(config: EieConfig, stages: Stages = silent) -> list[dict[str, Any]]:
    """Areas of a cluster's parts, by this tool and the paper's, and the share of each in its whole.

    Returns
    -------
    list of dict
        By part: ``part``, ``paper_um2`` and ``paper_share`` (None where the paper has none), ``nand2`` and ``share``
        (None of filler cells, which only a layout has).
    """
    from ...hw.eie.cluster import Cluster

    with stages("Synthesising a cluster") as update:
        areas = cluster_areas(measure_area(emit(Cluster(config)), progress=update))
    paper, total = sum(PAPER_UM2.values()), sum(areas.values())
    return [
        {
            "part": part,
            "paper_um2": PAPER_UM2.get(part),
            "paper_share": round(PAPER_UM2[part] / paper, 4) if part in PAPER_UM2 else None,
            "nand2": round(areas[part]) if part in areas else None,
            "share": round(areas[part] / total, 4) if part in areas else None,
        }
        for part in dict.fromkeys([*PAPER_UM2, *areas])
    ]
