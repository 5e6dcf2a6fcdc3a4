"""Figures of the SNAP paper that the chip reproduces."""

from ..papers import SNAP_PAPER, PaperFigure, Published

__all__ = ["FIGURES"]

FIGURES = {
    "snap-fig15": PaperFigure(
        title="speed-up of ResNet-50's residual blocks over dense inputs",
        paper=SNAP_PAPER,
        published={
            "mean": Published(2.87, "section VI-B, Fig. 15"),
            "mean, channel-last": Published(2.20, "section VI-B, Fig. 15"),
            "mean, better than channel-last, %": Published(30.3, "section VI-B"),
            "blk-2a, better than channel-last, %": Published(46.2, "section VI-B"),
            "blk-5c, better than channel-last, %": Published(7, "section VI-B"),
        },
        why="The baseline is the same chip with dense tensors, as in the paper. Ours keeps more multipliers busy:"
        " lists share cycles at their ends, and a window of weights meets several pixels. Densities of layers"
        " are assumed, falling with depth to the paper's means. The peer is the best of three channel-last"
        " machines with queues, layer by layer. In the paper it nearly catches up in the deep blocks; ours"
        " fills its vectors badly with so few pixels there.",
        minutes=4,
    ),
    "snap-table2": PaperFigure(
        title="the chip, and ResNet-50 on it",
        paper=SNAP_PAPER,
        published={
            "multipliers": Published(252, "Table II"),
            "SRAM, kB": Published(280.6, "Table II"),
            "ResNet-50, M cycles a frame": Published(5.28, "section VI-B: 480 MHz / 90.98 frames/s"),
            "ResNet-50, frames/s at 480 MHz": Published(90.98, "section VI-B"),
            "ResNet-50, TOPS/W": Published(3.61, "Table II"),
        },
        why="Same multipliers and as much SRAM, busy more of the time. TOPS/W are of dense operations, without"
        " DRAM as theirs, by published energies of 45 nm scaled to 16 nm and 0.55 V by length and squared"
        " voltage. Clock, control and leakage are missing, and values in buffers have 8 bits, not 16: a real"
        " chip would take several times as much.",
        minutes=1.5,
    ),
}
"""By name."""
