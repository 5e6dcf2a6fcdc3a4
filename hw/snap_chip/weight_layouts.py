"""Payloads around the weight buffers: the one place that defines them."""

from amaranth.lib import data

from ..bus.beat_loader import job_layout
from .command import FIELDS
from .config import End, SnapChipConfig

__all__ = ["PASSES_BITS", "ring_control", "weight_block", "weight_job"]

_BITS = {field.name: field.bits for field in FIELDS}

PASSES_BITS = _BITS["passes"]
"""Jobs are read as often as a layer asks for it."""


def weight_job(config: SnapChipConfig) -> data.StructLayout:
    """Weights of a layer for one buffer: ``beats`` from ``address`` on (in beats), all of them ``passes`` times."""
    return job_layout(config.bus, PASSES_BITS)


def weight_block(config: SnapChipConfig) -> data.StructLayout:
    """A block's weights.

    ``kernels``: of a core in a round. ``weight_groups``: of a round. ``end``: what follows the block (`End`).
    ``again``: a later region of the layer reads the same weights from the buffer; so this is 1 in all regions but the
    last of a layer whose weights are resident, and else 0.
    """
    return data.StructLayout(
        {"kernels": _BITS["kernels"], "weight_groups": _BITS["weight_groups"], "end": End, "again": 1}
    )


def ring_control() -> data.StructLayout:
    """What a buffer is told by whoever reads it, in each cycle.

    ``used``: a word is used up. ``final``: the current block is the last of its round in its region. ``again``: as in
    `weight_block`. ``restart``: the block ends with this cycle. ``region``: then a region does too.
    """
    return data.StructLayout(dict.fromkeys(("used", "final", "again", "restart", "region"), 1))
