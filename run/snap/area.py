"""What the AIMs take of a SNAP core's area, and how much work the core does for all of it."""

from statistics import fmean

from ...hw.snap.config import SnapConfig
from ...sim.snap.cycles import simulate_core
from ...sim.workloads.layers import find_layer, sample
from ...tb.area import AreaReport
from ..jobs import layer_job
from .program import map_job

__all__ = ["WORK", "aim_shares", "useful_products"]

WORK = (
    ("vgg16/conv3_2", (6, 56, 256, 64)),
    ("resnet50/res4b_branch2b", (14, 14, 256, 64)),
    ("resnet50/res4b_branch2a", (14, 14, 256, 64)),
)
"""Layers and parts by which work is measured: 3x3, 56 wide and 14 wide, and 1x1."""

DENSITIES = 0.38, 0.52
"""Of activations and weights, the paper's means."""

SEED = 1


def useful_products(config: SnapConfig) -> float:
    """Products of two non-zeros a cycle by the cycle model: the mean of the layers in `WORK`, at `DENSITIES`."""
    found = []
    for name, part in WORK:
        layer = find_layer(name)
        assert layer is not None
        job = layer_job(sample(layer, *part), *DENSITIES, bits=config.data_bits, seed=SEED)
        counters = simulate_core(config, map_job(config, job).core)
        found.append(float(counters.multiplies.sum()) / counters.cycles)
    return fmean(found)


def aim_shares(report: AreaReport) -> dict[str, float]:
    """Shares of the AIMs in a core.

    Returns
    -------
    dict
        ``aim``: comparators or table, classes, and the registers in front, as in the paper's Fig. 8(a).
        ``aim_and_index_files``: with the PEs' channel indices too, which only the AIMs read. (The multiplexers that
        share an AIM are in the own area of ``snap_row``, with the arbiter and the row's counters.)
    """
    aim = report.share("aim")
    return {"aim": round(aim, 4), "aim_and_index_files": round(aim + report.share("pe_aim_port"), 4)}
