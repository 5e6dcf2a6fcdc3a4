"""Figures of the SNAP paper that the core reproduces."""

from ..papers import SNAP_PAPER, PaperFigure, Published

__all__ = ["FIGURES"]

FIGURES = {
    "snap-fig5": PaperFigure(
        title="bundles of the compressed format",
        paper=SNAP_PAPER,
        published={
            "pointers of the first two groups": Published("0, 3", "section III-A, Fig. 5(c)"),
            "(r, k) of values 0 to 2": Published("(0, 0)", "section III-A, Fig. 5(c)"),
            "(r, k) of values 3 to 5": Published("(1, 0)", "section III-A, Fig. 5(c)"),
        },
        why="The format is the same. Our channel indices count within a tile of 32 channels, so 5 bits are"
        " enough, and each tile begins its pointers anew.",
        minutes=0.1,
    ),
    "snap-fig7": PaperFigure(
        title="channel-first against channel-last dataflow",
        paper=SNAP_PAPER,
        published={
            "latency, times better": Published(1.51, "section III-B, Fig. 7"),
            "utilisation, times better": Published(1.45, "section III-B, Fig. 7"),
            "OA updates a cycle": Published(2.79, "section V-B"),
            "writeback traffic, times less": Published(22, "section V-B"),
        },
        why="The peer decides: ours without queues at its accumulator banks is slower than the paper's, the one"
        " with four places a bank is faster. Values are means over densities from 0.1 to 1 of a 3x3 layer of"
        " 128 channels; the paper gives none of its layers.",
        minutes=0.7,
    ),
    "snap-fig9": PaperFigure(
        title="size of the index matching",
        paper=SNAP_PAPER,
        published={
            "utilisation, N = 16 to 32, points": Published(10, "section IV-C, Fig. 9"),
            "utilisation, N = 32 to 64, points": Published(10, "section IV-C, Fig. 9"),
            "utilisation by prefetching, N = 32, points at most": Published(5, "section IV-C, Fig. 9"),
            "utilisation, N = 32 with prefetching": Published(0.75, "section IV-C"),
        },
        why="Values are means over densities from 0.1 to 1. Without prefetching an AIM that three PEs share keeps"
        " them waiting longer than in the paper, so prefetching gains more; with it, lists that share a cycle"
        " at their ends leave little for a larger AIM.",
        minutes=0.7,
    ),
    "snap-fig14b": PaperFigure(
        title="effectual energy efficiency against density, TOPS/W",
        paper=SNAP_PAPER,
        published={
            "1/1": Published(1.67, "section VI-B, Fig. 14(b)"),
            "0.4/0.4": Published(5.06, "section VI-B, Fig. 14(b)"),
            "0.1/0.1": Published(21.55, "section VI-B, Fig. 14(b)"),
            "0.4/0.4 over 1/1": Published(3.03, "section VI-B, Fig. 14(b)"),
            "0.1/0.1 over 1/1": Published(12.9, "section VI-B, Fig. 14(b)"),
        },
        why="Theirs is measured on silicon (16 nm, 0.55 V), with its buffers. Ours counts arithmetic, matching"
        " and register files of one core with published energies of 45 nm at 0.9 V, and scales them by length"
        " and squared voltage. Clock, control and leakage are missing, so that dense layers look twice too"
        " good, and sparse ones, which have the fewest events, ten times. It is good for comparing ways to run"
        " a layer, not for TOPS/W.",
        minutes=0.3,
    ),
}
"""By name."""
