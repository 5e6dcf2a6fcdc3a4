"""Figures of the TPU paper and the lecture that the TPU reproduces."""

from collections.abc import Mapping

from ..papers import LECTURE, TPU_PAPER, PaperFigure, Published

__all__ = ["FIGURES", "PUBLISHED"]

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

PEAK_TOPS = 92

TOPS_A_USE = 2 * 34e9 / 1e12
"""What each use of a weight gives where weights come in at 34 GB/s."""

FIGURES = {
    "tpu-table3": PaperFigure(
        title="where the cycles of six applications go, and TOPS",
        paper=TPU_PAPER,
        published={
            f"{name}, {title}": Published(values[key], "table 1" if key == "weight_uses" else "table 3")
            for name, values in PUBLISHED.items()
            for key, title in (
                ("active", "array active"),
                ("weight_stall", "waits for weights"),
                ("tops", "TOPS"),
                ("weight_uses", "uses of a weight"),
            )
        },
        why="Networks are of the published sizes, but not theirs: nobody has published their layers. Ours keep"
        " the weight memory busy in each cycle, so they come nearer to the roofline; theirs also waited for"
        " the host and for results.",
        minutes=1.5,
    ),
    "tpu-roofline": PaperFigure(
        title="roofline, and how near six applications come to it",
        paper=TPU_PAPER,
        published={
            "ridge, operations a byte of weights": Published(1350, "section 2"),
            "peak, TOPS": Published(PEAK_TOPS, "section 4, figure 5"),
            **{
                f"{name}, share of the roofline": Published(
                    round(values["tops"] / min(PEAK_TOPS, values["weight_uses"] * TOPS_A_USE), 3), "tables 1 and 3"
                )
                for name, values in PUBLISHED.items()
            },
        },
        why="Theirs are TOPS of table 3 over the roof at their operations a byte. A byte of weights is an int8"
        " weight, and an operation is one multiply-accumulate in the ridge, as in the paper. What limits most"
        " of them is weight memory, which ours keeps busy all the time; CNN1 fills its tiles badly, here as"
        " there.",
        minutes=1.5,
    ),
    "tensor-cores": PaperFigure(
        title="how larger instructions spread the cost of being programmable",
        paper=LECTURE,
        published={
            "overhead of FMA, 1 multiply-accumulate, %": Published(2000, "Efficiency estimates (Dally, SysML 2018)"),
            "overhead of DP4, 4 of them, %": Published(500, "Efficiency estimates (Dally, SysML 2018)"),
            "overhead of MMA, 64 of them, %": Published(27, "Efficiency estimates (Dally, SysML 2018)"),
            "cycles an instruction of the TPU": Published("10 to 20", "TPU page, from Jouppi et al. 2017, section 2"),
        },
        why="One assumption explains their three: an instruction costs what 20 multiply-accumulates cost,"
        " whatever it does. The TPU's instructions then cost next to nothing. Ours take more cycles each than"
        " theirs, as `repeat` goes through all weight tiles of a column.",
        minutes=0.2,
    ),
}
"""By name."""
