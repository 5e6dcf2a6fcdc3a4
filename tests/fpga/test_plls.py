import pytest

from tensorloom.fpga.boards import BOARDS
from tensorloom.fpga.plls import PLLS, find_pll
from tensorloom.hw.config import ConfigError

INPUTS = {board.pll: board.clock_hz for board in BOARDS.values()}


def output_mhz(kind: str, input_mhz: float, p: dict[str, int]) -> tuple[float, float, float]:
    """Frequencies of output, oscillator and phase detector by the vendors' equations."""
    if kind == "EHXPLLL":
        output = input_mhz * p["CLKFB_DIV"] / p["CLKI_DIV"]
        return output, output * p["CLKOP_DIV"], input_mhz / p["CLKI_DIV"]
    if kind == "SB_PLL40_PAD":
        oscillator = input_mhz * (p["DIVF"] + 1) / (p["DIVR"] + 1)
        return oscillator / 2 ** p["DIVQ"], oscillator, input_mhz / (p["DIVR"] + 1)
    if kind == "rPLL":
        output = input_mhz * (p["FBDIV_SEL"] + 1) / (p["IDIV_SEL"] + 1)
        return output, output * p["ODIV_SEL"], input_mhz / (p["IDIV_SEL"] + 1)
    oscillator = input_mhz * p["CLKFBOUT_MULT"] / p["DIVCLK_DIVIDE"]
    return oscillator / p["CLKOUT0_DIVIDE"], oscillator, input_mhz / p["DIVCLK_DIVIDE"]


RANGES = {
    "EHXPLLL": ((400, 800), (3.125, 400), (3.125, 400)),
    "SB_PLL40_PAD": ((533, 1066), (10, 133), (16, 275)),
    "rPLL": ((500, 1250), (3, 500), (3.90625, 625)),
    "PLLE2_BASE": ((800, 1600), (19, 450), (6.25, 800)),
}
"""Of oscillator, phase detector and output, MHz, by the vendors' data sheets."""


@pytest.mark.parametrize("kind", PLLS)
@pytest.mark.parametrize("mhz", [30, 33.5, 50, 60, 72, 100, 135, 200])
def test_settings_give_the_frequency_within_the_ranges(kind: str, mhz: float) -> None:
    pll = find_pll(kind, INPUTS[kind], round(mhz * 1e6))
    output, oscillator, detector = output_mhz(kind, INPUTS[kind] / 1e6, pll.parameters)
    assert output == pytest.approx(pll.output_hz / 1e6)
    assert output == pytest.approx(mhz, rel=0.01)
    for value, (low, high) in zip((oscillator, detector, output), RANGES[kind], strict=True):
        assert low <= value <= high


@pytest.mark.parametrize("kind", PLLS)
def test_outputs_stay_in_their_range(kind: str) -> None:
    low, high = RANGES[kind][2]
    for mhz in (low * 0.97, high * 1.03):
        with pytest.raises(ConfigError, match="frequency must be from"):
            find_pll(kind, INPUTS[kind], round(mhz * 1e6))


@pytest.mark.parametrize("kind", PLLS)
@pytest.mark.parametrize("hz", [1_000, 5_000_000_000])
def test_unreachable_frequencies_are_refused(kind: str, hz: int) -> None:
    with pytest.raises(ConfigError, match=rf"frequency must be .* {kind} .* not '{hz / 1e6:g} MHz'"):
        find_pll(kind, INPUTS[kind], hz)
