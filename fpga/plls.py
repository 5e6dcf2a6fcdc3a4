"""PLLs: settings computed from the input and the wanted frequency, and the primitives that take them."""

import dataclasses
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from ..hw.config import check

__all__ = ["PLLS", "Pll", "find_pll"]

TOLERANCE = Fraction(1, 100)
"""The clock may differ this much from what was asked for."""

Setting = tuple[Fraction, dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Pll:
    """Settings of a PLL.

    Parameters
    ----------
    kind
        Name in `PLLS`, the primitive.
    input_hz, output_hz
        Frequencies; the output's is what the settings really give.
    parameters
        Of the primitive.
    """

    kind: str
    input_hz: int
    output_hz: float
    parameters: dict[str, Any]


def _divisions(
    input_mhz: Fraction, phase: tuple[float, float], inputs: range, feedbacks: range
) -> Iterator[tuple[int, int, Fraction]]:
    """Input dividers whose phase detector stays in its range (MHz), with all feedback dividers."""
    for divider in inputs:
        detector = input_mhz / divider
        if phase[0] <= detector <= phase[1]:
            for feedback in feedbacks:
                yield divider, feedback, detector


def _ecp5(input_mhz: Fraction) -> Iterator[Setting]:
    """EHXPLLL of ECP5, feedback from CLKOP (Lattice FPGA-TN-02200, DS).

    Phase detector 3.125-400, VCO 400-800, output up to 400 MHz.
    """
    for divider, feedback, detector in _divisions(input_mhz, (3.125, 400), range(1, 129), range(1, 81)):
        output = detector * feedback
        for out in range(1, 129):
            if 400 <= output * out <= 800 and output <= 400:
                yield output, {"CLKI_DIV": divider, "CLKFB_DIV": feedback, "CLKOP_DIV": out, "CLKOP_CPHASE": out // 2}


def _ice40(input_mhz: Fraction) -> Iterator[Setting]:
    """SB_PLL40 of iCE40, simple feedback (Lattice FPGA-TN-02052).

    Phase detector 10-133, VCO 533-1066, output 16-275 MHz.
    """
    for divider, feedback, detector in _divisions(input_mhz, (10, 133), range(1, 17), range(1, 129)):
        vco = detector * feedback
        if 533 <= vco <= 1066:
            # The loop filter's ranges end at these frequencies of the phase detector.
            filter_range = 1 + sum(detector >= end for end in (17, 26, 44, 66, 101))
            for out in range(1, 7):
                settings = {"DIVR": divider - 1, "DIVF": feedback - 1, "DIVQ": out, "FILTER_RANGE": filter_range}
                if 16 <= vco / 2**out <= 275:
                    yield vco / 2**out, settings


def _gowin(input_mhz: Fraction) -> Iterator[Setting]:
    """RPLL of GW2A, speed C8/I7 (Gowin UG286, DS102: phase detector 3-500, VCO 500-1250 MHz; the output follows)."""
    for divider, feedback, detector in _divisions(input_mhz, (3, 500), range(1, 65), range(1, 65)):
        output = detector * feedback
        for out in (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128):
            if 500 <= output * out <= 1250:
                yield output, {"IDIV_SEL": divider - 1, "FBDIV_SEL": feedback - 1, "ODIV_SEL": out}


def _series7(input_mhz: Fraction) -> Iterator[Setting]:
    """PLLE2_BASE of Xilinx 7 series, speed -1 (UG472, DS181).

    Phase detector 19-450, VCO 800-1600, output up to 800 MHz.
    """
    for divider, feedback, detector in _divisions(input_mhz, (19, 450), range(1, 57), range(2, 65)):
        vco = detector * feedback
        if 800 <= vco <= 1600:
            for out in range(1, 129):
                if vco / out <= 800:
                    yield vco / out, {"DIVCLK_DIVIDE": divider, "CLKFBOUT_MULT": feedback, "CLKOUT0_DIVIDE": out}


PLLS: dict[str, Callable[[Fraction], Iterator[Setting]]] = {
    "EHXPLLL": _ecp5,
    "SB_PLL40_PAD": _ice40,
    "rPLL": _gowin,
    "PLLE2_BASE": _series7,
}
"""Settings, with the frequency in MHz that each gives, by primitive."""


def find_pll(kind: str, input_hz: int, target_hz: int) -> Pll:
    """The settings that come nearest to a frequency.

    Raises
    ------
    ConfigError
        If none comes within 1 %.
    """
    target = Fraction(target_hz, 10**6)
    settings = list(PLLS[kind](Fraction(input_hz, 10**6)))
    # Of equally good ones the fastest phase detector, which has the least jitter, comes first.
    output, parameters = min(settings, key=lambda setting: abs(setting[0] - target))
    below, above = min(s[0] for s in settings), max(s[0] for s in settings)
    check(
        "frequency",
        abs(output - target) <= TOLERANCE * target,
        f"from {float(below):.4g} to {float(above):.4g} MHz, within 1 % of what {kind} makes of "
        f"{input_hz / 1e6:g} MHz (nearest: {float(output):.6g} MHz)",
        f"{target_hz / 1e6:g} MHz",
    )
    return Pll(kind, input_hz, float(output * 10**6), parameters)
